"""What `make test` runs, in which order, and how it reports.

Each stage prints a headline and its time; the last lines say what passed, what was
skipped and why. A stage that fails does not stop the others.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from environment import BIN, ENVIRONMENT, PYTHON, ROOT, Failed, run

REPORTS = ROOT / "_build" / "reports"
NEEDS_BOOK = "browser or packaging"
# a plugin is imported before pytest reads where the tools are
WITH_TOOLS = ENVIRONMENT | {"PYTHONPATH": str(ROOT / "tools")}


@dataclass
class Stage:
    """One step of the run and what came of it."""

    name: str
    action: Callable[[], None]
    seconds: float = 0.0
    counts: collections.Counter = field(default_factory=collections.Counter)
    skips: collections.Counter = field(default_factory=collections.Counter)

    @property
    def report(self) -> Path:
        """Where pytest leaves this stage's results."""
        return REPORTS / f"{self.name.replace(' ', '-')}.xml"

    def run(self) -> None:
        """Run, time and count."""
        print(f"\n━━ {self.name} " + "━" * (70 - len(self.name)), flush=True)
        start = time.monotonic()
        self.report.unlink(missing_ok=True)
        try:
            self.action()
            failed = False
        except Failed as failure:
            print(failure)
            failed = True
        self.seconds = time.monotonic() - start
        if self.report.exists():
            self.read_report()
        elif not failed:
            self.counts["passed"] += 1
        if failed and not self.counts["failed"]:
            self.counts["failed"] += 1
        print(f"━━ {self.name}: {'FAILED' if failed else 'ok'}, {self.seconds:.0f} s")

    def read_report(self) -> None:
        """Count the results that pytest has written."""
        for case in ElementTree.parse(self.report).iter("testcase"):
            skip = case.find("skipped")
            bad = case.find("failure") is not None or case.find("error") is not None
            word = "failed" if bad else "passed" if skip is None else "skipped"
            self.counts[word] += 1
            if skip is not None:
                self.skips[skip.get("message", "no reason given")] += 1


def pytest(name: str, *arguments: str, workers: int = 2, by: str = "file") -> Stage:
    """Make a stage that runs pytest on both cores, dealt out by file or by test."""
    stage = Stage(name, lambda: None)
    command = [PYTHON, "-m", "pytest", "-q", f"--junitxml={stage.report}", *arguments]
    if workers > 1:
        dealt = {"file": "loadfile", "test": "load"}[by]
        command += ["-n", str(workers), "--dist", dealt]
    stage.action = lambda: run(*command, env=WITH_TOOLS)
    return stage


def mutants(word: str) -> list[str]:
    """Ask pytest for the table of mutants, or only for its gaps."""
    return ["-p", "mutant_table", f"--mutants={word}"]


def notebooks(pattern: str) -> list[str]:
    """Name the notebooks that match, relative to the repository."""
    return [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(pattern))]


def types_and_lint() -> None:
    """Run ruff and pyright; both must be silent."""
    run(BIN / "ruff", "check", "--quiet", ".")
    code = ("src", "tests", "tools", "benchmarks", "book/_ext")
    scripts = [ROOT / "chapters" / "make_figures.py", ROOT / "chapters" / "recipes"]
    run(BIN / "ruff", "format", "--check", "--quiet", *code, *scripts)
    run(BIN / "pyright", "--warnings")


def all_stages(build_book: Callable[[], None]) -> list[Stage]:
    """List the stages in the order that shows a fault soonest."""
    nbval = ["--nbval", "--nbval-current-env", "-p", "kernel_sockets"]
    chapters = [*notebooks("chapters/*.ipynb"), *notebooks("book/*.ipynb")]
    unit = ["-m", f"not ({NEEDS_BOOK})", *mutants("check")]
    return [
        Stage("lint and types", types_and_lint),
        pytest("tests and doctests", "tests", "src", "--doctest-modules", *unit),
        pytest("chapters (nbval)", *nbval, *chapters),
        pytest("labs (nbval)", *nbval, *notebooks("labs/source/*.ipynb"), workers=1),
        Stage("book", build_book),
        pytest("browser", "tests", "-m", "browser", by="test"),
        pytest("packaging", "tests", "-m", "packaging", workers=1),
    ]


def run_all(build_book: Callable[[], None]) -> None:
    """Run every stage and print the summary; raise `Failed` if one failed."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    stages = all_stages(build_book)
    for stage in stages:
        stage.run()
    print("\n━━ summary " + "━" * 63)
    for stage in stages:
        counts = ", ".join(f"{n} {word}" for word, n in sorted(stage.counts.items()))
        print(f"{stage.name:22}{stage.seconds:6.0f} s   {counts}")
    total = sum((stage.counts for stage in stages), collections.Counter())
    skips = sum((stage.skips for stage in stages), collections.Counter())
    for reason, number in skips.items():
        print(f"skipped {number}: {reason}")
    words = f"{total['passed']} passed, {total['failed']} failed"
    words += f", {total['skipped']} skipped in {sum(s.seconds for s in stages):.0f} s"
    if total["failed"]:
        raise Failed(words)
    print(words)
