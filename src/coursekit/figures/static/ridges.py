r"""Draw a ``Ridges`` panel at rest, as ``js/marks/ridges.js`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.draw.axes import furnish
from coursekit.figures.draw.room import put_ticks, size
from coursekit.figures.palette import REFERENCE_DASH
from coursekit.figures.style import colour, dash, px

from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OVERLAP = 1.45


def draw(ax: Axes, view: View, title: str) -> None:
    """Draw a Ridges panel.

    Args:
        ax: The axes.
        view: The panel and its state.
        title: Words above it.
    """
    panel = view.panel
    names = list(view.dim(panel["over"]).names or ())
    furnish(
        ax,
        xlim=panel["xlim"],
        ylim=(0, len(names) + _OVERLAP - 1),
        xlabel=panel["xlabel"],
        ylabel=panel["ylabel"],
        quiet=view.quiet,
        title=title,
        rows=names,
    )
    every = int(np.ceil(13 * (len(names) + _OVERLAP - 1) / size(ax)[1]))
    put_ticks(ax.yaxis, range(0, len(names), every), names[::every])
    heights = view.along(panel["hist"], panel["over"], panel["bins"])
    theory = panel["reference"]
    expected = view.along(theory, panel["over"], panel["bins"]) if theory else None
    for row in reversed(range(len(names))):
        _draw_ridge(ax, view, row, heights[row])
        if expected is not None:
            _draw_outline(ax, view, row, expected[row])


def _draw_ridge(ax: Axes, view: View, row: int, heights: np.ndarray) -> None:
    if not np.isfinite(heights).all():
        ax.annotate("diverged", (ax.get_xlim()[0], row), (px(6), px(3)),
                    textcoords="offset points")  # fmt: skip
        return
    xs, ys = _outline(view, row, heights)
    looks: dict[str, Any] = {"linewidth": px(1), "zorder": 2 + 1 / (2 + row)}
    ax.fill_between(
        xs, row, ys, facecolor=colour(view.panel["colour"]),
        edgecolor=colour("ground"), **looks,
    )  # fmt: skip


def _draw_outline(ax: Axes, view: View, row: int, heights: np.ndarray) -> None:
    ax.plot(
        *_outline(view, row, heights), color=colour("muted"), linewidth=px(1.2),
        linestyle=dash(REFERENCE_DASH), zorder=2 + 1.01 / (2 + row),
    )  # fmt: skip


def _outline(
    view: View, row: int, heights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    xs = view.positions(view.panel["bins"])
    return xs, row + _OVERLAP * heights / (heights.max() or 1.0)
