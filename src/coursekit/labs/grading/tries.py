r"""Read exports of learning systems: who handed in what, and when.

Names in an export are given by the system, but what follows them is the student's own:
a folder may be called like somebody else's.  So the outermost name counts.  Links,
other files and what macOS and Jupyter leave are passed over; a notebook that is damaged
or too large is taken as it is, so that grading gives it its status.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from coursekit.labs.grading.folder import is_litter, printable
from coursekit.labs.grading.submission import MAX_BYTES

__all__ = ["Try", "copy", "student_of", "tries"]

CANVAS = re.compile(r"(?P<who>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d+_(?P<n>.+)")
MOODLE = re.compile(r"(?P<who>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?")
AGAIN = re.compile(r"-(\d+)$")
MAX_ENTRIES = 100_000
NO_TIME = datetime(1980, 1, 1)  # what a zip writes that knows none
DAMAGED = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


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
        entry: What the zip says of it, or ``None`` for a file.
    """

    student: str
    person: str
    when: datetime
    number: int
    late: bool
    archive: Path | None
    name: str
    entry: zipfile.ZipInfo | None = None


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
    *folders, last = name.removesuffix(".ipynb").split("/")
    for folder in folders:  # the outermost is the system's, others are the student's
        if found := MOODLE.fullmatch(folder):
            return found["who"], found["id"], 0, False
    if found := CANVAS.fullmatch(last):
        again = AGAIN.search(found["n"])
        number = int(again[1]) if again else 0
        return found["who"], found["id"], number, bool(found["late"])
    return last, "", 0, False


def tries(sources: Iterable[Path], ignored: list[str]) -> Iterator[Try]:
    """List the notebooks of exports.

    Args:
        sources: Zips, folders and notebooks.
        ignored: Gets the names of what is no notebook, with the reason.

    Yields:
        Tries, in the order in which they are found.

    Raises:
        ValueError: If a source is none of these, or cannot be read at all.
    """
    for source in sources:
        if source.is_symlink() or not source.exists():
            raise ValueError(f"{source} is no zip, folder or notebook.")
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    yield from _file(path, path.relative_to(source).as_posix(), ignored)
        elif zipfile.is_zipfile(source):
            yield from _zipped(source, ignored)
        else:
            yield from _file(source, source.name, ignored)


def _file(path: Path, name: str, ignored: list[str]) -> Iterator[Try]:
    if is_litter(name.split("/")):
        return
    if path.suffix != ".ipynb" or path.is_symlink():
        ignored.append(f"{printable(name)}: no notebook")
        return
    when = datetime.fromtimestamp(path.stat().st_mtime)
    student, person, number, late = student_of(name)
    yield Try(student, person, when, number, late, None, str(path))


def _zipped(archive: Path, ignored: list[str]) -> Iterator[Try]:
    """List the notebooks of a zip, and name what is none.

    Yields:
        Tries, with the times that the zip has of its entries.

    Raises:
        ValueError: If it cannot be read, or has more entries than a class can have.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            entries = file.infolist()
    except DAMAGED as error:
        raise ValueError(f"{archive} is damaged ({error}).") from None
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f"{archive} has {len(entries)} entries; split it.")
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if entry.is_dir() or is_litter(name.split("/")):
            continue
        if not name.endswith(".ipynb") or stat.S_ISLNK(entry.external_attr >> 16):
            ignored.append(f"{printable(name)}: no notebook")
            continue
        student, person, number, late = student_of(name)
        when = _time(entry)
        yield Try(student, person, when, number, late, archive, name, entry)


def _time(entry: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*entry.date_time)
    except ValueError:  # some programs write a month 0
        return NO_TIME


def copy(one: Try, path: Path) -> str:
    """Copy a notebook, and never more of it than tells that it is too large.

    Args:
        one: The try.
        path: Where to.

    Returns:
        Why it cannot be read; empty if it can.
    """
    try:
        if one.archive is None or one.entry is None:
            with open(one.name, "rb") as source:
                path.write_bytes(source.read(MAX_BYTES + 1))
            return ""
        with zipfile.ZipFile(one.archive) as file, file.open(one.entry) as source:
            path.write_bytes(source.read(MAX_BYTES + 1))
    except DAMAGED as error:
        path.write_bytes(b"")
        return printable(f"{one.name}: cannot be read ({error})")
    return ""
