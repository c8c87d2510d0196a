r"""Read tensors of a known shape, and say how two of them differ.

The answers of the labs are float64, as their inputs are.  A list of numbers is read as
a tensor; a tensor of another precision is refused with the reason, because a silent
rounding would later look like a wrong formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from coursekit.labs.agreement import agree
from coursekit.labs.exercise import Unusable
from coursekit.labs.reading import INFINITE, NAN, NONE, describe

__all__ = ["difference", "read_tensor", "read_tensors"]

TOO_COARSE = (
    "{} is {}, expected float64 like the arguments. Look for `.float()`, or for "
    "`torch.zeros`, `torch.ones` or `torch.tensor` without `dtype=`."
)
PAIR = (
    " `x.max(dim)` returns two tensors, the values and where they are; `x.amax(dim)` "
    "returns the values alone."
)


def read_tensor(
    value: Any, shape: Sequence[int], what: str = "the returned tensor"
) -> Tensor:
    """Read one float64 tensor of a shape.

    Args:
        value: A tensor, or a list of numbers.
        shape: Shape expected.
        what: Its name in a sentence.

    Returns:
        The tensor.

    Raises:
        Unusable: If it is none, has another shape or precision, or is not finite.

    Example:
        >>> read_tensor([1, 2.5], (2,))
        tensor([1.0000, 2.5000], dtype=torch.float64)
    """
    shape = tuple(shape)
    expected = f"a tensor of shape {shape}"
    if value is None and what == "the returned tensor":
        raise Unusable(NONE.format(expected))
    given = value
    if isinstance(value, (list, tuple)) or (not shape and _is_number(value)):
        value = _to_tensor(value)
    if isinstance(value, Tensor) and value.is_complex():
        raise Unusable(f"{_capital(what)} holds complex numbers, expected real ones.")
    if not isinstance(value, Tensor):
        pair = list(given) if isinstance(given, tuple) and len(given) == 2 else [0]
        raise Unusable(
            f"{_capital(what)} is {describe(given)}, expected {expected}."
            + PAIR * all(isinstance(v, Tensor) for v in pair)
        )
    if tuple(value.shape) != shape:
        raise Unusable(
            f"{_capital(what)} has the shape {tuple(value.shape)}, expected {shape}."
            f"{_shape_hint(tuple(value.shape), shape)}"
        )
    if value.is_floating_point() and value.dtype != torch.float64:
        dtype = str(value.dtype).removeprefix("torch.")
        raise Unusable(TOO_COARSE.format(_capital(what), dtype))
    value = value.double()
    if not bool(torch.isfinite(value).all()):
        got, why = NAN if bool(torch.isnan(value).any()) else INFINITE
        raise Unusable(f"{_capital(what)} holds {got}. {why}")
    return value


def read_tensors(
    value: Any, shapes: Sequence[Sequence[int]], what: str = "tensors"
) -> list[Tensor]:
    """Read a list of tensors of given shapes.

    Args:
        value: A list or tuple of tensors.
        shapes: Shape of each.
        what: What they are, in words.

    Returns:
        The tensors.

    Raises:
        Unusable: If there are more or fewer, or one of them cannot be read.

    Example:
        >>> len(read_tensors((torch.ones(2).double(), [3.0]), [(2,), (1,)]))
        2
    """
    expected = f"a list of {len(shapes)} {what}"
    if value is None:
        raise Unusable(NONE.format(expected))
    if not isinstance(value, (list, tuple)) or len(value) != len(shapes):
        lazy = getattr(value, "type_name", "") in ("generator", "map", "zip")
        raise Unusable(
            f"The function returned {describe(value)}, expected {expected}."
            + " Put `list(...)` around it." * lazy
        )
    return [
        read_tensor(one, shape, f"entry {i} of the returned list")
        for i, (one, shape) in enumerate(zip(value, shapes, strict=True))
    ]


def difference(
    got: Tensor, expected: Tensor, what: str = "it", rtol: float = 1e-6
) -> str | None:
    """Say how a tensor differs from the expected one.

    Args:
        got: What was returned.
        expected: What is right, of the same shape.
        what: Its name in a sentence.
        rtol: Tolerance relative to the largest entry.

    Returns:
        A sentence, or ``None`` if they agree.

    Example:
        >>> difference(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 2.0]))
        'It is 2 times the expected value in every entry.'
    """
    if agree(got, expected, rtol):
        return None
    start, large = _capital(what), expected.abs().max()
    if large > 0:
        at = expected.abs().argmax()
        ratio = float(got.flatten()[at] / expected.flatten()[at])
        if ratio and agree(got, ratio * expected, rtol):
            return f"{start} is {ratio:.4g} times the expected value in every entry."
    if large > 0 and agree(got, expected, 1e-5):
        off = float((got - expected).abs().max() / large)
        return (
            f"{start} is nearly right: the largest difference is {off:.1g} of the "
            "largest entry, above 1e-06. Look at ε and at the precision of each step."
        )
    worst = int((got - expected).abs().argmax())
    place = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), got.shape))
    where = f"at {place} it has" if place else "it has"
    wrong = int(((got - expected).abs() > rtol * max(float(large), 1e-300)).sum())
    count = f"{wrong} of {got.numel()} entries are wrong; " if got.dim() else ""
    mine, right = float(got.flatten()[worst]), float(expected.flatten()[worst])
    digits = 4 if f"{mine:.4g}" != f"{right:.4g}" else 8
    return (
        f"{start} differs: {count}{where} {mine:.{digits}g}, expected "
        f"{right:.{digits}g}."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _to_tensor(value: Any) -> Any:
    """Make a tensor of numbers in lists.

    Returns:
        The tensor; what was given if it is none.
    """
    entries = value if isinstance(value, list) else []
    if entries and all(
        isinstance(v, Tensor) and v.shape == entries[0].shape for v in entries
    ):
        return torch.stack(entries)
    try:
        return torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return value


def _shape_hint(got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if len(got) > 1 and got[::-1] == expected:
        return " It is transposed."
    if [n for n in got if n != 1] == [n for n in expected if n != 1]:
        return " The two differ by an axis of length 1: look at `keepdim`."
    return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
