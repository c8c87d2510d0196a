r"""Write the copy of a submission that nbgrader's formgrader opens.

It holds the student's text and code, the result below each answer, and nbgrader's marks
on the cells that have points.  It is rebuilt, not copied: the student's outputs,
metadata, attachments and raw cells are left out and HTML in text is shown as text,
since formgrader renders this page in the browser of whoever grades.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from coursekit.labs.grading.gradebook import check_cell
from coursekit.labs.grading.outcome import Outcome, Question
from coursekit.labs.grading.submission import Cell, Submission
from coursekit.labs.grading.table import replace

__all__ = ["harmless", "write_view"]

TAG = re.compile(r"<(?=[A-Za-z/!?])(?!/?(?:details|summary|code)>)")  # hints fold
LINK = re.compile(r"\](?=\s*\((?!\s*(?:https?://|#)))")
FORMAT = {"nbformat": 4, "nbformat_minor": 5}
NO_CELL = "*The notebook has no cell with this question's mark.*"


def write_view(out: Path, submission: Submission, outcome: Outcome) -> None:
    """Write one submission where formgrader looks for it.

    Args:
        out: Folder of the output.
        submission: What was handed in.
        outcome: What came of it.
    """
    folder = out / "autograded" / outcome.slug / outcome.lab
    folder.mkdir(parents=True, exist_ok=True)
    # formgrader lists only what has a folder of sources, though it reads none there
    (out / "source" / outcome.lab).mkdir(parents=True, exist_ok=True)
    cells = [_shown(cell) for cell in submission.cells if _kept(cell)]
    if outcome.problem:
        cells.insert(0, _markdown(harmless(outcome.problem)))
    for question in outcome.questions:
        _mark(cells, question)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        cell["metadata"].pop("from", None)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": metadata, **FORMAT}
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    replace(folder / f"{outcome.lab}.ipynb", text + "\n")


def _kept(cell: Cell) -> bool:
    check = (cell.grade_id or "").startswith("check_")
    return cell.kind in ("code", "markdown") and not check


def _shown(cell: Cell) -> dict[str, Any]:
    code = cell.kind == "code"
    shown = _code(cell.source) if code else _markdown(harmless(cell.source))
    name = cell.grade_id or (cell.cell_id or "").replace("-", "_")
    shown["metadata"]["from"] = name
    return shown


def _markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str, printed: str = "") -> dict[str, Any]:
    output = {"name": "stdout", "output_type": "stream", "text": printed}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [output] if printed else [],
        "source": source,
    }


def harmless(text: str) -> str:
    """Leave of Markdown what cannot run: no tags but folds, no links but to the web.

    Args:
        text: A student's Markdown.

    Returns:
        Markdown in which the rest is shown as it was typed.
    """
    text = TAG.sub("&lt;", text)
    return LINK.sub("] ", text).replace("]:", "] :")  # no definition of a link


def _mark(cells: list[dict[str, Any]], question: Question) -> None:
    """Give the cells of a question their marks, and add what is missing.

    Args:
        cells: Cells of the view; changed.
        question: The question.
    """
    name = question.name
    at = [i for i, cell in enumerate(cells) if cell["metadata"].get("from") == name]
    if question.written:
        if not at:
            cells.append(_markdown(NO_CELL))
            at = [len(cells) - 1]
        cell = cells[at[-1]]
        cell["metadata"]["nbgrader"] = _nbgrader(question, grade=True, solution=True)
        return
    position = len(cells)
    if at:
        cell = cells[at[-1]]
        cell["metadata"]["nbgrader"] = _nbgrader(question, grade=False, solution=True)
        position = at[-1] + 1
    result = _code(f'check("{name}", {name})', _result(question))
    result["metadata"]["nbgrader"] = _nbgrader(question, grade=True, solution=False)
    cells.insert(position, result)


def _nbgrader(question: Question, grade: bool, solution: bool) -> dict[str, Any]:
    mark: dict[str, Any] = {
        "grade": grade,
        "grade_id": check_cell(question) if grade else question.name,
        "locked": grade and not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        "cell_type": "markdown" if question.written else "code",
        "checksum": "",
    }
    return {**mark, "points": question.max_points} if grade else mark


def _result(question: Question) -> str:
    points = f"{question.points or 0:g} of {question.max_points:g} points"
    parts = [f"  {p}: {e:g} of {m:g}" for p, (e, m) in question.parts.items()]
    return "\n".join([points, *parts, *question.sentences]) + "\n"
