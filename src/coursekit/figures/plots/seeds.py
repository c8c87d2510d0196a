r"""Summarise seeds, and say on the axis how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.limits import with_air
from coursekit.figures.runs import MANY_SEEDS

if TYPE_CHECKING:
    pass

Limits = tuple[float, float]


Band = tuple[np.ndarray, np.ndarray]


def summary(values: np.ndarray) -> tuple[np.ndarray, Band | None, Band | None]:
    """Summarise seeds: median, range and, from eight seeds on, the middle half.

    Args:
        values: Runs; what is not finite has diverged.

    Shape:
        values: ``[seed, place]``

    Returns:
        The median, infinite where half of the seeds or more diverged; the range, or
        None for one seed; the middle half, or None below eight seeds.
    """
    finite = np.isfinite(values)
    alive = 2 * finite.sum(0) > len(values)
    known = np.where(alive, np.where(finite, values, np.nan), 0.0)
    middle = np.where(alive, np.nanmedian(known, axis=0), np.inf)
    if len(values) == 1:
        return middle, None, None
    steps = np.nanquantile(known, [0.0, 0.25, 0.75, 1.0], axis=0)
    low, q1, q3, high = np.where(alive, steps, np.nan)
    return middle, (low, high), (q1, q3) if len(values) >= MANY_SEEDS else None


def with_seeds(label: str, n: int) -> str:
    """Add to the name of an axis what its bands mean.

    Args:
        label: The name.
        n: Number of seeds.

    Returns:
        The name with the seeds; unchanged for a single run.

    Example:
        >>> with_seeds("training loss", 5), with_seeds("training loss", 1)
        ('training loss (range of 5 seeds)', 'training loss')
    """
    if n < 2:
        return label
    what = "range" if n < MANY_SEEDS else "middle half and range"
    return f"{label} ({what} of {n} seeds)".strip()


def limits_of(values: Sequence[Any], log: bool) -> Limits:
    """Return a range with a little air that covers all finite values.

    Args:
        values: Arrays or numbers.
        log: Whether the axis is logarithmic; then only positive values count.

    Returns:
        Low and high.
    """
    flat = np.concatenate([np.ravel(np.asarray(v, float)) for v in values])
    flat = flat[np.isfinite(flat) & ((flat > 0) | (not log))]
    if not flat.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    return with_air(float(flat.min()), float(flat.max()), log)
