r"""Open nbgrader's own gradebook, or say that nbgrader is not installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["NoNbgraderError", "open_book"]


class NoNbgraderError(ImportError):
    """Report that nbgrader is not installed."""

    def __init__(self):
        super().__init__(
            "grading needs nbgrader, which is not installed: "
            "run `pip install 'coursekit[grade]'`"
        )


def open_book(url: str) -> tuple[Any, Any]:
    """Open a gradebook, and bring its tables up to date.

    Args:
        url: Database, ``"sqlite:///grades/gradebook.db"`` say.

    Returns:
        The module `nbgrader.api` and its `Gradebook`.

    Raises:
        NoNbgraderError: If nbgrader is not installed.
    """
    try:
        from nbgrader import api
    except ImportError:
        raise NoNbgraderError from None
    with _alembic_on_path():
        return api, api.Gradebook(url)


@contextmanager
def _alembic_on_path() -> Generator[None]:
    """Let nbgrader, which calls ``alembic`` by name, find that of this environment.

    Yields:
        Nothing.
    """
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
