r"""Write many settings in a few words.

``grid`` is the Cartesian product of its axes, in the order in which they are
written, the last one fastest. Grids add, so that what does not form a
rectangle is a sum of rectangles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

__all__ = ["Named", "grid"]


@dataclass(frozen=True)
class Named:
    """Give a value that is not a plain number or word a name to be shown by.

    Args:
        name: What tables and figures print.
        value: What the run uses.
    """

    name: str
    value: Any

    def __str__(self) -> str:
        return self.name


def grid(**axes: Any) -> list[dict[str, Any]]:
    """List every combination of the values of its axes.

    Args:
        **axes: A list, range or array is an axis with several values; so is a
            dictionary, whose keys name its values. Anything else, a tuple such
            as ``betas=(0.9, 0.99)`` included, is one value for all settings.

    Returns:
        One dictionary a setting. Lists of settings add with ``+``.

    Raises:
        ValueError: If an axis has no value.

    Example:
        >>> for setting in grid(lr=[0.1, 0.3], seed=range(2), optimizer="adam"):
        ...     print(setting)
        {'lr': 0.1, 'seed': 0, 'optimizer': 'adam'}
        {'lr': 0.1, 'seed': 1, 'optimizer': 'adam'}
        {'lr': 0.3, 'seed': 0, 'optimizer': 'adam'}
        {'lr': 0.3, 'seed': 1, 'optimizer': 'adam'}
        >>> len(grid(optimizer="sgd", lr=[1.0]) + grid(optimizer="adam", lr=[1e-3]))
        2
    """
    values = {name: list(_values(axis)) for name, axis in axes.items()}
    for name, options in values.items():
        if not options:
            raise ValueError(
                f"{name}: expected at least one value, got none; an empty axis "
                "leaves no setting to run"
            )
    return [dict(zip(values, row, strict=True)) for row in product(*values.values())]


def _values(axis: Any) -> Iterable[Any]:
    if isinstance(axis, Mapping):
        return (Named(str(name), value) for name, value in axis.items())
    if hasattr(axis, "tolist"):
        axis = axis.tolist()
    return axis if isinstance(axis, list | range) else [axis]
