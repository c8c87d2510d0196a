r"""Check a figure's specification before anyone sees the figure.

Every message says what was got, what was expected and the likely fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .closed_form import Range
from .controls import Control, Pick, Scrub, Segmented, Select, Slider, Toggle
from .dims import Dim
from .marks import Dots, Heatmap, Lines, Mark, Surface, Tree
from .says import unknown_field
from .space import Space, State

if TYPE_CHECKING:
    from .figure import Figure

_ID = re.compile(r"[a-z][a-z0-9-]*$")


def check_figure(figure: Figure) -> None:
    """Check a whole specification.

    Args:
        figure: The figure.

    Raises:
        ValueError: At the first fault.
    """
    if not _ID.match(figure.id):
        raise ValueError(f"id {figure.id!r}: expected lower-case words, 'init-scale'")
    for name in ("title", "alt"):
        if not getattr(figure, name).strip():
            raise ValueError(f"figure {figure.id!r} has no {name}; state the finding")
    if not figure.panels:
        raise ValueError(f"figure {figure.id!r} has no panel")
    if not figure.says:
        raise ValueError(f"figure {figure.id!r} says nothing; give at least one Say")
    check_controls(figure.controls, figure.space, figure.state)
    for say in figure.says:
        if isinstance(say.when, str):
            _check_condition(say.when, figure.space, figure.state)
    if figure.predict:
        figure.space.read(figure.predict.when)
    for panel in figure.panels:
        check_panel(panel, figure.space, figure.state, figure.controls)


def check_controls(
    controls: Sequence[Control | Pick], space: Space, state: State
) -> None:
    """Check that controls fit the dimensions they set, once each.

    Args:
        controls: The controls.
        space: The figure's data.
        state: The resting state.

    Raises:
        ValueError: At the first fault.
    """
    seen: set[str] = set()
    for control in controls:
        for name in control.dims:
            dim = space.dim(name)
            if name not in state:
                raise ValueError(f"start lacks {name!r}, which {_word(control)} sets")
            if name in seen:
                raise ValueError(f"two controls set {name!r}; keep one")
            seen.add(name)
            _check_kind(control, dim)
        if isinstance(control, Slider):
            _check_stops(control, space)


def check_panel(
    panel: Mark, space: Space, state: State, controls: Iterable[Control | Pick]
) -> None:
    """Check that a panel's names exist and that the state fixes what it leaves open.

    Args:
        panel: The panel.
        space: The figure's data.
        state: The resting state.
        controls: The controls.

    Raises:
        ValueError: At the first fault.
    """
    for name in panel.spread():
        if not isinstance(space.dim(name), Dim):
            raise ValueError(f"{_word(panel)} is spread over {name!r}, a Range")
    for name, axes, scalar in panel.uses():
        if scalar and name in state:
            continue
        if name not in space.fields:
            raise ValueError(f"{_word(panel)}: {unknown_field(space, name)}")
        if missing := space.needs(name) - axes - set(state):
            raise ValueError(
                f"{_word(panel)}: {name!r} is open in {sorted(missing)}; give it in "
                "start, or spread the panel over it"
            )
    native = {d for c in controls for d in c.dims}
    for name in panel.picked():
        if name not in native:
            raise ValueError(
                f"{_word(panel)} lets a pointer set {name!r}, but no control does; "
                f"add Slider({name!r}) or the like, for the keyboard"
            )
    _check_details(panel, space)


def check_exact(name: str | None, space: Space, what: str) -> None:
    """Check that a field of indices or masks never went through a rounding code.

    Args:
        name: A field, or None.
        space: The figure's data.
        what: What the field is for.

    Raises:
        ValueError: If it is stored with rounding.
    """
    stored = space.cube.arrays if space.cube else {}
    if name and name in stored and stored[name].encoding != "u8x":
        raise ValueError(
            f"{what} {name!r} is stored as {stored[name].encoding}, which rounds; "
            "use encoding 'u8x'"
        )


def _check_kind(control: Control | Pick, dim: Dim | Range) -> None:
    if isinstance(control, (Segmented, Select, Toggle, Scrub, Pick)):
        if isinstance(dim, Range):
            raise ValueError(
                f"{_word(control)} needs a Dim, but {dim.name!r} is a Range"
            )
        if isinstance(control, Toggle) and len(dim) != 2:
            raise ValueError(
                f"Toggle needs two settings, {dim.name!r} has {len(dim)}: use Segmented"
            )


def _check_stops(control: Slider, space: Space) -> None:
    for label, stop in control.stops.items():
        if not isinstance(stop, str):
            space.read({control.dim: stop})
        elif space.fields.get(stop) != ():
            raise ValueError(
                f"stop {label!r} names {stop!r}, which is no scalar output; "
                f"there are {sorted(n for n, d in space.fields.items() if not d)}"
            )


def _check_condition(name: str, space: Space, state: State) -> None:
    if name not in space.fields:
        raise ValueError(f"Say(when=): {unknown_field(space, name)}")
    if missing := space.needs(name) - set(state):
        raise ValueError(f"Say(when={name!r}) is open in {sorted(missing)}")
    check_exact(name, space, "condition")


def _check_details(panel: Mark, space: Space) -> None:
    if isinstance(panel, Heatmap):
        for mask in (panel.dots, panel.group, panel.changed):
            check_exact(mask, space, "mask")
    if isinstance(panel, Dots):
        check_exact(panel.verdict, space, "verdict")
    if isinstance(panel, Tree):
        check_exact(panel.active, space, "active node")
    if isinstance(panel, Lines) and not isinstance(space.dims.get(panel.axis), Dim):
        raise ValueError(
            f"Lines runs along {panel.axis!r}, which is no dimension; when x is a "
            "field, say along= or cursor="
        )
    if isinstance(panel, Surface):
        _check_surface(panel, space)


def _check_surface(panel: Surface, space: Space) -> None:
    if panel.field is None:
        if space.model is None or space.model.field is None:
            raise ValueError(
                "Surface without field= needs a ClosedForm with field=, its twin"
            )
        if panel.xlim is None or panel.ylim is None:
            raise ValueError("Surface of a closed form needs xlim= and ylim=")
    elif not (panel.x and panel.y):
        raise ValueError(f"Surface of {panel.field!r} needs x= and y=, its dimensions")
    for name in panel.start or ():
        if not isinstance(space.dim(name), Range):
            raise ValueError(f"Surface start {name!r} must be a Range, to be dragged")
    if panel.path and not panel.cursor:
        raise ValueError(
            "Surface with a path needs cursor=, the dimension of its steps"
        )


def _word(thing: object) -> str:
    return type(thing).__name__
