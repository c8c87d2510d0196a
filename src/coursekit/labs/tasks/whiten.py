r"""Exercise: whiten a training set, and the test set by the same map.

Whitening gives the features mean 0 and covariance $I$ over the training set. With the
eigenvectors of the covariance as the columns of $U$,

$$ \mu = \tfrac1n \textstyle\sum_r x_r, \quad
   \Sigma = \tfrac1n \textstyle\sum_r (x_r - \mu)(x_r - \mu)^\top \tag{1} $$
$$ \Sigma = U \Lambda U^\top \tag{2} $$
$$ \tilde x = \Lambda^{-1/2} U^\top (x - \mu) \tag{3} $$

The test set is mapped by the *same* $\mu$, $U$ and $\Lambda$. A direction in which the
training set does not vary has the eigenvalue 0, and cannot get variance 1: it is mapped
to 0, in both sets.

References:
    Kessy, Lewin, Strimmer 2018, arXiv 1512.00809.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit import norm
from coursekit.labs.agreement import agree
from coursekit.labs.exercise import Case, Exercise, Hint, Unusable
from coursekit.labs.mutants.whiten import MUTANTS
from coursekit.labs.reading import NONE, describe
from coursekit.labs.tensors import read_tensor

__all__ = ["WHITEN", "whiten"]

BOTH = "a pair of tensors, (train, test)"


def whiten(X_train: Tensor, X_test: Tensor) -> tuple[Tensor, Tensor]:
    """Call the package's function with the arguments of the exercise.

    Returns:
        The right answer, or one of them: a rotation of it is as white.

    Example:
        >>> x = torch.tensor([[0.0], [2.0]])
        >>> whiten(x, 10 * x)[1].abs().T.round()
        tensor([[ 1., 19.]])
    """
    return norm.whiten(X_train), norm.whiten(X_test, reference=X_train)


def _sets(n: int, m: int, d: int, rank: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw correlated and shifted examples; the training set has a given rank.

    Returns:
        Training and test set.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    U, V = (torch.linalg.qr(draw(d, d))[0] for _ in range(2))
    sizes = torch.logspace(-0.5, 0.6, d, dtype=torch.float64)
    mix = U * sizes @ V.T
    shift = 2 * draw(d)
    low = U[:, d - rank :] * sizes[d - rank :] @ V[:, d - rank :].T
    train = draw(n, d) @ low.T + shift
    return train, 1.5 * draw(m, d) @ mix.T + shift + draw(d)


def _cases(rng: np.random.Generator, visible: bool) -> list[Case]:
    def case(part: str, line: str, n: int, m: int, d: int, rank: int) -> Case:
        sets = _sets(n, m, d, rank, int(rng.integers(2**31)))
        says = f"{part} of whiten, {n} training and {m} test examples, {d} features"
        more = f" of rank {min(rank, n - 1)}" if part == "rank" else ""
        return Case(part, sets, says + more, line, {"rank": min(rank, n - 1)})

    d = int(rng.integers(3, 6))
    n, m = int(rng.integers(30, 50)), int(rng.integers(d + 3, 15))
    cases = [case("training set", "(3)", n, m, d, d)]
    if visible:
        return [*cases, case("training set", "(3)", n + 10, m, 2, 2)]
    return [
        *cases,
        case("training set", "(3)", n, m, d + 2, d + 2),
        case("test set", "(1)", n, m, d, d),
        case("test set", "(1)", n, 1, d, d),
        case("rank", "(2)", n, m, d + 2, d),
        case("rank", "(2)", 4, m, 6, 6),
    ]


def _read(case: Case, answer: Any) -> Tensor:
    """Keep what a rotation leaves: the inner products of all whitened examples.

    Returns:
        Their matrix, of the training set or of both sets.

    Raises:
        Unusable: If the answer is no pair of sets of examples.
    """
    if answer is None:
        raise Unusable(NONE.format(BOTH))
    if not isinstance(answer, (list, tuple)) or len(answer) != 2:
        raise Unusable(f"The function returned {describe(answer)}, expected {BOTH}.")
    d, found = case.args[0].shape[1], []
    for name, given, got in zip(("training", "test"), case.args, answer, strict=True):
        shape = (len(given), min(_columns(got) or d, d))
        found.append(read_tensor(got, shape, f"the {name} set"))
    train, test = found
    if train.shape[1] != test.shape[1]:
        raise Unusable(
            f"The training set has {train.shape[1]} columns, the test set "
            f"{test.shape[1]}: both are mapped by the same matrix."
        )
    both = train if case.part == "training set" else torch.cat(found)
    products = both @ both.T
    if not bool(torch.isfinite(products).all()):
        raise Unusable("The returned sets hold numbers whose products overflow.")
    return products


def _columns(rows: Any) -> int:
    """Count the columns of what may be examples.

    Returns:
        Their number, 0 if there are none.
    """
    if isinstance(rows, Tensor):
        return rows.shape[1] if rows.dim() == 2 else 0
    row = rows[0] if isinstance(rows, (list, tuple)) and rows else None
    return len(row) if isinstance(row, (list, tuple)) else 0


def _compare(case: Case, got: Tensor, expected: Tensor) -> str | None:
    n = len(case.args[0])
    for scale in (1.0, (n - 1) / n):  # Σ with 1/n, or with 1/(n − 1)
        if agree(got, scale * expected, 1e-6):
            return None
    rank, train = case.facts["rank"], got[:n, :n]
    length = float(train.mean().clamp(min=0).sqrt())
    if length > 1e-6:
        return f"The mean of the whitened training set has length {length:.3g}, not 0."
    variances = torch.linalg.eigvalsh(train / n).flip(0)[:rank]
    low, high = float(variances[-1]), float(variances[0])
    if max(abs(low - 1), abs(high - 1)) > 1.5 / n:
        return (
            f"Along its {rank} axes the whitened training set has variances from "
            f"{low:.3g} to {high:.3g}, expected 1 for all."
        )
    if not agree(train, expected[:n, :n], 1.5 / n):
        return "The training set varies in directions in which it should be 0."
    return _about_test(got[n:, n:], expected[n:, n:], max(abs(low - 1), abs(high - 1)))


def _about_test(got: Tensor, expected: Tensor, off: float) -> str:
    if off > 1e-6 and agree(got, expected, 1e-2):
        return (
            f"Nearly white: a variance of the training set is off by {off:.2g}. Is a "
            "small number added to the eigenvalues?"
        )
    lengths = (float(g.diagonal().mean()) if len(g) else 0.0 for g in (got, expected))
    mine, right = lengths
    return (
        "The training set is white, but the test set did not get the same map: its "
        f"examples have the mean squared length {mine:.4g}, expected {right:.4g}."
    )


WHITEN = Exercise(
    name="whiten",
    signature="whiten(X_train, X_test)",
    title="Whitening without leakage",
    minutes=12,
    difficulty=3,
    parts={"training set": 2, "test set": 2, "rank": 1},
    equations={
        "(1)": "μ = mean of x, Σ = mean of (x − μ)(x − μ)ᵀ, over the training set",
        "(2)": "Σ = U Λ Uᵀ; directions with eigenvalue 0 are mapped to 0",
        "(3)": "x̃ = Λ^(−1/2) Uᵀ (x − μ)",
    },
    cases=_cases,
    reference=whiten,
    read=_read,
    compare=_compare,
    mutants=MUTANTS,
    hints=(
        Hint(
            "The covariance is not I, and not even diagonal",
            "`lam, U = torch.linalg.eigh(S)` gives the eigenvectors as *columns* of U. "
            "With examples as rows, $U^\\top (x - \\mu)$ is `(X - mu) @ U`.",
            helps=("eigenvectors_transposed", "singular_vectors_transposed"),
        ),
        Hint(
            "Variances are right up to a common factor",
            "Dividing by n or by n − 1 in Σ are both accepted. The singular values of "
            "the centred data are $\\sqrt{n \\lambda}$, not $\\sqrt\\lambda$.",
            helps=("singular_values",),
        ),
        Hint(
            "Enormous numbers, or NaN, if features are sums of others",
            "Eigenvalues that are 0 on paper come out as about $10^{-16}$, some of "
            "them negative. Compare them with the largest one, and put 0 in place of "
            "$1/\\sqrt\\lambda$ where they are negligible.",
            helps=("small_number_added", "floor_instead_of_zero"),
        ),
        Hint(
            "My result looks rotated against the one of a library",
            "If x̃ is white, so is every rotation of it: PCA and ZCA whitening differ "
            "by one. The check accepts all of them.",
        ),
    ),
)
