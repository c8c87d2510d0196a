"""Equations live once: each numbered line of a docstring has its line of code."""

import re
import types
from importlib import import_module
from pathlib import Path

import pytest

import coursekit
from coursekit.notation import equations
from coursekit.optim import adam, nag

ROOT = Path(coursekit.__file__).parent
PAGES = [
    *("init", "layers", "models", "optim", "probes", "diagnosis"),
    *("schedules", "losses", "metrics", "norm", "parallel", "parallel/distributed"),
    *("regularization", "compression"),
    *("data", "selection", "curvature", "sweep"),
]
COMMENT = re.compile(r"  # \((\d+)\)(?:, \((\d+)\))?$", re.MULTILINE)
NUMBER = re.compile(r"\\qquad \((\d+)\)")


def files_of_pages():
    for name in PAGES:
        path = ROOT / name
        files = (
            sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        )
        yield from (file for file in files if file.name != "__init__.py")


each_page = pytest.mark.parametrize(
    "path", list(files_of_pages()), ids=lambda p: p.relative_to(ROOT).as_posix()
)


def drift(source):
    """Numbers that stand only in the docstrings or only in the code."""
    stated = {int(n) for n in NUMBER.findall(source)}
    done = {int(n) for found in COMMENT.findall(source) for n in found if n}
    return stated ^ done


@each_page
def test_equations_and_code_lines_carry_the_same_numbers(path):
    assert drift(path.read_text(encoding="utf-8")) == set()


@each_page
def test_lines_of_code_follow_the_order_of_their_equations(path):
    """Within one function the numbers do not fall."""
    for body in re.split(
        r"^(?:def|class) ", path.read_text(encoding="utf-8"), flags=re.M
    ):
        numbers = [int(first) for first, _ in COMMENT.findall(body)]
        assert numbers == sorted(numbers)


def test_drift_is_seen():
    page = 'r"""x &= 1 \\qquad (1) \\\\\n y &= 2 \\qquad (2)"""\nx = 1  # (1)\n'
    assert drift(page) == {2}
    assert drift(page + "y = 2  # (2)\nz = 3  # (3)\n") == {3}
    assert drift(page + "y = 2  # (2)\n") == set()


@each_page
def test_every_page_is_raw_and_numbered_from_one(path):
    source = path.read_text(encoding="utf-8")
    assert source.startswith('r"""')
    dotted = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    equations(import_module(dotted))


def test_equations_are_read_in_order_and_joined_over_lines():
    found = equations(adam.update)
    assert [line.number for line in found] == [1, 2, 3, 4, 5, 6]
    assert found[0].latex == r"m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t"
    assert r"\frac{m_t}{\sqrt{v_t} + \hat\epsilon}" in found[5].latex
    assert "\n" not in found[5].latex


def test_latex_is_one_align_with_tags():
    latex = equations(nag.update)._repr_latex_()
    assert latex.startswith(r"\begin{align}")
    assert latex.count(r"\tag{") == 7
    assert latex.count("\\\\\n") == 6


def page(text):
    module = types.ModuleType("page")
    module.__doc__ = text
    return module


def test_text_outside_of_math_blocks_is_not_an_equation():
    text = "Prose.\n\n.. math::\n\n    a &= b \\qquad (1)\n\nNo x &= y \\qquad (2)\n"
    assert [line.latex for line in equations(page(text))] == ["a &= b"]
    assert equations(page("Nothing.")) == ()


def test_wrong_numbers_and_wrong_owners_are_refused():
    with pytest.raises(ValueError, match=r"numbered 1, 2, ..., got \[2\]"):
        equations(page("Prose.\n\n.. math::\n\n    a &= b \\qquad (2)\n"))
    with pytest.raises(TypeError, match=r"equations\(adam.update\)"):
        equations(adam)
