r"""Draw a ``Tree`` panel at rest: a nested list, the active branch marked in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from coursekit.figures.draw.room import text_width, wrap
from coursekit.figures.layout import cell, place
from coursekit.figures.style import colour, px

from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE, _INDENT, _PAD = 21, 20, 8


class Line(NamedTuple):
    """Hold one line of the list."""

    depth: int
    text: str
    on: bool
    strong: bool = False
    here: str = ""


def draw(ax: Axes, view: View, title: str) -> None:
    """Draw a Tree panel.

    Args:
        ax: The axes.
        view: The panel and its state.
        title: Words above it.
    """
    x0, _, x1, _ = cell(ax)
    place(ax, left=_PAD, right=_PAD, top=_PAD + (22 if title else 0), bottom=_PAD)
    lines = list(_wrapped(view, x1 - x0))
    ax.set_axis_off()
    ax.set(xlim=(0, x1 - x0 - 2 * _PAD), ylim=(len(lines) * _LINE, 0))
    if title:
        ax.annotate(title, (0, 1), (0, px(8)), xycoords="axes fraction",
                    textcoords="offset points", fontweight="bold")  # fmt: skip
    for k, line in enumerate(lines):
        _write(ax, line, k)


def height(view: View, width: float) -> float:
    """Tell how high a list is.

    Args:
        view: The panel and its state.
        width: Of the panel in CSS pixels.

    Returns:
        Its height in CSS pixels.
    """
    return _LINE * len(list(_wrapped(view, width))) + 2 * _PAD


def _write(ax: Axes, line: Line, k: int) -> None:
    x, y = line.depth * _INDENT, (k + 0.5) * _LINE
    ink = colour("ink" if line.on else "muted")
    looks: dict[str, Any] = {"va": "center_baseline", "annotation_clip": False}
    weight = "bold" if line.strong else "normal"
    ax.annotate(line.text, (x, y), color=ink, fontweight=weight, **looks)
    for level in range(1, line.depth + 1):
        at = level * _INDENT - 8
        ax.plot([at, at], [k * _LINE, (k + 1) * _LINE], "-", color=colour("grid"),
                linewidth=px(2))  # fmt: skip
    if line.here:
        edge = {"boxstyle": "round,pad=0.35,rounding_size=0.8", "facecolor": "none"}
        edge["edgecolor"] = colour("vermillion")
        at = x + text_width(line.text, line.strong) + 16
        ax.annotate(line.here, (at, y), bbox=edge, **looks)


def _wrapped(view: View, width: float) -> Iterator[Line]:
    active = int(view.scalar(view.panel["active"]))
    root = view.panel["root"]
    on = _path(root, active) or []
    for line in _walk(root, "", 0, on, active):
        room = width - 2 * _PAD - line.depth * _INDENT
        here = text_width(line.here) + 30 if line.here else 0
        parts = wrap(line.text, room - here, line.strong)
        for k, part in enumerate(parts):
            last = k == len(parts) - 1
            yield line._replace(text=part, here=line.here if last else "")


def _walk(
    node: dict[str, Any], answer: str, depth: int, on: list[int], active: int
) -> Iterator[Line]:
    taken, here = node["id"] in on, node["id"] == active
    leaf = not node["answers"]
    word = ("your case" if leaf else "undecided here") if here else ""
    before = f"{answer}{' ✓' if taken else ''}: " if answer else ""
    yield Line(depth, before + node["text"], taken, leaf and taken, word)
    for name, child in node["answers"]:
        yield from _walk(child, name, depth + 1, on, active)


def _path(node: dict[str, Any], wanted: int) -> list[int] | None:
    if node["id"] == wanted:
        return [wanted]
    for _, child in node["answers"]:
        below = _path(child, wanted)
        if below:
            return [node["id"], *below]
    return None
