r"""Descend into a bowl of two inputs and a bias, after each treatment of the inputs.

Two features of standard deviations 1 and r, correlation c and a common offset m (in
standard deviations) have a mean and a covariance in closed form. A treatment maps
x to A(x − s), and the Hessian follows as in `input_scaling`, equation (1). The
minimum's predictions are the same for all treatments.
"""

from __future__ import annotations

import numpy as np

__all__ = ["AXES", "MOMENTS", "OFFSETS", "RATIOS", "RHOS", "TREATMENTS", "bowl"]

RATIOS = [1, 3, 10, 30, 100]
OFFSETS = [0, 1, 2, 5]
RHOS = [0, 0.5, 0.9, 0.95]
TREATMENTS = ("none", "centre", "standardise", "PCA", "whiten")
AXES = (RATIOS, OFFSETS, RHOS, TREATMENTS)
MOMENTS = [0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 135, 200, 300, 500]


def treated(ratio: float, offset: float, rho: float, how: str) -> np.ndarray:
    """Return the Hessian of two treated inputs and the bias.

    Args:
        ratio: Scale of the second feature, the first one's being 1.
        offset: Mean of both, in their standard deviations.
        rho: Their correlation.
        how: One of ``TREATMENTS``.

    Returns:
        A matrix of three rows.

    Example:
        >>> treated(10, 2, 0.9, "whiten").round(6).diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    std = np.array([1.0, ratio])
    sigma = np.outer(std, std) * np.array([[1, rho], [rho, 1]])
    values, axes = np.linalg.eigh(sigma)
    maps = {
        "standardise": np.diag(1 / std),
        "PCA": axes.T,
        "whiten": np.diag(values**-0.5) @ axes.T,
    }
    a = maps.get(how, np.eye(2))
    mean = a @ (offset * std) if how == "none" else np.zeros(2)
    h = np.eye(3)
    h[:2, :2] = a @ sigma @ a.T + np.outer(mean, mean)
    h[:2, 2] = h[2, :2] = mean
    return h


def bowl(ratio: float, offset: float, rho: float, how: str) -> dict[str, np.ndarray]:
    """Descend at the best fixed rate from an error of 1 along each eigenvector.

    Args:
        ratio: Scale of the second feature.
        offset: Mean of both, in their standard deviations.
        rho: Their correlation.
        how: One of ``TREATMENTS``.

    Returns:
        ``kappa``, ``eigenvalue`` (three, largest first), ``loss`` at ``MOMENTS`` as
        a share of the first, ``updates`` to a loss of one part in 10⁴.
    """
    values = np.linalg.eigvalsh(treated(ratio, offset, rho, how))[::-1]
    factor = np.abs(1 - 2 * values / (values[0] + values[-1]))
    steps = np.array(MOMENTS)[:, None]
    loss = (values * factor ** (2 * steps)).sum(1) / values.sum()
    low, high = 0, 10**9
    while high - low > 1:
        t = (low + high) // 2
        small = (values * factor ** (2.0 * t)).sum() < 1e-4 * values.sum()
        low, high = (low, t) if small else (t, high)
    kappa = values[0] / values[-1]
    found = {"kappa": kappa, "eigenvalue": values, "loss": loss, "updates": high}
    return {name: np.asarray(value, float) for name, value in found.items()}
