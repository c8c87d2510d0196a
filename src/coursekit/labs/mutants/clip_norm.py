r"""Wrong ways to clip a gradient by its norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

Size = Callable[[list[Tensor]], Any]


def _joint(gs: list[Tensor]) -> Tensor:
    return torch.stack([g.norm() for g in gs]).norm()


def _scaled_by(size: Size) -> Callable[..., Any]:
    """Clip rightly, but with another measure of size in place of the norm.

    Returns:
        The wrong answer.
    """

    def mutant(gs, c):
        n = float(size(gs))
        return [g * (c / n) if n > c else g.clone() for g in gs]

    return mutant


def _all(gs: list[Tensor]) -> Tensor:
    return torch.cat([g.flatten() for g in gs])


def _with(factor: Callable[[float, float], float]) -> Callable[..., Any]:
    """Scale by a wrong factor of the joint norm and c.

    Returns:
        The wrong answer.
    """

    def mutant(gs, c):
        n = float(_joint(gs))
        return [g * (factor(n, c) if n > 0 else 1.0) for g in gs]

    return mutant


def _per_tensor(gs, c):
    return [g * min(1.0, c / float(g.norm())) if g.any() else g.clone() for g in gs]


def _always(gs, c):
    return [g * c / _joint(gs) for g in gs]


def _unit(gs, c):
    return [g / _joint(gs) if g.any() else g.clone() for g in gs]


def _by_value(gs, c):
    return [g.clamp(-c, c) for g in gs]


MUTANTS = (
    Mutant(
        "per_tensor",
        _per_tensor,
        "This behaves like clipping each tensor by its own norm. That turns the "
        "gradient: tensors with a large gradient are shortened, the others not. The "
        "norm runs over all parameters together.",
        "(1)",
    ),
    Mutant(
        "always_rescales",
        _always,
        "This behaves like scaling the gradient to the length c, whatever its length "
        "was. A gradient shorter than c has to stay as it is; otherwise steps "
        "never get smaller near a minimum.",
        "(2)",
    ),
    Mutant(
        "always_rescales_but_zero",
        _with(lambda n, c: c / n),
        "This behaves like scaling every gradient but 0 to the length c. A gradient "
        "shorter than c has to stay as it is; otherwise steps never get smaller near "
        "a minimum.",
        "(2)",
    ),
    Mutant(
        "by_value",
        _by_value,
        "This behaves like clipping every entry to [-c, c]. That is clipping by value: "
        "it changes the direction, and the norm can still exceed c.",
        "(2)",
    ),
    Mutant(
        "unit_norm",
        _unit,
        "This behaves like dividing by the norm, so that the length is 1. Clipping "
        "leaves the length c, and leaves short gradients alone.",
        "(2)",
    ),
    Mutant(
        "sum_of_norms",
        _scaled_by(lambda gs: sum(g.norm() for g in gs)),
        "This behaves like adding up the norms of the tensors. Norms do not add: the "
        "root of the sum of all squares is meant.",
        "(1)",
    ),
    Mutant(
        "squared_norm",
        _scaled_by(lambda gs: _all(gs).square().sum()),
        "This behaves like dividing by the sum of squares. The norm is its root.",
        "(1)",
    ),
    Mutant(
        "root_of_mean",
        _scaled_by(lambda gs: _all(gs).square().mean().sqrt()),
        "This behaves like taking the mean of the squares instead of their sum. Then a "
        "large net is hardly ever clipped.",
        "(1)",
    ),
    Mutant(
        "largest_entry",
        _scaled_by(lambda gs: _all(gs).abs().max()),
        "This behaves like bounding the largest entry. The direction is kept, but the "
        "norm of equation (1) is the Euclidean one.",
        "(1)",
    ),
    Mutant(
        "l1_norm",
        _scaled_by(lambda gs: _all(gs).abs().sum()),
        "This behaves like the sum of magnitudes, the L1 norm. Equation (1) is the "
        "root of the sum of squares.",
        "(1)",
    ),
    Mutant(
        "largest_tensor",
        _scaled_by(lambda gs: max(g.norm() for g in gs)),
        "This behaves like the norm of the largest tensor alone. All tensors count.",
        "(1)",
    ),
    Mutant(
        "ratio_inverted",
        _with(lambda n, c: min(1.0, n / c)),
        "This behaves like min(1, ‖g‖/c): long gradients stay as they are, and short "
        "ones are shortened. The ratio is upside down.",
        "(2)",
    ),
    Mutant(
        "max_for_min",
        _with(lambda n, c: max(1.0, c / n)),
        "This behaves like max(1, c/‖g‖): it lengthens short gradients and never "
        "shortens one. The smaller of the two is meant.",
        "(2)",
    ),
    Mutant(
        "does_nothing",
        lambda gs, c: [g.clone() for g in gs],
        "The gradients came back as they were. `g = g * s` inside a loop binds a name "
        "and leaves the list as it was: collect the new tensors and return them.",
        "(2)",
    ),
)
