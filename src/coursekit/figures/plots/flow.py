r"""Draw steps one below the other, each with a way out to its right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coursekit.figures.draw.room import size, wrap
from coursekit.figures.layout import place
from coursekit.figures.style import colour, px

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Step = tuple[str, str]
GAP, SHARE, PAD, LINE = 34, 0.46, 8, 16


def flow(
    ax: Axes,
    steps: Sequence[Step],
    *,
    last: str = "",
    down: str = "",
    across: str = "",
) -> None:
    """Draw a chain of boxes from top to bottom, and words beside each.

    Args:
        ax: The axes; its frame is removed.
        steps: Text of a box and of what stands beside it, joined by an arrow.
        last: Text of a box at the end, with nothing beside it.
        down: Word at every arrow to the next box.
        across: Word at every arrow to the right.

    Raises:
        ValueError: If there is no step.
    """
    if not steps:
        raise ValueError("steps: expected at least one, got none")
    place(ax, left=4, right=4, top=4, bottom=4)
    ax.set_axis_off()
    width, height = size(ax)
    ax.set(xlim=(0, width), ylim=(height, 0))
    count = len(steps) + bool(last)
    room = height / count
    middle = SHARE * width
    for k, (text, beside) in enumerate(steps):
        y = (k + 0.5) * room - GAP / 4
        _box(ax, (0, middle), y, text)
        _arrow(ax, (middle, y), (middle + GAP, y), across)
        _words(ax, middle + GAP + 4, y, beside, width - middle - GAP - 8)
        if k + 1 < count:
            half = _half(text, middle)
            below = steps[k + 1][0] if k + 1 < len(steps) else last
            end = (k + 1.5) * room - GAP / 4 - _half(below, middle)
            _arrow(ax, (middle / 2, y + half), (middle / 2, end), down)
    if last:
        _box(ax, (0, middle), (count - 0.5) * room - GAP / 4, last)


def _half(text: str, width: float) -> float:
    return PAD + LINE * len(wrap(text, width - 2 * PAD)) / 2


def _box(ax: Axes, ends: tuple[float, float], y: float, text: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    half = _half(text, ends[1] - ends[0])
    shape = FancyBboxPatch(
        (ends[0] + 3, y - half + 3),
        ends[1] - ends[0] - 6,
        2 * half - 6,
        boxstyle="round,pad=3",
        facecolor="none",
        edgecolor=colour("edge"),
        linewidth=px(1.2),
    )
    ax.add_patch(shape)
    lines = wrap(text, ends[1] - ends[0] - 2 * PAD)
    ax.text(sum(ends) / 2, y, "\n".join(lines), ha="center", va="center")


def _words(ax: Axes, x: float, y: float, text: str, room: float) -> None:
    ax.text(x, y, "\n".join(wrap(text, room)), ha="left", va="center")


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], word: str
) -> None:
    look = {"arrowstyle": "->", "color": colour("edge"), "linewidth": px(1.2)}
    look |= {"shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=look)
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    if word and start[1] == end[1]:
        ax.text(x, y - 4, word, ha="center", va="bottom", color=colour("muted"))
    elif word:
        ax.text(x + 6, y, word, ha="left", va="center", color=colour("muted"))
