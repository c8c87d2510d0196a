"""The table of mutants: every one is listed, a survivor and a gap are failures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mutant_cover

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest
from coursekit.stats.best import as_good_as_best


@pytest.mark.parametrize("catches", [True, {second}])
def test_wrong(mutate, catches):
    assert mutate(as_good_as_best, "np.argmax", "np.argmin")
    assert catches


def test_other():
    assert True
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest with the plugin on tests of its own; return its output and status."""

    def ran(tests: str, word: str, *arguments: str) -> tuple[str, int]:
        shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
        (tmp_path / "test_planted.py").write_text(tests, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "mutant_table", "-q"]
        command += [f"--mutants={word}", "-p", "no:cacheprovider", *arguments, "."]
        tools = os.environ | {"PYTHONPATH": str(ROOT / "tools")}
        done = subprocess.run(
            command, cwd=tmp_path, env=tools, capture_output=True, text=True
        )
        return done.stdout + done.stderr, done.returncode

    return ran


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["here", "xdist"])
def test_a_planted_survivor_is_reported(run, workers):
    """The mutant that a test lets live is named, counted and fails the run."""
    said, status = run(TESTS.format(second=False), "table", *workers)
    assert status == 1
    assert "1 of    2 killed" in said
    change = "np.argmax → np.argmin"
    assert f"survivor: stats.best.as_good_as_best: {change} (test_planted" in said
    assert said.count(f"{change}  ") == 2
    assert "killed by test_planted.py::test_wrong" in said
    assert "SURVIVES  test_planted.py::test_wrong" in said


def test_a_mutant_of_a_line_that_is_gone_is_called_stale(run):
    """It is no survivor: nobody could make it."""
    tests = TESTS.format(second=True).replace('"np.argmax"', '"np.nothing"')
    said, status = run(tests, "table")
    assert status == 1
    assert said.count("stale: stats.best.as_good_as_best: np.nothing") == 2
    assert "survivor" not in said


def test_a_method_without_a_mutant_fails_a_run_that_passes(run):
    """All tests pass, yet what no mutant has reached is named."""
    said, status = run(TESTS.format(second=True), "check")
    assert "3 passed" in said
    assert status == 1
    assert "survivor" not in said
    gaps = next(line for line in said.splitlines() if "no mutant: stats: " in line)
    assert "paired_t_interval" in gaps
    assert "as_good_as_best" not in gaps


def test_only_the_tests_without_mutants_run_when_the_source_is_changed(run):
    """What makes mutants is left out, and nothing is reported."""
    said, status = run(TESTS.format(second=False), "without")
    assert "1 passed, 2 deselected" in said
    assert status == 0


MODULE = '''
from typing import NamedTuple
from .rule import Rule
__all__ = ["Method", "method", "Record", "alone", "Alias"]
Alias = float | int

class Record(NamedTuple):
    """No code."""
    a: int

def _helper(x):
    return x

def update(g):
    return _helper(g)

method = Rule("method", update)

class Method:
    rule = method

def alone(x):
    return x
'''


@pytest.fixture
def family(tmp_path):
    """Write a part of a package with one module."""
    folder = tmp_path / "coursekit" / "part"
    folder.mkdir(parents=True)
    names = '"Method", "method", "Record", "alone", "Alias"'
    imports = "from .page import Alias, Method, Record, alone, method\n"
    (folder / "__init__.py").write_text(f"{imports}__all__ = [{names}]\n")
    (folder / "page.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize(
    ("mutated", "missing"),
    [
        ([], ["Method", "method", "alone"]),
        (["update"], ["alone"]),
        (["_helper"], ["alone"]),
        (["Method.step"], ["method", "alone"]),
        (["alone"], ["Method", "method"]),
        (["alone", "_helper"], []),
    ],
)
def test_a_name_is_reached_through_what_it_uses(family, mutated, missing):
    """A class through its rule, a rule through its update; a record needs nothing."""
    pairs = [("coursekit.part.page", name) for name in mutated]
    found = mutant_cover.methods_without(pairs, ["part"], family)
    assert found == ({"part": missing} if missing else {})


def test_a_mutant_of_another_file_counts_for_nothing(family):
    """The same name in another module is another function."""
    pairs = [("coursekit.part.other", "alone")]
    found = mutant_cover.methods_without(pairs, ["part"], family)
    assert "alone" in found["part"]


def test_what_is_exempt_exists_and_says_why():
    """An exemption that names nothing any more is taken off the list."""
    known = {
        f"{family}.{name}"
        for family in mutant_cover.FAMILIES
        for name, _ in mutant_cover.public(family)
    }
    assert set(mutant_cover.EXEMPT) <= known
    assert all(len(reason.split()) >= 3 for reason in mutant_cover.EXEMPT.values())
