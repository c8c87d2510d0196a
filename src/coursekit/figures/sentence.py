r"""Fill sentences with the numbers of a state, exactly as the page does.

A field of a sentence is ``{name}``, ``{name:format}`` or, at another place than the
state's, ``{name[layer=last]}`` and ``{name[act=relu,t=first]:.2f}``. The name is a
dimension (its setting in words), a field of the data, or ``seeds`` (their number).

:func:`compile_text` resolves the names once, so that the page gets words and places
and decides nothing; ``js/core/says.js`` is the twin of :func:`fill`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .dims import Dim
from .numbers import check_spec, format_number
from .says import place, unknown_field
from .space import Space, State

_FIELD = re.compile(r"\{(\w+)(?:\[([^\]]*)\])?(?::([^}]*))?\}")
Part = str | dict[str, Any]


class Sentence(NamedTuple):
    """Give the sentence of one state, and the state in words and in positions."""

    words: dict[str, str]
    state: State
    text: str


class Sentences(list[Sentence]):
    """List the sentences of all states, printed as a sheet for proof-reading."""

    def __repr__(self) -> str:
        return "\n".join(
            ", ".join(f"{k} {v}" for k, v in s.words.items()) + "\n    " + s.text
            for s in self
        )


def compile_text(text: str, space: Space, state_dims: Sequence[str]) -> list[Part]:
    """Split a sentence into words and resolved fields.

    Args:
        text: Sentence with fields.
        space: The figure's data.
        state_dims: Dimensions that the state gives.

    Returns:
        Strings, and mappings with ``name``, ``at`` and ``spec``.

    Raises:
        ValueError: If a field is unknown, or open in a dimension the state lacks.
    """
    parts: list[Part] = []
    end = 0
    for match in _FIELD.finditer(text):
        parts += [text[end : match.start()], _field(match, space, state_dims)]
        end = match.end()
    parts.append(text[end:])
    words = "".join(p for p in parts if isinstance(p, str))
    if "{" in words or "}" in words:
        raise ValueError(f"sentence {text!r} has a brace that opens no field")
    return [p for p in parts if p]


def fill(parts: Sequence[Part], space: Space, state: State) -> str:
    """Fill a compiled sentence, exactly as the page does.

    Args:
        parts: What :func:`compile_text` returned.
        space: The figure's data.
        state: The state.

    Returns:
        The sentence.
    """
    return "".join(p if isinstance(p, str) else _text(p, space, state) for p in parts)


def _field(match: re.Match, space: Space, state_dims: Sequence[str]) -> dict[str, Any]:
    name, where, spec = match.group(1), match.group(2), check_spec(match.group(3) or "")
    pairs = [w.split("=") for w in where.split(",")] if where else []
    at = place(space, {d.strip(): _setting(space, d.strip(), v) for d, v in pairs})
    if name in space.dims:
        needed = {name}
    elif name in space.fields:
        needed = space.needs(name)
    elif name == "seeds" and space.cube and space.cube.provenance.get("seeds"):
        needed = set()
    else:
        raise ValueError(unknown_field(space, name))
    if missing := needed - set(state_dims) - set(at):
        raise ValueError(
            f"field {{{name}}} is open in {sorted(missing)}, which the state does not "
            f"give; fix it as {{{name}[{min(missing)}=last]}}"
        )
    return {"name": name, "at": at, "spec": spec}


def _setting(space: Space, dim: str, text: str) -> Any:
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    found = space.dim(dim)
    return text if isinstance(found, Dim) and text in (found.names or ()) else number


def _text(part: dict[str, Any], space: Space, state: State) -> str:
    name, there = part["name"], state | part["at"]
    if name == "seeds":
        return str(len(space.cube.provenance["seeds"]))  # type: ignore[union-attr]
    if name not in space.dims:
        return format_number(float(space.array(name, there)), part["spec"])
    if part["spec"]:
        return format_number(float(space.value(name, there)), part["spec"])
    return space.name_of(name, there)
