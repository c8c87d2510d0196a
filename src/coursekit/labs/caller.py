r"""How a check reaches an answer without caring where the answer runs.

A check is written once, against a *caller*.  In a notebook the caller is a
`LocalCaller` around the student's function; in the grader it is a proxy that sends
the arguments into a sandbox and reads the value that comes back.  So that both are
possible, only *plain values* cross: tensors, numbers, strings, booleans, ``None``,
and lists, tuples and dicts of them.  Anything else that an answer returns (a module,
an optimizer) stays where it is and is reached through a `Handle`; anything else that
a check hands in (a model, a loss) goes in as a `Recipe` and is built on the far side.

Nothing that was computed beside the answer is believed: a check takes values or a
state dict out and computes with the reference on its own side.
"""

from __future__ import annotations

import importlib
import linecache
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "Caller",
    "ErrorKind",
    "Handle",
    "LocalHandle",
    "Recipe",
    "StudentError",
    "to_plain",
]

ErrorKind = Literal[
    "missing",  # NotImplementedError: the stub is still there
    "raised",  # any other exception of the student's code
    "recursion",  # RecursionError
    "timeout",  # the time limit of this question was reached
    "memory",  # the memory limit was reached, or MemoryError
    "killed",  # the process ended before it answered
    "undefined",  # the submission defines no function of this name
    "protocol",  # the answer cannot be sent: too large, too deep, malformed
]
MAX_DEPTH = 12


@dataclass(frozen=True)
class Recipe:
    r"""Name something a check hands in, so that it can be built on the far side.

    Args:
        target: ``"package.module:name"``; inside `coursekit` only.
        args: Positional arguments of the target.
        kwargs: Keyword arguments of the target.
        seed: Seed of torch's global generator while the target is called.
        state: State dict loaded after the call, by value.
        dtype: Floating dtype of a module, ``"float64"`` say; ``None`` keeps it.
        call: Whether the target is called; ``False`` hands in the target itself.

    Example:
        >>> Recipe("coursekit.labs.caller:Recipe", args=("a:b",)).build().target
        'a:b'
    """

    target: str
    args: tuple = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    state: Mapping[str, Tensor] | None = None
    dtype: str | None = None
    call: bool = True

    def build(self) -> Any:
        """Import the target, call it under the seed, and load the state.

        Returns:
            The object the recipe describes; a new one at each call.

        Raises:
            ValueError: If the target lies outside `coursekit`.
        """
        module, _, name = self.target.partition(":")
        if module.split(".")[0] != "coursekit" or not name:
            raise ValueError(
                f"Recipe target {self.target!r} is not 'coursekit.module:name'; "
                "only the package's own names are built."
            )
        target: Any = importlib.import_module(module)
        for part in name.split("."):
            target = getattr(target, part)
        if not self.call:
            return target
        with torch.random.fork_rng(devices=[], enabled=self.seed is not None):
            if self.seed is not None:
                # torch.manual_seed walks the stack for CUDA's sake: a millisecond
                torch.default_generator.manual_seed(self.seed)
            built = target(*self.args, **self.kwargs)
        if isinstance(built, nn.Module):
            if self.dtype is not None:
                built.to(getattr(torch, self.dtype))
            if self.state is not None:
                built.load_state_dict(dict(self.state))
        return built


