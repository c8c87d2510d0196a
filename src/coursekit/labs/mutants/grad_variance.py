r"""Wrong ways to measure the noise of a batch gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant
from coursekit.probes import per_example_grads

__all__ = ["MUTANTS"]


def _rows(model, X, y, first: int | None = None) -> Tensor:
    """Give the gradient of every example, of all parameters or the first ones.

    Returns:
        One row an example.
    """
    return torch.cat(list(per_example_grads(model, X, y)))[:, :first]


def _draws(rows: Tensor, B: int, reps: int, replacement: bool = False) -> Tensor:
    g, N = torch.Generator().manual_seed(1), len(rows)
    if replacement:
        batches = torch.randint(N, (reps, B), generator=g)
    else:
        batches = torch.rand(reps, N, generator=g).argsort(1)[:, :B]
    return rows[batches].mean(1)


def _variant(
    reduce: Callable[[Tensor, Tensor, int], Any], replacement: bool = False
) -> Callable[..., float]:
    def mutant(model, X, y, B, reps):
        rows = _rows(model, X, y)
        return float(reduce(_draws(rows, B, reps, replacement), rows.mean(0), B))

    return mutant


def _mean_square(rows: Tensor, full: Tensor, B: int) -> Tensor:
    return (rows - full).square().sum(1).mean()


def _of_one_example(model, X, y, B, reps):
    return _variant(_mean_square)(model, X, y, 1, reps)


def _first_layer(model, X, y, B, reps):
    rows = _rows(model, X, y, next(iter(model.parameters())).numel())
    return float(_mean_square(_draws(rows, B, reps), rows.mean(0), B))


MUTANTS = (
    Mutant(
        "variance_of_the_norm",
        _variant(lambda rows, full, B: rows.norm(dim=1).var()),
        "This behaves like the variance of the gradient's norm. A gradient that turns "
        "and keeps its length has none. Take the norm of the difference.",
        "(1)",
    ),
    Mutant(
        "with_replacement",
        _variant(_mean_square, replacement=True),
        "This behaves like drawing examples with replacement, so that a batch can hold "
        "one twice and even B = N has noise: tr Σ/B alone. A batch of an epoch holds B "
        "different examples.",
        "(3)",
    ),
    Mutant(
        "of_one_example",
        _of_one_example,
        "The value does not depend on B: it is that of single examples.",
        "(3)",
    ),
    Mutant(
        "distance",
        _variant(lambda rows, full, B: (rows - full).norm(dim=1).mean()),
        "This behaves like the mean distance; asked is the mean of its square.",
        "(1)",
    ),
    Mutant(
        "mean_over_parameters",
        _variant(lambda rows, full, B: (rows - full).square().mean()),
        "The squares are averaged over the parameters. The squared norm is their sum.",
        "(1)",
    ),
    Mutant(
        "second_moment",
        _variant(lambda rows, full, B: rows.square().sum(1).mean()),
        "The full gradient is not subtracted: this is the mean of ‖g_B‖².",
        "(1)",
    ),
    Mutant(
        "summed_loss",
        _variant(lambda rows, full, B: (B * rows - B * full).square().sum(1).mean()),
        "The gradients are those of the summed loss of a batch, B times too long. "
        "Take the mean over the batch.",
        "(1)",
    ),
    Mutant(
        "square_of_the_mean",
        _variant(lambda rows, full, B: (rows - full).mean(0).square().sum()),
        "The differences are averaged before they are squared, so they cancel. Square "
        "each, then average.",
        "(1)",
    ),
    Mutant(
        "accumulates",
        _variant(lambda rows, full, B: _mean_square(rows.cumsum(0), full, B)),
        "The gradients pile up from draw to draw: `.grad` is not set to zero before "
        "each `backward()`.",
        "(1)",
    ),
    Mutant(
        "sum_over_draws",
        _variant(lambda rows, full, B: (rows - full).square().sum()),
        "The squares are added up over the draws; divide by their number.",
        "(1)",
    ),
    Mutant(
        "first_layer_only",
        _first_layer,
        "Only the weights of the first layer count here. Take all parameters.",
        "(1)",
    ),
)
