r"""Wrong ways to compute Glorot's standard deviation."""

from __future__ import annotations

import math

from coursekit.init import fans, xavier_std
from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


def _variance(shape):
    return xavier_std(shape) ** 2


def _fan_in(shape):
    return math.sqrt(1 / fans(shape)[0])


def _fan_out(shape):
    return math.sqrt(1 / fans(shape)[1])


def _one_over_sum(shape):
    return math.sqrt(1 / sum(fans(shape)))


def _bound(shape):
    return xavier_std(shape) * math.sqrt(3)


def _no_kernel(shape):
    return xavier_std(shape[:2])


def _geometric(shape):
    n_in, n_out = fans(shape)
    return (n_in * n_out) ** -0.25


MUTANTS = (
    Mutant(
        "returns_variance",
        _variance,
        "This behaves like Glorot's variance 2/(n_in + n_out). The function is to "
        "return its square root.",
        "(2)",
    ),
    Mutant(
        "uses_fan_in",
        _fan_in,
        "This behaves like √(1/n_in), which is LeCun's initialization. Glorot's "
        "takes both directions: 2/(n_in + n_out) under the root.",
        "(2)",
    ),
    Mutant(
        "uses_fan_out",
        _fan_out,
        "This behaves like √(1/n_out): it keeps only the backward variance. "
        "Glorot's takes both directions: 2/(n_in + n_out) under the root.",
        "(2)",
    ),
    Mutant(
        "forgets_factor_two",
        _one_over_sum,
        "This behaves like √(1/(n_in + n_out)). The mean of the two fans is half "
        "their sum, which puts a 2 in the numerator.",
        "(2)",
    ),
    Mutant(
        "returns_uniform_bound",
        _bound,
        "This behaves like √(6/(n_in + n_out)), the bound of Glorot's uniform "
        "distribution. Its standard deviation is that bound divided by √3.",
        "(2)",
    ),
    Mutant(
        "geometric_mean",
        _geometric,
        "This behaves like the geometric mean of the two conditions. Glorot's "
        "averages the fans: (n_in + n_out)/2.",
        "(2)",
    ),
    Mutant(
        "ignores_kernel",
        _no_kernel,
        "This behaves as if a convolution had no kernel. Both fans count every "
        "kernel position.",
        "(1)",
    ),
)
