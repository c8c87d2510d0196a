"""Notebooks for the tests of the grader: right answers, and ways to spoil them."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[3]
LAB = "11_initialization"
QUESTIONS = (
    "he_std",
    "glorot_std",
    "forward_backward_std",
    "symmetry_rank",
    "zero_last",
)


def released():
    """Read the notebook as students get it."""
    return json.loads((ROOT / "labs" / f"{LAB}.ipynb").read_text(encoding="utf-8"))


def solutions():
    """Read the right answers from the instructors' notebook."""
    path = ROOT / "labs" / "source" / f"{LAB}.ipynb"
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in QUESTIONS:
            found[name] = "".join(cell["source"])
    return found


def submission(changes=None, *, first="", last="", written="Because δ grows."):
    """Make a notebook: right answers, but for the changes.

    Args:
        changes: Source by question; ``None`` leaves the stub.
        first: Source of a cell before all others.
        last: Source of a cell after all others.
        written: Text of the written answer.
    """
    notebook, sources = released(), {**solutions(), **(changes or {})}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if sources.get(name) is not None:
            cell["source"] = sources[name]
        if name == "explain_flat_gradients":
            cell["source"] = written
    if first:
        notebook["cells"].insert(0, code(first))
    if last:
        notebook["cells"].append(code(last))
    return notebook


def code(source, **metadata):
    """Make a code cell."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }


def bare(*sources):
    """Make a notebook of code cells without any metadata."""
    cells = [code(source) for source in sources]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def only_if(name, condition, before=""):
    """Answer rightly only if an attack succeeds; so any point is a broken wall.

    Args:
        name: The question.
        condition: Expression; an exception counts as failure.
        before: Statements that prepare it.
    """
    indented = "\n".join("        " + line for line in before.splitlines())
    right = solutions()[name]
    return (
        f"{right}\n_right = {name}\n"
        f"def _attack():\n    try:\n{indented}\n        return bool({condition})\n"
        "    except BaseException:\n        return False\n"
        f"def {name}(*args):\n"
        "    return _right(*args) if _attack() else None\n"
    )
