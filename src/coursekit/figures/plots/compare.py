r"""Compare arms with each other, and measurements with theory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from coursekit import stats
from coursekit.figures.draw import rows
from coursekit.figures.draw.axes import furnish
from coursekit.figures.draw.curves import Curve, draw_curves
from coursekit.figures.draw.legend import draw_legend
from coursekit.figures.layout import cell
from coursekit.figures.palette import REFERENCE_DASH, look
from coursekit.figures.style import colour, dash, px

from .seeds import limits_of, summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

Limits = tuple[float, float]


def paired_dots(
    ax: Axes,
    differences: Mapping[str, ArrayLike],
    *,
    direction: stats.Direction | None = None,
    xlabel: str = "paired difference",
    title: str = "",
    xlim: Limits | None = None,
) -> None:
    """Draw paired differences: a dot a seed, 95 % interval, zero line, verdict.

    Args:
        ax: The axes.
        differences: Name to treatment minus control.
        direction: The direction claimed, drawn as an arrow; without it no verdicts.
        xlabel: What differs, with its unit.
        title: Words above.
        xlim: Range of x; all dots and intervals if omitted.

    Shape:
        differences: each ``[seed]``, at least five with a direction.
    """
    drawn = [
        _row(name, np.asarray(d, float), direction) for name, d in differences.items()
    ]
    ends = [[r.low, r.high] for r in drawn if r.low is not None]
    xlim = xlim or limits_of([0.0, *(r.seeds for r in drawn), *ends], log=False)
    low, high = min(xlim[0], 0.0), max(xlim[1], 0.0)
    air = 0.03 * (high - low)
    n = max(len(r.seeds) for r in drawn)
    x0, _, x1, _ = cell(ax)
    stacked = rows.is_stacked(drawn, x1 - x0)
    furnish(
        ax,
        xlim=(low - air * (low == 0), high + air * (high == 0)),
        ylim=(len(drawn) - 0.5, -0.5),
        xlabel=f"{xlabel} ({n} seeds, 95 % interval)",
        title=title,
        rows=["" if stacked else r.name for r in drawn],
    )
    rows.zero_line(ax)
    rows.draw_rows(ax, drawn, stacked=stacked)
    if direction:
        _arrow(ax, 1 if direction == "greater" else -1)


def theory_vs_measured(
    ax: Axes,
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str = "theory",
    ylabel: str = "measured",
    title: str = "",
    log: bool = False,
    tolerance: float | None = None,
) -> None:
    """Draw measurements against theory, on and off the diagonal.

    Args:
        ax: The axes.
        groups: Name to theory and measurements.
        xlabel: What theory predicts.
        ylabel: What was measured.
        title: Words above.
        log: Whether both axes are logarithmic.
        tolerance: Half width of a shaded band around the diagonal.

    Shape:
        groups: theory ``[setting]``, measurements ``[seed, setting]``.
    """
    both = [np.ravel(v) for pair in groups.values() for v in pair]
    limits = limits_of([np.concatenate(both)], log)
    furnish(
        ax, xlim=limits, ylim=limits, xlog=log, ylog=log, xlabel=xlabel,
        ylabel=ylabel, title=title,
    )  # fmt: skip
    ends = np.array(limits)
    if tolerance:
        shade = {"color": colour("muted"), "alpha": 0.15, "linewidth": 0}
        ax.fill_between(ends, ends - tolerance, ends + tolerance, **shade)
    ax.plot(
        ends, ends, color=colour("muted"), linewidth=px(1.2),
        linestyle=dash(REFERENCE_DASH), zorder=1.5,
    )  # fmt: skip
    curves = []
    for k, (name, (theory, measured)) in enumerate(groups.items()):
        xs, ys = np.asarray(theory, float), np.atleast_2d(np.asarray(measured, float))
        role, number = look(k)
        middle, band, _ = summary(ys)
        if band:
            ax.vlines(xs, *band, color=colour(role), linewidth=px(2), zorder=3)
        curves.append(Curve(xs, middle, name, role, number, points=True))
    draw_legend(ax, curves)
    draw_curves(ax, curves, labels=False)


def _row(name: str, d: np.ndarray, direction: stats.Direction | None) -> rows.Row:
    interval = stats.paired_t_interval(d)
    verdict = stats.accept_directional(d, direction) if direction else None
    words = [f"{verdict.glyph} {verdict.value}"] if verdict else []
    words += [f"✕ {interval.diverged}"] if interval.diverged else []
    ends = (interval.low, interval.high) if not interval.diverged else (None, None)
    return rows.Row(
        name, interval.estimate, [float(v) for v in d], *ends, verdict, "  ".join(words)
    )


def _arrow(ax: Axes, side: int) -> None:
    ax.annotate(
        "claimed →" if side > 0 else "← claimed",
        (0, 1),
        (px(4 * side), px(5)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        annotation_clip=False,
    )
