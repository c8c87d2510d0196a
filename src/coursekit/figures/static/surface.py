r"""Draw a ``Surface`` panel at rest, as ``js/marks/surface.js`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.draw.axes import furnish
from coursekit.figures.draw.ends import cross
from coursekit.figures.palette import REFERENCE_DASH
from coursekit.figures.style import FOCUS, REFERENCE, colour, dash, px

from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SAMPLES = 61


def draw(ax: Axes, view: View, title: str) -> None:
    """Draw a Surface panel.

    Args:
        ax: The axes.
        view: The panel and its state.
        title: Words above it.
    """
    panel = view.panel
    names = ("xlim", "ylim", "xlabel", "ylabel")
    furnish(ax, title=title, quiet=view.quiet, **{n: panel[n] for n in names})
    _draw_levels(ax, view)
    if panel["slice"]:
        _draw_slice(ax, view)
    for path in panel["paths"]:
        _draw_path(ax, view, path)
    for point in panel["points"]:
        x, y = view.scalar(point["x"]), view.scalar(point["y"])
        _mark(ax, x, y, "D", "ink")
        _words(ax, point["label"], x, y, (9, -4))
    for arrow in panel["arrows"]:
        _draw_arrow(ax, view, arrow)
    if panel["start"]:
        _draw_start(ax, view)


def _draw_levels(ax: Axes, view: View) -> None:
    xs, ys, values = _field(view)
    known = values[np.isfinite(values)]
    low, high, n = float(known.min()), float(known.max()), view.panel["levels"]
    power = 1.0 if low < -0.05 * high else 2.5
    levels = low + (high - low) * (np.arange(1, n + 1) / (n + 1)) ** power
    ax.contour(
        xs, ys, values, levels=levels, colors=colour("edge"), linewidths=px(1.1),
        alpha=0.65, zorder=1.2, negative_linestyles="solid",
    )  # fmt: skip


def _field(view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    panel = view.panel
    if panel["field"]:
        axes = panel["y"], panel["x"]
        return (
            view.positions(panel["x"]),
            view.positions(panel["y"]),
            view.along(panel["field"], *axes),
        )
    model = view.space.model
    assert model is not None
    assert model.field is not None
    inputs = {n: view.space.value(n, view.state) for n in model.inputs}
    (x0, x1), (y0, y1) = panel["xlim"], panel["ylim"]
    xs, ys = np.linspace(x0, x1, _SAMPLES), np.linspace(y0, y1, _SAMPLES)
    values = [[float(model.field(x, y, **inputs)) for x in xs] for y in ys]
    return xs, ys, np.array(values)


def _draw_slice(ax: Axes, view: View) -> None:
    x, y = (view.scalar(name) for name in view.panel["start"])
    turn = np.deg2rad(view.scalar(view.panel["slice"]))
    reach = 2 * max(np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim()))
    dx, dy = reach * np.cos(turn), reach * np.sin(turn)
    ax.plot(
        [x - dx, x + dx], [y - dy, y + dy], color=colour("muted"),
        linewidth=px(REFERENCE), linestyle=dash(REFERENCE_DASH),
    )  # fmt: skip


def _draw_path(ax: Axes, view: View, path: dict[str, Any]) -> None:
    cursor = view.panel["cursor"]
    shown = view.place(cursor)
    stop = None if shown is None else shown + 1
    xs, ys = (view.along(path[axis], cursor)[:stop] for axis in ("x", "y"))
    left = np.flatnonzero(~_inside(ax, xs, ys))
    end = int(left[0]) if left.size and left[0] > 0 else 0
    xs, ys = (xs[: end + 1], ys[: end + 1]) if end else (xs, ys)
    looks: dict[str, Any] = {"color": colour(path["colour"]), "zorder": 3}
    ax.plot(xs, ys, "-", linewidth=px(FOCUS), **looks)
    if len(xs) <= 150:
        ax.plot(xs, ys, "o", markersize=2 * px(1.9), markeredgewidth=0, **looks)
    if end:
        _leave(ax, view, path, (xs[-1], ys[-1]), end)
    elif len(xs):
        _mark(ax, xs[-1], ys[-1], "s", path["colour"])
        _words(ax, path["label"], xs[-1], ys[-1], (8, 7))


def _inside(ax: Axes, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    air = 0.004 * (x1 - x0), 0.004 * (y1 - y0)
    return (
        (xs >= x0 - air[0]) & (xs <= x1 + air[0])
        & (ys >= y0 - air[1]) & (ys <= y1 + air[1])
    )  # fmt: skip


def _leave(
    ax: Axes, view: View, path: dict[str, Any], at: tuple[float, float], k: int
) -> None:
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    x = float(np.clip(at[0], x0 + 0.02 * (x1 - x0), x1 - 0.02 * (x1 - x0)))
    y = float(np.clip(at[1], y0 + 0.02 * (y1 - y0), y1 - 0.02 * (y1 - y0)))
    cross(ax, x, y, path["colour"], 4.5)
    moment = view.dim(view.panel["cursor"]).names[k]  # type: ignore[index]
    _words(ax, f"leaves at {moment}", x, y, (10, -4))


def _draw_arrow(ax: Axes, view: View, arrow: dict[str, Any]) -> None:
    tail = view.scalar(arrow["x"]), view.scalar(arrow["y"])
    tip = view.scalar(arrow["to_x"]), view.scalar(arrow["to_y"])
    looks = {"arrowstyle": "->", "color": colour(arrow["colour"])}
    looks |= {"linewidth": px(FOCUS), "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", tip, tail, arrowprops=looks)
    _words(ax, arrow["label"], *tip, (6, 6))


def _draw_start(ax: Axes, view: View) -> None:
    x, y = (view.scalar(name) for name in view.panel["start"])
    ax.plot(
        [x], [y], "o", markersize=px(16), markerfacecolor=colour("ground"),
        markeredgecolor=colour("vermillion"), markeredgewidth=px(3), zorder=4,
        clip_on=False,
    )  # fmt: skip
    # nothing can be dragged on paper
    _words(ax, view.panel["start_label"].partition(":")[0], x, y, (14, 10))


def _mark(ax: Axes, x: float, y: float, shape: str, role: str) -> None:
    ax.plot(
        [x], [y], shape, color=colour(role), markersize=2 * px(4.5), zorder=3.5,
        markeredgecolor=colour("ground"), markeredgewidth=px(1), clip_on=False,
    )  # fmt: skip


def _words(
    ax: Axes, text: str, x: float, y: float, offset: tuple[float, float]
) -> None:
    if not text:
        return
    right = x <= sum(ax.get_xlim()) / 2
    ax.annotate(
        text,
        (x, y),
        (px(offset[0] if right else -offset[0]), px(offset[1])),
        textcoords="offset points",
        ha="left" if right else "right",
        zorder=5,
        bbox={
            "facecolor": colour("ground"),
            "edgecolor": "none",
            "alpha": 0.8,
            "pad": 1,
        },
    )
