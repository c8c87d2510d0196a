r"""Wrong ways to compute He's standard deviation."""

from __future__ import annotations

import math

from coursekit import init
from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]


def _he(shape, mode, a):
    return init.he_std(shape, mode=mode, negative_slope=a)


def _variance(shape, mode, a):
    return _he(shape, mode, a) ** 2


def _no_factor_two(shape, mode, a):
    return _he(shape, mode, a) / math.sqrt(2)


def _bound(shape, mode, a):
    return _he(shape, mode, a) * math.sqrt(3)


def _swapped(shape, mode, a):
    return _he(shape, "fan_out" if mode == "fan_in" else "fan_in", a)


def _always_in(shape, mode, a):
    return _he(shape, "fan_in", a)


def _always_out(shape, mode, a):
    return _he(shape, "fan_out", a)


def _no_kernel(shape, mode, a):
    return _he(shape[:2], mode, a)


def _one_side(shape, mode, a):
    return _he(shape[:3], mode, a)


def _no_slope(shape, mode, a):
    return _he(shape, mode, 0.0)


def _plain_slope(shape, mode, a):
    return _he(shape, mode, math.sqrt(abs(a)))


MUTANTS = (
    Mutant(
        "returns_variance",
        _variance,
        "This behaves like the variance 2/((1+a²)n). The function is to return "
        "the standard deviation, its square root: `normal_(std=...)` takes that.",
        "(3)",
    ),
    Mutant(
        "forgets_factor_two",
        _no_factor_two,
        "This behaves like √(1/n), LeCun's standard deviation. ReLU removes half "
        "of the second moment, so He's has a factor 2 under the root.",
        "(3)",
    ),
    Mutant(
        "returns_uniform_bound",
        _bound,
        "This behaves like √(6/((1+a²)n)), the bound of the uniform distribution. "
        "Its standard deviation is that bound divided by √3.",
        "(3)",
    ),
    Mutant(
        "swaps_fans",
        _swapped,
        "This behaves as if the two modes were exchanged. PyTorch stores a weight "
        "as [out, in, ...]: fan-in counts `shape[1]`, fan-out `shape[0]`.",
        "(2)",
    ),
    Mutant(
        "ignores_mode",
        _always_in,
        "This behaves like fan-in whatever `mode` says.",
        "(2)",
    ),
    Mutant(
        "ignores_mode_fan_out",
        _always_out,
        "This behaves like fan-out whatever `mode` says.",
        "(2)",
    ),
    Mutant(
        "ignores_kernel",
        _no_kernel,
        "This behaves as if a convolution had no kernel. Each output sums over "
        "all channels and over every kernel position: n = D · k₁ · k₂ ….",
        "(1)",
    ),
    Mutant(
        "counts_one_kernel_side",
        _one_side,
        "This behaves as if only the first kernel axis counted. The kernel may "
        "have one, two or three axes: multiply all of `shape[2:]`.",
        "(1)",
    ),
    Mutant(
        "forgets_slope",
        _no_slope,
        "This behaves like He's value for plain ReLU whatever `a` is. A leaky "
        "ReLU keeps (1+a²)/2 of the second moment.",
        "(3)",
    ),
    Mutant(
        "slope_not_squared",
        _plain_slope,
        "This behaves like √(2/((1+a)n)). The slope multiplies the signal, so "
        "its square multiplies the second moment.",
        "(3)",
    ),
)
