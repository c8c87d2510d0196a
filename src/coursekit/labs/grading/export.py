r"""Bring the points of a lab into the table that a learning system imports.

The roster is the file that the system itself exports: Canvas's gradebook or Moodle's
grading worksheet.  Its rows and columns stay as they are, one column is filled.  Who
handed in something and is not in the roster, or the other way about, is named: nobody
is dropped in silence.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.labs.grading.table import harmless_cell, replace

__all__ = ["FORMATS", "Exported", "export"]

FORMATS = ("csv", "canvas", "moodle")
CANVAS_ID = "ID"
CANVAS_POSSIBLE = "Points Possible"
PLAIN = {  # column of the plain table, and of grades.csv
    "points": "total",
    "maximum": "max",
    "status": "status",
    "points_before": "points_before",
    "penalty": "penalty",
    "late_rule": "late_rule",
}
MOODLE_GRADE, MOODLE_MAXIMUM = "Grade", "Maximum Grade"
Rows = list[list[str]]


@dataclass
class Exported:
    """Hold what an export did.

    Args:
        written: How many students got points.
        matched_by: Column of the roster that names the submissions.
        not_in_roster: Submissions of nobody in the roster.
        without_submission: Rows of the roster without a submission.
        rule: What being late costs; empty without a deadline.
        late: Submissions whose points are fewer by that rule.
    """

    written: int = 0
    matched_by: str = ""
    not_in_roster: list[str] = field(default_factory=list)
    without_submission: list[str] = field(default_factory=list)
    rule: str = ""
    late: list[str] = field(default_factory=list)


def export(
    grades: Path,
    to: Path,
    kind: str,
    roster: Path | None = None,
    column: str | None = None,
    match: str | None = None,
) -> Exported:
    """Write the points of a lab for a learning system.

    Args:
        grades: The table ``grades.csv`` of a graded lab.
        to: File to write.
        kind: One of `FORMATS`.
        roster: The system's own export; needed for all kinds but ``"csv"``.
        column: Column to fill, or to add; for Canvas ``"Lab 11 (4711)"`` say.
        match: Column of the roster with the names of the submissions; by default the
            one that knows the most of them.

    Returns:
        What was matched and what was not.

    Raises:
        ValueError: If a file is not what it should be, or names match twice.
    """
    if kind not in FORMATS:
        raise ValueError(f"--format got {kind!r}, expected one of {FORMATS}.")
    points = _points(grades)
    rules = {row[5] for row in points.values()}
    late = [name for name, row in points.items() if row[4] not in ("", "0")]
    found = Exported(rule=" ".join(rules), late=late)
    if kind == "csv":
        rows = [["student", *PLAIN]] + [
            [harmless_cell(n), *r] for n, r in points.items()
        ]
        width = len(rows[0]) if found.rule else 4
        replace(to, _text([row[:width] for row in rows]))
        found.written, found.matched_by = len(points), "student"
        return found
    if roster is None:
        raise ValueError(f"--format {kind} needs --roster, the table to fill.")
    table = _read(roster)
    head = table[0]
    found.matched_by = match or _best_column(table, points)
    if found.matched_by not in head:
        raise ValueError(f"{roster} has no column {found.matched_by!r}, but {head}.")
    at = _column(table, kind, column, roster)
    _fill(table, head.index(found.matched_by), at, points, kind, found)
    replace(to, _text(table))
    return found


def _points(grades: Path) -> dict[str, list[str]]:
    """Read by student what `PLAIN` names; what a table has not is empty.

    Returns:
        Them, as text.

    Raises:
        ValueError: If this is no table that grading wrote.
    """
    head, *rows = _read(grades)
    if not {"total", "max", "status"} <= set(head):
        raise ValueError(f"{grades} is no table of grades: {head}.")
    named = [dict(zip(head, row, strict=False)) for row in rows]
    return {
        row[0].removeprefix("'"): [one.get(name, "") for name in PLAIN.values()]
        for row, one in zip(rows, named, strict=True)
    }


def _read(path: Path) -> Rows:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8; save it as CSV UTF-8.") from None
    rows = [row for row in csv.reader(io.StringIO(text)) if any(row)]
    if len(rows) < 1:
        raise ValueError(f"{path} is empty.")
    return rows


def _text(rows: Rows) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _key(name: str) -> str:
    """Reduce a name to what systems agree on: letters and digits, in their order.

    Returns:
        The key; ``"Nowak, Ada"`` and ``"nowak_ada"`` have the same.
    """
    text = unicodedata.normalize("NFKD", name.partition("@")[0]).casefold()
    return "".join(c for c in text if c.isalnum())


def _best_column(table: Rows, points: Mapping[str, object]) -> str:
    """Find the column of a roster that knows the most submissions.

    Returns:
        Its name.

    Raises:
        ValueError: If none knows any.
    """
    names = {_key(name) for name in points}
    known = [
        len({_key(row[i]) for row in table[1:] if i < len(row)} & names)
        for i in range(len(table[0]))
    ]
    if not any(known):
        raise ValueError(
            "no column of the roster has the names of the submissions "
            f"({', '.join(list(points)[:3])} …). Name one with --match, or name the "
            "notebooks as the roster names its students."
        )
    return table[0][known.index(max(known))]


def _column(table: Rows, kind: str, column: str | None, roster: Path) -> int:
    """Find the column to fill; Canvas's is added if there is none.

    Returns:
        Its place.

    Raises:
        ValueError: If the roster is not of this system.
    """
    head = table[0]
    needed = CANVAS_ID if kind == "canvas" else MOODLE_GRADE
    if needed not in head:
        raise ValueError(
            f"{roster} has no column {needed!r}: it is no {kind} table, but {head}."
        )
    if kind == "moodle":
        column = column or MOODLE_GRADE
    if column is None:
        raise ValueError("--format canvas needs --column, the assignment's name there.")
    if column not in head:
        if kind == "moodle":
            raise ValueError(f"{roster} has no column {column!r}, but {head}.")
        head.append(column)
    at = head.index(column)
    for row in table[1:]:
        row += [""] * (len(head) - len(row))
    return at


def _fill(
    table: Rows,
    by: int,
    at: int,
    points: Mapping[str, Sequence[str]],
    kind: str,
    found: Exported,
) -> None:
    """Write the points into the rows of those who handed in something.

    Raises:
        ValueError: If two rows, or two submissions, have the same name.
    """
    keys: dict[str, str] = {}
    for name in points:
        if (other := keys.setdefault(_key(name), name)) != name:
            raise ValueError(f"{name!r} and {other!r} cannot be told apart.")
    head, seen = table[0], set()
    maximum = next(iter(points.values()))[1] if points else ""
    for row in table[1:]:
        if kind == "canvas" and row[0].strip() == CANVAS_POSSIBLE:
            row[at] = maximum
            continue
        key = _key(row[by])
        if key not in keys:
            found.without_submission.append(row[by])
            continue
        if key in seen:
            raise ValueError(f"the roster has two rows for {row[by]!r}; use --match.")
        seen.add(key)
        row[at] = points[keys[key]][0]
        if kind == "moodle" and MOODLE_MAXIMUM in head:
            place = head.index(MOODLE_MAXIMUM)
            row[place] = row[place] or maximum
        found.written += 1
    found.not_in_roster = [name for key, name in keys.items() if key not in seen]
