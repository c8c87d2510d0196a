r"""Follow gradient descent, momentum and Nesterov's method on a two-dimensional bowl.

On :math:`f(x, y) = (\kappa x^2 + y^2)/2` each direction obeys a recursion of its own:
with curvature :math:`\lambda` and :math:`a = \eta\lambda`,

.. math::

    \theta_{t+1} = c\,\theta_t - d\,\theta_{t-1}, \qquad
    (c, d) = \begin{cases} (1 - a,\ 0) & \text{GD} \\
    (1 + \mu - a,\ \mu) & \text{momentum} \\
    ((1+\mu)(1-a),\ \mu(1-a)) & \text{Nesterov} \end{cases} \qquad (1)

so the error shrinks by the larger root of :math:`z^2 - cz + d` an update. The path is
computed by the rules of :mod:`coursekit.optim`; the factors by the eigenvalues of (1).
It is the Python twin of the closed form ``descent`` of :mod:`coursekit.figures`.
"""

import numpy as np
import torch
from torch import Tensor

from ..optim import gd, nag_look_ahead, sgdm

__all__ = ["METHODS", "descent", "descent_field"]

METHODS = ("GD", "momentum", "Nesterov")


def descent(
    method: str, kappa: float, rate: float, mu: float, x0: float, y0: float
) -> dict[str, np.ndarray | float]:
    r"""Run 100 updates from a start and report path, loss and factors.

    Args:
        method: One of :data:`METHODS`.
        kappa: Condition number κ ≥ 1.
        rate: Learning rate in units of :math:`1/\lambda_{\max}`.
        mu: Momentum μ in [0, 1); not used by GD.
        x0: Start along the steep direction.
        y0: Start along the flat direction.

    Returns:
        ``px``, ``py``, ``loss`` over 101 moments; ``rho``, ``steep``, ``flat``, the
        factors an update; ``best`` and ``heavy``, the best rates of GD and of
        momentum; ``reached``, the update at which the loss has fallen 10⁻⁴-fold;
        ``grows`` and ``slow``, 1 where it diverges or does not get there.

    Example:
        >>> found = descent("GD", kappa=4.0, rate=1.0, mu=0.0, x0=1.0, y0=1.0)
        >>> round(found["flat"], 3), int(found["reached"])
        (0.75, 14)
    """
    curvature = torch.tensor([kappa, 1.0], dtype=torch.float64)
    eta, beta = rate / kappa, 0.0 if method == "GD" else mu
    path = np.array(_walk(method, curvature, eta, beta, (x0, y0)))
    loss = descent_field(path[:, 0], path[:, 1], kappa=kappa)
    steep, flat = (_factor(method, beta, eta * c) for c in (kappa, 1.0))
    hits = np.flatnonzero(loss < 1e-4 * loss[0])
    rho = max(steep, flat)
    return {
        "px": path[:, 0],
        "py": path[:, 1],
        "loss": loss,
        "rho": rho,
        "steep": steep,
        "flat": flat,
        "best": 2 * kappa / (1 + kappa),
        "heavy": 4 * kappa / (1 + np.sqrt(kappa)) ** 2,
        "reached": int(hits[0]) if hits.size else 0,
        "grows": int(rho > 1 + 1e-9),
        "slow": int(not hits.size),
    }


def descent_field(x: np.ndarray, y: np.ndarray, *, kappa: float, **_: object):
    """Return the loss that the path descends.

    Args:
        x: Steep coordinate.
        y: Flat coordinate.
        kappa: Condition number κ.
        **_: The other inputs of the closed form; not used.

    Returns:
        Its value at each point.
    """
    return (kappa * x * x + y * y) / 2


def _walk(
    method: str, curvature: Tensor, eta: float, mu: float, start: tuple[float, float]
) -> list[list[float]]:
    theta = torch.tensor(start, dtype=torch.float64)
    m, state = torch.zeros_like(theta), sgdm.init(theta)
    points = [theta.tolist()]
    for t in range(1, 101):
        if method == "Nesterov":
            theta, m = nag_look_ahead(
                lambda at: curvature * at, theta, m, lr=eta, momentum=mu
            )
        elif method == "momentum":
            delta, state = sgdm.update(
                curvature * theta, state, theta, t, lr=eta, momentum=mu
            )
            theta = theta - delta
        else:
            theta = theta - gd.update(curvature * theta, {}, theta, t, lr=eta)[0]
        points.append(theta.tolist())
    return points


def _factor(method: str, mu: float, a: float) -> float:
    if method == "Nesterov":
        c, d = (1 + mu) * (1 - a), mu * (1 - a)
    else:
        c, d = 1 + mu - a, mu
    return float(np.abs(np.linalg.eigvals([[c, -d], [1.0, 0.0]])).max())  # (1)
