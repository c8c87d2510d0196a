"""What the tests of all parts share: a browser, and small wrongs of right functions."""

import __future__

import inspect
import os
import shutil
import signal
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import settings

# no assertion on wall-clock time: a busy machine is no failure
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

# a shell's background job is born deaf to Ctrl-C, which some tests send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


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


@pytest.fixture
def note_mutant(
    record_property: Callable[[str, object], None],
) -> Callable[[str, str, str, str], None]:
    """Enter a mutant into the table of `make mutants`: module, function, old, new."""
    return lambda *mutant: record_property("mutant", mutant)


@pytest.fixture
def mutate(note_mutant: Callable[..., None]) -> Callable[..., Callable[..., Any]]:
    """Make a small wrong of a function, and note it."""

    def wrong(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
        note_mutant(function.__module__, function.__qualname__, old, new)
        return mutant_of(function, old, new)

    return wrong


@pytest.fixture
def is_killed(
    mutate: Callable[..., Callable[..., Any]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., bool]:
    """Say whether a check notices a small wrong, put wherever the right was called."""

    def killed(
        checks: Iterable[Callable[[], None]],
        function: Callable[..., Any],
        old: str,
        new: str,
        places: Iterable[Any],
    ) -> bool:
        name, wrong = function.__name__, mutate(function, old, new)
        for where in places:
            # a module may have the name of its function
            if callable(getattr(where, name, None)):
                monkeypatch.setattr(where, name, wrong)
        try:
            for check in checks:
                check()
        except (Exception, pytest.fail.Exception):
            return True
        return False

    return killed


@pytest.fixture(scope="session")
def defaults_of() -> Callable[[Any], dict[str, object]]:
    """List the optional arguments of a function or class with their values."""

    def read(thing: Any) -> dict[str, object]:
        parameters = inspect.signature(thing).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}

    return read


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start Debian's chromium, or the browser that CHROMIUM names, once a process.

    Playwright cannot be started twice in one process, so all parts share this one.
    """
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
