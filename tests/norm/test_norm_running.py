"""What batch norm remembers: plain numbers, mixed by a share, and the mutants."""

import importlib

import numpy as np
import pytest
import torch

from coursekit.norm import RunningStats

PAGE = importlib.import_module("coursekit.norm.batch_norm")
N, D = 7, 4


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 3 + 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)


def check_the_memory_is_mixed_by_its_share():
    x = draw(N, D)
    old = RunningStats(draw(D, seed=1), draw(D, seed=2).abs())
    kept = [s.clone().numpy() for s in old]
    for share in (None, 0.0, 0.3, 1.0):
        options = {} if share is None else {"momentum": share}
        y, new = PAGE.batch_norm(x, old, training=True, **options)
        p = 0.9 if share is None else 1 - share
        mean, var = x.numpy().mean(0), x.numpy().var(0, ddof=1)
        np.testing.assert_allclose(new.mean, p * kept[0] + (1 - p) * mean, rtol=1e-12)
        np.testing.assert_allclose(new.var, p * kept[1] + (1 - p) * var, rtol=1e-12)
        expected = (x.numpy() - mean) / np.sqrt(x.numpy().var(0) + 1e-5)
        np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert all(map(np.array_equal, old, kept))


def check_the_memory_is_off_the_graph():
    x = draw(N, D).requires_grad_()
    old = RunningStats(torch.zeros(D).double(), torch.ones(D).double())
    y, new = PAGE.batch_norm(x, old, training=True)
    assert y.requires_grad
    assert not new.mean.requires_grad
    assert not new.var.requires_grad


def check_evaluation_uses_the_memory_and_leaves_it():
    x, old = draw(N, D, 3), RunningStats(draw(D, seed=1), draw(D, seed=2).square())
    y, new = PAGE.batch_norm(x, old, training=False)
    assert new is old
    mean, var = (s.numpy()[:, None] for s in old)
    np.testing.assert_allclose(y, (x.numpy() - mean) / np.sqrt(var + 1e-5), rtol=1e-12)
    # without a memory the batch is all there is
    alone, none = PAGE.batch_norm(x, None, training=False)
    batch, _ = PAGE.batch_norm(x, old, training=True)
    assert none is None
    assert torch.equal(alone, batch)


def check_the_share_lies_between_0_and_1():
    old = RunningStats(torch.zeros(D).double(), torch.ones(D).double())
    for share in (-1e-9, 1.0001):
        with pytest.raises(
            ValueError, match=r"momentum: expected a number in \[0, 1\]"
        ):
            PAGE.batch_norm(draw(N, D), old, training=True, momentum=share)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_running(check):
    check()


def survives():
    try:
        for check in CHECKS:
            check()
    except (Exception, pytest.fail.Exception):
        return False
    return True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mean.detach()", "mean"),
        ("var.detach()", "var"),
        ('"momentum", momentum, 0, 1)', '"momentum", momentum, 0, 2)'),
        ('"momentum", momentum, 0, 1)', '"momentum", momentum, -1, 1)'),
        ("p = 1 - check", "p = check"),
        ("p * running.mean + (1 - p)", "(1 - p) * running.mean + p"),
        ("* n / (n - 1) *", "*"),
        ("* n / (n - 1) *", "* (n - 1) / n *"),
        ("training or running is None", "training"),
        ("(var + eps).rsqrt()", "(var.sqrt() + eps).reciprocal()"),
        ("((x - mean) *", "(x *"),
        ("momentum: float = 0.1", "momentum: float = 0.01"),
        ("eps: float = 1e-5", "eps: float = 1e-3"),
    ],
)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, old, new):
    monkeypatch.setattr(PAGE, "batch_norm", mutate(PAGE.batch_norm, old, new))
    assert not survives()
