"""Choose the size of a run and hand its numbers to the prose."""

from __future__ import annotations

import math
import os
from typing import Any

from .rounding import minus

_PREFIX = "application/papermill.record/"


def full() -> bool:
    """Tell whether the reader asked for the long runs.

    Returns:
        True if the environment says ``COURSEKIT_FULL=1``.
    """
    return os.environ.get("COURSEKIT_FULL") == "1"


_full_is_wanted = full


def n_seeds(fast: int, full: int) -> int:
    """Choose how many seeds an experiment runs.

    Args:
        fast: number that fits a chapter's minute.
        full: number under ``COURSEKIT_FULL=1``.

    Returns:
        One of the two.

    Example:
        >>> n_seeds(5, 16)
        5
    """
    return full if _full_is_wanted() else fast


def glue_number(name: str, value: float, fmt: str) -> None:
    """Store a number of this run under a name that the prose inserts.

    A later sentence writes ``{glue:text}`name```; nothing is shown in the cell. The
    record is the one that myst-nb reads, written without importing it.

    Args:
        name: unique in the book, such as ``"e26-he-factor"``.
        value: the number.
        fmt: a format specification that keeps the digits which repeat on another
            machine: ``".2f"``, ``".1%"``, ``"d"``.

    Raises:
        ValueError: if the number is not finite; prose has no way to say so.
    """
    from IPython.display import display

    if not math.isfinite(value):
        raise ValueError(
            f"glue {name!r}: expected a finite number, got {value}; a diverged run "
            "belongs in the text of a claim"
        )
    data: dict[str, Any] = {_PREFIX + "text/plain": repr(minus(format(value, fmt)))}
    scrapbook = {"name": name, "mime_prefix": _PREFIX}
    display(data, raw=True, metadata={"scrapbook": scrapbook})
