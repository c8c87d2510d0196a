r"""Wrong ways to whiten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Mutant

__all__ = ["MUTANTS"]

Parts = tuple[Tensor, Tensor, Tensor]
TRANSPOSED = (
    "This behaves like using the eigenvectors transposed. They are the columns of U: "
    "with examples as rows, Uᵀ(x − μ) is `(X - mu) @ U`."
)


def _axes(X: Tensor) -> Parts:
    mu = X.mean(0)
    lam, U = torch.linalg.eigh((X - mu).T @ (X - mu) / len(X))
    return mu, lam, U


def _inverse_root(lam: Tensor) -> Tensor:
    return torch.where(lam > 1e-9 * lam.max(), lam.clamp(min=1e-300) ** -0.5, 0.0)


def _map(X: Tensor, parts: Parts, scale: Callable[[Tensor], Tensor] = _inverse_root):
    mu, lam, U = parts
    return (X - mu) @ U * scale(lam)


def _scaled(scale: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """Whiten with another scale of each axis.

    Returns:
        The wrong answer.
    """

    def mutant(X_train, X_test):
        parts = _axes(X_train)
        return _map(X_train, parts, scale), _map(X_test, parts, scale)

    return mutant


def _linear(fit: Callable[[Tensor], tuple[Any, Tensor]]) -> Callable[..., Any]:
    """Subtract and multiply what a function of the training set gives.

    Returns:
        The wrong answer.
    """

    def mutant(X_train, X_test):
        mu, A = fit(X_train)
        return (X_train - mu) @ A, (X_test - mu) @ A

    return mutant


def _transposed(X: Tensor) -> tuple[Tensor, Tensor]:
    mu, lam, U = _axes(X)
    return mu, U.T * _inverse_root(lam)


def _transposed_svd(X: Tensor) -> tuple[Tensor, Tensor]:
    mu = X.mean(0)
    _, s, Vh = torch.linalg.svd(X - mu, full_matrices=len(X) < X.shape[1])
    lam = torch.zeros(X.shape[1], dtype=X.dtype)
    lam[: len(s)] = s.square() / len(X)
    return mu, Vh * _inverse_root(lam)


def _not_shifted(X: Tensor) -> tuple[Any, Tensor]:
    _, lam, U = _axes(X)
    return 0.0, U * _inverse_root(lam)


def _about_zero(X: Tensor) -> tuple[Any, Tensor]:
    lam, U = torch.linalg.eigh(X.T @ X / len(X))
    return 0.0, U * _inverse_root(lam)


def _each_alone(X_train, X_test):
    return _map(X_train, _axes(X_train)), _map(X_test, _axes(X_test))


def _fitted_on_both(X_train, X_test):
    parts = _axes(torch.cat([X_train, X_test]))
    return _map(X_train, parts), _map(X_test, parts)


def _own_mean(X_train, X_test):
    mu, lam, U = _axes(X_train)
    return _map(X_train, (mu, lam, U)), _map(X_test, (X_test.mean(0), lam, U))


def _test_left(X_train, X_test):
    return _map(X_train, _axes(X_train)), X_test.clone()


MUTANTS = (
    Mutant("eigenvectors_transposed", _linear(_transposed), TRANSPOSED, "(3)"),
    Mutant("singular_vectors_transposed", _linear(_transposed_svd), TRANSPOSED, "(3)"),
    Mutant(
        "test_by_its_own_statistics",
        _each_alone,
        "This behaves like whitening the test set by its own mean and covariance. Then "
        "the same example means something else in the two sets, and a single test "
        "example cannot be mapped at all. Use the training set's μ, U and Λ.",
        "(1)",
    ),
    Mutant(
        "fitted_on_both",
        _fitted_on_both,
        "This behaves like taking μ and Σ from training and test set together. That "
        "leaks the test set into training: the statistics come from the training set.",
        "(1)",
    ),
    Mutant(
        "test_by_its_own_mean",
        _own_mean,
        "This behaves like centring the test set by its own mean. Subtract the "
        "training set's μ: whatever shift there is between the sets has to stay.",
        "(1)",
    ),
    Mutant(
        "test_left_alone",
        _test_left,
        "This behaves like returning the test set as it came. It gets the same map as "
        "the training set.",
        "(3)",
    ),
    Mutant(
        "not_shifted",
        _linear(_not_shifted),
        "This behaves like taking Σ about the mean and then forgetting to subtract the "
        "mean from x.",
        "(3)",
    ),
    Mutant(
        "about_zero",
        _linear(_about_zero),
        "This behaves like whitening with the mean of x xᵀ, about zero. Subtract the "
        "mean first; otherwise the largest eigenvector mostly points to it.",
        "(1)",
    ),
    Mutant(
        "only_rotated",
        _scaled(torch.ones_like),
        "This behaves like PCA: the features are uncorrelated, but each keeps its "
        "variance. Divide by the root of the eigenvalues.",
        "(3)",
    ),
    Mutant(
        "only_standardized",
        _linear(lambda X: (X.mean(0), torch.diag(1 / X.std(0, correction=0)))),
        "This behaves like standardizing each feature. Variances are 1, but the "
        "features are still correlated: rotate to the eigenvectors first.",
        "(2)",
    ),
    Mutant(
        "divides_by_variance",
        _scaled(lambda lam: _inverse_root(lam).square()),
        "This behaves like dividing by the eigenvalues. They are variances: divide by "
        "their roots.",
        "(3)",
    ),
    Mutant(
        "multiplies",
        _scaled(lambda lam: lam.clamp(min=0).sqrt()),
        "This behaves like multiplying by the root of the eigenvalues. Divide: "
        "Λ^(−1/2).",
        "(3)",
    ),
    Mutant(
        "singular_values",
        lambda X_train, X_test: tuple(
            x / len(X_train) ** 0.5 for x in _scaled(_inverse_root)(X_train, X_test)
        ),
        "This behaves like dividing by the singular values of the data. They are "
        "√(nλ): a factor √n is missing, and every variance comes out as 1/n.",
        "(3)",
    ),
    Mutant(
        "small_number_added",
        _scaled(lambda lam: (lam + 1e-5) ** -0.5),
        "This behaves like adding a small number to every eigenvalue. On the test set "
        "it enlarges directions in which the training set does not vary by several "
        "hundred; they are to be mapped to 0, and the others exactly.",
        "(2)",
    ),
    Mutant(
        "floor_instead_of_zero",
        _scaled(lambda lam: lam.clamp(min=1e-12) ** -0.5),
        "This behaves like a floor under the eigenvalues. A direction in which the "
        "training set does not vary is then enlarged by a million on the test set; it "
        "is to be mapped to 0.",
        "(2)",
    ),
)
