r"""Draw curves with seed bands, ends that tell what happened, and names at the ends.

A line stops with ✕ where it diverged and with an arrow where it leaves the view; a
family has one member in focus and the rest in grey. ``js/marks/lines.js`` draws the
same in the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.palette import MARKERS
from coursekit.figures.style import (
    BAND_OPACITY,
    CONTEXT,
    FOCUS,
    MARKER,
    SHAPES,
    colour,
    dash,
    px,
)

from .ends import draw_end, seen_in
from .labels import End, label_ends
from .legend import draw_legend, needs_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

Edges = tuple["ArrayLike", "ArrayLike"]


@dataclass(frozen=True)
class Curve:
    """Hold one curve and its looks.

    Args:
        xs: Places.
        ys: Values; NaN is missing, infinite is diverged.
        text: Its name.
        colour: Role of the palette.
        dash: Number of the series: its dash and its marker.
        band: Lower and upper edge to shade.
        half: The same for the middle half of many seeds; then ``band`` is two lines.
        focus: Whether it is drawn strong, with its band.
        context: Whether it is grey.
        points: Whether it is drawn as markers without a line.
        marked: Whether each of its places has a marker on the line.
    """

    xs: ArrayLike
    ys: ArrayLike
    text: str = ""
    colour: str = "blue"
    dash: int = 0
    band: Edges | None = None
    half: Edges | None = None
    focus: bool = True
    context: bool = False
    points: bool = False
    marked: bool = False
    known: tuple[np.ndarray, np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        xs, ys = np.asarray(self.xs, float), np.asarray(self.ys, float)
        object.__setattr__(self, "known", (xs, np.where(np.isfinite(ys), ys, np.nan)))

    @property
    def role(self) -> str:
        """Role of the palette in which it is drawn."""
        return "edge" if self.context else self.colour


def draw_curves(ax: Axes, curves: Sequence[Curve], *, labels: bool = True) -> None:
    """Draw curves, those in focus last.

    Args:
        ax: The axes, with limits and scales set.
        curves: The curves.
        labels: Whether to name them: at their ends, or on top where names are long.
    """
    on_top = labels and needs_legend(ax, curves)
    if on_top:
        draw_legend(ax, curves)
    for curve in sorted(curves, key=lambda c: c.focus):
        if curve.focus and curve.band:
            _draw_band(ax, curve)
        _draw_line(ax, curve)
        if not curve.points:
            draw_end(ax, curve)
    if labels and not on_top:
        named = [c for c in curves if c.text and not c.points]
        label_ends(ax, [end for c in named if (end := _end_of(ax, c))])


def mark_at(ax: Axes, curves: Sequence[Curve], place: int) -> None:
    """Mark a moment: a vertical line, and a marker on each curve in focus.

    Args:
        ax: The axes.
        curves: The curves.
        place: Position of the moment along them.
    """
    focus = [c for c in curves if c.focus and not c.points]
    if not focus:
        return
    at = focus[-1].known[0][place]
    ax.axvline(at, color=colour("edge"), linewidth=px(CONTEXT), zorder=2.5)
    for curve in focus:
        xs, ys = curve.known
        low, high = sorted(ax.get_ylim())
        if low <= ys[place] <= high:
            _markers(ax, curve, xs[place : place + 1], ys[place : place + 1], 4.5)


def _draw_band(ax: Axes, curve: Curve) -> None:
    shade: dict[str, Any] = {
        "color": colour(curve.colour),
        "alpha": BAND_OPACITY,
        "linewidth": 0,
    }
    xs = curve.known[0]
    inner = curve.half or curve.band
    assert inner
    low, high = (np.asarray(edge, float) for edge in inner)
    there = np.isfinite(low) & np.isfinite(high)
    ax.fill_between(xs, low, high, where=there.tolist(), **shade)
    for edge in curve.band if curve.half and curve.band else ():
        ys = np.asarray(edge, float)
        thin = {"color": colour(curve.colour), "linewidth": px(0.8), "alpha": 0.6}
        ax.plot(xs, np.where(np.isfinite(ys), ys, np.nan), linestyle="-", **thin)


def _draw_line(ax: Axes, curve: Curve) -> None:
    xs, ys = curve.known
    if curve.points:
        _markers(ax, curve, xs, ys, 3.5)
        return
    ax.plot(
        xs,
        ys,
        color=colour(curve.role),
        linewidth=px(FOCUS if curve.focus else CONTEXT),
        linestyle=dash(curve.dash),
        zorder=3 if curve.focus else 2,
    )
    if curve.marked:
        _markers(ax, curve, xs, ys, MARKER)


def _markers(
    ax: Axes, curve: Curve, xs: np.ndarray, ys: np.ndarray, radius: float
) -> None:
    seen = seen_in(ax, ys)
    ax.plot(
        xs[seen],
        ys[seen],
        linestyle="none",
        clip_on=False,
        marker=SHAPES[MARKERS[curve.dash % len(MARKERS)]],
        markersize=2 * px(radius),
        color=colour(curve.role),
        markeredgewidth=0,
        zorder=3.5,
    )


def _end_of(ax: Axes, curve: Curve) -> End | None:
    xs, ys = curve.known
    seen = np.flatnonzero(seen_in(ax, ys))
    if not seen.size:
        return None
    k = seen[-1]
    role = "muted" if curve.context else curve.colour
    # amber reaches 3 : 1 only, enough for a line and not for words
    role = "ink" if role == "amber" else role
    return End(float(xs[k]), float(ys[k]), curve.text, role, curve.focus, curve.context)
