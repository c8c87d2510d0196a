r"""Write the header that a live figure carries: everything but the numbers.

Names, settings, panels, controls and compiled sentences, JSON-ready. Which sentence
speaks in which state travels as one small array beside the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .closed_form import ClosedForm
from .controls import Control, Pick, Predict, Slider
from .cube import Array, Cube
from .palette import CIVIDIS, SERIES, SIGNED
from .resolve import resolve_all
from .space import Space

if TYPE_CHECKING:
    from .figure import Figure

RULE = "_rule"


def header(figure: Figure) -> dict[str, Any]:
    """Return the header of a figure, without the entries of its arrays.

    Args:
        figure: The figure.

    Returns:
        A JSON-ready mapping.
    """
    space = figure.space
    return {
        "id": figure.id,
        "title": figure.title,
        "caption": figure.caption,
        "dims": {name: dim.to_json() for name, dim in space.dims.items()},
        "model": _model(space.model),
        "start": figure.state,
        "panels": resolve_all(figure),
        "controls": [_control(c, space) for c in figure.controls],
        "predict": _predict(figure.predict, figure),
        "says": _says(figure),
        "seeds": len(_provenance(figure).get("seeds") or ()),
        "source": source_line(figure),
        "palette": {"cividis": CIVIDIS, "signed": SIGNED, "series": SERIES},
    }


def stored_arrays(figure: Figure) -> dict[str, Array]:
    """Return the arrays that travel with a figure: its data and the rule table.

    Args:
        figure: The figure.

    Returns:
        Name to array; arrays that nothing of the figure reads stay at home.
    """
    cube = figure.space.cube
    read = _names_read(figure)
    arrays = {n: a for n, a in cube.arrays.items() if n in read} if cube else {}
    if figure.rule_table is not None:
        dims, rules = figure.rule_table
        arrays[RULE] = Array(rules, dims, "u8x")
    return arrays


def source_line(figure: Figure) -> str:
    """Say where the picture comes from.

    Args:
        figure: The figure.

    Returns:
        What was run, with how many seeds, by which command, when and with what.
    """
    known = _provenance(figure)
    versions = known.get("versions", {})
    seeds = known.get("seeds") or ()
    parts = [
        known.get("what"),
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}" if seeds else None,
        f"made by “{known['command']}”" if known.get("command") else None,
        f"torch {versions['torch'].split('+')[0]}" if "torch" in versions else None,
        known.get("date"),
    ]
    if figure.claims:
        parts.insert(0, f"serves {', '.join(figure.claims)}")
    if figure.space.model:
        parts.append("computed in the page by a closed form, tested against its twin")
    return " · ".join(p for p in parts if p)


def _provenance(figure: Figure) -> dict[str, Any]:
    cube = figure.space.cube
    return dict(cube.provenance) if isinstance(cube, Cube) else {}


def _model(model: ClosedForm | None) -> dict[str, Any] | None:
    if model is None:
        return None
    outputs = {name: list(axes) for name, axes in model.outputs.items()}
    return {"name": model.name, "inputs": list(model.inputs), "outputs": outputs}


def _control(control: Control | Pick, space: Space) -> dict[str, Any]:
    words = {"kind": control.kind, "more": control.more}
    if isinstance(control, Pick):
        names = " and ".join(space.dims[d].label for d in control.dims)
        said = {"label": control.label or names, "named": control.label is not None}
        return {**words, **said, "dims": list(control.dims)}
    label = control.label or space.dims[control.dim].label
    known = {**words, "dim": control.dim, "label": label}
    if isinstance(control, Slider):
        stops = control.stops.items()
        known["stops"] = [[n, _stop(control.dim, v, space)] for n, v in stops]
    return known


def _stop(dim: str, value: float | str, space: Space) -> float | str:
    return value if isinstance(value, str) else space.read({dim: value})[dim]


def _predict(predict: Predict | None, figure: Figure) -> dict[str, Any] | None:
    if predict is None:
        return None
    return {
        "question": predict.question,
        "options": list(predict.options),
        "answer": predict.answer,
        "reply": figure.reply,
        "when": figure.space.read(predict.when),
    }


def _says(figure: Figure) -> dict[str, Any]:
    rules = [
        {"parts": parts, "when": say.when if isinstance(say.when, str) else None}
        for parts, say in zip(figure.compiled, figure.says, strict=True)
    ]
    return {"table": RULE if figure.rule_table is not None else None, "rules": rules}


def _names_read(figure: Figure) -> set[str]:
    texts = [*figure.compiled, figure.reply]
    names = {p["name"] for parts in texts for p in parts if isinstance(p, dict)}
    names |= {s.when for s in figure.says if isinstance(s.when, str)}
    names |= {use.field for panel in figure.panels for use in panel.uses()}
    bands = (p["series"] for p in resolve_all(figure) if p["kind"] == "lines")
    for series in (s for many in bands for s in many):
        names |= {*(series["band"] or ()), *(series["half"] or ())}
    return names
