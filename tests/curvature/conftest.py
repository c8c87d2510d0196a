"""Put a small wrong in place of the right function, wherever the part refers to it."""

import importlib
import pkgutil

import pytest

from coursekit import curvature

MODULES = {
    info.name: importlib.import_module(f"coursekit.curvature.{info.name}")
    for info in pkgutil.iter_modules(curvature.__path__)
}


@pytest.fixture
def survives(mutate, monkeypatch):
    """Whether all checks pass with the mutant in place."""

    def run(page, function, old, new, checks):
        right = getattr(MODULES[page], function)
        wrong = mutate(right, old, new)
        for where in (*MODULES.values(), curvature):
            if getattr(where, function, None) is right:
                monkeypatch.setattr(where, function, wrong)
        try:
            for check in checks:
                check()
        except (Exception, pytest.fail.Exception):
            return False
        return True

    return run
