r"""Run a few stored settings again, so that a stored picture stays a proven one.

The settings are drawn by a fixed rule from the names and lengths of the dimensions:
nobody chooses them, and every machine repeats the same ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .dims import Array
from .encoding import step_size

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .cube import Cube


@dataclass(frozen=True)
class Verification:
    """Report how many settings, run again, gave what is stored.

    Args:
        agreeing: How many settings agreed.
        settings: The settings that were run again.
        rtol: The relative tolerance.
        differences: One line for each array that differed.
    """

    agreeing: int
    settings: tuple[Mapping[str, Any], ...]
    rtol: float
    differences: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every setting agreed."""
        return self.agreeing == len(self.settings)

    def __str__(self) -> str:
        total = len(self.settings)
        text = f"{self.agreeing} of {total} settings re-run agree within "
        return "\n".join([f"{text}{100 * self.rtol:g} %", *self.differences])

    __repr__ = __str__


def verify(
    cube: Cube,
    rerun: Callable[..., Mapping[str, ArrayLike]],
    settings: int = 3,
    rtol: float = 0.01,
    over: Sequence[str] | None = None,
) -> Verification:
    """Run a few settings again and compare them with what the cube stores.

    Args:
        cube: The stored runs.
        rerun: Called as ``rerun(B=256, lr=0.02)``; returns name to values over the
            dimensions that remain, in the order of the cube's array.
        settings: How many settings to run.
        rtol: Relative tolerance, beside one step of the encoding.
        over: The dimensions that make a setting; by default all that every array has.

    Returns:
        The report; its text is stable while all agree.
    """
    names = _setting_dims(cube) if over is None else list(over)
    chosen, agreeing, differences = _draw(cube, names, settings), 0, []
    for where in chosen:
        wrong = _compare(cube, where, rerun(**where), rtol)
        agreeing += not wrong
        differences += wrong
    return Verification(agreeing, tuple(chosen), rtol, tuple(differences))


def _setting_dims(cube: Cube) -> list[str]:
    shared = [set(array.dims) for array in cube.arrays.values()]
    return [d.name for d in cube.dims if all(d.name in dims for dims in shared)]


def _draw(cube: Cube, names: Sequence[str], settings: int) -> list[dict[str, Any]]:
    sizes = [len(cube.dim(n)) for n in names]
    label = ",".join(f"{n}:{size}" for n, size in zip(names, sizes, strict=True))
    rng = np.random.default_rng(zlib.crc32(label.encode()))
    count = min(settings, prod(sizes))
    places = np.sort(rng.choice(prod(sizes), size=count, replace=False))
    corners = np.stack(np.unravel_index(places, sizes), axis=-1) if sizes else [[]]
    return [
        {n: cube.dim(n).values[k] for n, k in zip(names, corner, strict=True)}
        for corner in corners
    ]


def _compare(
    cube: Cube, where: Mapping[str, Any], again: Mapping[str, ArrayLike], rtol: float
) -> list[str]:
    wrong = []
    for name, new in again.items():
        array = cube.arrays[name]
        inside = {d: v for d, v in where.items() if d in array.dims}
        stored, fresh = cube.sel(name, **inside), np.asarray(new, dtype=float)
        if stored.shape != fresh.shape or not _close(stored, fresh, array, rtol):
            setting = ", ".join(f"{d}={v}" for d, v in where.items())
            wrong.append(f"{name} differs at {setting}")
    return wrong


def _close(stored: np.ndarray, fresh: np.ndarray, array: Array, rtol: float) -> bool:
    alive = np.isfinite(stored)
    if not np.array_equal(alive, np.isfinite(fresh)):
        return False
    step = step_size(array.codes)
    slack = stored[alive] * step if array.encoding == "i16log" else step
    allowed = rtol * np.abs(stored[alive]) + slack
    return bool(np.all(np.abs(stored[alive] - fresh[alive]) <= allowed))
