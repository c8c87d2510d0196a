r"""List the states that a reader can reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .dims import Dim
from .space import Space, State

SAMPLED = 400


def list_states(
    space: Space, start: State, notable: Mapping[str, Sequence[float]] | None = None
) -> list[State]:
    """List all states, or a fixed sample if a dimension is continuous.

    Args:
        space: The figure's data.
        start: The resting state.
        notable: Values of continuous dimensions to include beside low, start and
            high.

    Returns:
        The states, the last dimension of ``start`` running fastest.
    """
    more = notable or {}
    choices = [_choices(space, n, v, more.get(n, ())) for n, v in start.items()]
    total = prod(map(len, choices))
    everything = (dict(zip(start, c, strict=True)) for c in product(*choices))
    if total <= SAMPLED or not continuous(space, start):
        return list(everything)
    rng = np.random.default_rng(0)
    kept = set(rng.choice(total, SAMPLED, replace=False).tolist())
    return [dict(start), *(s for k, s in enumerate(everything) if k in kept)]


def continuous(space: Space, start: Mapping[str, Any]) -> list[str]:
    """Name the continuous dimensions of a state.

    Args:
        space: The figure's data.
        start: A state.

    Returns:
        Their names.
    """
    return [n for n in start if not isinstance(space.dims[n], Dim)]


def _choices(space: Space, name: str, value: float, more: Sequence[float]) -> list[Any]:
    dim = space.dims[name]
    if isinstance(dim, Dim):
        return list(range(len(dim)))
    return sorted({dim.low, value, dim.high, *more})
