r"""Exercise: count the directions that a weight matrix really uses.

Units that start equal receive equal gradients and stay equal, so a layer that was
initialized with a constant keeps a weight of rank 1 for as long as it trains.  Rounding
makes the rows differ in their last bit; a rank is therefore counted against a
tolerance, and the tolerance has to scale with the matrix:

$$ W = \textstyle\sum_i \sigma_i u_i v_i^\top, \quad
   \sigma_1 \ge \sigma_2 \ge \dots \tag{1} $$
$$ \mathrm{rank}(W) = \#\{i : \sigma_i > \tau \sigma_1\} \tag{2} $$
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.labs.exercise import Case, Exercise, Hint
from coursekit.labs.matrices import noisy, spectrum, trained
from coursekit.labs.mutants.symmetry_rank import MUTANTS
from coursekit.labs.reading import read_whole

__all__ = ["SYMMETRY_RANK", "symmetry_rank"]

TAU = 1e-4


def symmetry_rank(W_after: Tensor) -> int:
    r"""Count the singular values above a ten-thousandth of the largest.

    Args:
        W_after: Weight matrix, trained or not.

    Shape:
        W_after: ``[out, in]``.

    Returns:
        The numerical rank; 0 for a matrix of zeros.

    Example:
        >>> symmetry_rank(torch.ones(3, 4)), symmetry_rank(torch.eye(3))
        (1, 3)
    """
    sigma = torch.linalg.svdvals(W_after)  # (1)
    return int((sigma > TAU * sigma[0]).sum())  # (2)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def seed() -> int:
        return int(rng.integers(2**31))

    def case(part: str, line: str, matrix: Tensor, says: str) -> Case:
        return Case(part, (matrix,), f"symmetry_rank({says})", line)

    cases = [
        case("rank", "(2)", trained(0.0, seed()), "W after constant init"),
        case("rank", "(2)", trained(math.inf, seed()), "W after random init"),
    ]
    if visible:
        return cases
    d_out, d_in = (int(d) for d in rng.choice(range(12, 40), 2, replace=False))
    shape, k = (d_out, d_in), int(rng.integers(2, 6))
    values = [1.0, *rng.uniform(0.2, 0.9, k - 1).tolist()]
    low = spectrum(shape, values, seed())
    tail = spectrum(shape, [*values, 2e-3], seed())
    return [
        *cases,
        case("rank", "(1)", spectrum(shape, [1.0], seed()), "an outer product"),
        case("rank", "(2)", noisy(low, 1e-7, seed()), f"rank {k} and rounding"),
        case("scale", "(2)", 1e-6 * low, f"rank {k}, entries near 1e-7"),
        case("scale", "(2)", noisy(1e5 * low, 1e-7, seed()), f"1e5 times rank {k}"),
        case("scale", "(2)", tail, f"rank {k} and a singular value of 0.002"),
    ]


def _read(case: Case, answer: Any) -> int:
    return read_whole(answer, "one whole number, a rank")


def _compare(case: Case, got: int, expected: int) -> str | None:
    if got == expected:
        return None
    shape = tuple(case.args[0].shape)
    return f"It returned {got:.6g} for a matrix of shape {shape}, expected {expected}."


SYMMETRY_RANK = Exercise(
    name="symmetry_rank",
    signature="symmetry_rank(W_after)",
    title="The rank that symmetry leaves",
    minutes=10,
    difficulty=2,
    parts={"rank": 2, "scale": 2},
    equations={
        "(1)": "W = Σᵢ σᵢ uᵢ vᵢᵀ, σ₁ ≥ σ₂ ≥ …",
        "(2)": "rank(W) = number of i with σᵢ > 10⁻⁴ σ₁",
    },
    cases=_cases,
    reference=symmetry_rank,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "I get the full rank for the constant start",
            "Print the singular values. All but the first are tiny, yet none is "
            "exactly 0: what should they be compared with?",
            helps=("counts_positive", "machine_tolerance", "counts_distinct_rows"),
        ),
        Hint(
            "I get 0 for a matrix with small entries",
            "A fixed tolerance measures in units of the matrix. Use the largest "
            "singular value as the unit.",
            helps=("absolute_tolerance",),
        ),
    ),
)
