r"""Draw a field as cells: cividis, ✕ where it diverged, dots as good as the best.

Text on a cell is black or white, whichever contrasts more. ``js/marks/heatmap.js``
draws the same in the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.numbers import format_number
from coursekit.figures.palette import CIVIDIS, SIGNED, ramp, text_on
from coursekit.figures.style import cell, colour, px

from .curves import cross
from .room import corner, size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RAMPS = {"cividis": CIVIDIS, "signed": SIGNED}
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


def colour_bar(
    ax: Axes,
    limits: tuple[float, float],
    *,
    scale: str = "cividis",
    label: str = "",
    show: str | None = None,
    below: float = 62,
) -> None:
    """Draw the colour scale below a field, flush right.

    Args:
        ax: The axes of the cells.
        limits: Values at its ends.
        scale: ``"cividis"`` or ``"signed"``.
        label: What the colours mean.
        show: Format of the values.
        below: Distance from the plot in CSS pixels.
    """
    width, height = size(ax)
    low, high = (format_number(v, show or "") for v in limits)
    before = f"{label}  {low}".strip()
    end = width - text_width(high) - 8
    wide = max(40.0, min(140.0, end - text_width(before) - 8))
    bar = ax.inset_axes((
        (end - wide) / width,
        -below / height,
        wide / width,
        9 / height,
    ))
    stops = np.array([[i / 127 for i in range(128)]])
    bar.imshow(stops, cmap=_map(scale), aspect="auto", extent=(0, 1, 0, 1))
    bar.set(xticks=[], yticks=[])
    if scale == "signed":
        bar.axvline(0.5, color=colour("ink"), linewidth=px(1))
    looks: dict[str, Any] = {"xycoords": "axes fraction", "va": "center_baseline"}
    looks["textcoords"] = "offset points"
    bar.annotate(before, (0, 0.5), (px(-8), 0), ha="right", **looks)
    bar.annotate(high, (1, 0.5), (px(8), 0), ha="left", **looks)


def _map(scale: str) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(scale, list(RAMPS[scale]), N=128)


def note_rows(
    entries: Sequence[tuple[str, str]], room: float
) -> list[list[tuple[str, str, float]]]:
    """Break the explanations of marks into rows.

    Args:
        entries: Mark (``"dot"``, ``"cross"``, ``"group"`` or ``"hatch"``) and words.
        room: Width of a row in CSS pixels.

    Returns:
        Rows of mark, words and distance from the left.
    """
    rows: list[list[tuple[str, str, float]]] = []
    x = math.inf
    for kind, text in entries:
        wide = 15 + text_width(text)
        if x + wide > room:
            rows.append([])
            x = 0.0
        rows[-1].append((kind, text, x))
        x += wide + 16
    return rows


def notes(
    ax: Axes, rows: Sequence[Sequence[tuple[str, str, float]]], below: float = 84
) -> None:
    """Explain the marks on a field below it.

    Args:
        ax: The axes of the cells.
        rows: As ``note_rows`` gives them.
        below: Distance of the first row from the plot in CSS pixels.
    """
    (width, height), (left, _) = size(ax), corner(ax)
    start = cell(ax)[0] - left + 8
    for k, row in enumerate(rows):
        for kind, text, x in row:
            at = (start + x) / width, -(below + 18 * k) / height
            _note_mark(ax, kind, at[0] + 5 / width, at[1])
            ax.annotate(
                text,
                at,
                (px(15), 0),
                xycoords="axes fraction",
                textcoords="offset points",
                va="center_baseline",
                annotation_clip=False,
            )


def _note_mark(ax: Axes, kind: str, x: float, y: float) -> None:
    shape = {"dot": "o", "cross": "x", "group": "s", "hatch": "s"}[kind]
    looks: dict[str, Any] = {"markersize": 2 * px(3.4), "clip_on": False}
    looks |= {"linestyle": "none", "transform": ax.transAxes, "markerfacecolor": "none"}
    looks |= {"markeredgecolor": colour("ink"), "markeredgewidth": px(1.6)}
    ax.plot([x], [y], marker=shape, **looks)
    if kind == "hatch":
        ax.plot([x], [y], marker=[(-1, -1), (1, 1)], **looks)


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
