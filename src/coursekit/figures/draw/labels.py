r"""Place labels so that none covers another, as ``js/core/labels.js`` does.

Lines are named at their ends. Names of lines that end at the right edge form a column
beside it; each name of a line that ends inside the plot looks for a free place. Context
labels give way: more than three that would touch merge into one ("7 others").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coursekit.figures.style import colour, px

from .room import leave_room, size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE = 15
_EDGE = 24


class End(NamedTuple):
    """Name a line: where it ends, in data, its words and its looks."""

    x: float
    y: float
    text: str
    colour: str = "ink"
    bold: bool = False
    context: bool = False


class Box(NamedTuple):
    """Hold the place of a label in pixels of the plot, y upwards."""

    left: float
    bottom: float
    right: float
    top: float


def label_ends(ax: Axes, ends: Sequence[End]) -> None:
    """Name lines at their ends.

    Args:
        ax: The axes, with limits and scales set; made narrower where names stand
            beside it.
        ends: One a line; those without words are left out.
    """
    ends = [e for e in ends if e.text and np.isfinite((e.x, e.y)).all()]
    if not ends:
        return
    width, height = size(ax)
    at_edge = [_pixels(ax, e)[0] > width - _EDGE for e in ends]
    beside = [e for e, edge in zip(ends, at_edge, strict=True) if edge]
    _draw(ax, column(beside, [_pixels(ax, e)[1] for e in beside], height), beside=True)
    # the plot may have become narrower
    within = [e for e in ends if e not in beside]
    _draw(ax, inside(within, [_pixels(ax, e) for e in within], size(ax)))


def column(
    ends: Sequence[End], ys: Sequence[float], height: float
) -> list[tuple[End, float, float]]:
    """Stack names beside the plot, at least a line apart.

    Args:
        ends: The lines.
        ys: Pixels above the bottom of the plot at which they end.
        height: Of the plot, in pixels.

    Returns:
        Each name kept, with the left end of its baseline in pixels.
    """
    kept = _merge(sorted(zip(ends, ys, strict=True), key=lambda p: -p[1]))
    placed = [min(y, height) - 4 for _, y in kept]
    for k in range(1, len(placed)):
        placed[k] = min(placed[k], placed[k - 1] - _LINE)
    floor = -4.0
    for k in reversed(range(len(placed))):
        placed[k] = max(placed[k], floor)
        floor = placed[k] + _LINE
    return [(end, 0.0, y) for (end, _), y in zip(kept, placed, strict=True)]


def _merge(ends: list[tuple[End, float]]) -> list[tuple[End, float]]:
    context = [p for p in ends if p[0].context]
    span = context[0][1] - context[-1][1] if context else 0.0
    if len(context) <= 3 or span >= _LINE * (len(context) - 1):
        return ends
    middle = context[len(context) // 2]
    merged = middle[0]._replace(text=f"{len(context)} others")
    kept = [p for p in ends if not p[0].context or p is middle]
    return [(merged, y) if end is middle[0] else (end, y) for end, y in kept]


def inside(
    ends: Sequence[End],
    places: Sequence[tuple[float, float]],
    plot: tuple[float, float],
) -> list[tuple[End, float, float]]:
    """Find free places near the ends of lines; a context name without one is left out.

    Args:
        ends: The lines.
        places: Pixels of their ends.
        plot: Width and height in pixels.

    Returns:
        Each name kept, with the left end of its baseline in pixels.
    """
    order = sorted(range(len(ends)), key=lambda k: ends[k].context)
    placed: list[tuple[End, float, float]] = []
    boxes: list[Box] = []
    for k in order:
        end, wide = ends[k], text_width(ends[k].text, ends[k].bold)
        options = [_box(x, y, wide, plot) for x, y in _candidates(*places[k], wide)]
        free = next((b for b in options if not any(overlap(b, c) for c in boxes)), None)
        if free is None and end.context:
            continue
        chosen = free or options[0]
        boxes.append(chosen)
        placed.append((end, chosen.left + 2, chosen.bottom + 4))
    return placed


def overlap(a: Box, b: Box) -> bool:
    """Tell whether two boxes overlap.

    Args:
        a: A box.
        b: Another.

    Returns:
        False where they only touch.
    """
    across = a.left < b.right and b.left < a.right
    return across and a.bottom < b.top and b.bottom < a.top


def _candidates(x: float, y: float, wide: float) -> list[tuple[float, float]]:
    return [
        (x + 8, y + 8), (x + 8, y - 4), (x + 8, y - 16),
        (x - wide - 8, y + 8), (x - wide - 8, y - 16),
        (x - wide / 2, y + 14), (x - wide / 2, y - 24),
    ]  # fmt: skip


def _box(x: float, y: float, wide: float, plot: tuple[float, float]) -> Box:
    x = max(2.0, min(x, plot[0] - wide - 2))
    y = max(4.0, min(y, plot[1] - 10))
    return Box(x - 2, y - 4, x + wide + 3, y + 11)


def _pixels(ax: Axes, end: End) -> tuple[float, float]:
    at = ax.transData.transform((end.x, end.y))
    share = ax.transAxes.inverted().transform(at)
    width, height = size(ax)
    return float(share[0] * width), float(np.clip(share[1], 0, 1) * height)


def _draw(
    ax: Axes, placed: Sequence[tuple[End, float, float]], beside: bool = False
) -> None:
    if beside and placed:
        leave_room(ax, max(text_width(e.text, e.bold) for e, _, _ in placed) + 14)
    width = size(ax)[0]
    for end, x, y in placed:
        ax.annotate(
            end.text,
            (1 if beside else x / width, 0),
            (px(7) if beside else 0, px(y)),
            xycoords="axes fraction",
            textcoords="offset points",
            color=colour(end.colour),
            fontweight="bold" if end.bold else "normal",
            annotation_clip=False,
            zorder=5,
        )
