r"""Show the source of a method in a page, so that no page retypes it.

An equation lives once, in the package. A chapter shows the very lines that run,
without the docstring, whose equations the text derives at length.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Source", "show_source"]


@dataclass(frozen=True)
class Source:
    """Hold lines of code that a notebook displays highlighted.

    Attributes:
        code: The lines.
    """

    code: str

    def __str__(self) -> str:
        return self.code

    __repr__ = __str__

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        return {
            "text/markdown": f"```python\n{self.code}\n```",
            "text/plain": self.code,
        }


def show_source(method: Callable[..., Any]) -> Source:
    """Take the source of a function or class without its docstring.

    Args:
        method: A function or class written in Python.

    Returns:
        Its lines, dedented, as a cell displays them.

    Raises:
        TypeError: If there is no source, as for a builtin.

    Example:
        >>> from coursekit.init import he_std
        >>> print(show_source(he_std))
        def he_std(
        ...
            return math.sqrt(2 / ((1 + a**2) * n))  # (1)
    """
    try:
        lines = textwrap.dedent(inspect.getsource(method)).splitlines()
    except (OSError, TypeError) as error:
        raise TypeError(
            f"method: expected a function or class with Python source, got {method!r}"
        ) from error
    definition = ast.parse("\n".join(lines)).body[0]
    if ast.get_docstring(definition) is not None:  # type: ignore[arg-type]
        doc = definition.body[0]  # type: ignore[attr-defined]
        del lines[doc.lineno - 1 : doc.end_lineno]
    return Source("\n".join(lines))
