r"""Exercise: the standard deviation of Glorot's initialization.

Forward variance asks for $\sigma_w^2 = 1/n_{in}$ and backward variance for
$\sigma_w^2 = 1/n_{out}$; Glorot takes the harmonic mean of the two:

$$ n_{in} = r D_{in}, \quad n_{out} = r D_{out}, \quad
   r = \textstyle\prod_i k_i \tag{1} $$
$$ \mathrm{Std}(w) = \sqrt{2 / (n_{in} + n_{out})} \tag{2} $$

References:
    Glorot and Bengio 2010, AISTATS, equation (12).
"""

from __future__ import annotations

import numpy as np

from coursekit.init import xavier_std
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.glorot_std import MUTANTS
from coursekit.labs.tasks.he_std import compare_std, read_std

__all__ = ["GLOROT_STD"]


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, line: str, kernel: tuple = ()) -> Case:
        d_out, d_in = (int(d) for d in rng.choice(range(5, 300), 2, replace=False))
        shape = (d_out, d_in, *kernel)
        return Case(part, (shape,), f"glorot_std({shape})", line)

    cases = [case("linear", "(2)"), case("linear", "(2)")]
    if visible:
        return cases
    k = rng.integers(2, 8, size=3).tolist()
    return [
        *cases,
        case("convolution", "(1)", (k[0], k[1] + 8)),
        case("convolution", "(1)", (k[2],)),
    ]


GLOROT_STD = Exercise(
    name="glorot_std",
    signature="glorot_std(shape)",
    title="Glorot's standard deviation",
    minutes=5,
    difficulty=1,
    parts={"linear": 2, "convolution": 1},
    equations={
        "(1)": "n_in = r · D_in, n_out = r · D_out, r = k₁ · k₂ · …",
        "(2)": "Std(w) = √(2 / (n_in + n_out))",
    },
    cases=_cases,
    reference=xavier_std,
    read=read_std,
    compare=compare_std,
    mutants=MUTANTS,
    hints=(
        Hint(
            "I get the value for one direction only",
            "1/n_in keeps the forward variance, 1/n_out the backward one. Glorot's "
            "variance is 1 over the mean of n_in and n_out.",
            helps=("uses_fan_in", "uses_fan_out"),
        ),
        Hint(
            "My value is too large by a factor 1.73",
            "√(6/(n_in + n_out)) is the half-width of the uniform distribution. A "
            "uniform variable on [-b, b] has standard deviation b/√3.",
            helps=("returns_uniform_bound",),
        ),
    ),
)
