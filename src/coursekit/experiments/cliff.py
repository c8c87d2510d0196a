r"""Take one step at the cliff of a scalar recurrence, clipped and not.

.. math::

    h_T &= w^T h_0, \qquad L = \tfrac12 (h_T - y)^2, \quad y = 1 \qquad (1) \\
    \frac{\partial L}{\partial w} &= (h_T - y)\; T w^{T-1} h_0, \qquad
    \frac{\partial L}{\partial h_0} = (h_T - y)\; w^T \qquad (2)

Both parameters are trained. With :math:`|h_T| \gg 1` the first derivative grows as
:math:`w^{2T-1}`, while :math:`\partial h_T/\partial w` grows as :math:`w^{T-1}`.
`cliff` is the Python twin of the closed form of that name of :mod:`coursekit.figures`.
"""

from __future__ import annotations

import numpy as np
import torch

from coursekit.optim import clip_norm, clip_value

__all__ = ["WAYS", "cliff", "cliff_field", "exponent", "gradient", "loss"]

WAYS = ("none", "by norm", "by value")
GRID = np.round(np.linspace(0.8, 1.2, 81), 3)
TARGET, LONG, SHORT = 1.0, 0.16, 0.1
Numbers = np.ndarray | float
LARGEST = 1e308  # near the largest double


def loss(w: Numbers, h0: Numbers, T: int) -> Numbers:
    """Return the loss, equation (1).

    Args:
        w: Recurrent weight.
        h0: First state.
        T: Number of steps.

    Returns:
        Its value.
    """
    return (w**T * h0 - TARGET) ** 2 / 2


def gradient(w: float, h0: float, T: int) -> tuple[float, float]:
    """Return the derivatives with respect to w and to h₀, equation (2).

    Args:
        w: Recurrent weight.
        h0: First state.
        T: Number of steps.

    Returns:
        Both.

    Example:
        >>> gradient(1.0, 2.0, 3)
        (6.0, 1.0)
    """
    error = w**T * h0 - TARGET
    return error * T * w ** (T - 1) * h0, error * w**T


def exponent(T: int, of: str, low: float = 1.5, high: float = 2.0) -> float:
    """Measure with which power of w a derivative grows.

    Args:
        T: Number of steps.
        of: ``"state"`` for the derivative of h_T, ``"loss"`` for that of the loss.
        low: One weight, well above 1.
        high: A larger one.

    Returns:
        The slope between the two on logarithmic axes, by automatic differentiation.
    """
    sizes = []
    for value in (low, high):
        w = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        h = torch.ones((), dtype=torch.float64)
        for _ in range(T):
            h = w * h
        target = h if of == "state" else (h - TARGET) ** 2 / 2
        sizes.append(torch.autograd.grad(target, w)[0].item())
    return float(np.log(sizes[1] / sizes[0]) / np.log(high / low))


def cliff(
    w: float, h0: float, T: int, rate: float, way: str, bound: float
) -> dict[str, object]:
    r"""Take one step of gradient descent and say where it lands.

    Args:
        w: Recurrent weight.
        h0: First state.
        T: Number of steps of the recurrence.
        rate: Learning rate.
        way: One of `WAYS`.
        bound: Threshold c.

    Returns:
        ``curve``, the loss over the grid of w at this h₀; ``w0``, ``w1``, ``h1``,
        ``before``, ``after`` (losses); ``norm`` of the gradient;
        ``moved``, the length of the step; ``angle`` in degrees by which it was turned;
        tips of arrows of one length along the raw and along the used direction
        (``rx``, ``ry``, ``ux``, ``uy``); flags ``free`` (no clipping), ``idle``
        (nothing was above the threshold), ``turned``, ``away`` (w left 0.8 … 1.2),
        ``over`` (the loss is beyond the largest double).
    """
    g = torch.tensor(gradient(w, h0, T), dtype=torch.float64)
    used = {"none": g, "by norm": clip_norm([g], bound)[0]}.get(way)
    used = clip_value([g], bound)[0] if used is None else used
    norm, length = float(torch.hypot(*g)), float(torch.hypot(*used))
    raw_angle, angle = (float(torch.atan2(v[1], v[0])) for v in (g, used))
    w1, h1 = w - rate * float(used[0]), h0 - rate * float(used[1])
    turn = abs(angle - raw_angle) * 180 / np.pi
    with np.errstate(over="ignore"):
        after = min(float(loss(np.float64(w1), h1, T)), LARGEST)
    return {
        "curve": loss(GRID, h0, T),
        "w0": w,
        "w1": w1,
        "h1": h1,
        "before": loss(w, h0, T),
        "after": after,
        "norm": norm,
        "moved": rate * length,
        "angle": turn,
        **_tip("r", w, h0, LONG, raw_angle),
        **_tip("u", w, h0, SHORT, angle),
        "free": int(way == "none"),
        "idle": int(bool((used == g).all())),
        "turned": int(turn > 0.05),
        "away": int(not GRID[0] <= w1 <= GRID[-1]),
        "over": int(after == LARGEST),
    }


def _tip(name: str, w: float, h0: float, length: float, angle: float) -> dict:
    tip = w - length * np.cos(angle), h0 - length * np.sin(angle)
    return {f"{name}x": tip[0], f"{name}y": tip[1], f"{name}w": w, f"{name}h": h0}


def cliff_field(x: Numbers, y: Numbers, *, T: int, **_: object) -> np.ndarray:
    """Return the logarithm of the loss over w and h₀, for iso-lines.

    Args:
        x: Recurrent weight.
        y: First state.
        T: Number of steps.
        **_: The other inputs of the closed form; not used.

    Returns:
        log10 of one thousandth plus the loss.
    """
    return np.log10(1e-3 + loss(x, y, T))
