r"""Draw lines with the band of their seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.figures.draw.axes import furnish, reference
from coursekit.figures.draw.curves import Curve, draw_curves
from coursekit.figures.palette import look

from .seeds import limits_of, summary, with_seeds

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
        role, number = look(k)
        curves.append(
            Curve(
                xs,
                middle,
                name,
                (colours or {}).get(name, role),
                (dashes or {}).get(name, number),
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
