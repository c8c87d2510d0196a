"""A pytest plugin that tells which small wrongs the tests have caught.

``pytest -p mutant_table --mutants=WORD``, where WORD is

* ``table``: run only the tests that make mutants and print all of them;
* ``check``: run everything and print only survivors and methods without a mutant;
* ``without``: run only the other tests, as `mutation` does, which changes the source
  itself and must not be answered by "that line is not there any more".

A test that passes has caught its mutants; one that fails has let them live, or has
found that the line is not there any more, so that the mutant is stale. All three,
survivors, stale ones and public methods without a mutant, fail the run.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest

from mutant_cover import methods_without

FIXTURE = "note_mutant"
WIDEST = 58
KILLED, SURVIVOR, STALE = "killed by", "SURVIVES", "STALE"


class Mutant(NamedTuple):
    """One small wrong: where it is, what it replaces, and what became of it."""

    module: str
    function: str
    old: str
    new: str
    test: str
    fate: str

    @property
    def killed(self) -> bool:
        """Whether a test has caught it."""
        return self.fate == KILLED

    @property
    def part(self) -> str:
        """The part of the package, or ``labs`` with the exercise."""
        return self.module.removeprefix("coursekit.").split(".")[0]

    @property
    def place(self) -> str:
        """Where it stands, without the part."""
        inner = self.module.removeprefix(f"coursekit.{self.part}").lstrip(".")
        return f"{inner}.{self.function}" if inner else self.function


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that the module's docstring describes."""
    parser.addoption("--mutants", choices=["table", "check", "without"])


def pytest_configure(config: pytest.Config) -> None:
    """Collect where the results arrive, which under xdist is not in the workers."""
    if config.getoption("mutants") in {"table", "check"}:
        config.pluginmanager.register(Collector(config), "mutant-collector")


def pytest_collection_modifyitems(config: pytest.Config, items: list) -> None:
    """Keep the tests that make mutants, or those that do not."""
    word = config.getoption("mutants")
    if word not in {"table", "without"}:
        return
    keep, rest = [], []
    for item in items:
        makes = FIXTURE in getattr(item, "fixturenames", ())
        (keep if makes == (word == "table") else rest).append(item)
    config.hook.pytest_deselected(items=rest)
    items[:] = keep


class Collector:
    """Gather the mutants of a run and report on them at its end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.mutants: list[Mutant] = []
        self.missing: dict[str, list[str]] = {}

    @property
    def survivors(self) -> list[Mutant]:
        """Those that no test has caught."""
        return [mutant for mutant in self.mutants if not mutant.killed]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test has made, once it has ended."""
        if report.when != "call" or report.skipped:
            return
        for name, value in report.user_properties:
            if name == "mutant":
                test = report.nodeid.split("[")[0].rsplit("/", 1)[-1]
                self.mutants.append(Mutant(*value, test, fate_of(report)))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that would pass in spite of a gap."""
        if hasattr(session.config, "workerinput") or session.config.option.collectonly:
            return
        self.missing = methods_without((m.module, m.function) for m in self.mutants)
        if session.exitstatus == pytest.ExitCode.OK and self.missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter) -> None:
        """Print the table, or only what is wrong."""
        lines = [*gaps(self.survivors, self.missing)]
        if self.config.getoption("mutants") == "table":
            lines = [*table(self.mutants), "", *counts(self.mutants), "", *lines]
        terminalreporter.section("mutants")
        terminalreporter.write_line("\n".join(lines))


def fate_of(report: pytest.TestReport) -> str:
    """Tell a mutant that lives from one that could not be made."""
    if report.passed:
        return KILLED
    gone = re.search(r"LookupError: .* stands \d+ times", report.longreprtext)
    return STALE if gone else SURVIVOR


def table(mutants: Iterable[Mutant]) -> Iterator[str]:
    """Yield a block of lines a part, in alphabetical order of the places."""
    part = ""
    for mutant in sorted(mutants):
        if mutant.part != part:
            part = mutant.part
            yield f"\n{part}"
        words = f"{change(mutant):{WIDEST}} {mutant.fate:9}"
        yield f"  {mutant.place:36} {words} {mutant.test}"


def change(mutant: Mutant) -> str:
    """Write ``old → new`` on one line of limited length."""
    words = (" ".join(text.split()) or "nothing" for text in (mutant.old, mutant.new))
    text = " → ".join(words)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def counts(mutants: Iterable[Mutant]) -> Iterator[str]:
    """Yield how many there are in each part, and in all."""
    number, killed = collections.Counter(), collections.Counter()
    for mutant in mutants:
        number[mutant.part] += 1
        killed[mutant.part] += mutant.killed
    for part in sorted(number):
        yield f"{part:16}{killed[part]:5} of {number[part]:4} killed"
    yield f"{'all':16}{killed.total():5} of {number.total():4} killed"


def gaps(survivors: list[Mutant], missing: dict[str, list[str]]) -> Iterator[str]:
    """Yield what no test has caught, and what no test has tried."""
    for mutant in sorted(survivors):
        name = f"{mutant.part}.{mutant.place}"
        word = "stale" if mutant.fate == STALE else "survivor"
        yield f"{word}: {name}: {change(mutant)} ({mutant.test})"
    for part, names in sorted(missing.items()):
        yield f"no mutant: {part}: {', '.join(names)}"
    if not survivors and not missing:
        yield "No survivor, and no public method without a mutant."
