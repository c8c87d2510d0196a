r"""Lay out the panels of a figure as the page does, and draw each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coursekit.figures.resolve import resolve_all
from coursekit.figures.style import TWO_COLUMNS, WIDE, use_style

from . import dots, heatmap, lines, ridges, surface, tree
from .view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture
    from matplotlib.gridspec import SubplotSpec

    from coursekit.figures.figure import Figure

_FACET_WIDTH, _FACET_TITLE, _TITLE = 190, 20, 22
_MARKS = {
    "lines": lines.draw,
    "heatmap": heatmap.draw,
    "surface": surface.draw,
    "ridges": ridges.draw,
    "dots": dots.draw,
    "tree": tree.draw,
}


def render_static(figure: Figure, theme: str = "light", width: float = WIDE) -> Picture:
    """Draw the panels of a figure in its resting state.

    Args:
        figure: The figure.
        theme: ``"light"`` or ``"dark"``.
        width: In CSS pixels; below 600, panels stand below each other.

    Returns:
        A matplotlib figure.
    """
    from matplotlib.figure import Figure as Picture

    with use_style(theme, width):
        views = [View(p, figure.space, figure.state) for p in resolve_all(figure)]
        rows = _rows(views, width)
        heights = [max(_height(v, width / len(row)) for v in row) for row in rows]
        picture = Picture(figsize=(width / 96, sum(heights) / 96))
        outer = picture.add_gridspec(
            len(rows), 1, height_ratios=heights,
            left=0, right=1, bottom=0, top=1, hspace=0,
        )  # fmt: skip
        for k, row in enumerate(rows):
            inner = outer[k].subgridspec(1, len(row), wspace=0)
            for column, view in enumerate(row):
                _draw_panel(picture, inner[column], view, width / len(row))
    return picture


def _rows(views: list[View], width: float) -> list[list[View]]:
    rows: list[list[View]] = []
    for view in views:
        alone = view.panel["wide"] or view.panel["facet"] or width < TWO_COLUMNS
        room = rows and len(rows[-1]) == 1 and not _is_wide(rows[-1][0])
        if alone or not room:
            rows.append([view])
        else:
            rows[-1].append(view)
    return rows


def _is_wide(view: View) -> bool:
    return bool(view.panel["wide"] or view.panel["facet"])


def _height(view: View, width: float) -> float:
    title = _TITLE if view.panel["title"] else 0
    if view.panel["kind"] == "tree":
        return tree.height(view, width) + title
    if view.panel["kind"] == "dots" and not view.panel["facet"]:
        return dots.height(view, width) + title
    if not view.panel["facet"]:
        return view.panel["height"] + title
    rows, columns = _facet_grid(view, width)
    return rows * (_facet_height(view, width / columns) + _FACET_TITLE) + title


def _facet_grid(view: View, width: float) -> tuple[int, int]:
    n = len(view.dim(view.panel["facet"]))
    columns = min(n, max(1, int(width / _FACET_WIDTH)))
    return -(-n // columns), columns


def _facet_height(view: View, width: float) -> float:
    return min(view.panel["height"], max(190.0, 0.95 * width))


def _draw_panel(picture: Picture, spec: SubplotSpec, view: View, width: float) -> None:
    mark: Any = _MARKS[view.panel["kind"]]
    facet = view.panel["facet"]
    if not facet:
        mark(picture.add_subplot(spec), view, view.panel["title"])
        return
    rows, columns = _facet_grid(view, width)
    grid = spec.subgridspec(rows, columns, wspace=0, hspace=0)
    dim = view.dim(facet)
    for k, name in enumerate(dim.names or ()):
        ax = picture.add_subplot(grid[divmod(k, columns)])
        here = replace(
            view.at(**{facet: k}),
            columns=columns,
            first=k == 0,
            quiet=k % columns > 0,
            chosen=view.state.get(facet, k) == k,
        )
        mark(ax, here, f"{dim.label} {name}" if dim.numeric else name)
