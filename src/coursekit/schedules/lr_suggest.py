r"""Read a learning rate off the curve of a range test.

.. math::

    \eta_{argmin} &= \eta_k,\quad k = \arg\min_k \bar L_k \qquad (1) \\
    \eta_{steep} &= \eta_k,\quad k = \arg\min_k \frac{d \bar L_k}{d \ln \eta_k}
    \qquad (2)

for the rates :math:`\eta_k` and smoothed losses :math:`\bar L_k` of
``lr_range_test``. The lowest point lies where progress and instability
balance, about the largest rate that works; the steepest fall lies before it
and is the more careful choice. Neither is more than an estimate to a factor of
ten, and where the minimum is at an end of the range both are worth nothing.
"""

import math
from collections.abc import Sequence

__all__ = ["suggest_argmin", "suggest_steepest"]


def suggest_argmin(lrs: Sequence[float], smoothed: Sequence[float]) -> float:
    r"""Return the rate at the lowest point of the curve, equation (1).

    Args:
        lrs: Rates :math:`\eta_k`.
        smoothed: Smoothed losses; a shorter list leaves out the last rates.

    Returns:
        The first such rate.

    Raises:
        ValueError: If there is no loss, or one is not finite.

    Example:
        >>> suggest_argmin([0.01, 0.1, 1.0], [2.0, 1.0, 9.0])
        0.1
    """
    curve = _curve(lrs, smoothed, least=1)
    return lrs[curve.index(min(curve))]  # (1)


def suggest_steepest(lrs: Sequence[float], smoothed: Sequence[float]) -> float:
    r"""Return the rate at which the curve falls most steeply, equation (2).

    Args:
        lrs: Rates :math:`\eta_k` > 0, growing.
        smoothed: Smoothed losses, at least three.

    Returns:
        The rate in the middle of the steepest fall; the slope is the central
        difference over the logarithm of the rate, the ends left out.

    Raises:
        ValueError: If there are fewer than three losses, or one is not finite.

    Example:
        >>> suggest_steepest([0.01, 0.1, 1.0, 10.0], [3.0, 2.9, 1.0, 1.1])
        0.1
    """
    curve = _curve(lrs, smoothed, least=3)
    slopes = [
        (curve[k + 1] - curve[k - 1]) / math.log(lrs[k + 1] / lrs[k - 1])
        for k in range(1, len(curve) - 1)
    ]
    return lrs[1 + slopes.index(min(slopes))]  # (2)


def _curve(
    lrs: Sequence[float], smoothed: Sequence[float], *, least: int
) -> list[float]:
    if not least <= len(smoothed) <= len(lrs):
        raise ValueError(
            f"smoothed: expected {least} to {len(lrs)} losses for {len(lrs)} rates, "
            f"got {len(smoothed)}"
        )
    if not all(math.isfinite(value) for value in smoothed):
        raise ValueError(
            "smoothed: expected finite losses, got NaN or infinity; cut the curve "
            "where it diverged"
        )
    return list(smoothed)
