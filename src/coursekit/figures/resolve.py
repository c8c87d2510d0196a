r"""Settle what a specification leaves open, once for the page and for paper.

A mark may leave out axis ranges, words, colours and seed bands. Here each gets its
value, so that ``js/marks/`` and :mod:`coursekit.figures.static` draw from the same
plain mapping and decide nothing by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from . import limits
from .dims import Dim
from .marks import Dots, Heatmap, Lines, Mark, Ridges, Surface, Tree
from .marks.tree import Branch, Leaf
from .palette import look
from .space import Space

if TYPE_CHECKING:
    from .figure import Figure


def resolve(panel: Mark, figure: Figure) -> dict[str, Any]:
    """Return everything there is to know about a panel, JSON-ready.

    Args:
        panel: The panel.
        figure: The figure it belongs to.

    Returns:
        The mark's own arguments, with ranges, words, colours and bands settled.
    """
    space = figure.space
    extra = _BY_KIND[panel.kind](panel, space)
    linked = [panel.linked] if isinstance(panel.linked, str) else [*panel.linked]
    known = asdict(panel) | {"kind": panel.kind, "linked": linked} | extra
    known["picked"] = [*panel.picked()]
    known["alt"] = panel.alt or _described(known, figure.alt)
    return known


def _lines(panel: Lines, space: Space) -> dict[str, Any]:
    axis = space.dims[panel.axis]
    own = panel.x == panel.axis
    xlog = (own and axis.log) if panel.xlog is None else panel.xlog
    series = [_series(s, k, panel, space) for k, s in enumerate(panel.series)]
    named = {s["y"] for s in series} | {b for s in series for b in s["band"] or ()}
    if panel.xlim:
        xlim = panel.xlim
    elif own and isinstance(axis, Dim):
        xlim = limits.of_dim(axis, xlog)
    else:
        xlim = limits.of_fields(space, [panel.x], xlog, "Lines xlim=")
    return {
        "axis": panel.axis,
        "series": series,
        "xlog": xlog,
        "xlim": xlim,
        "ylim": panel.ylim
        or limits.of_fields(space, sorted(named), panel.ylog, "Lines ylim="),
        "xlabel": (axis.label if own else panel.x)
        if panel.xlabel is None
        else panel.xlabel,
    }


def _series(series: Any, k: int, panel: Lines, space: Space) -> dict[str, Any]:
    def stored(*ends: str) -> list[str] | None:
        names = [f"{series.y}_{end}" for end in ends]
        there = panel.band and all(n in space.fields for n in names)
        return names if there else None

    role, number = look(k)
    dash = {"solid": 0, "dashed": 1, None: number}.get(series.dash, series.dash)
    return {
        "y": series.y,
        "label": series.label,
        "colour": series.colour or role,
        "dash": dash,
        "marker": k,
        "band": list(series.band) if series.band else stored("lo", "hi"),
        "half": stored("q1", "q3"),
        "points": series.points or panel.points,
    }


def _heatmap(panel: Heatmap, space: Space) -> dict[str, Any]:
    x, y = space.dims[panel.x], space.dims[panel.y]
    zlim = panel.zlim
    if zlim is None:
        zlim = limits.of_fields(
            space, [panel.z], panel.zlog, "Heatmap zlim=", air=False
        )
        if panel.ramp == "signed":
            top = max(map(abs, zlim))
            zlim = (-top, top)
    return {
        "zlim": zlim,
        "xlabel": x.label if panel.xlabel is None else panel.xlabel,
        "ylabel": y.label if panel.ylabel is None else panel.ylabel,
        "upwards": isinstance(y, Dim) and y.numeric,
        "fails": _ever_diverges(panel.z, space),
    }


def _ever_diverges(name: str, space: Space) -> bool:
    stored = space.cube.arrays if space.cube else {}
    return name in stored and bool(np.isinf(stored[name].values).any())


def _surface(panel: Surface, space: Space) -> dict[str, Any]:
    extra: dict[str, Any] = {"paths": [asdict(p) for p in panel.paths]}
    for side, name in (("x", panel.x), ("y", panel.y)):
        dim = space.dims.get(name or "")
        if getattr(panel, f"{side}lim") is None and isinstance(dim, Dim):
            extra[f"{side}lim"] = limits.of_dim(dim, False)
        if dim is not None and not getattr(panel, f"{side}label"):
            extra[f"{side}label"] = dim.label
    return extra


def _ridges(panel: Ridges, space: Space) -> dict[str, Any]:
    bins, rows = space.dims[panel.bins], space.dims[panel.over]
    assert isinstance(bins, Dim)
    return {
        "xlim": limits.of_dim(bins, False),
        "xlabel": bins.label if panel.xlabel is None else panel.xlabel,
        "ylabel": rows.label if panel.ylabel is None else panel.ylabel,
    }


def _dots(panel: Dots, space: Space) -> dict[str, Any]:
    names = [panel.value, panel.seeds, panel.low, panel.high]
    xlim = panel.xlim or limits.of_fields(
        space, [n for n in names if n], panel.xlog, "Dots xlim="
    )
    if panel.zero or panel.bar:
        xlim = (min(xlim[0], 0.0), max(xlim[1], 0.0))
    return {"xlim": xlim}


def _tree(panel: Tree, _: Space) -> dict[str, Any]:
    places = {id(node): k for k, node in enumerate(panel.nodes)}
    return {"root": _node(panel.root, places)}


def _node(node: Branch | Leaf, places: dict[int, int]) -> dict[str, Any]:
    if isinstance(node, Leaf):
        return {"id": places[id(node)], "text": node.text, "answers": []}
    answers = [[a, _node(child, places)] for a, child in node.answers.items()]
    return {"id": places[id(node)], "text": node.question, "answers": answers}


def _described(known: dict[str, Any], finding: str) -> str:
    x, y = known.get("xlabel"), known.get("ylabel")
    axes = f"{y} against {x}" if x and y else x or y or ""
    return ". ".join(part for part in (known["title"], axes, finding) if part)


_BY_KIND: dict[str, Any] = {
    "lines": _lines,
    "heatmap": _heatmap,
    "surface": _surface,
    "ridges": _ridges,
    "dots": _dots,
    "tree": _tree,
}


def resolve_all(figure: Figure) -> Sequence[dict[str, Any]]:
    """Settle all panels of a figure.

    Args:
        figure: The figure.

    Returns:
        One mapping a panel.
    """
    return [resolve(panel, figure) for panel in figure.panels]
