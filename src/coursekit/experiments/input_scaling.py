r"""Condition least squares by treating its inputs.

With a bias column the loss and its Hessian are

.. math::
    L(w, b) = \frac{1}{2n} \sum_r (w^\top x_r + b - y_r)^2, \qquad
    H = \begin{pmatrix} \Sigma + \mu\mu^\top & \mu \\ \mu^\top & 1 \end{pmatrix},
    \qquad (1)

where μ and Σ are mean and covariance of the inputs. Gradient descent at the best
fixed rate, η = 2/(λ₁ + λ_d), multiplies the error along each eigenvector by
1 − ηλ, at worst by

.. math:: \rho = \frac{\kappa - 1}{\kappa + 1}. \qquad (2)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from coursekit import norm
from coursekit.device import generator

__all__ = ["TREATMENTS", "condition", "features", "hessian", "updates"]

TREATMENTS: dict[str, Callable[[Tensor], Tensor]] = {
    "raw": lambda x: x,
    "centred": norm.center,
    "PCA": norm.pca,
    "standardised": norm.standardize,
    "whitened": norm.whiten,
}


def features(seed: int, n: int = 200, d: int = 5) -> Tensor:
    """Draw correlated features with unequal units and offsets.

    Args:
        seed: Of mixing matrix, units, offsets and examples.
        n: Examples.
        d: Features.

    Returns:
        ``[n, d]`` in float64.
    """
    g = generator(seed)
    mixing = torch.randn(d, d, generator=g, dtype=torch.float64) / d**0.5
    mixing += torch.eye(d, dtype=torch.float64)
    unit = 10 ** torch.empty(d, dtype=torch.float64).uniform_(-1, 1, generator=g)
    offset = torch.randn(d, generator=g, dtype=torch.float64) * 2
    z = torch.randn(n, d, generator=g, dtype=torch.float64) @ mixing.T
    return unit * (z + offset)


def hessian(x: Tensor, bias: bool = True) -> Tensor:
    """Return H of equation (1).

    Args:
        x: Inputs ``[n, d]``.
        bias: Whether there is a bias column.

    Returns:
        The matrix, of d + 1 rows with a bias.
    """
    if bias:
        x = torch.cat([x, x.new_ones(len(x), 1)], 1)
    return x.T @ x / len(x)


def condition(x: Tensor, bias: bool = True) -> float:
    """Return κ of the Hessian.

    Args:
        x: Inputs ``[n, d]``.
        bias: Whether there is a bias column.

    Returns:
        Largest eigenvalue over the smallest.

    Example:
        >>> round(condition(norm.whiten(features(0))), 6)
        1.0
    """
    eigenvalues = torch.linalg.eigvalsh(hessian(x, bias))
    return float(eigenvalues[-1] / eigenvalues[0])


def updates(x: Tensor, seed: int = 0, goal: float = 1e-6, most: int = 10**7) -> int:
    """Count the updates of GD at its best rate until the loss is small.

    The error starts with equal expected parts along all eigenvectors; the iteration
    is evaluated in closed form along each, and the count found by bisection.

    Args:
        x: Inputs ``[n, d]``.
        seed: Of the first error.
        goal: Excess loss to reach, as a share of that at the start.
        most: Where counting ends.

    Returns:
        The least number of updates.
    """
    values = torch.linalg.eigvalsh(hessian(x)).numpy()
    start = np.random.default_rng(seed).standard_normal(len(values))
    factor = 1 - 2 * values / (values[0] + values[-1])

    def share(t: int) -> float:
        now = values * (start * factor**t) ** 2
        return float(now.sum() / (values * start**2).sum())

    low, high = 0, 1
    while share(high) > goal and high < most:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if share(middle) > goal else (low, middle)
    return min(high, most)
