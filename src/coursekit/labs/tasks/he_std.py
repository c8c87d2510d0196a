r"""Exercise: the standard deviation of He's initialization.

A unit that sums $n$ terms multiplies the variance of its inputs by $n \sigma_w^2$, and
a leaky ReLU with slope $a$ keeps $(1 + a^2)/2$ of the second moment.  Level variance
asks the product to be 1:

$$ r = \textstyle\prod_i k_i \tag{1} $$
$$ n = r D_{in} \ \text{(fan-in)}, \quad n = r D_{out} \ \text{(fan-out)} \tag{2} $$
$$ \mathrm{Std}(w) = \sqrt{2 / ((1 + a^2)\, n)} \tag{3} $$

References:
    He et al. 2015, arXiv 1502.01852, equations (10), (14) and (15).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from coursekit import init
from coursekit.labs.exercise import Case, Exercise, Hint, Mutant, agree
from coursekit.labs.reading import read_number

__all__ = ["HE_STD"]

FAN_IN, FAN_OUT = "fan_in", "fan_out"


def he_std(shape: Sequence[int], mode: str, a: float) -> float:
    """Call the package's function with the arguments of the exercise.

    Returns:
        The right answer.

    Example:
        >>> he_std((16, 8), "fan_in", 0.0)
        0.5
    """
    return init.he_std(shape, mode=mode, negative_slope=a)


def read_std(case: Case, answer: Any) -> float:
    """Read one number.

    Returns:
        The number.
    """
    return read_number(answer, "one number, a standard deviation")


def compare_std(case: Case, got: float, expected: float) -> str | None:
    """Compare two standard deviations.

    Returns:
        A sentence with both and their ratio, or ``None``.
    """
    if agree(got, expected):
        return None
    return (
        f"It returned {got:.6g}, expected {expected:.6g}; "
        f"yours is {got / expected:.4g} times that."
    )


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, line: str, kernel: tuple, mode: str, a: float) -> Case:
        d_out, d_in = (int(d) for d in rng.choice(range(5, 300), 2, replace=False))
        shape = (d_out, d_in, *kernel)
        return Case(part, (shape, mode, a), f"he_std({shape}, {mode!r}, {a})", line)

    cases = [case("linear", "(3)", (), mode, 0.0) for mode in (FAN_IN, FAN_OUT)]
    if visible:
        return cases
    k = rng.integers(2, 8, size=6).tolist()
    slope, other = (round(float(s), 3) for s in rng.uniform((0.05, 0.4), (0.3, 0.9)))
    return [
        *cases,
        case("convolution", "(1)", (k[0], k[1] + 8), FAN_IN, 0.0),
        case("convolution", "(1)", (k[2],), FAN_OUT, 0.0),
        case("convolution", "(1)", (k[3], k[4], k[5]), FAN_IN, 0.0),
        case("leaky", "(3)", (), FAN_IN, slope),
        case("leaky", "(3)", (), FAN_OUT, other),
    ]


def _variance(shape, mode, a):
    return he_std(shape, mode, a) ** 2


def _no_factor_two(shape, mode, a):
    return he_std(shape, mode, a) / math.sqrt(2)


def _bound(shape, mode, a):
    return he_std(shape, mode, a) * math.sqrt(3)


def _swapped(shape, mode, a):
    return he_std(shape, FAN_OUT if mode == FAN_IN else FAN_IN, a)


def _always_in(shape, mode, a):
    return he_std(shape, FAN_IN, a)


def _always_out(shape, mode, a):
    return he_std(shape, FAN_OUT, a)


def _no_kernel(shape, mode, a):
    return he_std(shape[:2], mode, a)


def _one_side(shape, mode, a):
    return he_std(shape[:3], mode, a)


def _no_slope(shape, mode, a):
    return he_std(shape, mode, 0.0)


def _plain_slope(shape, mode, a):
    return he_std(shape, mode, math.sqrt(abs(a)))


HE_STD = Exercise(
    name="he_std",
    signature="he_std(shape, mode, a)",
    title="He's standard deviation",
    minutes=10,
    difficulty=1,
    parts={"linear": 2, "convolution": 1, "leaky": 1},
    equations={
        "(1)": "r = k₁ · k₂ · …",
        "(2)": "n = r · D_in (fan-in) or r · D_out (fan-out)",
        "(3)": "Std(w) = √(2 / ((1 + a²) n))",
    },
    cases=_cases,
    reference=he_std,
    read=read_std,
    compare=compare_std,
    mutants=(
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
    ),
    hints=(
        Hint(
            "My value is the square of the expected one",
            "Equation (3) is a standard deviation. Variance 2/n and standard deviation "
            "√(2/n) are both written next to `N(0, ·)` in the literature.",
        ),
        Hint(
            "One mode is right, the other is not",
            "A PyTorch weight has shape `[out, in, *kernel]`. Print "
            "`torch.nn.Linear(3, 5).weight.shape` and see which number comes first.",
        ),
        Hint(
            "How many terms does one output of a convolution sum?",
            "For `torch.nn.Conv2d(3, 8, kernel_size=5)` an output pixel sums 3·5·5 "
            "products. `math.prod(())` is 1, so one line serves every kernel.",
        ),
    ),
)
