r"""Draw a ``Lines`` panel at rest, as ``js/marks/lines.js`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursekit.figures.draw.axes import furnish, reference
from coursekit.figures.draw.curves import Curve, draw_curves, mark_at
from coursekit.figures.palette import look

from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(ax: Axes, view: View, title: str) -> None:
    """Draw a Lines panel.

    Args:
        ax: The axes.
        view: The panel and its state.
        title: Words above it.
    """
    panel = view.panel
    names = ("xlim", "ylim", "xlog", "ylog", "xlabel", "ylabel")
    furnish(ax, title=title, quiet=view.quiet, **{n: panel[n] for n in names})
    curves = collect(view)
    for ref in panel["refs"]:
        _draw_ref(ax, view, ref)
    place = view.place(panel["cursor"])
    if place is not None:
        mark_at(ax, curves, place)
    draw_curves(ax, curves, labels=panel["labels"])


def collect(view: View) -> list[Curve]:
    """Collect the curves of a panel: series, and members of a family.

    Args:
        view: The panel and its state.

    Returns:
        The curves.
    """
    over = view.panel["over"]
    members = range(len(view.dim(over))) if over else [None]
    return [_curve(view, s, m) for s in view.panel["series"] for m in members]


def _curve(view: View, series: dict[str, Any], member: int | None) -> Curve:
    panel = view.panel
    here = view if member is None else view.at(**{panel["over"]: member})
    own = panel["x"] == panel["axis"]
    xs = view.positions(panel["axis"]) if own else here.along(panel["x"], panel["axis"])
    band, half = (
        tuple(here.along(n, panel["axis"]) for n in series[key])
        if series[key]
        else None
        for key in ("band", "half")
    )
    ys = here.along(series["y"], panel["axis"])
    looks = _look(view, series, member)
    return Curve(xs, ys, band=band, half=half, points=series["points"], **looks)  # type: ignore[arg-type]


def _look(view: View, series: dict[str, Any], member: int | None) -> dict[str, Any]:
    plain = {
        "colour": series["colour"],
        "dash": series["dash"],
        "text": series["label"],
    }
    if member is None:
        return plain
    panel, dim = view.panel, view.dim(view.panel["over"])
    focus = view.place(panel["over"]) in {None, member}
    several = len(panel["series"]) > 1
    name = dim.names[member]  # type: ignore[index]
    words = [
        panel["lead"] + name if focus else name,
        series["label"] if several else "",
    ]
    text = " ".join(filter(None, words))
    if dim.ordered and not focus:
        return {"text": text, "focus": False, "context": True}
    if several:
        return plain | {"text": text, "focus": focus}
    role, number = ("vermillion", 0) if dim.ordered else look(member)
    return {"colour": role, "dash": number, "text": text, "focus": focus}


def _draw_ref(ax: Axes, view: View, ref: dict[str, Any]) -> None:
    panel = view.panel
    if ref["curve"]:
        own = panel["x"] == panel["axis"]
        axis = panel["axis"]
        xs = view.positions(axis) if own else view.along(panel["x"], axis)
        ys = view.along(ref["curve"], axis)
        reference(ax, curve=(xs, ys), label=ref["label"])
    elif ref["y"] is not None:
        reference(ax, y=view.scalar(ref["y"]), label=ref["label"])
    else:
        reference(ax, x=view.scalar(ref["x"]), label=ref["label"])
