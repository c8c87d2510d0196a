r"""Take what a learning system exports, and keep of each student what counts.

A zip of Canvas names files ``nowakada_101_20455_lab.ipynb`` (``…_LATE_101_…`` if late,
``lab-1.ipynb`` if it is the second try), one of Moodle has a folder a student,
``Ada Nowak_4711_assignsubmission_file_/lab.ipynb``.  Every try is kept; the last one
before the deadline counts, and, where there is none, the first one after it.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from coursekit.labs.grading.folder import alike, printable, slug
from coursekit.labs.grading.times import TABLE, local
from coursekit.labs.grading.tries import Try, copy, tries

__all__ = ["Collected", "collect"]


@dataclass
class Collected:
    """Hold what was collected.

    Args:
        students: How many have a notebook that counts.
        tries: How many notebooks there were.
        late: Students whose notebook came after the deadline.
        ignored: Names that are no notebook, or cannot be read, with the reason.
    """

    students: int = 0
    tries: int = 0
    late: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def collect(
    sources: Iterable[Path], into: Path, deadline: datetime | None = None
) -> Collected:
    """Copy the notebook that counts of each student, and keep all others beside.

    Args:
        sources: Zips, folders and notebooks.
        into: Folder; gets ``STUDENT.ipynb``, every try under ``.tries/``, and
            ``.tries/times.csv`` with what was known of each, which `times` reads.
        deadline: What comes later counts only if nothing came before.

    Returns:
        What was found.

    Raises:
        ValueError: If there is nothing to collect, or two students' names are one.
    """
    done = Collected()
    found = list(tries(sources, done.ignored))
    done.tries = len(found)
    people: dict[str, set[str]] = {}
    for one in found:
        people.setdefault(one.student, set()).add(one.person)
    by_student: dict[str, list[Try]] = {}
    names: dict[str, str] = {}
    for one in found:
        if len(people[one.student]) > 1:  # two people of one name
            one = replace(one, student=f"{one.student}-{one.person}")
        for key in alike(one.student):
            if names.setdefault(key, one.student) != one.student:
                both = f"{one.student!r} and {names[key]!r}"
                raise ValueError(f"{both} are one name here.")
        by_student.setdefault(one.student, []).append(one)
    if not by_student:
        raise ValueError("there is no notebook (.ipynb) in what was given.")
    rows = [["student", "file", "time", "counts", "late", "sha256", "deadline"]]
    for theirs in by_student.values():
        rows += _keep(sorted(theirs, key=_order), into, deadline, done)
    with open(into / TABLE, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return done


def _order(one: Try) -> tuple[datetime, int]:
    return one.when, one.number


def _keep(
    theirs: list[Try], into: Path, deadline: datetime | None, done: Collected
) -> list[list[str]]:
    """Copy the tries of one student.

    Returns:
        Rows of the table of times.
    """
    in_time = [t for t in theirs if deadline is None or t.when <= deadline]
    counts = in_time[-1] if in_time else theirs[0]
    late = not in_time or (deadline is None and counts.late)
    folder = into / ".tries" / slug(theirs[0].student)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for k, one in enumerate(theirs):
        path = folder / f"{k:02d}-{one.when:%Y%m%dT%H%M%S}.ipynb"
        if problem := copy(one, path):
            done.ignored.append(problem)
        row = [printable(one.student), f"{folder.name}/{path.name}", local(one.when)]
        row += ["yes" if one is counts else "", "yes" if late else ""]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append([*row, digest, local(deadline) if deadline else ""])
        if one is counts:
            copy(one, into / f"{slug(one.student)}.ipynb")
    done.students += 1
    if late:
        done.late.append(printable(theirs[0].student))
    return rows
