r"""Draw categories in rows: a value, a dot for each seed, an interval, a verdict.

``js/marks/dots.js`` draws the same in the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.layout import cell
from coursekit.figures.style import colour, dash, px
from coursekit.stats import Verdict

from .room import leave_room, size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARE, _LOWER = 0.55, 0.18
MARKS = {
    Verdict.HOLDS: ("s", True),
    Verdict.FAILS: ("D", False),
    Verdict.INCONCLUSIVE: ("o", False),
}


@dataclass(frozen=True)
class Row:
    """Hold one category.

    Args:
        name: Its name.
        value: Its value; NaN if not measured, infinite if diverged.
        seeds: A value for each seed.
        low: Lower end of its interval.
        high: Upper end.
        verdict: What the interval says of a claim.
        note: Words at the right.
    """

    name: str
    value: float
    seeds: Sequence[float] = ()
    low: float | None = None
    high: float | None = None
    verdict: Verdict | None = None
    note: str = ""


def is_stacked(rows: Sequence[Row], width: float) -> bool:
    """Tell whether names and notes beside the plot would leave it too little room.

    Args:
        rows: The rows.
        width: Of the panel in CSS pixels.

    Returns:
        Whether they stand above their rows instead.
    """
    words = [max(text_width(t, True) for t in texts) for texts in _words(rows)]
    return sum(words) > _SHARE * width


def stacked_height(n: int) -> float:
    """Tell how high a panel of stacked rows must be.

    Args:
        n: Number of rows.

    Returns:
        Its height in CSS pixels.
    """
    return 46 * n + 64


def _words(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    return [row.name for row in rows], [row.note for row in rows]


def draw_rows(
    ax: Axes, rows: Sequence[Row], *, bar: bool = False, stacked: bool = False
) -> None:
    """Draw rows, the first on top: y = 0, 1, … downwards.

    Args:
        ax: The axes, with the limits of x set and, unless stacked, the names written.
        rows: The rows.
        bar: Whether a bar grows from zero in place of a mark.
        stacked: Whether names and notes stand above the rows.
    """
    step = size(ax)[1] / len(rows)
    for k, row in enumerate(rows):
        y = k + _LOWER * stacked
        if bar and math.isfinite(row.value):
            thick = min(18.0, 0.6 * step) / step
            ax.barh(y, row.value, thick, color=colour("blue"), zorder=2)
        _draw_seeds(ax, row, y + min(8.0, step / 4) / step)
        if row.low is not None and row.high is not None and math.isfinite(row.low):
            _draw_interval(ax, row.low, row.high, y, row.verdict)
        if math.isfinite(row.value) and not bar:
            _draw_mark(ax, row, y, min(4.5, step / 3))
    if stacked:
        _write_headings(ax, rows)
    else:
        _write_notes(ax, rows)


def _draw_seeds(ax: Axes, row: Row, y: float) -> None:
    xs = [v for v in row.seeds if math.isfinite(v)]
    ax.plot(
        xs,
        [y] * len(xs),
        "o",
        markersize=2 * px(2.5),
        markerfacecolor="none",
        markeredgecolor=colour("edge"),
        markeredgewidth=px(1.2),
        zorder=3,
    )


def _draw_interval(
    ax: Axes, low: float, high: float, y: float, verdict: Verdict | None
) -> None:
    open_ = verdict is Verdict.INCONCLUSIVE
    ax.plot(
        [low, high],
        [y, y],
        color=colour("ink"),
        linewidth=px(2.2),
        linestyle=dash((4, 3)) if open_ else "-",
        zorder=3,
    )


def _draw_mark(ax: Axes, row: Row, y: float, radius: float) -> None:
    looks: dict[str, Any] = {"marker": "o", "color": colour("blue")}
    if row.verdict:
        shape, filled = MARKS[row.verdict]
        looks = {
            "marker": shape,
            "markerfacecolor": colour("ink" if filled else "ground"),
            "markeredgecolor": colour("ink"),
            "markeredgewidth": px(1.6),
        }
    ax.plot(
        [row.value], [y], linestyle="none", markersize=2 * px(radius), zorder=4, **looks
    )


def _write_notes(ax: Axes, rows: Sequence[Row]) -> None:
    need = max(text_width(row.note) for row in rows)
    if not need:
        return
    x0, _, x1, _ = cell(ax)
    leave_room(ax, min(need + 14, 0.45 * (x1 - x0)))
    for y, row in enumerate(rows):
        ax.annotate(
            row.note,
            (1, y),
            (px(8), 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center_baseline",
            annotation_clip=False,
        )


def _write_headings(ax: Axes, rows: Sequence[Row]) -> None:
    for k, row in enumerate(rows):
        ax.annotate(
            "  ".join(filter(None, (row.name, row.note))),
            (0, k - 0.5),
            (px(4), px(-15)),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            zorder=5,
            bbox={"facecolor": colour("ground"), "edgecolor": "none", "pad": 0.5},
        )


def zero_line(ax: Axes, at: float = 0.0) -> None:
    """Draw the line from which differences are read.

    Args:
        ax: The axes.
        at: Place.
    """
    if np.isfinite(at):
        ax.axvline(at, color=colour("ink"), linewidth=px(1.2), zorder=1.6)
