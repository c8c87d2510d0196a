r"""Write the text line: the first rule that holds speaks, filled by the state.

A rule's condition is a Python function of the state (evaluated here, for *every*
state, and stored as one small integer array) or the name of a field that is 1 where
the rule holds (for closed forms, whose states cannot be listed). So no logic is
written in JavaScript, and no number is ever typed into a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .dims import Dim
from .space import Space, State
from .states import list_states


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
    states = list_states(space, start)
    rules = np.array([choose(says, space, s) for s in states]).reshape(shape)
    names = list(start)
    for axis in reversed(range(rules.ndim)):
        if (rules == rules.take([0], axis)).all():
            rules = rules.take(0, axis)
            del names[axis]
    return names, rules
