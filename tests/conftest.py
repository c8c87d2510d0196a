"""What the tests of all parts share: making a small wrong out of a right function."""

import __future__

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest


def mutant_of(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """Return `function` recompiled with `old` replaced by `new` in its source.

    It works on the source, so a mutant cannot outlive the line it was made from: when
    that line changes, this fails and the list of mutants has to be looked at again.
    """
    source = textwrap.dedent(inspect.getsource(function))
    found = source.count(old)
    if found != 1:
        raise LookupError(f"{function.__name__}: {old!r} stands {found} times in it")
    wrong, name = source.replace(old, new), f"<mutant of {function.__name__}>"
    # names that only type checkers import stay unevaluated
    flags = __future__.annotations.compiler_flag
    code = compile(wrong, name, "exec", flags=flags)
    scope = dict(vars(inspect.getmodule(function)))
    exec(code, scope)
    return scope[function.__name__]


@pytest.fixture(scope="session")
def mutate() -> Callable[..., Callable[..., Any]]:
    return mutant_of
