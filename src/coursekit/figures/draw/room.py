r"""Measure plots and words, number axes, and make room for names.

Numbers stand at the same round places as in the page and never touch each other; a
plot whose margins change is numbered anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from coursekit.figures.layout import cell, place
from coursekit.figures.numbers import format_number
from coursekit.figures.style import TEXT, px

from .ticks import ticks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


def size(ax: Axes) -> tuple[float, float]:
    """Measure the plot area.

    Args:
        ax: The axes.

    Returns:
        Width and height in CSS pixels.
    """
    figure = ax.get_figure(root=True)
    width, height = figure.get_size_inches()  # type: ignore[union-attr]
    box = ax.get_position()
    return float(96 * width * box.width), float(96 * height * box.height)


def corner(ax: Axes) -> tuple[float, float]:
    """Measure where the plot area begins.

    Args:
        ax: The axes.

    Returns:
        Its left and its top edge in CSS pixels of the figure.
    """
    figure = ax.get_figure(root=True)
    width, height = figure.get_size_inches()  # type: ignore[union-attr]
    box = ax.get_position()
    return float(96 * width * box.x0), float(96 * height * box.y1)


@lru_cache(maxsize=1024)
def text_width(text: str, bold: bool = False) -> float:
    """Measure a text of 12 px.

    Args:
        text: The text.
        bold: Whether it is bold.

    Returns:
        Its width in CSS pixels.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=TEXT, prop=font).get_extents().x1) + 1


def number_x(ax: Axes) -> None:
    """Write round numbers at the x axis, as many as its width allows.

    Args:
        ax: The axes, with limits and scale set.
    """
    log, count = ax.get_xscale() == "log", max(2.0, size(ax)[0] / 64)
    ticks = ticks_of(ax.get_xlim(), log, count)
    # one number alone gives no scale
    while len(ticks) < 2 and count < 8:
        count += 1
        ticks = ticks_of(ax.get_xlim(), log, count)
    put_ticks(ax.xaxis, ticks, tick_names(ticks, log))
    keep_apart(ax)


def number_y(ax: Axes) -> None:
    """Write round numbers at the y axis, as many as its height allows.

    Args:
        ax: The axes, with limits and scale set.
    """
    log = ax.get_yscale() == "log"
    limits = min(ax.get_ylim()), max(ax.get_ylim())
    ticks = ticks_of(limits, log, max(3.0, size(ax)[1] / 44))
    put_ticks(ax.yaxis, ticks, tick_names(ticks, log))


def tick_names(ticks: Sequence[float], log: bool) -> list[str]:
    """Write the values at an axis; where one needs a power of ten, all are powers.

    Args:
        ticks: The values.
        log: Whether the axis is logarithmic.

    Returns:
        Their texts.

    Example:
        >>> tick_names([0.01, 1, 100], True), tick_names([1e-4, 0.01, 1], True)
        (['0.01', '1', '100'], ['10⁻⁴', '10⁻²', '1'])
    """
    powers = log and any(t < 1e-3 or t >= 1e5 for t in ticks)
    specs = [".2e" if powers and t not in {1, 10} else "" for t in ticks]
    return [format_number(t, spec) for t, spec in zip(ticks, specs, strict=True)]


def put_ticks(axis: Axis, values: Sequence[float], names: Sequence[str]) -> None:
    """Write names at places of an axis, and keep its limits.

    Args:
        axis: ``ax.xaxis`` or ``ax.yaxis``.
        values: Places.
        names: What to write there.
    """
    low, high = axis.get_view_interval()
    axis.set_ticks(values, list(names))
    axis.set_ticks([], minor=True)
    axis.set_view_interval(low, high, ignore=True)
    axis.set_tick_params(pad=px(6))


def keep_apart(ax: Axes) -> None:
    """Leave out numbers of the x axis that would touch the one before.

    Args:
        ax: The axes, with limits and ticks set.
    """
    end, figure = -np.inf, ax.get_figure(root=True)
    for tick in ax.xaxis.get_major_ticks():
        text = tick.label1.get_text()
        at_edge = ax.transData.transform((tick.get_loc(), ax.get_ylim()[0]))
        at, half = 96 * at_edge[0] / figure.dpi, text_width(text) / 2  # type: ignore[union-attr]
        shown = bool(at - half > end + 6)
        tick.label1.set_visible(shown)
        end = at + half if shown else end


def wrap(text: str, room: float, bold: bool = False) -> list[str]:
    """Break a text into lines.

    Args:
        text: The text.
        room: Width in CSS pixels; a longer word stays whole.
        bold: Whether it is bold.

    Returns:
        The lines; none for no text.
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, bold) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def leave_room(ax: Axes, need: float) -> None:
    """Make a plot narrower, so that words find room at its right.

    Args:
        ax: The axes, in place.
        need: Right margin in CSS pixels.
    """
    x0, y0, _, y1 = cell(ax)
    left, top = corner(ax)
    bottom = top - size(ax)[1]
    place(ax, left - x0, need, y1 - top, bottom - y0)
    number_x(ax)
