r"""Explain a field: the scale of its colours and the marks on its cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.layout import cell
from coursekit.figures.numbers import format_number
from coursekit.figures.palette import RAMPS
from coursekit.figures.style import colour, px

from .room import corner, size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
