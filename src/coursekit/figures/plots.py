r"""Draw the static figures that chapters share, from plain arrays.

Each function draws on one of the axes of :func:`coursekit.figures.style.panels`,
inside a drawing function handed to :func:`coursekit.figures.show_static`. Runs come as
``[seed, …]``: up to seven seeds are shown as their median and range, from eight on as
median, middle half and thin extremes; the axis says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from coursekit import stats

from .draw import cells, rows
from .draw.axes import furnish, name_axes, reference
from .draw.curves import Curve, draw_curves
from .draw.labels import End, label_ends
from .draw.room import keep_apart, put_ticks, text_width
from .limits import with_air
from .palette import MARKERS, REFERENCE_DASH, SERIES
from .runs import MANY_SEEDS
from .style import BOTTOM, SHAPES, cell, colour, dash, place, px

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

Limits = tuple[float, float]


def lines(
    ax: Axes,
    x: ArrayLike,
    runs: Mapping[str, ArrayLike],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    xlog: bool = False,
    ylog: bool = False,
    xlim: Limits | None = None,
    ylim: Limits | None = None,
    colours: Mapping[str, str] | None = None,
    dashes: Mapping[str, int] | None = None,
    refs: Mapping[str, float | ArrayLike] | None = None,
    marked: bool = False,
) -> None:
    """Draw one line a name, with the band of its seeds and the name at its end.

    Args:
        ax: The axes.
        x: Places.
        runs: Name to values.
        xlabel: Words below.
        ylabel: Words above; the number of seeds is added.
        title: Words in bold above the panel.
        xlog: Whether x is logarithmic.
        ylog: Whether y is logarithmic.
        xlim: Range of x; all places if omitted.
        ylim: Range of y; all finite values if omitted.
        colours: Name to role of the palette; the next of the series if omitted.
        dashes: Name to number of the dash; 0 is solid, 1 dashed.
        refs: Name to what theory says: a level, or a value a place.
        marked: Whether each place has a marker.

    Shape:
        x: ``[place]``
        runs: each ``[seed, place]``, or ``[place]`` without a band.
    """
    xs = np.asarray(x, float)
    many = {name: np.atleast_2d(np.asarray(v, float)) for name, v in runs.items()}
    curves = []
    for k, (name, values) in enumerate(many.items()):
        middle, band, half = summary(values)
        curves.append(
            Curve(
                xs,
                middle,
                name,
                (colours or {}).get(name, SERIES[k % len(SERIES)]),
                (dashes or {}).get(name, k),
                band,
                half,
                marked=marked,
            )
        )
    furnish(
        ax,
        xlim=xlim or (float(xs.min()), float(xs.max())),
        ylim=ylim or limits_of([*many.values(), *(refs or {}).values()], ylog),
        xlog=xlog,
        ylog=ylog,
        xlabel=xlabel,
        ylabel=with_seeds(ylabel, max(len(v) for v in many.values())),
        title=title,
    )
    draw_curves(ax, curves)
    for name, level in (refs or {}).items():
        if np.ndim(level):
            reference(ax, curve=(xs, level), label=name)
        else:
            reference(ax, y=float(np.asarray(level)), label=name)


def layer_lines(
    ax: Axes, runs: Mapping[str, ArrayLike], *, ylabel: str, first: int = 1, **more: Any
) -> None:
    """Draw a quantity of each layer, a line a name, on a logarithmic axis.

    Args:
        ax: The axes.
        runs: Name to values of the layers.
        ylabel: What was measured, with its unit.
        first: Number of the first layer.
        **more: Further arguments of :func:`lines`.

    Shape:
        runs: each ``[seed, layer]``.
    """
    depth = np.shape(next(iter(runs.values())))[-1]
    layers = np.arange(first, first + depth)
    settings: dict[str, Any] = {"xlabel": "layer", "ylog": True, "marked": depth <= 16}
    lines(ax, layers, runs, ylabel=ylabel, **(settings | more))


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
    furnish(
        ax,
        xlim=(low - air * (low == 0), high + air * (high == 0)),
        ylim=(len(drawn) - 0.5, -0.5),
        xlabel=f"{xlabel} ({n} seeds, 95 % interval)",
        title=title,
        rows=[r.name for r in drawn],
    )
    rows.zero_line(ax)
    rows.draw_rows(ax, drawn)
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
    names = []
    for k, (name, (theory, measured)) in enumerate(groups.items()):
        xs, ys = np.asarray(theory, float), np.atleast_2d(np.asarray(measured, float))
        role = SERIES[k % len(SERIES)]
        middle, band, _ = summary(ys)
        if band:
            ax.vlines(xs, *band, color=colour(role), linewidth=px(2), zorder=3)
        ax.plot(
            xs, middle, linestyle="none", marker=SHAPES[MARKERS[k % len(MARKERS)]],
            color=colour(role), markersize=2 * px(4.5), markeredgewidth=0, zorder=3.5,
        )  # fmt: skip
        top = int(np.nanargmax(np.where(np.isfinite(middle), xs, -np.inf)))
        words = "ink" if role == "amber" else role
        names.append(End(float(xs[top]), float(middle[top]), name, words, True))
    label_ends(ax, names)


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
    explained = cells.note_rows(marks, x1 - x0 - 16)
    place(ax, left=left, right=4, bottom=BOTTOM + 28 + 18 * len(explained))
    cells.draw_cells(ax, field, limits, log=log, scale=scale, show=show)
    put_ticks(ax.xaxis, range(len(columns)), columns)
    put_ticks(ax.yaxis, range(len(names)), names)
    keep_apart(ax)
    name_axes(ax, xlabel, ylabel)
    if best is not None:
        cells.mark_best(ax, np.asarray(best, bool))
    cells.colour_bar(ax, limits, scale=scale, label=label, show=show)
    cells.notes(ax, explained)


Band = tuple[np.ndarray, np.ndarray]


def summary(values: np.ndarray) -> tuple[np.ndarray, Band | None, Band | None]:
    """Summarise seeds: median, range and, from eight seeds on, the middle half.

    Args:
        values: Runs; what is not finite has diverged.

    Shape:
        values: ``[seed, place]``

    Returns:
        The median, infinite where half of the seeds or more diverged; the range, or
        None for one seed; the middle half, or None below eight seeds.
    """
    finite = np.isfinite(values)
    alive = 2 * finite.sum(0) > len(values)
    known = np.where(alive, np.where(finite, values, np.nan), 0.0)
    middle = np.where(alive, np.nanmedian(known, axis=0), np.inf)
    if len(values) == 1:
        return middle, None, None
    steps = np.nanquantile(known, [0.0, 0.25, 0.75, 1.0], axis=0)
    low, q1, q3, high = np.where(alive, steps, np.nan)
    return middle, (low, high), (q1, q3) if len(values) >= MANY_SEEDS else None


def with_seeds(label: str, n: int) -> str:
    """Add to the name of an axis what its bands mean.

    Args:
        label: The name.
        n: Number of seeds.

    Returns:
        The name with the seeds; unchanged for a single run.

    Example:
        >>> with_seeds("training loss", 5), with_seeds("training loss", 1)
        ('training loss (range of 5 seeds)', 'training loss')
    """
    if n < 2:
        return label
    what = "range" if n < MANY_SEEDS else "middle half and range"
    return f"{label} ({what} of {n} seeds)".strip()


def limits_of(values: Sequence[Any], log: bool) -> Limits:
    """Return a range with a little air that covers all finite values.

    Args:
        values: Arrays or numbers.
        log: Whether the axis is logarithmic; then only positive values count.

    Returns:
        Low and high.
    """
    flat = np.concatenate([np.ravel(np.asarray(v, float)) for v in values])
    flat = flat[np.isfinite(flat) & ((flat > 0) | (not log))]
    if not flat.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    return with_air(float(flat.min()), float(flat.max()), log)


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
