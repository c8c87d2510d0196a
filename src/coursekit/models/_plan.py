r"""Plan which matrix goes where in a larger net, check all of it, then write.

What is written fills the upper left part of a weight; the rest becomes zero, so
that the units beyond are neither heard nor fed.
"""

from collections.abc import Iterable, Sequence, Sized
from typing import NamedTuple

from torch import Tensor, nn

__all__ = ["Entry", "check_depths", "check_same_activation", "write"]


class Entry(NamedTuple):
    """Hold what one linear map of the large net is to become.

    Attributes:
        name: Its name, for messages.
        target: The map.
        weight: The upper left part of its weight.
        bias: The first entries of its bias; None is zero.
    """

    name: str
    target: nn.Linear
    weight: Tensor
    bias: Tensor | None


def write(plan: Sequence[Entry]) -> None:
    """Write all entries, or none if one does not fit.

    Args:
        plan: First the map that reads the input, last the one that writes the
            output: these two must fit exactly.
    """
    for i, entry in enumerate(plan):
        _check(entry, first=i == 0, last=i == len(plan) - 1)
    for entry in plan:
        rows, columns = entry.weight.shape
        weight, bias = entry.target.weight, entry.target.bias
        weight.zero_()
        weight[:rows, :columns] = entry.weight
        if bias is not None:
            bias.zero_()
            if entry.bias is not None:
                bias[:rows] = entry.bias


def check_depths(given: Sized, room: Sized, what: str) -> tuple[int, int]:
    """Return both depths when the deep net is deep enough.

    Args:
        given: Parts of the shallow net.
        room: Parts of the deep net.
        what: What the parts are called.

    Returns:
        Their numbers.

    Raises:
        ValueError: If the deep net has fewer.
    """
    n, m = len(given), len(room)
    if m < n:
        raise ValueError(
            f"deep: expected at least the {n} {what} of the shallow net, got {m}"
        )
    return n, m


def check_same_activation(activations: Iterable[nn.Module]) -> None:
    """Pass when all are the same function with the same settings.

    Args:
        activations: The activations of both nets.

    Raises:
        ValueError: If there are several.
        TypeError: If one learns, and may therefore differ from its like.
    """
    phis = list(activations)
    learnt = [phi for phi in phis if any(True for _ in phi.parameters())]
    if learnt:
        raise TypeError(
            f"activation: expected a function without parameters, got {learnt[0]}"
        )
    kinds = sorted({repr(phi) for phi in phis})
    if len(kinds) > 1:
        raise ValueError(
            f"shallow, deep: expected one activation in both, got {' and '.join(kinds)}"
        )


def _check(entry: Entry, *, first: bool, last: bool) -> None:
    (rows, columns), room = entry.weight.shape, entry.target.weight.shape
    fits = rows <= room[0] and columns <= room[1]
    if not fits or (first and columns != room[1]) or (last and rows != room[0]):
        raise ValueError(
            f"{entry.name}: expected room for {rows} outputs of {columns} inputs, got "
            f"{room[0]} of {room[1]}; inputs and outputs of the net must be the same, "
            "hidden layers at least as wide (twice as wide where pairs are carried)"
        )
    if entry.target.bias is None and entry.bias is not None:
        raise ValueError(
            f"{entry.name}: expected a map with a bias, as the shallow net's, got none"
        )
