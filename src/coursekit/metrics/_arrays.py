r"""Read what a metric is given, and refuse in words what it cannot judge."""

from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray

__all__ = ["array_of", "binary", "classes", "numbers"]


def array_of(values: Any) -> NDArray[Any]:
    """Make an array of a list, an array or a tensor on any device.

    Args:
        values: What a metric was given.

    Returns:
        The values; bfloat16, which NumPy lacks, as float64.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    return np.asarray(values)


def numbers(name: str, values: Any) -> NDArray[float64]:
    """Read floating-point numbers without NaN.

    Args:
        name: The argument's name.
        values: What it was.

    Returns:
        The numbers in float64.

    Raises:
        ValueError: If one is NaN.
    """
    array = array_of(values).astype(float)
    bad = int(np.isnan(array).sum())
    if bad:
        raise ValueError(
            f"{name}: expected numbers, got {bad} NaN of {array.size}; the model has "
            "probably diverged"
        )
    return array


def classes(name: str, values: Any) -> NDArray[Any]:
    """Read class indices.

    Args:
        name: The argument's name.
        values: What it was.

    Returns:
        The integers.

    Raises:
        TypeError: If they are not integers.
    """
    array = array_of(values)
    if array.dtype.kind not in "iub":
        raise TypeError(
            f"{name}: expected integer classes, got {array.dtype}; scores need an "
            "axis of classes, or a threshold"
        )
    return array


def binary(y: Any) -> NDArray[Any]:
    """Read targets 0 or 1.

    Args:
        y: What was given.

    Returns:
        True where the target is 1.

    Raises:
        ValueError: If another value occurs.
    """
    array = array_of(y)
    if array.ndim != 1 or not ((array == 0) | (array == 1)).all():
        raise ValueError(
            f"y: expected targets 0 or 1 of shape [n], got shape {array.shape} with "
            f"values like {array.ravel()[:3].tolist()}; for -1 and 1 use (y + 1) / 2"
        )
    return array == 1
