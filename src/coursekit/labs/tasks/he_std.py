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

from collections.abc import Sequence
from typing import Any

import numpy as np

from coursekit import init
from coursekit.labs.agreement import agree
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.he_std import MUTANTS
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
    mutants=MUTANTS,
    hints=(
        Hint(
            "My value is the square of the expected one",
            "Equation (3) is a standard deviation. Variance 2/n and standard deviation "
            "√(2/n) are both written next to `N(0, ·)` in the literature.",
            helps=("returns_variance",),
        ),
        Hint(
            "One mode is right, the other is not",
            "A PyTorch weight has shape `[out, in, *kernel]`. Print "
            "`torch.nn.Linear(3, 5).weight.shape` and see which number comes first.",
            helps=("swaps_fans", "ignores_mode", "ignores_mode_fan_out"),
        ),
        Hint(
            "How many terms does one output of a convolution sum?",
            "For `torch.nn.Conv2d(3, 8, kernel_size=5)` an output pixel sums 3·5·5 "
            "products. `math.prod(())` is 1, so one line serves every kernel.",
            helps=("ignores_kernel", "counts_one_kernel_side"),
        ),
    ),
)
