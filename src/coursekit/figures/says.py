r"""Write the text line: the first rule that holds speaks, filled by the state.

A rule's condition is a Python function of the state (evaluated here, for *every*
state, and stored as one small integer array) or the name of a field that is 1 where
the rule holds (for closed forms, whose states cannot be listed). So no logic is
written in JavaScript, and no number is ever typed into a sentence.

A field of a sentence is ``{name}``, ``{name:format}`` or, at another place than the
state's, ``{name[layer=last]}`` and ``{name[act=relu,t=first]:.2f}``. The name is a
dimension (its setting in words), a field of the data, or ``seeds`` (their number).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cube import Dim
from .numbers import check_spec, format_number
from .space import Space, State

_FIELD = re.compile(r"\{(\w+)(?:\[([^\]]*)\])?(?::([^}]*))?\}")
Part = str | dict[str, Any]


@dataclass(frozen=True)
class Say:
    """State one sentence and when it holds.

    Args:
        text: Sentence with fields.
        when: Function of the state (``lambda s: s.diverged >= 3``), name of a field
            that is 1 where the sentence holds, or None for always.
    """

    text: str
    when: Callable[[Moment], Any] | str | None = None


class Moment:
    """Give a rule the state by name: settings as values, fields as numbers.

    Args:
        space: The figure's data.
        state: The state.
    """

    def __init__(self, space: Space, state: State) -> None:
        self._space, self._state = space, state

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.at(name)

    def at(self, name: str, **where: Any) -> Any:
        """Look a name up, possibly at another place than the state's.

        Args:
            name: A dimension or a field.
            **where: Dimension to value, name, ``"first"`` or ``"last"``.

        Returns:
            The setting, or the number.

        Raises:
            AttributeError: If the name is neither.
        """
        state = self._state | place(self._space, where)
        if name in self._space.dims:
            return self._space.value(name, state)
        if name not in self._space.fields:
            raise AttributeError(unknown_field(self._space, name))
        return float(self._space.array(name, state))


def unknown_field(space: Space, name: str) -> str:
    """Write the error about a name that is neither dimension nor field.

    Args:
        space: The figure's data.
        name: The name.

    Returns:
        The message.
    """
    known = sorted([*space.dims, *space.fields])
    return f"unknown field {name!r}; there are {known}"


def place(space: Space, where: Mapping[str, Any]) -> State:
    """Turn ``layer="last"`` and the like into positions.

    Args:
        space: The figure's data.
        where: Dimension to value, name, ``"first"`` or ``"last"``.

    Returns:
        Dimension to position or number.
    """
    found: State = {}
    for name, value in where.items():
        dim = space.dim(name)
        if isinstance(dim, Dim) and value in ("first", "last"):
            found[name] = 0 if value == "first" else len(dim) - 1
        else:
            found |= space.read({name: value})
    return found


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


def choose(says: Sequence[Say], space: Space, state: State) -> int:
    """Find the rule that speaks in a state.

    Args:
        says: The rules, in order.
        space: The figure's data.
        state: The state.

    Returns:
        Position of the first rule that holds.

    Raises:
        ValueError: If none does.
    """
    moment = Moment(space, state)
    for k, say in enumerate(says):
        if callable(say.when):
            holds = say.when(moment)
        else:
            holds = say.when is None or moment.at(say.when) == 1
        if holds:
            return k
    words = {n: space.name_of(n, state) for n in state}
    raise ValueError(f"no sentence for the state {words}; end with a Say without when")


def table(says: Sequence[Say], space: Space, start: State) -> tuple[list, np.ndarray]:
    """Evaluate the rules in every state and drop the dimensions that do not matter.

    Args:
        says: The rules.
        space: The figure's data.
        start: The resting state, which names the dimensions.

    Returns:
        Names of the dimensions that matter, and the rule over them.
    """
    shape = tuple(len(space.dims[n]) for n in start)  # type: ignore[arg-type]
    states = space.states(start, {})
    rules = np.array([choose(says, space, s) for s in states]).reshape(shape)
    names = list(start)
    for axis in reversed(range(rules.ndim)):
        if (rules == rules.take([0], axis)).all():
            rules = rules.take(0, axis)
            del names[axis]
    return names, rules


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
