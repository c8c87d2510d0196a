r"""Fix the ranges of all axes before anything is drawn.

An axis that rescales while the reader moves a slider hides the very change it should
show, so ranges cover every state of the figure, live and on paper alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .dims import Dim
from .space import Space

Limits = tuple[float, float]


def of_fields(
    space: Space, names: Iterable[str], log: bool, what: str, air: bool = True
) -> Limits:
    """Return a range that covers all finite stored values of some fields.

    Args:
        space: The figure's data.
        names: Stored fields.
        log: Whether the axis is logarithmic; then only positive values count.
        what: What the range is for, as the error message says it.
        air: Whether to widen the range a little, so that no line runs on the frame.

    Returns:
        Low and high.

    Raises:
        ValueError: If a field is computed, whose range nobody can know.
    """
    parts = []
    for name in names:
        if space.cube is None or name not in space.cube.arrays:
            raise ValueError(
                f"{what} is needed: {name!r} is computed in the page, so its range "
                "is not known here"
            )
        values = space.cube.arrays[name].values
        parts.append(values[np.isfinite(values) & ((values > 0) | (not log))])
    known = np.concatenate([p.ravel() for p in parts]) if parts else np.empty(0)
    if not known.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    return (low, high) if low < high and not air else with_air(low, high, log)


def with_air(low: float, high: float, log: bool) -> Limits:
    """Widen a range by 4 %, but let a linear axis near zero begin at zero.

    Args:
        low: Smallest value.
        high: Largest value.
        log: Whether the axis is logarithmic.

    Returns:
        Low and high.
    """
    if log:
        air = max((high / low) ** 0.04, 1.02)
        return float(low / air), float(high * air)
    air = 0.04 * (high - low) or 0.5
    near_zero = 0 <= low < 0.25 * high
    return (0.0 if near_zero else low - air), high + air


def of_dim(dim: Dim, log: bool) -> Limits:
    """Return the range of a dimension's settings.

    Args:
        dim: The dimension.
        log: Whether the axis is logarithmic; then only positive settings count.

    Returns:
        Low and high, without air.
    """
    places = [p for p in dim.positions if p > 0 or not log]
    low, high = min(places), max(places)
    return (low, high) if low < high else with_air(low, high, log)
