r"""Hold the data of a sweep: training set and, for some probes, a test set.

An input is one tensor or, for a model with several inputs, a tuple of tensors
with the examples on their first axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .net import Inputs

__all__ = ["Data", "as_inputs", "read_data"]


@dataclass(frozen=True)
class Data:
    """Hold what a block trains on and what it is judged by.

    Attributes:
        x_train: Inputs, a tensor or a tuple of tensors.
        y_train: Targets.
        x_test: Inputs; None if there is no test set.
        y_test: Targets.
    """

    x_train: Any
    y_train: Tensor
    x_test: Any = None
    y_test: Tensor | None = None

    @property
    def n(self) -> int:
        """Number of training examples."""
        return len(self.y_train)

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors there are."""
        sides = (self.x_train, self.y_train, self.x_test, self.y_test)
        return [t for side in sides if side is not None for t in as_inputs(side)]

    def few(self, n: int) -> Inputs:
        """Take the first training inputs.

        Args:
            n: How many, at most.

        Returns:
            Inputs on the CPU, each ``[n, ...]``.
        """
        return tuple(x[:n].cpu() for x in as_inputs(self.x_train))


def as_inputs(x: Any) -> Inputs:
    """Return inputs as a tuple of tensors.

    Args:
        x: A tensor or several.

    Returns:
        The tuple.
    """
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def read_data(data: Sequence[Any], dtype: torch.dtype, device: torch.device) -> Data:
    """Check the data and put it into its place.

    Args:
        data: ``(x_train, y_train)`` or ``(x_train, y_train, x_test, y_test)``.
        dtype: Of its real numbers; integers stay what they are.
        device: Where to.

    Returns:
        The data.

    Raises:
        ValueError: If parts are missing or do not fit.

    Example:
        >>> cpu = torch.device("cpu")
        >>> both = torch.zeros(4, 2), torch.zeros(4, 3, dtype=torch.long)
        >>> sets = read_data((both, torch.zeros(4)), torch.float64, cpu)
        >>> [x.dtype for x in sets.x_train], sets.n
        ([torch.float64, torch.int64], 4)
    """
    if len(data) not in (2, 4):
        raise ValueError(
            "data: expected (x_train, y_train) or (x_train, y_train, x_test, y_test), "
            f"got {len(data)} parts"
        )

    def place(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(place(each) for each in value)
        tensor = torch.as_tensor(value)
        return tensor.to(device, dtype if tensor.is_floating_point() else None)

    sets = Data(*(place(value) for value in data))
    _check("train", sets.x_train, sets.y_train)
    if len(data) == 4:
        _check("test", sets.x_test, sets.y_test)
    return sets


def _check(side: str, x: Any, y: Any) -> None:
    sizes = [len(each) if each.dim() else 0 for each in (*as_inputs(x), y)]
    if len(set(sizes)) != 1 or not sizes[0]:
        raise ValueError(
            f"data: expected one target for each example, got {sizes[:-1]} {side} "
            f"inputs and {sizes[-1]} targets"
        )
