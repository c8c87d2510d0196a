r"""Bring data sets of any kind into the form that scikit-learn takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_sets", "codes", "inputs", "targets"]

Array = NDArray[Any]


def inputs(name: str, x: Any) -> Array:
    """Return inputs as finite numbers, one row an example.

    Args:
        name: The argument's name as the caller wrote it.
        x: Anything that ``np.asarray`` takes, or a tensor on any device.

    Returns:
        ``[n, features]`` in float64; all axes behind the first are joined.

    Raises:
        ValueError: If there is no example or feature, or a number is not finite.

    Example:
        >>> inputs("x", [[[1, 2], [3, 4]]])
        array([[1., 2., 3., 4.]])
    """
    values = np.asarray(_plain(x), dtype=float)
    if values.ndim < 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"{name}: expected finite numbers of shape [n, *features], got shape "
            f"{values.shape} with {int((~np.isfinite(values)).sum())} that are not "
            "finite; a single feature needs shape [n, 1]"
        )
    return values.reshape(len(values), -1)


def targets(name: str, y: Any) -> Array:
    """Return targets as one axis.

    Args:
        name: The argument's name as the caller wrote it.
        y: Classes or numbers, ``[n]`` or ``[n, 1]``.

    Returns:
        ``[n]``, of the type it came in.

    Raises:
        ValueError: If there are more axes, or a number is not finite.

    Example:
        >>> targets("y", [[1], [0]])
        array([1, 0])
    """
    values = np.asarray(_plain(y))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name}: expected one target an example, got shape {values.shape}; "
            "one-hot rows become classes by argmax(1)"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite targets, got NaN or infinity")
    return values


def check_sets(x: Array, y: Array, x_new: Array, y_new: Array) -> None:
    """Pass when inputs and targets of both sets fit each other.

    Args:
        x: Training inputs.
        y: Training targets.
        x_new: Test inputs.
        y_new: Test targets.

    Raises:
        ValueError: If a number of examples or of features differs.
    """
    for name, one, other in (("train", x, y), ("test", x_new, y_new)):
        if len(one) != len(other):
            raise ValueError(
                f"y_{name}: expected {len(one)} targets, one an example, got "
                f"{len(other)}"
            )
    if x.shape[1] != x_new.shape[1]:
        raise ValueError(
            f"x_test: expected {x.shape[1]} features as in x_train, got "
            f"{x_new.shape[1]}"
        )


def codes(y: Array, y_new: Array) -> tuple[Array, Array]:
    """Number the classes from 0, in the order of their names.

    Args:
        y: Training classes.
        y_new: Test classes.

    Returns:
        Both as whole numbers.

    Raises:
        ValueError: If there is one class only, one has a single example, or
            the test set has one that the training set lacks.

    Example:
        >>> codes(np.array(["b", "a", "a", "b"]), np.array(["b"]))
        (array([1, 0, 0, 1]), array([1]))
    """
    names, numbers, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(names) < 2 or counts.min() < 2:
        raise ValueError(
            f"y_train: expected two classes or more with two examples each, got "
            f"{len(names)} with {counts.min()} in the smallest; for real numbers say "
            'task="numbers"'
        )
    unknown = np.setdiff1d(y_new, names)
    if unknown.size:
        raise ValueError(
            f"y_test: expected classes of the training set, got {unknown[0]!r} too; "
            "split the data again"
        )
    return numbers, np.searchsorted(names, y_new)


def _plain(values: Any) -> Any:
    if not hasattr(values, "detach"):
        return values
    # a tensor, without importing torch: off its device, off its graph
    values = values.detach().cpu()
    return values.double() if values.is_floating_point() else values
