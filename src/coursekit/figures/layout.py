r"""Place panels: cells without gaps, margins in CSS pixels.

Every panel has a cell of a grid without gaps; the margins between its plot and the
edges of the cell hold its numbers and names, and are changed by what needs room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

TOP, BOTTOM, LEFT, RIGHT = 28, 42, 44, 14


def tight_grid(figure: Figure, rows: int, columns: int, **more: Any) -> GridSpec:
    """Divide a figure into cells without gaps; margins are each panel's own.

    Args:
        figure: The figure.
        rows: Number of rows.
        columns: Number of columns.
        **more: Further arguments of ``GridSpec``.

    Returns:
        The grid.
    """
    edges = {"left": 0, "right": 1, "top": 1, "bottom": 0} | more
    return figure.add_gridspec(rows, columns, wspace=0, hspace=0, **edges)


def cell(ax: Axes) -> tuple[float, float, float, float]:
    """Measure the cell of a panel: plot, numbers and names.

    Args:
        ax: Its axes.

    Returns:
        Left, bottom, right and top in CSS pixels of the figure; the whole figure for
        axes that belong to no grid.
    """
    figure: Any = ax.get_figure(root=True)
    width, height = 96 * figure.get_size_inches()
    spec = ax.get_subplotspec()
    box = spec.get_position(figure).extents if spec else (0, 0, 1, 1)
    left, bottom, right, top = (float(edge) for edge in box)
    return left * width, bottom * height, right * width, top * height


def place(
    ax: Axes,
    left: float = LEFT,
    right: float = RIGHT,
    top: float = TOP,
    bottom: float = BOTTOM,
) -> None:
    """Set the margins between a plot and its cell, in CSS pixels.

    Args:
        ax: The axes.
        left: Room for the numbers of y.
        right: Room for names of lines.
        top: Room for the name of y.
        bottom: Room for the numbers and the name of x.
    """
    figure: Any = ax.get_figure(root=True)
    width, height = 96 * figure.get_size_inches()
    x0, y0, x1, y1 = cell(ax)
    wide, high = x1 - x0 - left - right, y1 - y0 - top - bottom
    ax.set_position((
        (x0 + left) / width,
        (y0 + bottom) / height,
        wide / width,
        high / height,
    ))
