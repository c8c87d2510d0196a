"""Hold the losses of a block and their derivatives to torch, model by model."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from coursekit.sweep import objective

DRAW = torch.Generator().manual_seed(0)
KIND = {"generator": DRAW, "dtype": torch.double}


def classes(z: Tensor, y: Tensor) -> Tensor:
    """Compute the mean cross-entropy of one model."""
    return cross_entropy(z.flatten(0, -2), y.flatten())


CASES: list[tuple[Any, Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]] = [
    ("cross_entropy", classes, (3, 7, 4), (3, 7)),
    ("cross_entropy", classes, (3, 7, 5, 4), (3, 7, 5)),
    ("mse", mse_loss, (3, 7, 4), (3, 7, 4)),
    ("mse", mse_loss, (3, 7), (3, 7)),
    (mse_loss, mse_loss, (3, 7, 4), (3, 7, 4)),
]


def check() -> None:
    """Compare with torch's losses and automatic differentiation."""
    for loss, plain, shape, targets in CASES:
        z = torch.randn(shape, **KIND)
        y: Any = torch.randint(4, targets, generator=DRAW)
        y = y if loss == "cross_entropy" else y.double()
        found = objective.Objective(loss).slope(z.clone(), y)
        rows = [each.clone().requires_grad_() for each in z]
        losses = [plain(row, target) for row, target in zip(rows, y, strict=True)]
        slopes = torch.autograd.grad(sum(losses, torch.zeros(())), rows)
        for ours, theirs in zip(found, (losses, slopes), strict=True):
            wanted = torch.stack([each.detach() for each in theirs])
            torch.testing.assert_close(ours, wanted, rtol=1e-13, atol=1e-15)
            assert not ours.requires_grad


def test_losses_and_derivatives_are_torchs() -> None:
    check()


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_targets_of_another_shape_are_spread_as_torch_does() -> None:
    z, y = torch.randn(2, 5, 3, **KIND), torch.randn(2, 1, 3, **KIND)
    found, slope = objective.Objective("mse").slope(z, y)
    spread = y.expand(2, 5, 3)
    wanted = [mse_loss(a, b) for a, b in zip(z.detach(), spread, strict=True)]
    torch.testing.assert_close(found, torch.stack(wanted))
    torch.testing.assert_close(slope, 2 * (z.detach() - y) / 15)


@pytest.mark.parametrize("label", [4, -1, -100])
def test_targets_without_an_output_are_refused_in_words(label: int) -> None:
    y = torch.tensor([[0, label], [1, 2]])
    words = f"classes from 0 to 3, .* got {min(0, label)} to {max(2, label)}"
    with pytest.raises(ValueError, match=words):
        objective.Objective("cross_entropy").slope(torch.zeros(2, 2, 4), y)


MUTANTS = [
    ("_cross_entropy_slope", ".mean((1, 2)).neg_()", ".mean((1, 2))"),
    ("_cross_entropy_slope", ".mean((1, 2)).neg_()", ".mean().neg_()"),
    ("_cross_entropy_slope", "log_softmax(1)", "log_softmax(2)"),
    ("_cross_entropy_slope", "-1.0", "1.0"),
    ("_cross_entropy_slope", "rows.shape[2]", "rows.shape[0]"),
    ("_mse_slope", "d[0].numel()", "d.numel()"),
    ("_mse_slope", "outputs - y", "y - outputs"),
    ("_mse_slope", "d.square().flatten(1)", "d.abs().flatten(1)"),
]


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_check_kills_the_mutant(
    name: str,
    old: str,
    new: str,
    mutate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = mutate(getattr(objective, name), old, new)
    loss = name.removeprefix("_").removesuffix("_slope")
    monkeypatch.setitem(objective.SLOPES, loss, wrong)
    with pytest.raises((AssertionError, RuntimeError)):
        check()
