r"""Write ``grades.csv``: a line a student, a column a question.

Where there is a deadline, ``points_before`` less ``penalty`` is ``total``, and each
line says when the submission came, when it was due and which rule holds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from coursekit.labs.grading.folder import printable
from coursekit.labs.grading.gradebook import Entry, check_cell
from coursekit.labs.grading.late import Handed
from coursekit.labs.grading.outcome import Outcome
from coursekit.labs.registry import Lab

__all__ = ["harmless_cell", "replace", "write_table"]

BEFORE = ("points_before", "penalty")
AFTER = ("handed_in", "due", "late_rule")
FORMULA = ("=", "+", "-", "@")


def write_table(
    path: Path,
    lab: Lab,
    outcomes: Iterable[Outcome],
    entries: Mapping[str, Mapping[str, Entry]],
    handed: Mapping[str, Handed] | None = None,
) -> None:
    """Write the table of a lab.

    Args:
        path: The file.
        lab: The lab.
        outcomes: One a submission.
        entries: What the gradebook has, scores given by a person included.
        handed: When each came and what that costs; empty without a deadline.
    """
    names = [e.name for e in lab.exercises] + [w.name for w in lab.written]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    middle, end = (BEFORE, AFTER) if handed else ((), ())
    head = ["student", "status", *names, *middle]
    writer.writerow([*head, "total", "max", "needs_manual_grading", *end])
    for outcome in outcomes:
        cells = [entries[outcome.slug][check_cell(q)] for q in outcome.questions]
        scores = [_number(c.score) for c in cells]
        open_ = [
            q.name
            for q, c in zip(outcome.questions, cells, strict=True)
            if c.needs_grading
        ]
        total = sum(c.score or 0.0 for c in cells)
        row = [harmless_cell(outcome.student), outcome.status, *scores]
        end = []
        if handed:
            one = handed[outcome.slug]
            row += [_number(total), _number(one.penalty(total))]
            total -= one.penalty(total)
            end = [one.when.isoformat() if one.when else "", one.due.isoformat()]
            end.append(str(one.rule))
        row += [_number(total), _number(outcome.max_points), " ".join(open_)]
        writer.writerow([*row, *end])
    replace(path, file.getvalue())


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new one, never half of it.

    Args:
        path: The file.
        text: Its content; a file that has it already is left alone.
    """
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    other = path.with_name(path.name + ".new")
    other.write_text(text, encoding="utf-8")
    other.replace(path)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def harmless_cell(name: str) -> str:
    """Keep a spreadsheet from taking a student's name for a formula.

    Args:
        name: The name, as a folder has it.

    Returns:
        The name, after an apostrophe if it starts like a formula.
    """
    shown = printable(name)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