class StudentError(Exception):
    """Report that the student's code gave no value.

    Args:
        kind: One of `ErrorKind`.
        message: What the exception said, or what the limit was.
        line: Line of the student's source that was running, if it is known.
        source: Text of that line.
        type_name: Name of the exception class.

    Example:
        >>> error = StudentError("raised", "division by zero", line=3)
        >>> error.kind, error.line
        ('raised', 3)
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str = "",
        line: int | None = None,
        source: str = "",
        type_name: str = "",
    ):
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.line = line
        self.source = source
        self.type_name = type_name

    @staticmethod
    def describe(error: BaseException, filename: str | None = None) -> dict[str, Any]:
        """Describe an exception by kind, message and the student's own line.

        Args:
            error: What the student's code raised.
            filename: File name that its code object carries; frames of other
                files (torch's, the check's) are skipped.

        Returns:
            The arguments of a `StudentError`; the line is ``None`` where no frame is
            the student's.
        """
        kind: ErrorKind = "raised"
        if isinstance(error, NotImplementedError):
            kind = "missing"
        elif isinstance(error, RecursionError):
            kind = "recursion"
        elif isinstance(error, MemoryError):
            kind = "memory"
        line, trace = None, error.__traceback__
        while trace is not None:
            if filename and trace.tb_frame.f_code.co_filename == filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        source = linecache.getline(filename, line).strip() if filename and line else ""
        return {
            "kind": kind,
            "message": _message(error),
            "line": line,
            "source": source,
            "type_name": type(error).__name__,
        }


def _message(error: BaseException) -> str:
    """Give the first line of an exception's text, at most 300 characters.

    Returns:
        The text; empty if the exception's own ``__str__`` fails.
    """
    try:
        return (str(error).strip().splitlines() or [""])[0][:300]
    except Exception:
        return ""


@runtime_checkable
class Handle(Protocol):
    """Stand for an object that stays beside the student's code."""

    @property
    def type_name(self) -> str:
        """Name of the object's class."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Copy the object's state dict; empty if it has none."""
        ...

    def call(self, method: str, *args: Any) -> Any:
        """Call a method and return a plain value or another handle."""
        ...


class Caller(Protocol):
    """Call one function of a submission."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return a plain value or a `Handle`; raise `StudentError` for no value."""
        ...

    def inputs_after(self) -> list[Any]:
        """Give the positional arguments of the latest call as that call left them.

        Tensors and containers come by value, what a `Recipe` built as a `Handle`.
        """
        ...


class LocalHandle:
    """Give the `Handle` protocol to an object of this process."""

    def __init__(self, target: Any):
        self.target = target

    @property
    def type_name(self) -> str:
        """Name of the object's class."""
        return type(self.target).__name__

    def state(self) -> dict[str, Tensor]:
        """Copy the object's state dict.

        Returns:
            Tensors by name, detached; empty if the object is no module.
        """
        if not isinstance(self.target, nn.Module):
            return {}
        return {k: v.detach().clone() for k, v in self.target.state_dict().items()}

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the object.

        Returns:
            A plain value, or a handle on what cannot be one.

        Raises:
            StudentError: If the method raises.
        """
        try:
            return to_plain(getattr(self.target, method)(*args))
        except Exception as error:
            raise StudentError(**StudentError.describe(error)) from None


def _to_tensor(value: Tensor) -> Any:
    if value.is_meta:
        return LocalHandle(value)
    dense = value.detach() if value.layout == torch.strided else value.to_dense()
    return dense.to("cpu", copy=True).as_subclass(Tensor)


def to_plain(value: Any, depth: int = 0) -> Any:
    r"""Copy a returned value into plain values, with handles for the rest.

    NumPy scalars become Python's, numeric arrays become tensors.

    Args:
        value: What the student's function returned.
        depth: Containers entered so far.

    Returns:
        A tensor, number, string, bool, ``None``, a container of these, or a
        `LocalHandle`.

    Raises:
        StudentError: If containers are nested more than 12 deep.

    Example:
        >>> import numpy as np
        >>> to_plain([np.float32(0.5), np.arange(2)])
        [0.5, tensor([0, 1])]
    """
    if depth > MAX_DEPTH:
        raise StudentError("protocol", "the returned containers are nested too deep")
    if value is None or type(value) in (bool, int, float, complex, str):
        return value
    if isinstance(value, Tensor):
        return _to_tensor(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return torch.from_numpy(value.copy())
    if isinstance(value, list):
        return [to_plain(v, depth + 1) for v in value]
    if isinstance(value, tuple):
        return tuple(to_plain(v, depth + 1) for v in value)
    if isinstance(value, dict):
        return {str(k): to_plain(v, depth + 1) for k, v in value.items()}
    return LocalHandle(value)
