r"""Wrong ways to take the largest of k pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


def _groups(x: Tensor, k: int) -> Tensor:
    return x.reshape(*x.shape[:-1], x.shape[-1] // k, k)


def _by(reduce: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def mutant(x, k):
        return reduce(_groups(x, k))

    return mutant


def _apart(x, k):
    return x.reshape(*x.shape[:-1], k, x.shape[-1] // k).amax(-2)


def _two_pieces(x, k):
    return torch.maximum(x[..., ::k], x[..., min(1, k - 1) :: k])


def _largest_k(x, k):
    return x.topk(x.shape[-1] // k, dim=-1).values


def _over_batch(x, k):
    found = _groups(x, k).amax(-1)
    return found.amax(0, keepdim=True).expand_as(found) if found.dim() > 1 else found


def _windows(x, k):
    return x.unfold(-1, k, 1).amax(-1)[..., : x.shape[-1] // k]


MUTANTS = (
    Mutant(
        "mean",
        _by(lambda z: z.mean(-1)),
        "This behaves like the mean of the pieces. The mean of linear maps is linear "
        "again; it is the maximum that bends.",
        "(2)",
    ),
    Mutant(
        "sum",
        _by(lambda z: z.sum(-1)),
        "This behaves like the sum of the pieces. The sum of linear maps is linear "
        "again; it is the maximum that bends.",
        "(2)",
    ),
    Mutant(
        "min",
        _by(lambda z: z.amin(-1)),
        "This behaves like the smallest piece. That is concave; maxout takes the "
        "largest.",
        "(2)",
    ),
    Mutant(
        "largest_magnitude",
        _by(lambda z: z.gather(-1, z.abs().argmax(-1, keepdim=True)).squeeze(-1)),
        "This behaves like the piece of largest magnitude. Compare the pieces with "
        "their signs.",
        "(2)",
    ),
    Mutant(
        "magnitudes",
        _by(lambda z: z.abs().amax(-1)),
        "This behaves like the largest magnitude. A unit can be negative: take the "
        "maximum of the pieces themselves.",
        "(2)",
    ),
    Mutant(
        "also_zero",
        _by(lambda z: z.amax(-1).relu()),
        "This behaves like maxout followed by a ReLU. Maxout is the activation; a unit "
        "whose pieces are all negative is negative.",
        "(2)",
    ),
    Mutant(
        "pieces_apart",
        _apart,
        "This behaves like taking the k pieces of a unit from far apart. They stand "
        "side by side: entries 0 … k-1 belong to unit 0.",
        "(2)",
    ),
    Mutant(
        "positions",
        _by(lambda z: z.argmax(-1)),
        "This behaves like the number of the largest piece. Its value is asked: "
        "`amax`, not `argmax`.",
        "(2)",
    ),
    Mutant(
        "two_pieces",
        _two_pieces,
        "This behaves like comparing the first two pieces of each unit. There are k.",
        "(2)",
    ),
    Mutant(
        "first_piece",
        _by(lambda z: z[..., 0]),
        "This behaves like the first piece of each unit. The largest is asked.",
        "(2)",
    ),
    Mutant(
        "largest_entries",
        _largest_k,
        "This behaves like the largest entries of the whole vector. Each unit has a "
        "maximum of its own, among its own pieces.",
        "(2)",
    ),
    Mutant(
        "over_examples",
        _over_batch,
        "This behaves like taking the maximum over the examples too. Only the last "
        "axis is reduced.",
        "(2)",
    ),
    Mutant(
        "overlapping",
        _windows,
        "This behaves like windows that overlap. The groups are disjoint: pieces 0 … "
        "k-1, then k … 2k-1.",
        "(2)",
    ),
)
