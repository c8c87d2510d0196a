r"""Follow two weights through one pass over twenty examples, by full and single steps.

A linear model without a bias has the loss

.. math:: L(w) = \frac{1}{2N} \sum_r (w^\top x_r - y_r)^2, \qquad
    \nabla L = \frac1N \sum_r (w^\top x_r - y_r)\,x_r \qquad (1)

An epoch is one update by :math:`\nabla L`, or N updates by the terms of its sum. Both
read the same examples; the rate is the same for both.
"""

from __future__ import annotations

import numpy as np

__all__ = ["best", "examples", "loss", "path"]


def examples(seed: int = 0, n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs of two features, and targets of a linear rule with noise.

    Args:
        seed: Of the draw.
        n: Number of examples.

    Returns:
        Inputs ``[n, 2]`` and targets ``[n]``.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2)) * [1.0, 0.6]
    return x, x @ [1.0, 0.7] + 0.5 * rng.standard_normal(n)


def loss(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the loss of equation (1) at many weights.

    Args:
        w: Weights.
        x: Inputs.
        y: Targets.

    Shape:
        w ``[..., 2]``, x ``[n, 2]``, y ``[n]``.

    Returns:
        Losses ``[...]``.
    """
    return ((w @ x.T - y) ** 2).mean(-1) / 2


def best(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weights of lowest loss.

    Args:
        x: Inputs.
        y: Targets.

    Returns:
        Two weights.
    """
    return np.linalg.lstsq(x, y, rcond=None)[0]


def path(
    batch_size: int,
    *,
    seed: int = 0,
    lr: float = 0.2,
    start: tuple[float, float] = (-1.0, -1.0),
) -> np.ndarray:
    """Make the updates of one epoch over `examples`, in shuffled order.

    Args:
        batch_size: Examples an update; it divides 20.
        seed: Of examples and order.
        lr: Learning rate.
        start: The first weights.

    Returns:
        Weights before the first update and after each, ``[updates + 1, 2]``.

    Example:
        >>> path(20).shape, path(1).shape
        ((2, 2), (21, 2))
    """
    x, y = examples(seed)
    order = np.random.default_rng(seed + 1).permutation(len(x))
    w = [np.array(start)]
    for rows in order.reshape(-1, batch_size):
        error = x[rows] @ w[-1] - y[rows]
        w.append(w[-1] - lr * error @ x[rows] / batch_size)
    return np.array(w)
