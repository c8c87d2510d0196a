r"""Choose the round values written at an axis, as ``js/core/scale.js`` does.

Page and paper show the same numbers at the same places; a test runs both.
"""

from __future__ import annotations

import math

Limits = tuple[float, float]


def ticks_of(limits: Limits, log: bool, count: float = 5) -> list[float]:
    """Choose round values between two limits.

    Args:
        limits: Low and high; positive if logarithmic.
        log: Whether the axis is logarithmic.
        count: About how many.

    Returns:
        The values, ascending.

    Example:
        >>> ticks_of((0, 1), False), ticks_of((1e-4, 1), True)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0001, 0.001, 0.01, 0.1, 1.0])
    """
    low, high = limits
    return _log(low, high, count) if log else _linear(low, high, count)


def _linear(low: float, high: float, count: float) -> list[float]:
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    step = power * next(
        m for m in (1, 2, 5, 10) if (high - low) / (power * m) <= count or m == 10
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _log(low: float, high: float, count: float) -> list[float]:
    first = math.ceil(math.log10(low) - 1e-9)
    last = math.floor(math.log10(high) + 1e-9)
    decades = range(first, last + 1)
    if len(decades) >= 3:
        every = math.ceil(len(decades) / (count + 1))
        return [float(f"1e{e}") for e in decades if e % every == 0]
    steps = [float(f"{m}e{e}") for e in range(first - 1, last + 2) for m in (1, 2, 5)]
    between = [t for t in steps if 0.999 * low <= t <= 1.001 * high]
    return between if len(between) >= 2 else _linear(low, high, count)
