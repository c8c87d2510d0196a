"""One way to try a small wrong on the checks of a file."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import coursekit.models


@pytest.fixture
def survives(mutate, monkeypatch) -> Callable[..., bool]:
    """Put the mutant of a function or class wherever its name is used, run checks."""
    names = [page.name for page in pkgutil.iter_modules(coursekit.models.__path__)]
    pages = {n: importlib.import_module(f"coursekit.models.{n}") for n in names}
    pages["layers"] = sys.modules["coursekit.layers"]

    def run(
        page: str, name: str, old: str, new: str, checks: Iterable[Callable[[], Any]]
    ) -> bool:
        right = getattr(pages[page], name)
        wrong = mutate(right, old, new)
        for where in (
            *pages.values(),
            coursekit.models,
            sys.modules["coursekit.layers"],
        ):
            if vars(where).get(name) is right:
                monkeypatch.setattr(where, name, wrong)
            for table in vars(where).values():
                for key, value in list(table.items()) if type(table) is dict else []:
                    if value is right:
                        monkeypatch.setitem(table, key, wrong)
                    elif type(value) is tuple and right in value:
                        new = tuple(wrong if part is right else part for part in value)
                        monkeypatch.setitem(table, key, new)
        try:
            for check in checks:
                check()
        except (
            Exception,
            pytest.fail.Exception,
        ):  # pytest.raises fails with the latter
            return False
        return True

    return run
