r"""Wrong recurrent steps with a layer norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

EPS = 1e-5
Axes = tuple[int, ...]


def _norm(a: Tensor, axes: Axes = (-1,), correction: int = 0) -> Tensor:
    mean = a.mean(axes, keepdim=True)
    var = a.var(axes, correction=correction, keepdim=True)
    return (a - mean) / (var + EPS).sqrt()


def _summed(x: Tensor, h: Tensor, W_x: Tensor, W_h: Tensor) -> Tensor:
    return h @ W_h.T + x @ W_x.T


def _normed_by(norm: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def mutant(x, h, W_x, W_h, gamma, beta):
        return torch.tanh(gamma * norm(_summed(x, h, W_x, W_h)) + beta)

    return mutant


def _summed_by(total: Callable[..., Tensor]) -> Callable[..., Any]:
    def mutant(x, h, W_x, W_h, gamma, beta):
        return torch.tanh(gamma * _norm(total(x, h, W_x, W_h)) + beta)

    return mutant


def _last_of_time(a: Tensor) -> Axes:
    return (max(a.dim() - 2, 0),)


def _each_summand(x, h, W_x, W_h, gamma, beta):
    return torch.tanh(gamma * (_norm(h @ W_h.T) + _norm(x @ W_x.T)) + beta)


def _state_only(x, h, W_x, W_h, gamma, beta):
    return torch.tanh(gamma * _norm(h @ W_h.T) + beta + x @ W_x.T)


def _norm_of_tanh(x, h, W_x, W_h, gamma, beta):
    return gamma * _norm(torch.tanh(_summed(x, h, W_x, W_h))) + beta


def _affine_outside(x, h, W_x, W_h, gamma, beta):
    return gamma * torch.tanh(_norm(_summed(x, h, W_x, W_h))) + beta


def _no_affine(x, h, W_x, W_h, gamma, beta):
    return torch.tanh(_norm(_summed(x, h, W_x, W_h)))


def _no_tanh(x, h, W_x, W_h, gamma, beta):
    return gamma * _norm(_summed(x, h, W_x, W_h)) + beta


MUTANTS = (
    Mutant(
        "over_time",
        _normed_by(lambda a: _norm(a, _last_of_time(a))),
        "This behaves like statistics over the axis before the units: the examples of "
        "a batch, the steps of a sequence. Then padding at the end changes the steps "
        "before it. Mean and variance run over the units, the last axis.",
        "(2)",
    ),
    Mutant(
        "over_examples",
        _normed_by(lambda a: _norm(a, (0,))),
        "This behaves like statistics over the examples of the batch, a batch norm. "
        "Mean and variance run over the units, the last axis.",
        "(2)",
    ),
    Mutant(
        "whole_tensor",
        _normed_by(lambda a: _norm(a, tuple(range(a.dim())))),
        "This behaves like one mean and one variance for all steps and examples. Each "
        "step of each example has its own: reduce the last axis only.",
        "(2)",
    ),
    Mutant(
        "units_and_time",
        _normed_by(lambda a: _norm(a, tuple(range(min(1, a.dim() - 1), a.dim())))),
        "This behaves like statistics over the whole sequence of an example. Then "
        "padding at the end changes the steps before it: reduce the last axis only.",
        "(2)",
    ),
    Mutant(
        "unbiased",
        _normed_by(lambda a: _norm(a, correction=1)),
        "This behaves like dividing by units − 1 in the variance, as torch's `var` and "
        "`std` do unless told otherwise.",
        "(2)",
    ),
    Mutant(
        "no_norm",
        _normed_by(lambda a: a),
        "This behaves like leaving out the normalization: γ and β act on the summed "
        "inputs themselves.",
        "(2)",
    ),
    Mutant(
        "eps_outside",
        _normed_by(
            lambda a: (
                (a - a.mean(-1, keepdim=True))
                / (a.std(-1, correction=0, keepdim=True) + EPS)
            )
        ),
        "This behaves like dividing by σ + ε. ε is added to the variance, inside the "
        "root: √(σ² + ε).",
        "(2)",
    ),
    Mutant(
        "each_summand",
        _each_summand,
        "This behaves like normalizing W_h h and W_x x each for itself. Add first: one "
        "norm for the sum.",
        "(1)",
    ),
    Mutant(
        "state_only",
        _state_only,
        "This behaves like normalizing W_h h and adding W_x x behind the norm. The "
        "input belongs inside.",
        "(1)",
    ),
    Mutant(
        "forgets_input",
        _summed_by(lambda x, h, W_x, W_h: h @ W_h.T),
        "This behaves like a step that does not read x.",
        "(1)",
    ),
    Mutant(
        "forgets_state",
        _summed_by(lambda x, h, W_x, W_h: x @ W_x.T),
        "This behaves like a step that does not read h: there is no recurrence.",
        "(1)",
    ),
    Mutant(
        "not_transposed",
        _summed_by(lambda x, h, W_x, W_h: h @ W_h + x @ W_x.T),
        "This behaves like `h @ W_h`. With states as rows, W_h h is `h @ W_h.T`; the "
        "matrix is square, so torch does not complain.",
        "(1)",
    ),
    Mutant(
        "norm_behind_tanh",
        _norm_of_tanh,
        "This behaves like normalizing tanh(a). The norm stands before the tanh, where "
        "it keeps the units out of saturation.",
        "(3)",
    ),
    Mutant(
        "affine_behind_tanh",
        _affine_outside,
        "This behaves like applying γ and β behind the tanh. They belong to the norm, "
        "before the tanh.",
        "(3)",
    ),
    Mutant(
        "no_affine",
        _no_affine,
        "This behaves like leaving out γ and β.",
        "(3)",
    ),
    Mutant(
        "no_tanh",
        _no_tanh,
        "This behaves like leaving out the tanh.",
        "(3)",
    ),
    Mutant(
        "relu",
        lambda *args: torch.relu(_no_tanh(*args)),
        "This behaves like a ReLU in place of the tanh.",
        "(3)",
    ),
)
