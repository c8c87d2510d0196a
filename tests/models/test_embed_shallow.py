"""A shallow net written into a deeper one computes the same, and mutants do not."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit import models, norm
from coursekit.device import generator
from coursekit.layers import activation

EXACT = {"rtol": 1e-12, "atol": 1e-12}
LAW = settings(max_examples=40, deadline=None)
IDEMPOTENT = ["identity", "relu", "hard_tanh"]
PAIRED = ["leaky", "gelu", "silu", "softplus"]
IMPOSSIBLE = ["tanh", "sigmoid", "elu", "selu"]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def fill(model, seed=0):
    model = model.double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=seed + 100 * i) / 2)
    return model


def mlp(widths, phi="relu", seed=0, **options):
    return fill(models.MLP(widths, phi, **options), seed)


def same(shallow, deep, n_in=3):
    x = 2 * random(9, n_in, seed=77)
    assert models.embed_shallow(shallow, deep) is deep
    torch.testing.assert_close(deep(x), shallow(x), **EXACT)


def check_relu_carries_its_own_output_at_any_depth_and_width():
    for hidden in ([5], [5, 5], [7, 5, 7], [5] * 7, [9, 6, 5, 8], [5] * 55):
        same(mlp([3, 5, 4]), mlp([3, *hidden, 4], seed=1))
    same(mlp([3, 6, 5, 4]), mlp([3, 6, 8, 5, 9, 4], seed=1))


def check_the_result_is_exact_where_nothing_is_padded():
    shallow, deep = mlp([3, 5, 4]), mlp([3, *[5] * 20, 4], seed=1)
    x = random(9, 3)
    assert torch.equal(models.embed_shallow(shallow, deep)(x), shallow(x))


def check_the_other_idempotent_activations():
    wide = partial(activation, "hard_tanh", min_val=-0.5, max_val=2.0)
    for phi in (*IDEMPOTENT, wide):
        same(mlp([3, 5, 4], phi), mlp([3, 5, 6, 5, 4], phi, seed=1))


def check_pairs_carry_signed_values():
    steep = partial(activation, "leaky", negative_slope=0.3)
    for phi in (*PAIRED, steep):
        same(mlp([3, 5, 4], phi), mlp([3, 5, 10, 4], phi, seed=1))
        same(mlp([3, 5, 4], phi), mlp([3, 6, 11, 10, 12, 4], phi, seed=1))
        same(mlp([3, 4], phi), mlp([3, 6, 6, 4], phi, seed=1))


def check_a_linear_net_goes_into_a_relu_net_by_pairs():
    same(mlp([3, 4]), mlp([3, 6, 4], seed=1))
    same(mlp([3, 4]), mlp([3, 6, 7, 6, 4], seed=1))
    same(mlp([3, 4], "identity"), mlp([3, 3, 5, 4], "identity", seed=1))


def check_equal_depth_only_needs_width():
    for phi in ("tanh", "sigmoid", "relu"):
        same(mlp([3, 5, 4], phi), mlp([3, 5, 4], phi, seed=1))
        same(mlp([3, 5, 6, 4], phi), mlp([3, 8, 7, 4], phi, seed=1))


def check_biases_may_be_missing_where_they_are_not_needed():
    same(mlp([3, 5, 4], bias=False), mlp([3, 5, 5, 4], seed=1))
    same(mlp([3, 5, 4], bias=False), mlp([3, 5, 5, 4], seed=1, bias=False))


def residual(width, n_blocks, phi="relu", seed=0, **options):
    return fill(models.ResidualMLP(3, width, n_blocks, 4, phi, **options), seed)


def check_residual_nets_take_any_activation():
    for phi in ("relu", "tanh", "sigmoid", "gelu"):
        same(residual(5, 2, phi), residual(5, 4, phi, seed=1))
        same(residual(5, 2, phi), residual(8, 6, phi, seed=1))
        same(residual(5, 1, phi), residual(5, 1, phi, seed=1))


def check_the_scale_of_branches_is_made_up_for():
    one, two = (
        residual(5, 2, branch_scale=0.5),
        residual(6, 4, seed=1, branch_scale=2.0),
    )
    same(one, two)
    same(residual(5, 2, branch_scale=0.0), residual(6, 4, seed=1))


def check_added_branches_can_learn():
    shallow, deep = residual(5, 1), residual(5, 3, seed=1)
    same(shallow, deep)
    deep(random(6, 3)).square().sum().backward()
    for block in deep.blocks[1:]:
        assert block.branch.linear1.weight.abs().min() > 0
        assert not block.branch.linear2.weight.any()
        assert block.branch.linear2.weight.grad.abs().max() > 0


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_embedding(check):
    check()


@LAW
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
    st.sampled_from(["relu", "leaky"]),
    st.integers(0, 10**6),
)
def test_any_deeper_and_wider_net_contains_the_shallow_one(hidden, extra, phi, seed):
    carried = hidden[-1] * (1 if phi == "relu" else 2)
    added = [carried + more for more in extra]
    shallow = mlp([3, *hidden, 2], phi, seed)
    same(shallow, mlp([3, *hidden, *added, 2], phi, seed + 1))


def test_the_training_loss_of_the_deep_net_can_be_as_small():
    """BIAS-09: so a larger one after training is a failure of the optimizer."""
    x, y = random(20, 3), random(20, 4, seed=3)
    shallow = mlp([3, 6, 4])
    deep = models.embed_shallow(shallow, mlp([3, *[6] * 19, 4], seed=1))
    loss = nn.functional.mse_loss
    assert loss(deep(x), y) == loss(shallow(x), y)


def test_the_shallow_net_and_the_mode_of_the_deep_one_are_left_alone():
    shallow, deep = mlp([3, 5, 4]), mlp([3, 5, 5, 4], seed=1).eval()
    before = [p.clone() for p in shallow.parameters()]
    models.embed_shallow(shallow, deep)
    assert all(map(torch.equal, shallow.parameters(), before))
    assert not deep.training
    assert all(p.requires_grad and p.grad is None for p in deep.parameters())
    deep.linear1.weight.data.zero_()
    assert torch.equal(shallow.linear1.weight, before[0])


BAD = [
    *(
        (
            lambda phi=phi: (mlp([3, 5, 4], phi), mlp([3, 5, 15, 4], phi)),
            ValueError,
            "activation: expected one that can carry a value on unchanged, got ",
        )
        for phi in IMPOSSIBLE
    ),
    (
        lambda: (mlp([3, 4], "hard_tanh"), mlp([3, 9, 4], "hard_tanh")),
        ValueError,
        "got Hardtanh",
    ),
    (
        lambda: (mlp([3, 5, 5, 4]), mlp([3, 5, 4])),
        ValueError,
        "at least the 3 linear maps of the shallow net, got 2",
    ),
    (
        lambda: (mlp([3, 5, 4]), mlp([3, 5, 4, 5, 4])),
        ValueError,
        "deep.linear2: expected room for 5 outputs of 5 inputs, got 4 of 5",
    ),
    (
        lambda: (mlp([3, 5, 4]), mlp([3, 4, 5, 4])),
        ValueError,
        "deep.linear1: expected room for 5 outputs of 3 inputs, got 4 of 3",
    ),
    (lambda: (mlp([3, 4]), mlp([3, 5, 4])), ValueError, "room for 6 outputs of 3"),
    (
        lambda: (mlp([3, 5, 4], "leaky"), mlp([3, 5, 9, 4], "leaky")),
        ValueError,
        "twice as wide where pairs",
    ),
    (lambda: (mlp([3, 5, 4]), mlp([4, 5, 5, 4])), ValueError, "must be the same"),
    (lambda: (mlp([3, 5, 4]), mlp([3, 5, 5, 6])), ValueError, "deep.linear3: expected"),
    (
        lambda: (mlp([3, 5, 4]), mlp([3, 5, 5, 4], bias=False)),
        ValueError,
        "deep.linear1: expected a map with a bias",
    ),
    (
        lambda: (mlp([3, 5, 4]), mlp([3, 5, 5, 4], "gelu")),
        ValueError,
        "expected one activation in both, got GELU.* and ReLU",
    ),
    (
        lambda: (mlp([3, 5, 4]), mlp([3, 5, 5, 4], norm=norm.LayerNorm)),
        TypeError,
        "norms and other layers",
    ),
    (
        lambda: (
            mlp([3, 5, 4], partial(nn.LeakyReLU, -1.0)),
            mlp([3, 5, 10, 4], partial(nn.LeakyReLU, -1.0)),
        ),
        ValueError,
        "can carry a value on unchanged, got LeakyReLU",
    ),
    (
        lambda: (mlp([3, 5, 4], nn.PReLU), mlp([3, 5, 4], nn.PReLU)),
        TypeError,
        "a function without parameters, got PReLU",
    ),
    (
        lambda: (mlp([3, 5, 4]), residual(5, 2)),
        TypeError,
        "two MLPs or two ResidualMLPs, got MLP and ResidualMLP",
    ),
    (lambda: (residual(5, 3), residual(5, 2)), ValueError, "at least the 3 blocks"),
    (lambda: (residual(5, 1), residual(4, 2)), ValueError, "deep.stem: expected room"),
    (
        lambda: (residual(5, 1), residual(5, 2, branch_scale=0.0)),
        ValueError,
        "a scale that is not 0",
    ),
    (
        lambda: (residual(5, 1), residual(5, 2, norm=norm.LayerNorm)),
        TypeError,
        "branches without norm layers",
    ),
    (
        lambda: (residual(5, 1), residual(5, 2, "tanh")),
        ValueError,
        "expected one activation in both",
    ),
]


@pytest.mark.parametrize(("nets", "kind", "message"), BAD)
def test_what_cannot_be_embedded_is_refused_and_changes_nothing(nets, kind, message):
    shallow, deep = nets()
    before = [p.clone() for p in deep.parameters()]
    with pytest.raises(kind, match=message):
        models.embed_shallow(shallow, deep)
    assert all(map(torch.equal, deep.parameters(), before))


E, P, R = "embed_shallow", "_plan", "_plan_residual"
MUTANTS = [
    (E, "_plan_mlp", "[(P @ R, None)]", "[(P, None)]"),
    (E, "_plan_mlp", "(m - n - 1)", "(m - n)"),
    (E, "_plan_mlp", "(w @ R, b)", "(w, b)"),
    (E, "_plan_mlp", "(w @ R, b)", "(w @ R, None)"),
    (E, "_plan_mlp", "hidden=n > 1", "hidden=True"),
    (E, "_plan_mlp", "hidden=n > 1", "hidden=n > 2"),
    (E, "_carrier", "torch.cat([eye, -eye])", "torch.cat([eye, eye])"),
    (E, "_carrier", "torch.cat([eye, -eye], 1) / c", "torch.cat([eye, -eye], 1)"),
    (E, "_carrier", "torch.cat([eye, -eye], 1) / c", "torch.cat([eye, eye], 1) / c"),
    (E, "_carrier", "c = 1 + getattr", "c = 1 - getattr"),
    (P, "write", "weight.zero_()", "weight"),
    (P, "write", "bias.zero_()", "bias"),
    (P, "write", "bias[:rows] = entry.bias", "bias[:rows] += 2 * entry.bias"),
    (P, "write", "weight[:rows, :columns]", "weight[-rows:, :columns]"),
    (R, "plan_residual", "if l < n", "if l < n - 1"),
    (R, "_copied", "given.branch_scale / block", "block.branch_scale / given"),
    (R, "_copied", "s * p for p", "p for p"),
    (R, "_copied", "*_pair(from_one)", "*_pair(from_two)"),
    (R, "_silent", "_, last = ", "last, _ = "),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
