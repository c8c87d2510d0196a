r"""Answer what a name means in a state: the figure's data behind one question.

A *state* gives every dimension that a control sets: the position of the setting for a
:class:`Dim`, the number itself for a :class:`Range`. Everything a panel draws or a
sentence says is looked up here. ``js/core/space.js`` is the twin in the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .closed_form import ClosedForm, Range
from .cube import Cube
from .dims import Dim

State = dict[str, "int | float"]
MEMO = 1600


@dataclass(frozen=True)
class Space:
    """Join stored runs and a closed form under one set of names.

    Args:
        cube: Stored runs, or None.
        model: Closed form, or None.

    Raises:
        ValueError: If the two disagree on a dimension or share a field's name.
    """

    cube: Cube | None = None
    model: ClosedForm | None = None
    _memo: dict[Any, dict[str, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        stored = self.cube.arrays if self.cube else {}
        if shared := set(stored) & set(self.model.outputs if self.model else {}):
            raise ValueError(f"{sorted(shared)} name both an array and an output")
        if clash := set(self.dims) & set(self.fields):
            raise ValueError(f"{sorted(clash)} name both a dimension and a field")

    @cached_property
    def dims(self) -> dict[str, Dim | Range]:
        """Dimensions by name.

        Raises:
            ValueError: If data and closed form disagree on one.
        """
        found: dict[str, Dim | Range] = {}
        for part in (self.cube, self.model):
            for dim in part.dims if part else ():
                if found.setdefault(dim.name, dim) != dim:
                    raise ValueError(
                        f"dimension {dim.name!r} differs between data and closed form"
                    )
        return found

    @cached_property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """Names of all fields, each with its dimensions (inputs not counted)."""
        stored = {n: a.dims for n, a in self.cube.arrays.items()} if self.cube else {}
        made = self.model.outputs if self.model else {}
        return stored | {n: tuple(axes) for n, axes in made.items()}

    def needs(self, name: str) -> set[str]:
        """Name the dimensions that fix a field, a closed form's inputs included.

        Args:
            name: A field.

        Returns:
            Names of dimensions.
        """
        inputs = set(self.model.inputs) if self._computed(name) else set()  # type: ignore[union-attr]
        return set(self.fields[name]) | inputs

    def read(self, start: Mapping[str, Any]) -> State:
        """Turn a state in words into positions.

        Args:
            start: Dimension to value or name.

        Returns:
            The state.

        Raises:
            ValueError: If a dimension is unknown or a setting was not run.
        """
        state: State = {}
        for name, value in start.items():
            dim = self.dim(name)
            state[name] = dim.index(value) if isinstance(dim, Dim) else dim.read(value)
        return state

    def dim(self, name: str) -> Dim | Range:
        """Return a dimension by name.

        Args:
            name: Its name.

        Returns:
            The dimension.

        Raises:
            ValueError: If there is none.
        """
        if name not in self.dims:
            raise ValueError(f"unknown dimension {name!r}; there are {list(self.dims)}")
        return self.dims[name]

    def value(self, name: str, state: Mapping[str, Any]) -> Any:
        """Return the value of a dimension in a state.

        Args:
            name: A dimension.
            state: The state.

        Returns:
            The setting: a number or a string.
        """
        dim = self.dim(name)
        return dim.values[int(state[name])] if isinstance(dim, Dim) else state[name]

    def name_of(self, name: str, state: Mapping[str, Any]) -> str:
        """Write the value of a dimension in a state for a reader.

        Args:
            name: A dimension.
            state: The state.

        Returns:
            Its text, without unit.
        """
        dim = self.dim(name)
        if isinstance(dim, Dim):
            return dim.names[int(state[name])]  # type: ignore[index]
        return dim.name_of(state[name])

    def array(
        self, name: str, state: Mapping[str, Any], axes: Sequence[str] = ()
    ) -> Any:
        """Return a field in a state, over the given axes.

        Args:
            name: A field.
            state: Position of every dimension that is no axis.
            axes: Dimensions to keep, in the order wanted; those the field lacks are
                ignored.

        Returns:
            An array over the kept axes, or a scalar.
        """
        values, dims = self._field(name, state)
        place = tuple(slice(None) if d in axes else int(state[d]) for d in dims)
        kept = [d for d in dims if d in axes]
        order = [kept.index(a) for a in axes if a in kept]
        return values[place].transpose(order) if order else values[place]

    def scalar(self, value: float | str, state: Mapping[str, Any]) -> float:
        """Return a number that may be given by name.

        Args:
            value: A number, a field that the state fixes, or a dimension.
            state: The state.

        Returns:
            The number.
        """
        if not isinstance(value, str):
            return float(value)
        if value in self.dims:
            return float(self.value(value, state))
        return float(self.array(value, state))

    def _computed(self, name: str) -> bool:
        return self.model is not None and name in self.model.outputs

    def _field(self, name: str, state: Mapping[str, Any]) -> tuple[np.ndarray, tuple]:
        if not self._computed(name):
            array = self.cube.arrays[name]  # type: ignore[union-attr]
            return array.values, array.dims
        inputs = {n: self.value(n, state) for n in self.model.inputs}  # type: ignore[union-attr]
        key = tuple(inputs.values())
        if key not in self._memo:
            if len(self._memo) > MEMO:
                self._memo.clear()
            self._memo[key] = self.model.evaluate(**inputs)  # type: ignore[union-attr]
        return self._memo[key][name], self.fields[name]
