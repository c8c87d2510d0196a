r"""Make an interactive figure of a sweep: a control a word, seeds as a band.

Every combination of the words must have been run with the same seeds: the reader
can go anywhere, so there must be something everywhere. The figure carries its data
and works in a notebook, in a page and from a file; it is kept below 130 KB by
keeping fewer moments in time.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrange import calm, course, is_log, is_numeric, label_of, names_of, thin
from .explorer_parts import TIME, VALUE, controls, panels, sentences
from .identity import digest

if TYPE_CHECKING:
    from ..figures import Cube, Dim, Figure
    from .result import Sweep

__all__ = ["explore"]

LIMIT = 130_000
MOMENTS = 40
FEWEST = 2
STATES = 6_000


def explore(sweep: Sweep, y: str | None, log: bool | None) -> Figure:
    """Make the figure.

    Args:
        sweep: The runs.
        y: What it shows; the first probe that is one number a run if None.
        log: Whether its axis is logarithmic; None to choose.

    Returns:
        The figure.

    Raises:
        ValueError: If combinations are missing, or there are too many.
    """
    scalars = [name for name, values in sweep.probes.items() if values.ndim == 2]
    explorer = Explorer(sweep, y or next(iter(scalars), "loss"), log)
    moments = min(MOMENTS, STATES // explorer.cells)
    while moments >= FEWEST:
        figure = explorer.figure(moments)
        if len(figure.html()) <= LIMIT:
            return figure
        moments //= 2
    raise ValueError(
        f"explore: expected a sweep that fits into {LIMIT // 1000} KB, got "
        f"{explorer.cells} settings; choose some by select(...)"
    )


class Explorer:
    """Hold what the figure of a sweep is made from.

    Args:
        sweep: The runs.
        y: What it shows.
        log: Whether its axis is logarithmic; None to choose.
    """

    def __init__(self, sweep: Sweep, y: str, log: bool | None) -> None:
        self.sweep, self.y = sweep, y
        self.words = {n: v for n, v in sweep.axes.items() if n != "seed"}
        self.words = {
            n: sorted(v) if is_numeric(v) else v for n, v in self.words.items()
        }
        self.cells = int(np.prod([len(v) for v in self.words.values()]))
        if not self.words:
            raise ValueError(
                "explore: expected a word that differs between runs, got settings "
                "that differ in nothing but the seed; plot() draws them"
            )
        self.main = max(
            self.words, key=lambda n: (is_numeric(self.words[n]), self._n(n))
        )
        self.rows = self._rows()
        self.values = course(sweep, y)
        cells = self.values[self.rows].reshape(self.cells, -1)
        self.known = calm([*cells])
        positive = bool((self.values[np.isfinite(self.values)] > 0).all())
        guess = "loss" in y and is_log(self.known.tolist())
        self.log = positive and (guess if log is None else log)

    def _n(self, name: str) -> int:
        return len(self.words[name])

    def _rows(self) -> np.ndarray:
        # positions of the runs, [word, ..., seed]
        found: dict[tuple[str, ...], dict[Any, int]] = {}
        for row, setting in enumerate(self.sweep.settings):
            key = tuple(repr(setting.get(name)) for name in self.words)
            found.setdefault(key, {})[setting.get("seed")] = row
        wanted = list(product(*(map(repr, v) for v in self.words.values())))
        seeds = list(dict.fromkeys(s for cell in found.values() for s in cell))
        lacking = [
            ", ".join(f"{n}={v}" for n, v in zip(self.words, key, strict=True))
            for key in wanted
            if len(found.get(key, {})) < len(seeds)
        ]
        self._check(lacking, len(wanted), len(seeds))
        flat = [found[key][seed] for key in wanted for seed in seeds]
        shape = [len(v) for v in self.words.values()]
        return np.array(flat).reshape(*shape, len(seeds))

    def dims(self, times: np.ndarray) -> list[Dim]:
        """Describe the words and the time as dimensions.

        Args:
            times: Numbers of updates.

        Returns:
            One a word, then time.
        """
        from ..figures import Dim

        found = []
        for name, values in self.words.items():
            numeric = is_numeric(values)
            options = values if numeric else names_of(values)
            found.append(
                Dim(
                    name,
                    label_of(name),
                    options,
                    names_of(values),
                    log=is_log(values),
                    ordered=numeric,
                )
            )
        return [*found, Dim(TIME, "updates", times.tolist(), ordered=True)]

    def cube(self, moments: int) -> Cube:
        """Summarise the seeds and keep a few moments.

        Args:
            moments: How many.

        Returns:
            The data of the figure.
        """
        from ..figures import Array, Cube, provenance, seed_arrays

        times = self.sweep.times(self.y)
        values, times, self.window = thin(self.values, times, moments, self.y == "loss")
        dims = self.dims(times)
        table = values[self.rows]
        names = [dim.name for dim in dims]
        arrays = seed_arrays(VALUE, table, names, table.ndim - 2, log=bool(self.log))
        missing = np.isnan(table).all(-2)
        for name, array in arrays.items():
            if array.encoding != "u8x" and missing.any():
                holes = np.where(missing, np.nan, array.values)
                arrays[name] = Array(holes, names, array.encoding)
        arrays["absent"] = Array(missing, names, "u8x")
        seeds = self.rows.shape[-1]
        made = provenance("coursekit.sweep.Sweep.explore()", seeds)
        return Cube(dims, arrays, made)

    def figure(self, moments: int) -> Figure:
        """Make the figure with some moments in time.

        Args:
            moments: How many at most.

        Returns:
            The figure.
        """
        from ..figures import Figure

        cube = self.cube(moments)
        start, best = self._best(cube)
        name = re.sub(r"[^a-z0-9]+", "-", self.y.lower()).strip("-") or "y"
        words = ", ".join(label_of(word) for word in self.words)
        return Figure(
            f"sweep-{name}-{digest([self.y, self.sweep.settings])[:6]}",
            f"How does the {label_of(self.y)} depend on {words}?",
            cube,
            panels=panels(self, cube),
            controls=controls(self, cube),
            start=start,
            says=sentences(self),
            alt=best,
        )

    def _best(self, cube: Cube) -> tuple[dict[str, Any], str]:
        # the state of the best last value, and a sentence about it
        last = cube.arrays[VALUE].values[..., -1]
        up = "acc" in self.y
        known = np.where(np.isfinite(last), last, -np.inf if up else np.inf)
        flat = int(known.argmax() if up else known.argmin())
        place = [int(k) for k in np.unravel_index(flat, known.shape)]
        dims = list(cube.dims)
        start = {d.name: d.values[k] for d, k in zip(dims, place, strict=False)}
        start[TIME] = dims[-1].values[-1]
        if not np.isfinite(last).any():
            return start, "No setting has a finite value at the end."
        names = [(d, (d.names or ())[k]) for d, k in zip(dims, place, strict=False)]
        at = ", ".join(f"{dim.label} {name}" for dim, name in names)
        side = "highest" if up else "lowest"
        return (
            start,
            f"The {side} {label_of(self.y)} is {last[tuple(place)]:.3g}, at {at}.",
        )

    def _check(self, lacking: list[str], wanted: int, seeds: int) -> None:
        if lacking:
            raise ValueError(
                f"explore: expected every combination of {', '.join(self.words)} with "
                f"the same {seeds} seeds, got {wanted - len(lacking)} of {wanted}; "
                f"missing are {'; '.join(lacking[:3])}"
                + (", ..." if len(lacking) > 3 else "")
                + "; choose a full part by select(...)"
            )
