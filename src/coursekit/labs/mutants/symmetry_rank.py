r"""Wrong ways to count the directions of a weight matrix."""

from __future__ import annotations

import torch

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

TAU = 1e-4


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


MUTANTS = (
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
)
