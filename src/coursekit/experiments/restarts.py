r"""Search one class many times: is the best function far from what a run finds?

Forty noisy points of :math:`y = 4x^3 - 3x` are fitted by gradient descent with
momentum from twenty starts. Let :math:`\theta_r` be where start r ends. For every
class F

.. math::

    \min_F L \;\le\; \min_r L(\theta_r) \;\le\; \mathrm{median}_r L(\theta_r) \qquad (1)

The second gap is search: the class has what the typical run does not find. The first is
not known for networks; a polynomial of one degree is linear in its coefficients, and
its minimum is a least-squares fit. For the networks each run is taken on by L-BFGS and
the lowest loss is kept: an upper bound on the minimum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import minimize
from torch import nn

from coursekit._validate import check_in
from coursekit.data import cubic, poly_features
from coursekit.models import MLP
from coursekit.sweep import grid, sweep

__all__ = ["FAMILIES", "fits", "points"]

FAMILIES = ("polynomial", "tanh")
RATE, MOMENTUM, STEPS, POINTS = 0.01, 0.9, 2000, 40


def points() -> tuple[np.ndarray, np.ndarray]:
    """Return the data, ordered by x.

    Returns:
        x and y, each `[40]`.
    """
    x, y = (v.double().numpy()[:, 0] for v in cubic(POINTS))
    order = np.argsort(x)
    return x[order], y[order]


def fits(
    family: str, size: int, starts: Sequence[int] = range(20), *, steps: int = STEPS
) -> dict[str, np.ndarray]:
    """Fit the points by gradient descent from several starts.

    Args:
        family: ``polynomial`` of degree `size`, in the Legendre basis, or ``tanh``: a
            net with `size` hidden units.
        size: Degree or units.
        starts: Seeds of the first weights.
        steps: Updates by the gradient of all points, rate 0.01, momentum 0.9.

    Returns:
        ``fit``: predictions `[start, point]`; ``loss``: mean squared error `[start]`;
        ``floor``: the lowest loss known in the class.
    """
    check_in("family", family, FAMILIES)
    x, y = (torch.tensor(v)[:, None] for v in points())
    if family == "polynomial":
        x = poly_features(x, size, basis="legendre", bias=False)

    def net(size: int) -> nn.Module:
        return (
            nn.Linear(size, 1) if family == "polynomial" else MLP([1, size, 1], "tanh")
        )

    runs = sweep(
        net,
        (x, y),
        grid(
            size=size,
            seed=list(starts),
            optimizer="sgdm",
            lr=RATE,
            momentum=MOMENTUM,
            batch_size=None,
        ),
        steps=steps,
        loss="mse",
        workers=1,
        dtype=torch.float64,
        progress=False,
    )
    nets = [runs.model(row) for row in range(len(starts))]
    with torch.no_grad():
        fit = np.stack([n(x)[:, 0].numpy() for n in nets])
    loss = np.square(fit - y[:, 0].numpy()).mean(1)
    if family == "polynomial":
        floor = _least_squares(x.numpy(), y.numpy())
    else:
        floor = min(_polished(n, x.numpy(), y.numpy()[:, 0]) for n in nets)
    return {"fit": fit, "loss": loss, "floor": np.array(floor)}


def _least_squares(x: np.ndarray, y: np.ndarray) -> float:
    columns = np.column_stack([np.ones(len(x)), x])
    best = np.linalg.lstsq(columns, y, rcond=None)[0]
    return float(np.square(columns @ best - y).mean())


def _polished(net: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    start = nn.utils.parameters_to_vector(net.parameters()).detach().numpy()
    units = len(start) // 3

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, c = theta[:-1].reshape(3, units)
        h = np.tanh(x * a + b)
        e = h @ c + theta[-1] - y
        back = 2 * e[:, None] / len(e) * c * (1 - h**2)
        slopes = [(back * x).sum(0), back.sum(0), 2 * e @ h / len(e)]
        return float((e**2).mean()), np.concatenate([*slopes, [2 * e.mean()]])

    options = {"maxiter": 300}
    return float(
        minimize(loss, start, jac=True, method="L-BFGS-B", options=options).fun
    )
