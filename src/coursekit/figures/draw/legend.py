r"""Name lines on top of a plot, where there is no room at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coursekit.figures.layout import cell, place
from coursekit.figures.palette import MARKERS
from coursekit.figures.style import CONTEXT, FOCUS, MARKER, SHAPES, colour, dash, px

from .room import corner, number_y, size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .curves import Curve

_ROW, _SAMPLE, _GAP = 18, 28, 16
_SHARE = 0.3


def needs_legend(ax: Axes, curves: Sequence[Curve]) -> bool:
    """Tell whether names at the line ends would take too much of the plot.

    Args:
        ax: The axes, in place.
        curves: The curves.

    Returns:
        Whether the widest name takes more than 30 % of the panel.
    """
    x0, _, x1, _ = cell(ax)
    widest = max(
        (text_width(c.text, c.focus) for c in curves if not c.points), default=0.0
    )
    return widest + 14 > _SHARE * (x1 - x0)


def draw_legend(ax: Axes, curves: Sequence[Curve]) -> None:
    """Write the names above the plot, each beside a piece of its line.

    Args:
        ax: The axes, in place; made lower by the rows that the names take.
        curves: The curves; grey context is left out.
    """
    named = [c for c in curves if c.text and not c.context]
    x0, y0, x1, y1 = cell(ax)
    spots, x, row = [], 0.0, 0
    for curve in named:
        wide = _SAMPLE + text_width(curve.text, curve.focus) + _GAP
        if x and x + wide - _GAP > x1 - x0 - 8:
            x, row = 0.0, row + 1
        spots.append((x, row))
        x += wide
    (left, top), (width, height) = corner(ax), size(ax)
    margins = left - x0, x1 - left - width, y1 - top + _ROW * (row + 1)
    place(ax, *margins, top - height - y0)
    number_y(ax)
    for curve, (x, k) in zip(named, spots, strict=True):
        _draw_name(ax, curve, x - margins[0] + 4, 10 + _ROW * (row - k))


def _draw_name(ax: Axes, curve: Curve, x: float, up: float) -> None:
    width, height = size(ax)
    marker = SHAPES[MARKERS[curve.dash % len(MARKERS)]]
    ax.plot(
        [x / width, (x + 11) / width, (x + 22) / width],
        [1 + up / height] * 3,
        transform=ax.transAxes,
        color=colour(curve.role),
        linewidth=px(FOCUS if curve.focus else CONTEXT),
        linestyle="none" if curve.points else dash(curve.dash),
        marker=marker if curve.points or curve.marked else "",
        markevery=[1],
        markersize=2 * px(MARKER),
        markeredgewidth=0,
        clip_on=False,
    )
    ax.annotate(
        curve.text,
        ((x + _SAMPLE) / width, 1 + up / height),
        xycoords="axes fraction",
        va="center_baseline",
        color=colour("ink" if curve.role == "amber" else curve.role),
        fontweight="bold" if curve.focus else "normal",
        annotation_clip=False,
    )
