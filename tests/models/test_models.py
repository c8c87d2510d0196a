"""The networks compute their equations and expose their parts by name."""

import pytest
import torch
from torch import nn

from coursekit.layers import ACTIVATIONS, activation, linear_maps
from coursekit.models import MLP, ResidualBlock, ResidualMLP


def random(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def test_mlp_is_its_equations():
    model = MLP([3, 5, 4, 2], "tanh").double()
    a = x = random(7, 3)
    for layer in (model.linear1, model.linear2):
        a = torch.tanh(a @ layer.weight.T + layer.bias)
    expected = a @ model.linear3.weight.T + model.linear3.bias
    torch.testing.assert_close(model(x), expected, rtol=1e-12, atol=1e-12)


def test_norm_stands_between_the_linear_map_and_the_activation():
    model = MLP([3, 5, 4, 2], "relu", norm=nn.BatchNorm1d)
    names = [name for name, _ in model.named_children()]
    assert names == [
        *("linear1", "norm1", "act1"),
        *("linear2", "norm2", "act2"),
        "linear3",
    ]
    assert model.norm2.num_features == 4


def test_every_layer_gets_an_activation_of_its_own():
    """nn.PReLU has a parameter: one shared module would tie the layers."""
    model = MLP([3, 5, 4, 2], nn.PReLU)
    assert model.act1 is not model.act2
    assert sum(p.numel() for p in model.act1.parameters()) == 1


def test_without_bias_there_is_none():
    assert {n for n, _ in MLP([3, 5, 2], bias=False).named_parameters()} == {
        "linear1.weight",
        "linear2.weight",
    }


def test_a_single_linear_map_is_an_mlp():
    assert MLP([3, 2])(torch.zeros(4, 3)).shape == (4, 2)


def test_a_slice_is_a_plain_sequence_of_the_same_parts():
    model = MLP([3, 5, 4, 2], "tanh").double()
    x = random(7, 3)
    torch.testing.assert_close(model[-1](model[:-1](x)), model(x))
    assert model[:-1][0] is model[0] is model.linear1


def test_residual_is_its_equations():
    model = ResidualMLP(3, 6, 2, 4, "tanh", branch_scale=0.5).double()
    x = random(7, 3)
    a = x @ model.stem.weight.T + model.stem.bias
    for block in model.blocks:
        one, two = block.branch.linear1, block.branch.linear2
        hidden = torch.tanh(a @ one.weight.T + one.bias)
        a = a + 0.5 * (hidden @ two.weight.T + two.bias)
    expected = a @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(x), expected, rtol=1e-12, atol=1e-12)


def test_a_closed_branch_is_the_identity_and_batches_over_leading_axes():
    block = ResidualBlock(6, branch_scale=0.0).double()
    x = random(2, 3, 6)
    assert torch.equal(block(x), x)
    assert MLP([6, 5, 4]).double()(x).shape == (2, 3, 4)


def test_norm_of_a_branch_stands_before_its_activation():
    block = ResidualBlock(6, norm=nn.LayerNorm)
    names = [name for name, _ in block.branch.named_children()]
    assert names == ["linear1", "norm", "act", "linear2"]


def test_a_norm_in_the_branch_keeps_a_deep_residual_net_from_exploding():
    from coursekit.init import initialize

    def growth(norm):
        model = ResidualMLP(6, 40, 20, 3, norm=norm).double()
        initialize(model, "he_normal", seed=0)
        a = random(300, 40, seed=1)
        return (model.blocks(a).square().mean() / a.square().mean()).item()

    assert growth(None) > 1e6
    assert growth(nn.BatchNorm1d) < 100


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: MLP([3]), ValueError, r"expected \[d_in, ..., d_out\], got \[3\]"),
        (lambda: MLP([3, 0, 2]), ValueError, r"widths\[1\]: expected an integer >= 1"),
        (lambda: MLP([3, 2.0]), TypeError, r"widths\[1\]: expected an integer"),
        (lambda: MLP([3, 4, 2], "rleu"), ValueError, "activation: expected one of"),
        (lambda: ResidualMLP(3, 4, 0, 2), ValueError, "n_blocks: expected"),
        (lambda: ResidualMLP(3, 4, 1, 2, branch_scale="1"), TypeError, "branch_scale"),
        (lambda: ResidualBlock(0), ValueError, "width: expected"),
    ],
)
def test_wrong_sizes_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_elementwise_and_differentiable(name):
    z = random(4, 3).requires_grad_()
    phi = activation(name)
    assert phi(z).shape == z.shape
    assert torch.equal(phi(z)[1], phi(z[1]))
    assert not list(phi.parameters())
    assert torch.autograd.gradcheck(phi, z)


def test_linear_maps_are_listed_once_and_in_order():
    shared = nn.Linear(2, 2)
    model = nn.Sequential(nn.Conv2d(1, 1, 1), shared, nn.Sequential(shared), nn.ReLU())
    assert linear_maps(model) == [model[0], shared]
    assert linear_maps(nn.ConvTranspose1d(1, 1, 1)) == []
