r"""Draw a ``Heatmap`` panel at rest, as ``js/marks/heatmap.js`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.draw import cells, keys
from coursekit.figures.draw.axes import name_axes, room_above
from coursekit.figures.draw.room import keep_apart, put_ticks, size, text_width
from coursekit.figures.layout import BOTTOM, cell, place
from coursekit.figures.style import colour, dash, px

from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(ax: Axes, view: View, title: str) -> None:
    """Draw a Heatmap panel.

    Args:
        ax: The axes.
        view: The panel and its state.
        title: Words above it.
    """
    panel = view.panel
    field = _read(view, panel["z"])
    names = [_names(view, axis) for axis in ("x", "y")]
    x0, _, x1, _ = cell(ax)
    notes = keys.note_rows(_notes(view), (x1 - x0) * view.columns - 16)
    left = max(26.0, *(text_width(n) for n in names[1])) + 10
    top = room_above(ax, panel["ylabel"], title)
    place(ax, left=left, right=4, top=top, bottom=BOTTOM + 32 + 18 * len(notes))
    show, scale = panel["show"], panel["ramp"]
    cells.draw_cells(
        ax, field, panel["zlim"], log=panel["zlog"], scale=scale, show=show
    )
    _number(ax, names)
    name_axes(ax, panel["xlabel"], panel["ylabel"], title, view.quiet)
    for mask, mark in (
        ("changed", cells.hatch),
        ("group", cells.outline),
        ("dots", cells.mark_best),
    ):
        if panel[mask]:
            mark(ax, _read(view, panel[mask]) == 1)
    for ref in panel["refs"]:
        _draw_ref(ax, view, ref)
    _select(ax, view, field.shape)
    if view.first:
        label = panel["zlabel"]
        keys.colour_bar(ax, panel["zlim"], scale=scale, label=label, show=show)
        keys.notes(ax, notes)


def _read(view: View, name: str) -> np.ndarray:
    values = view.along(name, view.panel["y"], view.panel["x"])
    return values if view.panel["upwards"] else values[::-1]


def _names(view: View, axis: str) -> list[str]:
    names = list(view.dim(view.panel[axis]).names or ())
    return names[::-1] if axis == "y" and not view.panel["upwards"] else names


def _number(ax: Axes, names: list[list[str]]) -> None:
    columns, rows = names
    put_ticks(ax.xaxis, range(len(columns)), columns)
    keep_apart(ax)
    every = int(np.ceil(13 * len(rows) / size(ax)[1]))
    put_ticks(ax.yaxis, range(0, len(rows), every), rows[::every])


def _notes(view: View) -> list[tuple[str, str]]:
    panel = view.panel
    known = [("dot", panel["dots"] and panel["dots_label"])]
    known.append(("cross", panel["fails"] and "diverged"))
    known.append(("group", panel["group"] and panel["group_label"]))
    known.append(("hatch", panel["changed"] and panel["changed_label"]))
    return [(kind, text) for kind, text in known if text]


def _select(ax: Axes, view: View, shape: tuple[int, ...]) -> None:
    i, j = view.place(view.panel["x"]), view.place(view.panel["y"])
    if not view.panel["picked"] or not view.chosen or i is None or j is None:
        return
    chosen = np.zeros(shape, bool)
    chosen[j if view.panel["upwards"] else shape[0] - 1 - j, i] = True
    cells.outline(ax, chosen)


def _draw_ref(ax: Axes, view: View, ref: dict[str, Any]) -> None:
    panel = view.panel
    if ref["curve"]:
        return
    upright = ref["x"] is not None
    axis = panel["x"] if upright else panel["y"]
    at = _between(view, axis, view.scalar(ref["x"] if upright else ref["y"]))
    if not upright and not panel["upwards"]:
        at = len(view.dim(axis)) - 1 - at
    line = ax.axvline if upright else ax.axhline
    line(at, color="#FFFFFF", linewidth=px(2.4), zorder=3)
    line(at, color="#000000", linewidth=px(1.6), linestyle=dash((3, 3)), zorder=3)
    place = (at, 1) if upright else (1, at)
    ax.annotate(
        ref["label"],
        place,
        (px(4), px(4)) if upright else (0, px(4)),
        xycoords=("data", "axes fraction") if upright else ("axes fraction", "data"),
        textcoords="offset points",
        ha="left" if upright else "right",
        color=colour("muted"),
        annotation_clip=False,
    )


def _between(view: View, axis: str, value: float) -> float:
    places, dim = view.positions(axis), view.dim(axis)
    if dim.log:
        places, value = np.log(places), np.log(value)
    return float(np.interp(value, places, np.arange(len(places))))
