"""Residual nets against their equations in NumPy, and the mutants they kill."""

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models


def numbers(module):
    return module.weight.detach().numpy(), module.bias.detach().numpy()


def random(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def branch_by_hand(block, a, phi, scale, normed=False):
    """Equation (2), with layer norm (no affine part, eps = 0) if asked for."""
    (w1, b1), (w2, b2) = numbers(block.branch.linear1), numbers(block.branch.linear2)
    z = a @ w1.T + b1
    if normed:
        z = (z - z.mean(-1, keepdims=True)) / z.std(-1, keepdims=True)
    return a + scale * (phi(z) @ w2.T + b2)


def layer_norm(width):
    return nn.LayerNorm(width, eps=0.0, elementwise_affine=False)


VARIANTS = [
    ({}, lambda z: np.maximum(z, 0), 1.0),
    ({"activation": "tanh", "branch_scale": 0.3}, np.tanh, 0.3),
    ({"activation": nn.Tanh, "norm": layer_norm, "branch_scale": -2}, np.tanh, -2),
]


def check_a_block_is_its_equation():
    for options, phi, scale in VARIANTS:
        block = models.ResidualBlock(5, **options).double()
        a = random(2, 7, 5)
        expected = branch_by_hand(block, a.numpy(), phi, scale, "norm" in options)
        np.testing.assert_allclose(block(a).detach().numpy(), expected, rtol=1e-10)


def check_a_net_is_its_equations():
    for options, phi, scale in VARIANTS:
        model = models.ResidualMLP(3, 5, 4, 2, **options).double()
        x = random(7, 3)
        w, b = numbers(model.stem)
        a = x.numpy() @ w.T + b
        assert len(model.blocks) == 4
        for block in model.blocks:
            a = branch_by_hand(block, a, phi, scale, "norm" in options)
        w, b = numbers(model.head)
        np.testing.assert_allclose(model(x).detach().numpy(), a @ w.T + b, rtol=1e-9)


def check_every_part_has_parameters_of_its_own():
    model = models.ResidualMLP(3, 5, 4, 2, nn.PReLU, norm=nn.LayerNorm)
    block = 2 * (5 * 5 + 5) + 1 + 2 * 5
    count = sum(p.numel() for p in model.parameters())
    assert count == (3 * 5 + 5) + 4 * block + (5 * 2 + 2)
    assert model(torch.zeros(2, 6, 3)).shape == (2, 6, 2)


def check_wrong_arguments_are_refused():
    for arguments, word in (((0, 5, 4, 2), "d_in"), ((3, 0, 4, 2), "width")):
        with pytest.raises(ValueError, match=f"{word}: expected an integer >= 1"):
            models.ResidualMLP(*arguments)
    with pytest.raises(ValueError, match="n_blocks: expected an integer >= 1"):
        models.ResidualMLP(3, 5, 0, 2)
    with pytest.raises(ValueError, match="d_out: expected an integer >= 1"):
        models.ResidualMLP(3, 5, 1, 0)
    with pytest.raises(ValueError, match=r"branch_scale: .* NaN"):
        models.ResidualBlock(3, branch_scale=float("nan"))


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_residual(check):
    check()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ResidualBlock", "a + self.branch_scale", "self.branch_scale"),
        ("ResidualBlock", "a + self.branch_scale", "a - self.branch_scale"),
        ("ResidualBlock", "self.branch_scale * self.branch(a)", "self.branch(a)"),
        ("ResidualBlock", "a + self.branch_scale *", "self.branch_scale * a +"),
        ("ResidualBlock", "branch_scale: float = 1.0", "branch_scale: float = 0.5"),
        ("ResidualBlock", '= "relu"', '= "tanh"'),
        ("ResidualBlock", 'parts["act"] = new_activation(activation)', "pass"),
        ("ResidualBlock", 'parts["norm"] = norm(width)', "pass"),
        ("ResidualBlock", "norm(width)", "norm(1)"),
        ("ResidualMLP", "a = self.blocks(a)", "pass"),
        ("ResidualMLP", "self.stem(x)", "self.stem(x).relu()"),
        ("ResidualMLP", "self.head(a)", "self.head(a.relu())"),
        ("ResidualMLP", "range(n_blocks)", "range(n_blocks - 1)"),
        ("ResidualMLP", "norm=norm,", "norm=None,"),
        ("ResidualMLP", "branch_scale=branch_scale", "branch_scale=1.0"),
        ("ResidualMLP", "ResidualBlock(width, activation,", "ResidualBlock(width,"),
        ("ResidualMLP", "branch_scale: float = 1.0", "branch_scale: float = 0.5"),
        ("ResidualMLP", '= "relu"', '= "tanh"'),
        ("ResidualMLP", 'check_count("n_blocks", n_blocks)', "n_blocks"),
    ],
)
def test_the_checks_kill_the_mutant(survives, name, old, new):
    assert not survives("residual", name, old, new, CHECKS)
