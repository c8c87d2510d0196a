r"""Furnish matplotlib axes as the live panels are: ticks, names, references.

The name of the y axis stands above it, horizontal; numbers stand at the same round
places as in the page. All functions draw on axes inside ``use_style``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.layout import TOP, cell, place
from coursekit.figures.palette import REFERENCE_DASH
from coursekit.figures.style import REFERENCE, colour, dash, px

from .room import number_x, number_y, put_ticks, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Limits = tuple[float, float]
_LINE = 15


def furnish(
    ax: Axes,
    *,
    xlim: Limits | None = None,
    ylim: Limits | None = None,
    xlog: bool = False,
    ylog: bool = False,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    rows: Sequence[str] = (),
    quiet: bool = False,
) -> None:
    """Set limits, scales, round ticks, names and the room they need.

    Args:
        ax: The axes.
        xlim: Range of x; as drawn so far if omitted.
        ylim: Range of y; as drawn so far if omitted.
        xlog: Whether x is logarithmic.
        ylog: Whether y is logarithmic.
        xlabel: Words below.
        ylabel: Words above the y axis.
        title: Words in bold, above both.
        rows: Names written at y = 0, 1, … in place of numbers.
        quiet: Whether the name of y keeps its room but stands at another facet.
    """
    ax.set(xscale="log" if xlog else "linear", yscale="log" if ylog else "linear")
    ax.set_xlim(xlim)
    ax.set_ylim(ylim)
    if rows:
        put_ticks(ax.yaxis, range(len(rows)), rows)
        ax.grid(visible=False, axis="y")
    else:
        number_y(ax)
    numbers = [text.get_text() for text in ax.get_yticklabels()]
    left = max(26.0, *(text_width(n) for n in numbers)) + 10
    place(ax, left=left, top=room_above(ax, ylabel, title))
    number_x(ax)
    name_axes(ax, xlabel, ylabel, title, quiet)


def room_above(ax: Axes, ylabel: str, title: str) -> float:
    """Tell how much room the name of y and a title take.

    Args:
        ax: The axes.
        ylabel: Words above the y axis, wrapped where they are long.
        title: Words in bold above them.

    Returns:
        Top margin in CSS pixels.
    """
    x0, _, x1, _ = cell(ax)
    lines = len(wrap(ylabel, x1 - x0 - 8))
    return TOP + _LINE * max(0, lines - 1) + (22 if title and ylabel else 0)


def name_axes(
    ax: Axes, xlabel: str, ylabel: str, title: str = "", quiet: bool = False
) -> None:
    """Write the name of x below, that of y above its axis, and a title above that.

    Args:
        ax: The axes, in place.
        xlabel: Words.
        ylabel: Words.
        title: Words in bold.
        quiet: Whether the name of y is not written.
    """
    ax.set_xlabel(xlabel, labelpad=px(4))
    x0, _, x1, y1 = cell(ax)
    words = [] if quiet else wrap(ylabel, x1 - x0 - 8)
    below = 22 if title and ylabel else 0
    lines = [(title, "bold", 0)]
    lines += [(w, "normal", below + _LINE * k) for k, w in enumerate(words)]
    figure = ax.get_figure(root=True)
    width, height = 96 * figure.get_size_inches()  # type: ignore[union-attr]
    for text, weight, down in lines:
        if text:
            ax.annotate(
                text,
                ((x0 + 4) / width, (y1 - 19 - down) / height),
                xycoords="figure fraction",
                fontweight=weight,
                annotation_clip=False,
            )


def reference(
    ax: Axes,
    *,
    x: float | None = None,
    y: float | None = None,
    curve: tuple[Any, Any] | None = None,
    label: str = "",
) -> None:
    """Draw what theory says: a thin 3-3 grey line with its name on it.

    Args:
        ax: The axes, with their limits set.
        x: Place of a vertical line.
        y: Place of a horizontal line.
        curve: x and y of a curve.
        label: Words at it: at the upper or left end, of a curve at the right end.
    """
    looks: dict[str, Any] = {
        "color": colour("muted"),
        "linewidth": px(REFERENCE),
        "linestyle": dash(REFERENCE_DASH),
        "zorder": 1.5,
    }
    if x is not None:
        ax.axvline(x, **looks)
        at: tuple[float, float] = (x, ax.get_ylim()[1])
        offset = (4, -12)
    elif y is not None:
        ax.axhline(y, **looks)
        at, offset = (ax.get_xlim()[0], y), (4, 4)
    else:
        xs, ys = (np.asarray(v, float) for v in curve or ((), ()))
        ax.plot(xs, ys, **looks)
        inside = np.isfinite(ys) & (ys <= ax.get_ylim()[1]) & (ys >= ax.get_ylim()[0])
        if not inside.any():
            return
        at, offset = (xs[inside][-1], ys[inside][-1]), (-4, 7)
    if label:
        ax.annotate(
            label,
            at,
            (px(offset[0]), px(offset[1])),
            textcoords="offset points",
            color=colour("muted"),
            ha="left" if offset[0] > 0 else "right",
            zorder=4,
            bbox={
                "facecolor": colour("ground"),
                "edgecolor": "none",
                "alpha": 0.75,
                "pad": 0.5,
            },
        )
