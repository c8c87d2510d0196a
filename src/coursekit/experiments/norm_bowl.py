r"""Descend into a bowl of two inputs and a bias, after each treatment of the inputs.

Two features of standard deviations 1 and r, correlation ρ and a common offset m (in
standard deviations) have a mean and a covariance in closed form. A treatment maps
x to A(x − s), and the Hessian follows as in `input_scaling`, equation (1). The
minimum's predictions are the same for all treatments. At the best fixed rate
:math:`\eta = 2/(\lambda_1+\lambda_d)` no start loses less than

.. math:: L_{t+1} \le \Big(\frac{\kappa-1}{\kappa+1}\Big)^2 L_t, \qquad (1)

with equality along the first and the last eigenvector. `bowl` is the Python twin of
the closed form of that name of :mod:`coursekit.figures`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

__all__ = ["STEPS", "TREATMENTS", "WALK", "bowl", "bowl_field", "treated"]

TREATMENTS = ("none", "centre", "standardise", "PCA", "whiten")
STEPS, WALK, GOAL, START = 100, 20, 1e-4, (-1.2, 0.4, 0.0)


@cache
def treated(how: str, ratio: float, offset: float, rho: float) -> np.ndarray:
    """Return the Hessian of two treated inputs and the bias.

    Args:
        how: One of ``TREATMENTS``.
        ratio: Scale of the second feature, the first one's being 1.
        offset: Mean of both, in their standard deviations.
        rho: Their correlation.

    Returns:
        A matrix of three rows.

    Raises:
        ValueError: If there is no such treatment.

    Example:
        >>> treated("whiten", 10, 2, 0.9).round(6).diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    if how not in TREATMENTS:
        raise ValueError(f"how: expected one of {TREATMENTS}, got {how!r}")
    std = np.array([1.0, ratio])
    sigma = np.outer(std, std) * np.array([[1, rho], [rho, 1]])
    values, axes = np.linalg.eigh(sigma)
    largest_first = axes[:, ::-1].T
    maps = {
        "standardise": np.diag(1 / std),
        "PCA": largest_first,
        "whiten": np.diag(values[::-1] ** -0.5) @ largest_first,
    }
    a = maps.get(how, np.eye(2))
    mean = offset * std if how == "none" else np.zeros(2)
    h = np.eye(3)
    h[:2, :2] = a @ sigma @ a.T + np.outer(mean, mean)
    h[:2, 2] = h[2, :2] = mean
    return h


@cache
def _walk(how: str, *data: float) -> dict[str, np.ndarray]:
    h = treated(how, *data)
    values = np.linalg.eigvalsh(h)[::-1].copy()
    # of a stretched bowl, eigvalsh gives the smallest to few digits; det H = det Σ
    sigma = h[:2, :2] - np.outer(h[2, :2], h[2, :2])
    values[2] = np.linalg.det(sigma) / (values[0] * values[1])
    path = [np.array(START)]
    for _ in range(STEPS):
        path.append(path[-1] - 2 / (values[0] + values[2]) * h @ path[-1])
    points = np.array(path)
    loss = np.einsum("ti,ij,tj->t", points, h, points)
    share = np.maximum(loss / loss[0], 1e-12)
    return {"path": points, "eigenvalue": values, "loss": share}


def bowl(
    how: str, ratio: float, offset: float, rho: float
) -> dict[str, np.ndarray | float]:
    """Descend at the best fixed rate from ``START``, in the treatment's coordinates.

    Args:
        how: One of ``TREATMENTS``.
        ratio: Scale of the second feature.
        offset: Mean of both, in their standard deviations.
        rho: Their correlation.

    Returns:
        ``px``, ``py``: error of the weights, 20 updates long; ``eigenvalue``, three,
        largest first; ``kappa``; ``updates``, after which the loss of every start has
        fallen to 1 in 10 000, by equation (1); ``round``, 1 where κ = 1;
        ``loss_<how>``, share of the first loss over 100 updates, for every treatment.

    Example:
        >>> found = bowl("standardise", ratio=10, offset=2, rho=0.9)
        >>> round(found["kappa"], 6), found["updates"]
        (19.0, 44)
    """
    data = (ratio, offset, rho)
    walk = _walk(how, *data)
    kappa = float(walk["eigenvalue"][0] / walk["eigenvalue"][2])
    with np.errstate(divide="ignore"):
        shrink = float(np.log1p(-2 / (kappa + 1)))
    return {
        "px": walk["path"][: WALK + 1, 0],
        "py": walk["path"][: WALK + 1, 1],
        "eigenvalue": walk["eigenvalue"],
        "kappa": kappa,
        "updates": max(1, int(np.ceil(np.log(GOAL) / (2 * shrink)))),
        "round": int(kappa < 1.001),
    } | {f"loss_{way}": _walk(way, *data)["loss"] for way in TREATMENTS}


def bowl_field(
    x: float, y: float, *, how: str, ratio: float, offset: float, rho: float
) -> float:
    """Return the loss over the weights, at the bias of the minimum.

    Args:
        x: Error of the first weight.
        y: Error of the second.
        how: One of ``TREATMENTS``.
        ratio: Scale of the second feature.
        offset: Mean of both, in their standard deviations.
        rho: Their correlation.

    Returns:
        The loss above its minimum.
    """
    (a, b, _), (_, c, _), _ = treated(how, ratio, offset, rho)
    return (a * x * x + 2 * b * x * y + c * y * y) / 2
