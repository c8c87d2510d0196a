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

from coursekit.labs.exercise import Case, Exercise, Hint, Mutant
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


def trained(noise: float, seed: int, steps: int = 30) -> Tensor:
    r"""Train a small tanh network and give the weight of its hidden layer.

    Args:
        noise: Size of the noise relative to a constant start; infinity means random
            weights without a constant part.
        seed: Seed of the data and of the noise.
        steps: Gradient steps.

    Returns:
        The weight between the two hidden layers, ``[24, 16]``, as float32.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(64, 8, generator=generator)
    y = torch.sin(x[:, :1]) + x[:, 1:2]
    weights = [
        _start(shape, noise, generator) for shape in ((16, 8), (24, 16), (1, 24))
    ]
    for _ in range(steps):
        for w in weights:
            w.requires_grad_()
        a = torch.tanh(torch.tanh(x @ weights[0].T) @ weights[1].T)
        loss = (a @ weights[2].T - y).square().mean()
        grads = torch.autograd.grad(loss, weights)
        weights = [(w - 0.1 * g).detach() for w, g in zip(weights, grads, strict=True)]
    return weights[1]


def _start(shape: tuple[int, int], noise: float, generator: torch.Generator) -> Tensor:
    z = torch.randn(shape, generator=generator)
    return z / shape[1] ** 0.5 if noise == math.inf else 0.2 * (1 + noise * z)


def spectrum(shape: tuple[int, int], sigma: list[float], seed: int) -> Tensor:
    r"""Build a matrix with given singular values and random singular vectors.

    Args:
        shape: ``(out, in)``.
        sigma: The non-zero singular values.
        seed: Seed of the vectors.

    Returns:
        The matrix, float64.
    """
    g = torch.Generator().manual_seed(seed)
    u, v = (
        torch.linalg.qr(torch.randn(d, len(sigma), generator=g, dtype=torch.float64))[0]
        for d in shape
    )
    return u * torch.tensor(sigma, dtype=torch.float64) @ v.T


def _noisy(matrix: Tensor, size: float, seed: int) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    noise = torch.randn(matrix.shape, generator=g, dtype=matrix.dtype)
    return matrix + size * noise * matrix.abs().max()


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
        case("rank", "(2)", _noisy(low, 1e-7, seed()), f"rank {k} and rounding"),
        case("scale", "(2)", 1e-6 * low, f"rank {k}, entries near 1e-7"),
        case("scale", "(2)", _noisy(1e5 * low, 1e-7, seed()), f"1e5 times rank {k}"),
        case("scale", "(2)", tail, f"rank {k} and a singular value of 0.002"),
    ]


def _read(case: Case, answer: Any) -> int:
    return read_whole(answer, "one whole number, a rank")


def _compare(case: Case, got: int, expected: int) -> str | None:
    if got == expected:
        return None
    shape = tuple(case.args[0].shape)
    return f"It returned {got:.6g} for a matrix of shape {shape}, expected {expected}."


def _absolute(W_after):
    return int((torch.linalg.svdvals(W_after) > TAU).sum())


def _positive(W_after):
    return int((torch.linalg.svdvals(W_after) > 0).sum())


def _machine(W_after):
    return int(torch.linalg.matrix_rank(W_after))


def _rows(W_after):
    return len(torch.unique(W_after, dim=0))


def _rounded_rows(W_after):
    return len(torch.unique(torch.round(W_after, decimals=4), dim=0))


def _gram(W_after):
    squares = torch.linalg.svdvals(W_after).square()
    return int((squares > TAU * squares[0]).sum())


def _smaller_side(W_after):
    return min(W_after.shape)


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
    mutants=(
        Mutant(
            "absolute_tolerance",
            _absolute,
            "This behaves like counting singular values above a fixed number. Multiply "
            "the matrix by 10⁻⁶ and that count falls to 0, although no direction is "
            "lost: compare with 10⁻⁴ times the largest singular value.",
            "(2)",
        ),
        Mutant(
            "counts_positive",
            _positive,
            "This behaves like counting every singular value above 0. Rounding makes "
            "all of them slightly positive; a tolerance has to exclude these.",
            "(2)",
        ),
        Mutant(
            "machine_tolerance",
            _machine,
            "This behaves like `torch.linalg.matrix_rank`, whose default tolerance is "
            "a few units of the last bit of this dtype. Training leaves larger "
            "differences: the exercise asks for 10⁻⁴ of the largest singular value.",
            "(2)",
        ),
        Mutant(
            "counts_distinct_rows",
            _rows,
            "This behaves like counting different rows. Rows that are multiples of "
            "one another differ and still add no direction.",
            "(1)",
        ),
        Mutant(
            "counts_distinct_rounded_rows",
            _rounded_rows,
            "This behaves like counting different rows after rounding. Rows that are "
            "multiples of one another differ and still add no direction.",
            "(1)",
        ),
        Mutant(
            "squares_singular_values",
            _gram,
            "This behaves like applying the tolerance to the eigenvalues of W·Wᵀ. "
            "These are squares, so 10⁻⁴ there means 10⁻² for the singular values.",
            "(2)",
        ),
        Mutant(
            "returns_smaller_side",
            _smaller_side,
            "This behaves like the smaller side of the matrix, the largest rank that "
            "its shape permits.",
            "(1)",
        ),
    ),
    hints=(
        Hint(
            "I get the full rank for the constant start",
            "Print the singular values. All but the first are tiny, yet none is "
            "exactly 0: what should they be compared with?",
        ),
        Hint(
            "I get 0 for a matrix with small entries",
            "A fixed tolerance measures in units of the matrix. Use the largest "
            "singular value as the unit.",
        ),
    ),
)
