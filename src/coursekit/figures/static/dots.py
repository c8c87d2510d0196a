r"""Draw a ``Dots`` panel at rest, as ``js/marks/dots.js`` does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from coursekit.figures.draw.axes import furnish, reference
from coursekit.figures.draw.rows import (
    Row,
    draw_rows,
    is_stacked,
    stacked_height,
    zero_line,
)
from coursekit.figures.layout import cell
from coursekit.figures.numbers import format_number
from coursekit.figures.style import colour, px
from coursekit.stats import Verdict

from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(ax: Axes, view: View, title: str) -> None:
    """Draw a Dots panel.

    Args:
        ax: The axes.
        view: The panel and its state.
        title: Words above it.
    """
    panel = view.panel
    rows = _rows(view)
    x0, _, x1, _ = cell(ax)
    stacked = is_stacked(rows, x1 - x0)
    furnish(
        ax,
        xlim=panel["xlim"],
        ylim=(len(rows) - 0.5, -0.5),
        xlog=panel["xlog"],
        xlabel=panel["xlabel"],
        title=title,
        rows=["" if stacked else row.name for row in rows],
    )
    if panel["shade"]:
        _draw_shade(ax, view, stacked)
    if panel["zero"] or panel["bar"]:
        zero_line(ax)
    chosen = view.place(panel["over"])
    if chosen is not None:
        ax.axhspan(chosen - 0.5, chosen + 0.5, color=colour("grid"), alpha=0.6, lw=0)
    draw_rows(ax, rows, bar=panel["bar"], stacked=stacked)
    for ref in panel["refs"]:
        reference(ax, x=view.scalar(ref["x"]), label=ref["label"])


def height(view: View, width: float) -> float:
    """Tell how high the panel is: higher where words stand above the rows.

    Args:
        view: The panel and its state.
        width: Of the panel in CSS pixels.

    Returns:
        Its height in CSS pixels.
    """
    rows = _rows(view)
    least = stacked_height(len(rows)) if is_stacked(rows, width) else 0.0
    return max(view.panel["height"], least)


def _rows(view: View) -> list[Row]:
    return [_row(view, k) for k in range(len(view.dim(view.panel["over"])))]


def _row(view: View, k: int) -> Row:
    panel = view.panel
    here = view.at(**{panel["over"]: k})

    def read(name: str) -> float | None:
        return float(here.along(panel[name])) if panel[name] else None

    value, code = read("value"), read("verdict")
    assert value is not None
    seeds = here.along(panel["seeds"], panel["seed_dim"]) if panel["seeds"] else ()
    known = code is not None and math.isfinite(code)
    verdict = list(Verdict)[int(code)] if known else None  # type: ignore[arg-type]
    note = _note(view, value, verdict)
    name = view.dim(panel["over"]).names[k]  # type: ignore[index]
    return Row(
        name, value, [float(s) for s in seeds], read("low"), read("high"), verdict, note
    )


def _note(view: View, value: float, verdict: Verdict | None) -> str:
    if math.isnan(value):
        return view.panel["empty"]
    if math.isinf(value):
        return "✕ diverged"
    show = view.panel["show"]
    words = [] if show is None else [format_number(value, show)]
    words += [f"{verdict.glyph} {verdict.value}"] if verdict else []
    return "  ".join(words)


def _draw_shade(ax: Axes, view: View, stacked: bool) -> None:
    low, high = (view.scalar(end) for end in view.panel["shade"])
    ax.axvspan(low, high, color=colour("grid"), alpha=0.6, linewidth=0, zorder=0.5)
    ax.annotate(
        view.panel["shade_label"],
        (max(low, ax.get_xlim()[0]), 0 if stacked else 1),
        (px(4), px(4 if stacked else -12)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color=colour("muted"),
    )
