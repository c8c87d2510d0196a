"""Stand in for `coursekit.labs` inside the sandbox, where no check runs.

A notebook calls `check(...)` below each answer.  While it is graded these calls do
nothing: the grader calls the answers itself.  References, mutants and the drawing of
cases are not mounted here.
"""

from typing import Any

__all__ = ["check"]


def check(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return check
