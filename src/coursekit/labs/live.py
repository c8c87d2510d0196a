r"""Controls above a picture, for notebooks with a kernel.

These are ipywidgets and use only what versions 7 and 8 share.  A picture that is drawn
with an answer runs the check of that answer first and, where it fails, says so in
place of the picture: running a notebook of unanswered stubs ends without a traceback.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from coursekit.figures.palette import DASHES, PALETTE, SERIES
from coursekit.labs.registry import check

__all__ = ["ACTIVATIONS", "Note", "as_note", "curves", "explore", "needs"]

MARKS = ("o", "s", "^", "D", "v")
DECADES = 3  # a log axis spans at least these, so that level curves look level
ACTIVATIONS = ("tanh", "relu", "sigmoid")


class Note:
    """Show a piece of HTML, and its text where there is no HTML.

    Args:
        page: The HTML.
        text: The same content as plain text.
    """

    def __init__(self, page: str, text: str):
        self.page, self.text = page, text

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.page, "text/plain": self.text}


def needs(name: str, answer: Callable[..., Any]) -> Note | None:
    """Run a check before a picture that is drawn with the answer.

    Args:
        name: Name of the exercise.
        answer: The student's function.

    Returns:
        ``None`` if the check passes, else a note that says what to do first.
    """
    if check(name, answer).passed:
        return None
    text = (
        f"This picture is drawn with your own {name}. "
        "It opens once the check of that exercise is passed."
    )
    return Note(f"<p>○ {html.escape(text)}</p>", text)


def curves(
    panels: Sequence[dict[str, Any]], alt: str, width: float = 9.0, height: float = 3.2
) -> Note:
    """Draw labelled lines in panels side by side.

    Args:
        panels: One dict a panel: ``lines`` (label to x and y), ``title``, ``x``, ``y``
            (axis labels) and optionally ``log``, ``level`` (a reference line) and
            ``series`` (number of the first line's colour).
        alt: What the picture shows, for whoever does not see it.
        width: Width in inches.
        height: Height in inches.

    Returns:
        The picture as one ``<img>`` on a white ground.
    """
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, panel in zip(axes, panels, strict=True):
        _draw(ax, **panel)
    return as_note(figure, alt)


def as_note(figure: Figure, alt: str) -> Note:
    """Turn a figure into a picture on a white ground, with its text below.

    Args:
        figure: The figure.
        alt: What it shows, for whoever does not see it.

    Returns:
        The picture as one ``<img>``.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    data = base64.b64encode(buffer.getvalue()).decode()
    page = (
        f"<img alt='{html.escape(alt, quote=True)}' style='max-width:100%;height:auto'"
        f" src='data:image/png;base64,{data}'><p>{html.escape(alt)}</p>"
    )
    return Note(page, alt)


def _draw(
    ax: Any,
    *,
    lines: dict[str, Any],
    title: str,
    x: str,
    y: str,
    log: bool = False,
    level: float | None = None,
    series: int = 0,
) -> None:
    for i, (label, (across, up)) in enumerate(lines.items(), series):
        style: dict[str, Any] = dict(marker=MARKS[i], markersize=4)
        style["linestyle"] = (0, DASHES[i]) if DASHES[i] else "-"
        ax.plot(across, up, color=PALETTE["light"][SERIES[i]], label=label, **style)
    if level is not None:
        ax.axhline(level, color=PALETTE["light"]["ink"], linewidth=0.8, linestyle=":")
    ax.set(title=title, xlabel=x, ylabel=y)
    ax.xaxis.get_major_locator().set_params(integer=True)
    if log:
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        widen = max(1.0, (10**DECADES * low / high) ** 0.5)
        ax.set_ylim(low / widen, high * widen)
    ax.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        ax.legend(frameon=False, fontsize="small")


def explore(draw: Callable[..., Note], button: str = "", **controls: Any) -> Any:
    """Put controls above a picture.

    Args:
        draw: Called with the controls' values. What it raises is shown in words.
        button: Label of a button; with one, the picture waits for a press.
        controls: Widgets by argument name.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    shown = widgets.HTML()
    press = widgets.Button(description=button, button_style="primary")

    def update(change: Any = None) -> None:
        values = {name: control.value for name, control in controls.items()}
        shown.value = attempt(lambda: draw(**values)).page

    def pressed(_: Any) -> None:
        press.description, press.disabled = "Training …", True
        update()
        press.description, press.disabled = button, False

    if button:
        press.on_click(pressed)
    else:
        for control in controls.values():
            control.observe(update, names="value")
    update()
    row = [*controls.values(), *([press] if button else [])]
    wrap = widgets.Layout(flex_flow="row wrap")
    return widgets.VBox([widgets.HBox(row, layout=wrap), shown])


def attempt(draw: Callable[[], Note]) -> Note:
    """Draw, or say in a note what went wrong.

    Args:
        draw: Makes a picture; called once.

    Returns:
        The picture or the note.
    """
    try:
        return draw()
    except Exception as error:
        text = f"No picture: {type(error).__name__}: {error}"
        return Note(f"<p>✗ {html.escape(text)}</p>", text)
