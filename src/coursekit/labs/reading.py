r"""Turn a raw answer into something that can be compared, or say why it cannot.

Each reader takes what a `Caller` returned and gives plain numbers, lists or tensors.
What it cannot read it rejects with `Unusable`, whose sentence goes to the student.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.exercise import Unusable

__all__ = ["describe", "read_number", "read_numbers", "read_state", "read_whole"]


def describe(value: Any) -> str:
    """Name a value's type and, for a container, its size.

    Args:
        value: Anything a caller returned.

    Returns:
        A noun phrase with its article.

    Example:
        >>> describe([1, 2]), describe(torch.zeros(2, 3))
        ('a list of length 2', 'a tensor of shape (2, 3)')
    """
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    if isinstance(value, bool):
        return f"the truth value {value}"
    if isinstance(value, int):
        return f"an int ({value})" if abs(value) < 10**12 else "a very large int"
    name = getattr(value, "type_name", type(value).__name__)
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


NAN = (
    "NaN",
    "NaN comes from 0/0, from inf - inf, from the root of a negative number, or from "
    "the standard deviation of a single entry.",
)
INFINITE = ("infinity", "Look for a division by zero or an overflow.")
NONE = (
    "The function returned None, expected {}. Does every path through it end in "
    "`return ...`? A `print` shows a value but does not return it."
)


def read_number(value: Any, what: str = "one number") -> float:
    """Read one real, finite number.

    Args:
        value: A number, or a tensor with one element.
        what: What was expected, in words.

    Returns:
        The number.

    Raises:
        Unusable: If it is none, or is not finite.

    Example:
        >>> read_number(torch.tensor(0.5))
        0.5
    """
    if value is None:
        raise Unusable(NONE.format(what))
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        value = value.item()
    if isinstance(value, Tensor):
        raise Unusable(
            f"The function returned {describe(value)}, expected {what}. "
            "Which axis is still to be reduced?"
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unusable(f"The function returned {describe(value)}, expected {what}.")
    try:
        value = float(value)
    except OverflowError:
        raise Unusable(f"The function returned {describe(value)}.") from None
    if not math.isfinite(value):
        got, why = NAN if math.isnan(value) else INFINITE
        raise Unusable(f"The function returned {got}, expected {what}. {why}")
    return value


def read_whole(value: Any, what: str = "one whole number") -> int:
    """Read one whole number; a float with a whole value counts.

    Args:
        value: A number, or a tensor with one element.
        what: What was expected, in words.

    Returns:
        The number.

    Raises:
        Unusable: If it is none.

    Example:
        >>> read_whole(torch.tensor(3))
        3
    """
    number = read_number(value, what)
    if number != int(number):
        raise Unusable(f"The function returned {number:.6g}, expected {what}.")
    return int(number)


def read_numbers(value: Any, what: str = "a list of numbers") -> list[float]:
    """Read a list of real, finite numbers.

    Args:
        value: A list, a tuple, or a tensor with one axis.
        what: What was expected, in words.

    Returns:
        The numbers.

    Raises:
        Unusable: If it is none, or one entry is no finite number.

    Example:
        >>> read_numbers((1, torch.tensor(2.0)))
        [1.0, 2.0]
    """
    if value is None:
        raise Unusable(NONE.format(what))
    if isinstance(value, Tensor) and value.dim() == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise Unusable(f"The function returned {describe(value)}, expected {what}.")
    numbers = []
    for i, entry in enumerate(value):
        try:
            numbers.append(read_number(entry))
        except Unusable as error:
            said = str(error).replace("The function returned", "has")
            raise Unusable(f"Entry {i} of {what} {said}") from None
    return numbers


def read_state(value: Any, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read the parameters of a returned model.

    Args:
        value: A `Handle` on a module.
        like: State dict that shows the names and shapes expected.

    Returns:
        Its state dict.

    Raises:
        Unusable: If it is no module, or not the one that was handed in.
    """
    if value is None:
        raise Unusable(
            "The function returned None, expected the model. Even if you change it in "
            "place, end with `return` and the model."
        )
    if not hasattr(value, "state"):
        raise Unusable(f"The function returned {describe(value)}, expected the model.")
    state = value.state()
    if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in like.items()}:
        raise Unusable(
            f"The function returned {describe(value)} whose parameters are not those "
            "of the model it got: names or shapes differ. Return the same model."
        )
    for name, tensor in state.items():
        if tensor.dtype != like[name].dtype:
            raise Unusable(
                f"`{name}` of the returned model is {tensor.dtype}, expected "
                f"{like[name].dtype}. Keep the dtype of the model."
            )
        if not bool(torch.isfinite(tensor).all()):
            raise Unusable(f"The returned model has NaN or infinity in `{name}`.")
    return state
