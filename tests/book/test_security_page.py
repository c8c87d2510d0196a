"""What the page on security cites is there: every test and every file it names."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "grading_security.md").read_text(encoding="utf-8")
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests" / "labs" / "grading").glob("test_*.py"))
)
ROWS = [r for r in PAGE.splitlines() if r.startswith("|") and "`test_" in r]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_every_test_it_names_is_one(name):
    assert f"\ndef {name}(" in TESTS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+\.py)`", PAGE))))
def test_every_file_it_names_is_one(name):
    assert (ROOT / "src" / "coursekit" / "labs" / "grading" / name).is_file()


def test_every_promise_is_tried():
    table = PAGE.partition("| Promised |")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == ROWS
    assert len(ROWS) >= 10
