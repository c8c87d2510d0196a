"""The search for missing tests makes the wrongs it says, and finds a planted gap."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mutation
from small_wrongs import small_wrongs

ROOT = Path(__file__).resolve().parents[2]

EXPECTED = {
    "a + b": {"a - b", "a", "b"},
    "a / b": {"a * b", "a", "b"},
    "a ** b": {"a * b", "a", "b"},
    "-a": {"a"},
    "not a": {"a"},
    "a < b": {"a <= b", "a > b"},
    "a >= b": {"a > b", "a <= b"},
    "a == b": {"a != b"},
    "a and b": {"a or b", "a", "b"},
    "True": {"False"},
    "1": {"0", "2"},
    "0.5": {"0.25", "1.0"},
    "a.sqrt()": {"a"},
    "torch.sqrt(a)": {"a"},
    "abs(a)": {"a"},
    "a.sum(dim=0)": {"a.mean(dim=0)", "a.sum(dim=1)"},
    "f(a, b)": {"f(b, a)"},
    "a if b else c": {"a", "c"},
}


@pytest.mark.parametrize("code", EXPECTED)
def test_an_expression_has_these_wrongs(code):
    """Each kind of change is made, and no other."""
    made = [w.text for w in small_wrongs(f"def f():\n    return {code}\n")]
    shown = {text.split("return ")[1].strip().strip("()") for text in made}
    assert shown == {one.strip("()") for one in EXPECTED[code]}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [("b1, b2 = betas", "b2, b1 = betas"), ("a += b", "a -= b")],
)
def test_a_statement_has_this_wrong(line, wrong):
    """Pairs are changed round, and sums of both kinds."""
    assert wrong in {w.new for w in small_wrongs(f"def f():\n    {line}\n")}


def test_what_computes_nothing_is_left_alone():
    """Docstrings, messages, types, imports and lists of names have no wrongs."""
    text = (
        '"""Doc 1 + 1."""\nfrom a import b\n__all__ = ["f"]\n\n\n'
        'def f(a: Float[Tensor, "1"]) -> Annotated[int, 3]:\n'
        '    """Doc 2."""\n    raise ValueError(f"{1 + 1}" + "4")\n'
    )
    assert list(small_wrongs(text)) == []


def test_only_the_named_place_is_changed():
    """A wrong differs from the source in one line; letters of all kinds stay."""
    text = 'def f(x):\n    y = x  # η → 1\n    return "é", y + 1  # (1)\n'
    for wrong in small_wrongs(text):
        pairs = zip(text.splitlines(), wrong.text.splitlines(), strict=True)
        assert [n for n, (a, b) in enumerate(pairs, 1) if a != b] == [wrong.line] == [3]
        assert "# (1)" in wrong.text


def test_parts_and_files_are_found_and_others_refused():
    """A part is its files without ``__init__``; a name without a file is an error."""
    assert [f.name for f in mutation.files_of("optim.adam")] == ["adam.py"]
    names = [f.name for f in mutation.files_of("metrics")]
    assert "auc.py" in names
    assert "__init__.py" not in names
    assert mutation.tests_of("device") == ROOT / "tests" / "test_device.py"
    assert mutation.tests_of("optim").is_dir()
    with pytest.raises(SystemExit, match="expected a part"):
        mutation.files_of("nothing")


PLANTED = """
import os, sys
sys.path.insert(0, {tools!r})
from pathlib import Path
import environment, mutation
mutation.ROOT = Path({root!r})
mutation.SLOW = ("pytest", "hypothesis")
mutation.search(["part"])
"""


def test_a_missing_test_is_found(tmp_path):
    """Of two lines one is tested: the wrongs of the other survive and are printed."""
    package, tests = tmp_path / "src" / "coursekit", tmp_path / "tests" / "part"
    (package / "part").mkdir(parents=True)
    tests.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "part" / "__init__.py").write_text("")
    code = "def f(a):\n    return a + 3\n\n\ndef g(a):\n    return a - 2\n"
    (package / "part" / "page.py").write_text(code)
    check = "from coursekit.part.page import f, g\n\n\ndef test_f():\n"
    (tests / "test_page.py").write_text(f"{check}    assert f(2) == 5\n    g(1)\n")
    script = PLANTED.format(tools=str(ROOT / "tools"), root=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    said = done.stdout.splitlines()
    assert "src/coursekit/part/page.py:6: a - 2  →  a + 2" in said, done
    assert not any("page.py:2:" in line for line in said)
    assert said[-2] == "src/coursekit/part/page.py: 5 of 10 killed"
    assert said[-1].startswith("5 survivors")
