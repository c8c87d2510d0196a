r"""Exercise: normalize the features of each example.

Layer norm takes its statistics over the features of one example (and one position), so
no example depends on another and a batch of one is a batch like any other.  For $d$
features in the last axis,

$$ \mu = \tfrac1d \textstyle\sum_j x_j \tag{1} $$
$$ \sigma^2 = \tfrac1d \textstyle\sum_j (x_j - \mu)^2 \tag{2} $$
$$ y_j = \gamma_j \frac{x_j - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta_j \tag{3} $$

with $\epsilon = 10^{-5}$ and one gain and one bias a *feature*.

References:
    Ba, Kiros, Hinton 2016, arXiv 1607.06450, equation 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit import norm
from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.mutants.layer_norm import MUTANTS
from coursekit.labs.tensors import difference, read_tensor

__all__ = ["LAYER_NORM", "layer_norm"]


def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Call the package's function with the arguments of the exercise.

    Returns:
        The right answer.

    Example:
        >>> x = torch.tensor([[1.0, 3.0]])
        >>> layer_norm(x, torch.ones(2), torch.zeros(2)).round(decimals=3)
        tensor([[-1.,  1.]])
    """
    return norm.layer_norm(x, x.shape[-1], gamma, beta)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def draw(*shape: int) -> Tensor:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(part: str, line: str, x: Tensor) -> Case:
        d = x.shape[-1]
        args = (x, 1 + 0.5 * draw(d), draw(d))
        return Case(part, args, f"layer_norm of x of shape {tuple(x.shape)}", line)

    n, d = (int(k) for k in rng.choice(range(4, 10), 2, replace=False))
    x = 3 * draw(n, d) + 5 * draw(d)
    small = 0.01 * draw(n, d) + 1  # here ε counts
    cases = [case("values", "(1)", x), case("values", "(3)", small)]
    if visible:
        return cases
    t = int(rng.integers(3, 6))
    scales = torch.logspace(-2, 2, n, dtype=torch.float64)[:, None]
    return [
        *cases,
        case("values", "(2)", scales * draw(n, d)),
        case("one example", "(1)", x[:1]),
        case("one example", "(1)", small[0]),
        case("sequences", "(1)", draw(n, t, d) + 4 * draw(t, 1)),
        case("sequences", "(1)", 0.02 * draw(2, 3, t, d) + draw(2, 1, 1, d)),
    ]


def _read(case: Case, answer: Any) -> Tensor:
    return read_tensor(answer, case.args[0].shape)


def _compare(case: Case, got: Tensor, expected: Tensor) -> str | None:
    return difference(got, expected)


LAYER_NORM = Exercise(
    name="layer_norm",
    signature="layer_norm(x, gamma, beta)",
    title="Layer norm",
    minutes=7,
    difficulty=2,
    parts={"values": 2, "one example": 1, "sequences": 1},
    equations={
        "(1)": "μ = mean over the features j of x_j",
        "(2)": "σ² = mean over the features j of (x_j − μ)²",
        "(3)": "y_j = γ_j (x_j − μ)/√(σ² + ε) + β_j, ε = 10⁻⁵",
    },
    cases=_cases,
    reference=layer_norm,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "RuntimeError: The size of tensor a must match the size of tensor b",
            "`x.mean(-1)` has lost its last axis and no longer lines up with `x`. "
            "`x.mean(-1, keepdim=True)` keeps it, with length 1.",
        ),
        Hint(
            "Off by a factor of about √(d/(d−1))",
            "`x.var(-1)` divides by d − 1. Equation (2) divides by d: "
            "`x.var(-1, correction=0)`.",
            helps=("unbiased",),
        ),
        Hint(
            "Right for large x, wrong for small",
            "Where is ε added: to the variance, inside the root, or behind it?",
            helps=("eps_outside", "no_eps"),
        ),
    ),
)
