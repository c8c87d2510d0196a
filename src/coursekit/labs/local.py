r"""Call an answer in this process, as the notebook does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor

from coursekit.labs.caller import Recipe, StudentError, to_plain

__all__ = ["LocalCaller", "source_file"]


class LocalCaller:
    """Call a function of this process on copies of the arguments.

    Example:
        >>> LocalCaller(lambda x: (x + 1, [x]))(2)
        (3, [2])
        >>> LocalCaller(lambda x: {x})(2).type_name
        'set'
    """

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self._arguments: list[Any] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Returns:
            A plain value or a `LocalHandle`.

        Raises:
            StudentError: If the function raises.
        """
        self._arguments = [_build(a) for a in args]
        keywords = {key: _build(a) for key, a in kwargs.items()}
        try:
            return to_plain(self.function(*self._arguments, **keywords))
        except StudentError:
            raise
        except (Exception, SystemExit) as error:
            filename = source_file(self.function)
            raise StudentError(**StudentError.describe(error, filename)) from None

    def inputs_after(self) -> list[Any]:
        """Give the arguments of the latest call as that call left them.

        Returns:
            Plain values, and handles on what recipes built.
        """
        return [to_plain(a) for a in self._arguments]


def source_file(function: Callable[..., Any]) -> str | None:
    """Find the file name that a callable's code carries.

    Args:
        function: A function, a wrapped or partial one, a method, or an object with a
            ``__call__``.

    Returns:
        The name; ``None`` for what was not written in Python.

    Example:
        >>> source_file(len) is None
        True
    """
    inner = getattr(function, "func", function)
    inner = getattr(inner, "__wrapped__", inner)
    for candidate in (inner, type(inner).__call__):
        code = getattr(candidate, "__code__", None)
        if code is not None:
            return code.co_filename
    return None


def _build(argument: Any) -> Any:
    if isinstance(argument, Recipe):
        return argument.build()
    if isinstance(argument, Tensor):
        return argument.detach().clone()
    return copy.deepcopy(argument)
