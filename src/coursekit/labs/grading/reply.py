r"""Rebuild what a worker claims to have happened, believing nothing in it.

A reply is a value or an error.  A value holds plain values and handles; of an error
only fields of a known type and length are taken, its kind is one of a fixed set, and
the line of source that it names is looked up here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol, cast

from torch import Tensor

from coursekit.labs.caller import ErrorKind, Recipe, StudentError
from coursekit.labs.grading.values import WireError, utf8

__all__ = ["Asked", "RemoteHandle", "encode_recipe", "handles_of", "value_of"]

CLAIMED = ("missing", "raised", "recursion", "memory", "undefined", "protocol")


class Asked(Protocol):
    """Whoever can be asked for what stays in a worker."""

    def ask(self, **message: Any) -> Any:
        """Ask within the time of the current question."""
        ...


def value_of(
    reply: Mapping[str, Any], number: int, cells: Sequence[Mapping[str, Any]]
) -> Any:
    """Take the value out of a reply.

    Args:
        reply: Fields of a frame.
        number: That of the request.
        cells: Code cells with ``source``.

    Returns:
        The value.

    Raises:
        WireError: If it is no reply to this request.
        StudentError: If the reply is an error.
    """
    claimed = reply.get("id")
    if type(claimed) is not int or claimed != number:
        raise WireError("a reply is not to this request")
    if reply.keys() == {"id", "value"}:
        return reply["value"]
    told = reply.get("error")
    if reply.keys() != {"id", "error"} or not isinstance(told, dict):
        raise WireError("a reply is neither a value nor an error")
    error = _error(told, cells)
    raise error


def _error(told: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> StudentError:
    """Rebuild an error from what the worker claims.

    Returns:
        An error whose fields have the right types and whose source is ours.
    """
    kind, line, cell = told.get("kind"), told.get("line"), told.get("cell")
    if not isinstance(kind, str) or kind not in CLAIMED:
        kind = "raised"
    source = ""
    if type(cell) is int and type(line) is int and 0 <= cell < len(cells):
        lines = cells[cell]["source"].splitlines()
        if 0 < line <= len(lines):
            source = _line_of_text(lines[line - 1].strip(), 200)
    return StudentError(
        cast("ErrorKind", kind),
        _line_of_text(told.get("message"), 300),
        line if source else None,
        source,
        _line_of_text(told.get("type_name"), 80),
    )


def _line_of_text(value: Any, length: int) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in utf8(value[:length]))


def encode_recipe(value: Any, tree: Callable[[Any], Any]) -> Any:
    """Encode what a check hands in and is no plain value.

    Args:
        value: A `Recipe`.
        tree: Encodes a value inside it.

    Returns:
        A node of the tree.

    Raises:
        TypeError: If it is no recipe; that is the check's mistake.
    """
    if not isinstance(value, Recipe):
        raise TypeError(f"a check hands in a {type(value).__name__}; use a Recipe")
    return {"recipe": tree({f.name: getattr(value, f.name) for f in fields(value)})}


def handles_of(asked: Asked) -> Callable[[str, Any, Callable[[Any], Any]], Any]:
    """Make what decodes the handles in a reply.

    Args:
        asked: Where their objects stay.

    Returns:
        A decoder of nodes that are no plain value.
    """

    def decode(tag: str, content: Any, value: Callable[[Any], Any]) -> RemoteHandle:
        if tag != "handle" or not isinstance(content, list) or len(content) != 2:
            raise WireError("a node has an unknown tag")
        number, name = content
        if type(number) is not int or not isinstance(name, str):
            raise WireError("a handle is not a number and a name")
        return RemoteHandle(asked, number, _line_of_text(name, 80))

    return decode


class RemoteHandle:
    """Stand for an object that a student's code returned and that stays inside.

    Args:
        asked: Where it stays.
        number: Its number in the worker.
        type_name: What the worker says its class is called.
    """

    def __init__(self, asked: Asked, number: int, type_name: str):
        self.asked = asked
        self.number = number
        self.type_name = type_name

    def state(self) -> dict[str, Tensor]:
        """Fetch the state dict by value.

        Returns:
            Tensors by name.

        Raises:
            StudentError: If what comes back is no such dict.
        """
        state = self._ask(op="state")
        if not isinstance(state, dict) or not all(
            isinstance(tensor, Tensor) for tensor in state.values()
        ):
            raise StudentError("protocol", "its state is not a dict of tensors")
        return state

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the object.

        Args:
            method: Its name.
            *args: Plain values and recipes.

        Returns:
            A plain value, or another handle.
        """
        return self._ask(op="method", method=method, args=list(args))

    def _ask(self, **message: Any) -> Any:
        return self.asked.ask(handle=self.number, **message)
