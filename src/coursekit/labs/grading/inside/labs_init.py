"""Stand in for `coursekit.labs` inside the sandbox, where no check runs.

A notebook calls `check(...)` below each answer and draws pictures with it.  While it is
graded these calls do nothing: the grader calls the answers itself.  References, mutants
and the drawing of cases are not mounted here, so `coursekit.labs.views`, say, is an
empty module whose every name is a function that returns ``None``.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

__all__ = ["check"]


def check(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def __getattr__(name: str) -> Any:
    if name.startswith("__") or __name__ != "coursekit.labs":
        raise AttributeError(name)
    return check


class _Empty(MetaPathFinder, Loader):
    """Find what is not mounted, as a package without content."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if not fullname.startswith(__name__ + "."):
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: Any) -> None:
        module.__getattr__ = __getattr__


if __name__ == "coursekit.labs":
    sys.meta_path.append(_Empty())
