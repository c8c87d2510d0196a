r"""Summarise runs over seeds and say where they came from.

A setting run with five seeds is five numbers. A figure shows their median and their
range, and counts those that diverged: with $s$ of $n$ seeds finite, a median is given
only while $2s > n$, because the median of the survivors flatters the setting.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from .dims import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MANY_SEEDS = 8


def seed_arrays(
    name: str,
    values: ArrayLike,
    dims: Sequence[str],
    seed_axis: int,
    log: bool = False,
) -> dict[str, Array]:
    """Summarise repeated runs: median, minimum, maximum and number diverged.

    Args:
        name: Name of the median; the others add ``_lo``, ``_hi`` and ``_div``, and
            from eight seeds on ``_q1`` and ``_q3``, the ends of the middle half.
        values: Measurements; NaN or ±∞ where a run diverged.
        dims: Names of the axes that remain without the seeds.
        seed_axis: The axis of the seeds.
        log: Whether to store logarithms.

    Returns:
        Name to array, ready for a :class:`Cube`.

    Example:
        >>> runs = [[1.0, 2.0, 4.0], [1.0, np.nan, np.inf]]
        >>> arrays = seed_arrays("loss", runs, ["lr"], seed_axis=1)
        >>> arrays["loss"].values.round(3).tolist(), arrays["loss_div"].values.tolist()
        ([2.0, inf], [0.0, 2.0])
    """
    runs = np.moveaxis(np.asarray(values, dtype=float), seed_axis, -1)
    finite = np.isfinite(runs)
    alive = 2 * finite.sum(-1) > runs.shape[-1]
    known = np.where(finite | ~alive[..., None], runs, np.nan)
    known = np.where(alive[..., None], known, 0.0)
    summaries = {
        name: np.nanmedian(known, axis=-1),
        f"{name}_lo": np.nanmin(known, axis=-1),
        f"{name}_hi": np.nanmax(known, axis=-1),
    }
    if runs.shape[-1] >= MANY_SEEDS:
        summaries[f"{name}_q1"], summaries[f"{name}_q3"] = np.nanquantile(
            known, [0.25, 0.75], axis=-1
        )
    kind = "i16log" if log else "i16"
    arrays = {
        key: Array(np.where(alive, each, np.inf), dims, kind)
        for key, each in summaries.items()
    }
    arrays[f"{name}_div"] = Array((~finite).sum(-1), dims, "u8x")
    return arrays


def provenance(command: str, seeds: Sequence[int] | int = ()) -> dict[str, Any]:
    """Say what made a cube: command, versions, seeds and date.

    Args:
        command: What to type to make it again.
        seeds: The seeds, or how many from 0.

    Returns:
        A JSON-ready mapping; the date honours ``SOURCE_DATE_EPOCH``.
    """
    listed = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.fromtimestamp(int(stamp), UTC) if stamp else datetime.now(UTC)
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    for package in ("coursekit", "torch"):
        if package == "coursekit" or package in sys.modules:
            versions[package] = _version(package)
    return {
        "command": command,
        "versions": versions,
        "date": when.date().isoformat(),
        "seeds": listed,
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "source"
