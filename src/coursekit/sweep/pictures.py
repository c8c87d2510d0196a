r"""Draw a sweep: a quantity over time, or its final values over one word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrange import label_of
from .drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .result import Sweep

__all__ = ["plot"]


def plot(
    sweep: Sweep,
    y: str,
    x: str | None,
    hue: str | None,
    *,
    xlog: bool | None = None,
    ylog: bool | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Any:
    """Draw the runs, a line a setting, with the band of its seeds.

    Args:
        sweep: The runs.
        y: What to draw.
        x: A word or ``"step"``.
        hue: A word with a colour a value.
        xlog: Whether x is logarithmic; by default if its values span a decade.
        ylog: Whether y is logarithmic; by default for losses that do.
        title: Words above.
        ax: Axes to draw on.

    Returns:
        The axes, or a picture of its own.
    """
    drawing = Drawing(sweep, y, x, hue, xlog, ylog, title)
    if ax is not None:
        draw(drawing, ax)
        return ax
    from ..figures import show_static

    return show_static(lambda: _figure(drawing), alt=drawing.alt)


def draw(drawing: Drawing, ax: Axes) -> None:
    """Draw on axes.

    Args:
        drawing: What to draw.
        ax: The axes.
    """
    from ..figures.draw.axes import furnish
    from ..figures.draw.curves import draw_curves
    from ..figures.draw.ends import cross
    from ..figures.draw.room import put_ticks
    from ..figures.plots import limits_of

    places = np.concatenate([line[0] for line in drawing.lines])
    if drawing.ticks:
        xlim = (-0.3, len(drawing.ticks) - 0.7)
    elif places.size and places.min() < places.max():
        xlim = (float(places.min()), float(places.max()))
    else:
        xlim = limits_of([places], drawing.xlog)
    furnish(
        ax, xlim=xlim, ylim=limits_of([drawing.known], drawing.ylog), xlog=drawing.xlog,
        ylog=drawing.ylog, xlabel=label_of(drawing.x), ylabel=drawing.ylabel,
        title=drawing.title,
    )  # fmt: skip
    if drawing.ticks:
        put_ticks(ax.xaxis, range(len(drawing.ticks)), drawing.ticks)
    curves = drawing.curves()
    draw_curves(ax, curves)
    for curve in () if drawing.in_time else curves:
        for x in np.asarray(curve.xs)[np.isinf(np.asarray(curve.ys))]:
            cross(ax, float(x), ax.get_ylim()[1], curve.role)


def _figure(drawing: Drawing) -> Figure:
    from ..figures import panels

    figure, (ax,) = panels(1)
    draw(drawing, ax)
    return figure
