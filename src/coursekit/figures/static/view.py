r"""Hold what a panel is drawn from: what resolve settled, and a state of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from coursekit.figures.closed_form import Range
from coursekit.figures.dims import Dim
from coursekit.figures.space import Space, State


@dataclass(frozen=True)
class View:
    """Answer a mark's questions about one state.

    Args:
        panel: The panel, as ``resolve`` settled it.
        space: The figure's data.
        state: The state that is drawn.
        columns: Number of facets side by side.
        first: Whether it is the first facet, which explains the marks of all.
        quiet: Whether the name of y stands at another facet already.
        chosen: Whether it is the facet that the state names, or no state does.
    """

    panel: Mapping[str, Any]
    space: Space
    state: State
    columns: int = 1
    first: bool = True
    quiet: bool = False
    chosen: bool = True

    def at(self, **settings: int) -> View:
        """Move to another state.

        Args:
            **settings: Position of each dimension that differs.

        Returns:
            The view of that state.
        """
        return replace(self, state={**self.state, **settings})

    def dim(self, name: str) -> Dim:
        """Return a dimension with listed settings.

        Args:
            name: Its name.

        Returns:
            The dimension.

        Raises:
            TypeError: If it is continuous.
        """
        dim = self.space.dim(name)
        if isinstance(dim, Range):
            raise TypeError(f"dimension {name!r} is continuous; a mark cannot list it")
        return dim

    def positions(self, name: str) -> np.ndarray:
        """Give the places of a dimension's settings on an axis.

        Args:
            name: The dimension.

        Returns:
            Their values, or their order where they are words.
        """
        return np.array(self.dim(name).positions)

    def along(self, field: str, *axes: str) -> np.ndarray:
        """Read a field over dimensions, the others fixed by the state.

        Args:
            field: Its name.
            *axes: Dimensions to keep, in order; one that the field lacks repeats it.

        Returns:
            The values, an axis for each dimension.
        """
        values = np.asarray(self.space.array(field, self.state, axes), float)
        own = self.space.fields[field]
        missing = tuple(k for k, a in enumerate(axes) if a not in own)
        shape = [len(self.dim(a)) for a in axes]
        return np.broadcast_to(np.expand_dims(values, missing), shape)

    def scalar(self, value: float | str) -> float:
        """Read a number, a dimension's value or a scalar field.

        Args:
            value: The number, or a name.

        Returns:
            The number.
        """
        if not isinstance(value, str):
            return float(value)
        if value in self.space.dims:
            return float(self.space.value(value, self.state))
        return float(self.space.array(value, self.state))

    def place(self, name: str | None) -> int | None:
        """Give the position that the state has in a dimension.

        Args:
            name: A dimension, or None.

        Returns:
            The position; None where the state does not set it.
        """
        found = self.state.get(name) if name else None
        return None if found is None else int(found)
