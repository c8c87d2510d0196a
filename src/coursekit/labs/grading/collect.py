r"""Take what a learning system exports, and keep of each student what counts.

A zip of Canvas names files ``nowakada_101_20455_lab.ipynb`` (``…_LATE_101_…`` if late,
``lab-1.ipynb`` if it is the second try), one of Moodle has a folder a student,
``Ada Nowak_4711_assignsubmission_file_/lab.ipynb``.  Every try is kept; the last one
before the deadline counts, and, where there is none, the first one after it.
"""

from __future__ import annotations

import csv
import hashlib
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from coursekit.labs.grading.folder import printable, slug
from coursekit.labs.grading.submission import MAX_BYTES
from coursekit.labs.grading.times import TABLE, local

__all__ = ["Collected", "Try", "collect", "student_of"]

CANVAS = re.compile(r"(?P<who>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d+_(?P<n>.+)")
MOODLE = re.compile(
    r"(?P<who>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?/.+"
)
AGAIN = re.compile(r"-(\d+)$")
MAX_ENTRIES = 100_000
COPY = 2**20


@dataclass(frozen=True)
class Try:
    """Name one notebook that somebody handed in.

    Args:
        student: Name, as the system writes it.
        person: Number by which the system tells people of one name apart.
        when: When it was handed in, as far as the export tells.
        number: Which try it is, where the file name counts them.
        late: Whether the system itself calls it late.
        archive: The zip it lies in, or ``None`` for a file.
        name: Its name in the zip, or its path.
    """

    student: str
    person: str
    when: datetime
    number: int
    late: bool
    archive: Path | None
    name: str


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


def student_of(name: str) -> tuple[str, str, int, bool]:
    """Read student, number in the system, number of the try and lateness off a name.

    Args:
        name: Name in the zip, with ``/``.

    Returns:
        The four; a name of no known scheme is its own student, without a number.

    Example:
        >>> student_of("nowakada_LATE_101_20455_lab-2.ipynb")
        ('nowakada', '101', 2, True)
        >>> student_of("Ada Nowak_4711_assignsubmission_file_/lab.ipynb")
        ('Ada Nowak', '4711', 0, False)
        >>> student_of("ada.ipynb")
        ('ada', '', 0, False)
    """
    stem = name.removesuffix(".ipynb")
    if found := MOODLE.fullmatch(name):
        return found["who"].rpartition("/")[2], found["id"], 0, False
    last = stem.rpartition("/")[2]
    if found := CANVAS.fullmatch(last):
        again = AGAIN.search(found["n"])
        number = int(again[1]) if again else 0
        return found["who"], found["id"], number, bool(found["late"])
    return last, "", 0, False


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
    found = list(_tries(sources, done))
    done.tries = len(found)
    people: dict[str, set[str]] = {}
    for one in found:
        people.setdefault(one.student, set()).add(one.person)
    by_student: dict[str, list[Try]] = {}
    names: dict[str, str] = {}
    for one in found:
        if len(people[one.student]) > 1:  # two people of one name
            one = replace(one, student=f"{one.student}-{one.person}")
        key = slug(one.student).lower()
        if names.setdefault(key, one.student) != one.student:
            raise ValueError(f"{one.student!r} and {names[key]!r} are one name here.")
        by_student.setdefault(key, []).append(one)
    if not by_student:
        raise ValueError("there is no notebook (.ipynb) in what was given.")
    rows = [["student", "file", "time", "counts", "late", "sha256", "deadline"]]
    for tries in by_student.values():
        rows += _keep(sorted(tries, key=_order), into, deadline, done)
    with open(into / TABLE, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return done


def _order(one: Try) -> tuple[datetime, int]:
    return one.when, one.number


def _keep(
    tries: list[Try], into: Path, deadline: datetime | None, done: Collected
) -> list[list[str]]:
    """Copy the tries of one student.

    Returns:
        Rows of the table of times.
    """
    in_time = [t for t in tries if deadline is None or t.when <= deadline]
    counts = in_time[-1] if in_time else tries[0]
    late = not in_time or (deadline is None and counts.late)
    folder = into / ".tries" / slug(tries[0].student)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for k, one in enumerate(tries):
        path = folder / f"{k:02d}-{one.when:%Y%m%dT%H%M%S}.ipynb"
        _copy(one, path)
        row = [printable(one.student), f"{folder.name}/{path.name}", local(one.when)]
        row += ["yes" if one is counts else "", "yes" if late else ""]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append([*row, digest, local(deadline) if deadline else ""])
        if one is counts:
            _copy(one, into / f"{slug(one.student)}.ipynb")
    done.students += 1
    if late:
        done.late.append(printable(tries[0].student))
    return rows


def _tries(sources: Iterable[Path], done: Collected) -> Iterator[Try]:
    for source in sources:
        if source.is_symlink() or not source.exists():
            raise ValueError(f"{source} is no zip, folder or notebook.")
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    yield from _file(path, path.relative_to(source).as_posix(), done)
        elif zipfile.is_zipfile(source):
            yield from _zipped(source, done)
        else:
            yield from _file(source, source.name, done)


def _file(path: Path, name: str, done: Collected) -> Iterator[Try]:
    if path.suffix != ".ipynb" or path.is_symlink():
        done.ignored.append(f"{printable(name)}: no notebook")
        return
    when = datetime.fromtimestamp(path.stat().st_mtime)
    student, person, number, late = student_of(name)
    yield Try(student, person, when, number, late, None, str(path))


def _zipped(archive: Path, done: Collected) -> Iterator[Try]:
    """List the notebooks of a zip, and name what is none.

    Yields:
        Tries, with the times that the zip has of its entries.

    Raises:
        ValueError: If the zip has more entries than a class can have.
    """
    with zipfile.ZipFile(archive) as file:
        entries = file.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f"{archive} has {len(entries)} entries; split it.")
    for entry in entries:
        name = entry.filename
        mode = entry.external_attr >> 16
        if entry.is_dir() or "__MACOSX/" in name:
            continue
        if not name.endswith(".ipynb") or stat.S_ISLNK(mode):
            done.ignored.append(f"{printable(name)}: no notebook")
        elif entry.file_size > MAX_BYTES or entry.flag_bits & 1:
            why = "encrypted" if entry.flag_bits & 1 else "too large"
            done.ignored.append(f"{printable(name)}: {why}")
        else:
            student, person, number, late = student_of(name)
            when = datetime(*entry.date_time)
            yield Try(student, person, when, number, late, archive, name)


def _copy(one: Try, path: Path) -> None:
    """Copy a notebook, never more of it than a notebook may have.

    Raises:
        ValueError: If an entry of a zip is larger than it says.
    """
    if one.archive is None:
        path.write_bytes(Path(one.name).read_bytes()[: MAX_BYTES + 1])
        return
    left = MAX_BYTES
    with (
        zipfile.ZipFile(one.archive) as file,
        file.open(one.name) as source,
        open(path, "wb") as target,
    ):
        while part := source.read(COPY):
            left -= len(part)
            if left < 0:
                raise ValueError(f"{one.name} is larger than {one.archive} says.")
            target.write(part)
