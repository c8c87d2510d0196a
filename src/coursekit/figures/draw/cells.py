r"""Draw a field as cells: cividis, ✕ where it diverged, dots as good as the best.

Text on a cell is black or white, whichever contrasts more. ``js/marks/heatmap.js``
draws the same in the page.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.numbers import format_number
from coursekit.figures.palette import RAMPS, ramp, text_on
from coursekit.figures.style import colour, px

from .ends import cross
from .room import size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL_TEXT = 11


def draw_cells(
    ax: Axes,
    values: np.ndarray,
    limits: tuple[float, float],
    *,
    log: bool = False,
    scale: str = "cividis",
    show: str | None = None,
) -> None:
    """Draw a field, a cell for each value, the first row at y = 0.

    Args:
        ax: The axes, in place.
        values: Field; NaN is missing, infinite is diverged.
        limits: Values of the first and the last colour.
        log: Whether colours follow the logarithm.
        scale: ``"cividis"`` or ``"signed"``.
        show: Format of the text on the cells; left out where it finds no room.

    Shape:
        values: ``[y, x]``.
    """
    rows, columns = values.shape
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(-0.5, rows - 0.5))
    ax.grid(visible=False)
    width, height = size(ax)
    w, h = width / columns, height / rows
    gap = min(1.0, w / 8) if rows * columns <= 600 else 0.0
    for (j, i), value in np.ndenumerate(values):
        fill = None
        if math.isfinite(value):
            fill = ramp(RAMPS[scale], share(value, limits, log))
        _draw_cell(ax, i, j, fill, (gap / w, gap / h))
        if math.isinf(value):
            cross(ax, i, j, "ink", min(5.0, w / 4, h / 4))
        text = format_number(value, show) if fill and show is not None else ""
        wide = text_width(text) * CELL_TEXT / 12
        if fill and text and w >= 30 and h >= 15 and wide <= w - 4:
            _write(ax, i, j, text, text_on(fill))


def share(value: float, limits: tuple[float, float], log: bool) -> float:
    """Place a value on a colour scale.

    Args:
        value: The value.
        limits: Values of the first and the last colour.
        log: Whether colours follow the logarithm.

    Returns:
        0 for the first colour, 1 for the last.
    """
    low, high = limits
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / ((high - low) or 1.0)


def _draw_cell(
    ax: Axes, i: int, j: int, fill: str | None, gap: tuple[float, float]
) -> None:
    from matplotlib.patches import Rectangle

    dx, dy = gap
    looks: dict[str, Any] = {"facecolor": fill, "linewidth": 0}
    if fill is None:
        edge = {"edgecolor": colour("grid"), "linewidth": px(1)}
        looks = {"facecolor": "none", **edge}
    box = Rectangle((i - 0.5 + dx / 2, j - 0.5 + dy / 2), 1 - dx, 1 - dy, **looks)
    ax.add_patch(box)


def _write(ax: Axes, i: int, j: int, text: str, ink: str) -> None:
    ax.annotate(
        text,
        (i, j),
        ha="center",
        va="center_baseline",
        color=ink,
        fontsize=px(CELL_TEXT),
    )


def mark_best(ax: Axes, mask: np.ndarray) -> None:
    """Put a dot in the upper right corner of cells.

    Args:
        ax: The axes of the cells.
        mask: Where.

    Shape:
        mask: ``[y, x]``.
    """
    width, height = size(ax)
    rows, columns = mask.shape
    dx, dy = 0.5 - 6 * columns / width, 0.5 - 5.5 * rows / height
    ys, xs = np.nonzero(mask)
    ax.plot(
        xs + dx,
        ys + dy,
        linestyle="none",
        marker="o",
        markersize=2 * px(2.6),
        markerfacecolor="#FFFFFF",
        markeredgecolor="#000000",
        markeredgewidth=px(1.5),
        zorder=4,
    )


def outline(ax: Axes, mask: np.ndarray) -> None:
    """Outline a group of cells in black and white, seen on every colour.

    Args:
        ax: The axes of the cells.
        mask: Which cells belong to it.

    Shape:
        mask: ``[y, x]``.
    """
    padded = np.pad(np.asarray(mask, bool), 1)
    across = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    upright = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    xs: list[float] = []
    ys: list[float] = []
    for j, i in across:
        xs += [i - 0.5, i + 0.5, math.nan]
        ys += [j - 0.5, j - 0.5, math.nan]
    for j, i in upright:
        xs += [i - 0.5, i - 0.5, math.nan]
        ys += [j - 0.5, j + 0.5, math.nan]
    for ink, wide in (("#FFFFFF", 4.5), ("#000000", 2.2)):
        ax.plot(
            xs, ys, "-", color=ink, linewidth=px(wide), clip_on=False, zorder=4.5,
            solid_capstyle="projecting",
        )  # fmt: skip


def hatch(ax: Axes, mask: np.ndarray) -> None:
    """Hatch cells that changed.

    Args:
        ax: The axes of the cells.
        mask: Which.

    Shape:
        mask: ``[y, x]``.
    """
    from matplotlib.patches import Rectangle

    for j, i in np.argwhere(mask):
        for ink, wide in (("#FFFFFF", 2.0), ("#000000", 1.0)):
            looks: dict[str, Any] = {"hatch_linewidth": px(wide), "linewidth": 0}
            box = Rectangle(
                (i - 0.5, j - 0.5), 1, 1, fill=False, hatch="//", edgecolor=ink, **looks
            )
            ax.add_patch(box)
