r"""Turn the runs of a sweep into curves, with their names and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrange import (
    calm,
    course,
    ends,
    is_log,
    is_numeric,
    label_of,
    names_of,
    one_number,
    thin,
)

if TYPE_CHECKING:
    from ..figures.draw.curves import Curve
    from .result import Sweep

__all__ = ["Drawing"]

Line = tuple[np.ndarray, np.ndarray, tuple[Any, ...]]

POINTS = 150
LINES = 10


class Drawing:
    """Hold what is drawn, so that it can be drawn in light and in dark.

    Args:
        sweep: The runs.
        y: What to draw.
        x: A word, ``"step"``, or None to choose.
        hue: A word, or None to choose.
        xlog: Whether x is logarithmic, or None to choose.
        ylog: Whether y is logarithmic, or None to choose.
        title: Words above.
    """

    def __init__(
        self,
        sweep: Sweep,
        y: str,
        x: str | None,
        hue: str | None,
        xlog: bool | None,
        ylog: bool | None,
        title: str,
    ) -> None:
        self.sweep, self.y, self.title = sweep, y, title
        self.words = {n: v for n, v in sweep.axes.items() if n != "seed"}
        self.x = x or self._x()
        rest = [name for name in self.words if name != self.x]
        self.names = [hue, *(n for n in rest if n != hue)] if hue else rest
        self._check(hue)
        self.seeds = max(len(rows) for _, rows in sweep.groups())
        self.ticks: list[str] = []
        self.window, self.lines = 1, self._lines()
        parts = [line[1] if self.in_time else line[1].T for line in self.lines]
        self.known = calm(parts if self.in_time else [p for q in parts for p in q])
        axis = np.concatenate([line[0] for line in self.lines]).tolist()
        self.xlog = xlog if xlog is not None else not self.in_time and is_log(axis)
        guess = "loss" in y and is_log(self.known.tolist())
        self.ylog = guess if ylog is None else ylog

    @property
    def in_time(self) -> bool:
        """Whether x is time."""
        return self.x == "step"

    def _x(self) -> str:
        counts = {name: len(values) for name, values in self.words.items()}
        if one_number(self.sweep, self.y).shape[1] > 1 or not counts:
            return "step"
        return max(counts, key=lambda name: counts[name])

    def _check(self, hue: str | None) -> None:
        for role, name in (("x", self.x), ("hue", hue)):
            known = [*self.words, "step"] if role == "x" else [*self.words]
            if name is not None and name not in known:
                raise ValueError(
                    f"{role}: expected a word that differs between runs, one of "
                    f"{', '.join(known) or 'none'}, got {name!r}"
                )
        if hue is not None and hue == self.x:
            raise ValueError(f"hue: expected another word than x, got {hue!r} for both")

    def _lines(self) -> list[Line]:
        # one entry a line: places, values [seed, place], and its words
        groups: dict[str, tuple[tuple[Any, ...], list[int]]] = {}
        for row, setting in enumerate(self.sweep.settings):
            key = tuple(setting.get(name) for name in self.names)
            groups.setdefault(repr(key), (key, []))[1].append(row)
        self._check_number(len(groups))
        make = self._over_time if self.in_time else self._over_word
        return [(*make(rows), key) for key, rows in groups.values()]

    def _check_number(self, lines: int) -> None:
        if lines > LINES:
            raise ValueError(
                f"hue: expected at most {LINES} lines, got {lines}, one for each "
                f"combination of {', '.join(self.names)}; choose some runs first by "
                "select(...), or look at all of them by explore()"
            )

    def _over_time(self, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
        values, times = course(self.sweep, self.y)[rows], self.sweep.times(self.y)
        values, times, self.window = thin(values, times, POINTS, self.y == "loss")
        there = ~np.isnan(values).all(0)
        return times[there].astype(float), values[:, there]

    def _over_word(self, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
        options = self.words[self.x]
        numeric = is_numeric(options)
        self.ticks = [] if numeric else names_of(options)
        values = ends(self.sweep, self.y)
        columns, places = [], []
        for k, option in enumerate(sorted(options) if numeric else options):
            here = [
                values[row]
                for row in rows
                if self.sweep.settings[row].get(self.x) == option
            ]
            if here and not np.isnan(here).all():
                columns.append(here)
                places.append(float(option) if numeric else float(k))
        table = np.full((max(map(len, columns), default=1), len(columns)), np.nan)
        for k, column in enumerate(columns):
            table[: len(column), k] = column
        return np.array(places), table

    def curves(self) -> list[Curve]:
        """Summarise the lines.

        Returns:
            Curves with their bands, colours by the first word, dashes by the rest.
        """
        from ..figures.draw.curves import Curve
        from ..figures.palette import SERIES, look

        firsts = list(dict.fromkeys(repr(key[:1]) for _, _, key in self.lines))
        rests = list(dict.fromkeys(repr(key[1:]) for _, _, key in self.lines))
        made = []
        for k, (xs, values, key) in enumerate(self.lines):
            middle, band, half = _summary(values)
            colour = firsts.index(repr(key[:1]))
            dash = look(k)[1] if len(rests) == 1 else rests.index(repr(key[1:]))
            role, text = SERIES[colour % len(SERIES)], self._text(key)
            marked = not self.in_time or len(xs) <= 12
            made.append(Curve(xs, middle, text, role, dash, band, half, marked=marked))
        return made

    def _text(self, key: Sequence[Any]) -> str:
        pairs = zip(self.names, names_of(list(key)), strict=True)
        plain = len(self.names) == 1 and not is_numeric(self.words[self.names[0]])
        return ", ".join(
            value if plain else f"{name} = {value}" for name, value in pairs
        )

    @property
    def ylabel(self) -> str:
        """The name of the y axis, with what its band and its points are."""
        from ..figures.plots import with_seeds

        window = f", mean of {self.window} updates" if self.window > 1 else ""
        end = "" if self.in_time or self.y == "updates" else ", last value"
        return with_seeds(f"{label_of(self.y)}{window}{end}", self.seeds)

    @property
    def alt(self) -> str:
        """What the picture shows, for those who do not see it."""
        parts = [
            f"{self._text(key) or 'the runs'} {self._finding(xs, _summary(v)[0])}"
            for xs, v, key in self.lines
        ]
        return f"{label_of(self.y)} against {label_of(self.x)}: {'; '.join(parts)}."

    def _finding(self, xs: np.ndarray, middle: np.ndarray) -> str:
        finite = np.isfinite(middle)
        if not finite.any():
            return "diverged" if np.isinf(middle).any() else "not measured"
        if self.in_time:
            return f"at {middle[-1]:.3g} in the end" if finite[-1] else "diverged"
        up = "acc" in self.y
        known = np.where(finite, middle, -np.inf if up else np.inf)
        k = int(known.argmax() if up else known.argmin())
        at = self.ticks[int(xs[k])] if self.ticks else f"{xs[k]:g}"
        return f"{'highest' if up else 'lowest'} at {at} with {middle[k]:.3g}"


def _summary(values: np.ndarray) -> tuple[np.ndarray, Any, Any]:
    # median and bands of the runs that were measured, place by place
    from ..figures.plots import summary

    if not np.isnan(values).any():
        return summary(values)
    columns = [column[~np.isnan(column)] for column in values.T]
    parts = [
        summary(c[:, None] if len(c) else np.full((1, 1), np.nan)) for c in columns
    ]
    middle = np.array([
        part[0][0] if len(c) else np.nan for part, c in zip(parts, columns, strict=True)
    ])
    if all(part[1] is None for part in parts):
        return middle, None, None
    bands = [part[1] or (part[0], part[0]) for part in parts]
    low, high = (np.array([band[side][0] for band in bands]) for side in (0, 1))
    return middle, (low, high), None
