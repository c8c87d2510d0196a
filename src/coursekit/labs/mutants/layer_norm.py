r"""Wrong ways to normalize the features of an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

EPS = 1e-5


def _scale(var: Tensor) -> Tensor:
    return 1 / (var + EPS).sqrt()


def _over(
    axes: Callable[[Tensor], tuple[int, ...]] = lambda x: (-1,),
    correction: int = 0,
    scale: Callable[[Tensor], Tensor] = _scale,
) -> Callable[..., Any]:
    """Normalize, over other axes, with another variance, or with another scale.

    Returns:
        The wrong answer.
    """

    def mutant(x, gamma, beta):
        mean = x.mean(axes(x), keepdim=True)
        var = x.var(axes(x), correction=correction, keepdim=True)
        return gamma * (x - mean) * scale(var) + beta

    return mutant


def _rms(x, gamma, beta):
    return gamma * x * _scale(x.square().mean(-1, keepdim=True)) + beta


def _about_zero(x, gamma, beta):
    scale = _scale(x.square().mean(-1, keepdim=True))
    return gamma * (x - x.mean(-1, keepdim=True)) * scale + beta


def _not_centred(x, gamma, beta):
    return gamma * x * _scale(x.var(-1, correction=0, keepdim=True)) + beta


def _only_centred(x, gamma, beta):
    return gamma * (x - x.mean(-1, keepdim=True)) + beta


def _affine_first(x, gamma, beta):
    y = gamma * x + beta
    var = y.var(-1, correction=0, keepdim=True)
    return (y - y.mean(-1, keepdim=True)) * _scale(var)


def _no_affine(x, gamma, beta):
    return _over()(x, 1.0, 0.0)


def _no_bias(x, gamma, beta):
    return _over()(x, gamma, 0.0)


def _bias_scaled(x, gamma, beta):
    return gamma * (_over()(x, 1.0, 0.0) + beta)


MUTANTS = (
    Mutant(
        "per_feature",
        _over(lambda x: (0,)),
        "This behaves like normalizing each feature over the batch. That is batch "
        "norm: each example then depends on all others. Layer norm reduces the "
        "last axis.",
        "(1)",
    ),
    Mutant(
        "whole_tensor",
        _over(lambda x: tuple(range(x.dim()))),
        "This behaves like one mean and one variance for the whole tensor. Each "
        "example has its own: reduce the last axis only and keep it as an axis of "
        "length 1.",
        "(1)",
    ),
    Mutant(
        "positions_too",
        _over(lambda x: tuple(range(min(1, x.dim() - 1), x.dim()))),
        "This behaves like statistics over everything but the first axis. In a "
        "sequence each position has statistics of its own: reduce the last axis only.",
        "(1)",
    ),
    Mutant(
        "second_axis",
        _over(lambda x: (min(1, x.dim() - 1),)),
        "This behaves like reducing axis 1. For a batch of vectors that is the last "
        "axis; for a sequence it is time. Count from the end: -1.",
        "(1)",
    ),
    Mutant(
        "unbiased",
        _over(correction=1),
        "This behaves like dividing by d − 1 in the variance, as torch's `var` and "
        "`std` do unless told otherwise. Equation (2) divides by d.",
        "(2)",
    ),
    Mutant(
        "about_zero",
        _about_zero,
        "This behaves like taking the mean of x² for the variance. The variance is "
        "about the mean: (x − μ)².",
        "(2)",
    ),
    Mutant(
        "rms_norm",
        _rms,
        "This behaves like RMS norm, which divides by the root mean square and does "
        "not centre. Layer norm subtracts the mean first.",
        "(3)",
    ),
    Mutant(
        "not_centred",
        _not_centred,
        "This behaves like dividing x by σ without subtracting the mean.",
        "(3)",
    ),
    Mutant(
        "only_centred",
        _only_centred,
        "This behaves like subtracting the mean without dividing by σ.",
        "(3)",
    ),
    Mutant(
        "variance_for_deviation",
        _over(scale=lambda var: 1 / (var + EPS)),
        "This behaves like dividing by the variance. Divide by its root.",
        "(3)",
    ),
    Mutant(
        "eps_outside",
        _over(scale=lambda var: 1 / (var.sqrt() + EPS)),
        "This behaves like dividing by σ + ε. ε is added to the variance, inside the "
        "root: √(σ² + ε).",
        "(3)",
    ),
    Mutant(
        "no_eps",
        _over(scale=lambda var: 1 / var.sqrt()),
        "This behaves like ε = 0. An example whose features are all equal would then "
        "be 0/0.",
        "(3)",
    ),
    Mutant(
        "no_affine",
        _no_affine,
        "This behaves like leaving out γ and β.",
        "(3)",
    ),
    Mutant(
        "no_bias",
        _no_bias,
        "This behaves like leaving out β.",
        "(3)",
    ),
    Mutant(
        "bias_scaled",
        _bias_scaled,
        "This behaves like γ(x̂ + β). The bias is added after the gain: γ x̂ + β.",
        "(3)",
    ),
    Mutant(
        "affine_first",
        _affine_first,
        "This behaves like applying γ and β before the normalization, which removes "
        "most of both again. They come last.",
        "(3)",
    ),
)
