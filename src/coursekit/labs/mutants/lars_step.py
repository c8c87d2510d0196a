r"""Wrong ways to take a step of LARS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


def _norm(t: Tensor) -> Tensor:
    return t.norm()


def _step(
    ratio: Callable[..., Any] = lambda w, g, wd: w / (g + wd * w),
    direction: Callable[..., Any] = lambda w, g, wd: g + wd * w,
    norm: Callable[[Tensor], Tensor] = _norm,
    at_zero: Callable[..., Any] = lambda trust: 1.0,
    sign: float = -1.0,
) -> Callable[..., Tensor]:
    """Take the step with one thing changed.

    Returns:
        The wrong answer.
    """

    def mutant(w, g, lr, trust, wd):
        size, slope = norm(w), norm(g)
        zero = (size == 0) | (slope == 0)
        rate = torch.where(zero, at_zero(trust), trust * ratio(size, slope, wd))
        return w + sign * lr * rate * direction(w, g, wd)

    return mutant


def _combined(w, g, lr, trust, wd):
    u = g + wd * w
    zero = w.norm() == 0 or g.norm() == 0
    rate = 1.0 if zero else trust * w.norm() / u.norm()
    return w - lr * rate * u


def _decoupled(w, g, lr, trust, wd):
    return _step(direction=lambda w, g, wd: g)(w, g, lr, trust, wd) - lr * wd * w


def _no_lr(w, g, lr, trust, wd):
    return _step()(w, g, 1.0, trust, wd)


def _only_step(w, g, lr, trust, wd):
    return w - _step()(w, g, lr, trust, wd)


def _plain(w, g, lr, trust, wd):
    return w - lr * (g + wd * w)


def _mean_for_norm(t: Tensor) -> Tensor:
    return t.abs().sum()


def _rows(t: Tensor) -> Tensor:
    return t.norm(dim=-1, keepdim=True)


MUTANTS = (
    Mutant(
        "inverted",
        _step(ratio=lambda w, g, wd: (g + wd * w) / w),
        "The ratio is upside down: a longer gradient makes the rate larger here. "
        "‖w‖ stands above.",
        "(1)",
    ),
    Mutant(
        "no_decay_below",
        _step(ratio=lambda w, g, wd: w / g),
        "Weight decay is missing under the fraction: ‖g‖ + λ‖w‖.",
        "(1)",
    ),
    Mutant(
        "no_decay_in_step",
        _step(direction=lambda w, g, wd: g),
        "Weight decay is missing in the step: g + λw.",
        "(3)",
    ),
    Mutant(
        "no_decay",
        _step(ratio=lambda w, g, wd: w / g, direction=lambda w, g, wd: g),
        "Weight decay is missing in both places.",
        "(3)",
    ),
    Mutant(
        "norm_of_sum",
        _combined,
        "The fraction has ‖g + λw‖ below. LARS adds the norms: ‖g‖ + λ‖w‖.",
        "(1)",
    ),
    Mutant(
        "decoupled_decay",
        _decoupled,
        "The decay is taken at the global rate, as AdamW does. In LARS it is part of "
        "what the local rate multiplies.",
        "(3)",
    ),
    Mutant(
        "zero_stands_still",
        _step(at_zero=lambda trust: 0.0),
        "A layer whose weights are 0 gets the rate 0 and can never leave. Where a norm "
        "is 0, ζₜ = 1.",
        "(2)",
    ),
    Mutant(
        "zero_gets_trust",
        _step(at_zero=lambda trust: trust),
        "Where a norm is 0 the rate is ζ here; line (2) says 1.",
        "(2)",
    ),
    Mutant(
        "squared_norms",
        _step(norm=lambda t: t.square().sum()),
        "These are squares of norms; take the root.",
        "(1)",
    ),
    Mutant(
        "sum_of_magnitudes",
        _step(norm=_mean_for_norm),
        "These are sums of magnitudes. The norm is the Euclidean one.",
        "(1)",
    ),
    Mutant(
        "rows",
        _step(norm=_rows),
        "Each row gets a rate of its own. LARS has one rate for the whole tensor.",
        "(1)",
    ),
    Mutant(
        "no_ratio",
        _plain,
        "This is a step of plain SGD: the local rate is missing.",
        "(1)",
    ),
    Mutant(
        "no_lr",
        _no_lr,
        "The global rate η is missing.",
        "(3)",
    ),
    Mutant(
        "uphill",
        _step(sign=1.0),
        "The step goes up the gradient.",
        "(3)",
    ),
    Mutant(
        "only_the_step",
        _only_step,
        "This returns the step that is taken off. Return the new weights.",
        "(3)",
    ),
)
