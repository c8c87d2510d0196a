"""The notation table against the code that uses it."""

import ast
import inspect
from pathlib import Path

import pytest

import coursekit
from coursekit import init, optim
from coursekit.notation import SYMBOLS, symbol

ROOT = Path(coursekit.__file__).parent
HYPER = {name for rule in (optim.sgdm, optim.adam) for name in rule.hyper}
WORDS = {"convention", "variant", "mode", "direction", "statistic"}
PLUMBING = {"generator", "dtype", "device", "shape", "model", "at", "x", "y", "seed"}


def test_entries_are_complete():
    for entry in SYMBOLS:
        assert entry.latex
        assert "$" not in entry.latex
        assert entry.meaning
        assert all(name.isidentifier() for name in entry.identifiers)


def test_a_letter_with_several_meanings_says_where_each_holds():
    meanings = {}
    for entry in SYMBOLS:
        for name in entry.identifiers:
            meanings.setdefault(name, []).append(entry)
    for name, entries in meanings.items():
        unscoped = [entry for entry in entries if not entry.scope]
        assert len(unscoped) <= 1, name
        scopes = [scope for entry in entries for scope in entry.scope]
        assert len(scopes) == len(set(scopes)), (name, scopes)


def arguments_of(module):
    for name in module.__all__:
        member = getattr(module, name)
        if inspect.isfunction(member):
            for parameter in inspect.signature(member).parameters.values():
                if parameter.kind is not parameter.VAR_KEYWORD:
                    yield name, parameter.name


def known(name):
    return any(name in entry.identifiers for entry in SYMBOLS)


def test_every_hyperparameter_has_a_symbol():
    assert {name for name in HYPER - WORDS if not known(name)} == set()


def test_every_argument_of_the_initializers_has_a_symbol():
    structure = {"scheme", *WORDS, *PLUMBING}
    missing = {
        name
        for _, name in arguments_of(init)
        if not known(name) and name not in structure
    }
    assert missing == set()


def numbered_names():
    """Identifiers assigned in code lines that carry an equation's number."""
    for path in sorted(ROOT.glob("optim/*.py")) + sorted(ROOT.glob("init/*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Assign) and "  # (" in lines[node.end_lineno - 1]:
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield path.name, target.id


def test_left_hand_sides_of_numbered_lines_are_in_the_table():
    """Exceptions are words for what an equation names by its own symbols."""
    words = {"std", "bound", "sgd", "new", "forward", "backward", "r", "q"}
    unknown = {
        (page, name)
        for page, name in numbered_names()
        if not known(name) and name not in words
    }
    assert unknown == set()


def test_symbol_finds_by_argument_by_body_and_by_chapter():
    assert symbol("momentum") is symbol("mu")
    assert symbol("lr").unit == "parameter²/loss"
    assert symbol("m", scope="GD").argument == "buf"
    assert symbol("m", scope="ADAPT").argument == "exp_avg"
    assert symbol("eps", scope="NORM").meaning != symbol("eps", scope="ADAPT").meaning


@pytest.mark.parametrize(
    ("name", "scope", "message"),
    [
        ("m", "", r"got movement of SGDM .*; first-moment"),
        ("learning_rate", "", "got none; name a chapter as scope or add"),
    ],
)
def test_symbol_refuses_what_is_unknown_or_ambiguous(name, scope, message):
    with pytest.raises(ValueError, match=message):
        symbol(name, scope=scope)
