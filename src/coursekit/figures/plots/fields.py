r"""Draw a value over two settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from coursekit.figures.draw import cells, keys
from coursekit.figures.draw.axes import name_axes, room_above
from coursekit.figures.draw.room import keep_apart, put_ticks, text_width
from coursekit.figures.layout import BOTTOM, cell, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

Limits = tuple[float, float]


def heat(
    ax: Axes,
    values: ArrayLike,
    *,
    columns: Sequence[str],
    names: Sequence[str],
    xlabel: str = "",
    ylabel: str = "",
    label: str = "",
    show: str | None = ".2f",
    limits: Limits | None = None,
    log: bool = False,
    scale: Literal["cividis", "signed"] = "cividis",
    best: ArrayLike | None = None,
    best_label: str = "as good as the best",
) -> None:
    """Draw a field as cells with its colour scale, ✕ where it diverged.

    Args:
        ax: The axes.
        values: Field; infinite is diverged, NaN missing.
        columns: Names of the columns.
        names: Names of the rows, the first at the bottom.
        xlabel: Words below.
        ylabel: Words above the y axis.
        label: What the colours mean.
        show: Format of the text on the cells; None for none.
        limits: Values of the first and the last colour; all finite ones if omitted.
        log: Whether colours follow the logarithm.
        scale: ``"cividis"`` for magnitudes, ``"signed"`` for values around zero.
        best: Where a dot stands.
        best_label: What the dot means.

    Shape:
        values: ``[row, column]``
        best: ``[row, column]``
    """
    field = np.asarray(values, float)
    known = field[np.isfinite(field)]
    limits = limits or (float(known.min()), float(known.max()))
    if scale == "signed":
        limits = (-max(map(abs, limits)), max(map(abs, limits)))
    left = max(26.0, *(text_width(n) for n in names)) + 10
    marks = [("dot", best_label)] * (best is not None)
    marks += [("cross", "diverged")] * bool(np.isinf(field).any())
    x0, _, x1, _ = cell(ax)
    explained = keys.note_rows(marks, x1 - x0 - 16)
    top = room_above(ax, ylabel, "")
    place(ax, left=left, right=4, top=top, bottom=BOTTOM + 32 + 18 * len(explained))
    cells.draw_cells(ax, field, limits, log=log, scale=scale, show=show)
    put_ticks(ax.xaxis, range(len(columns)), columns)
    put_ticks(ax.yaxis, range(len(names)), names)
    keep_apart(ax)
    name_axes(ax, xlabel, ylabel)
    if best is not None:
        cells.mark_best(ax, np.asarray(best, bool))
    keys.colour_bar(ax, limits, scale=scale, label=label, show=show)
    keys.notes(ax, explained)
