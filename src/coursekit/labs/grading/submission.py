r"""Read one notebook as text that nobody vouches for.

A link is not followed, a file is read once and only up to a size, and what cannot be
read is a submission with a problem, never an exception.  Source is not parsed here:
that happens inside the sandbox.  Patterns are searched line by line, so that the time
they take grows with the text and not with its square.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coursekit.labs.grading.folder import Found, slug
from coursekit.labs.grading.values import utf8
from coursekit.labs.registry import Lab

__all__ = ["Cell", "Submission", "read"]

MAX_BYTES = 20 * 2**20
MAX_CELLS = 2000
MAX_SOURCE = 2 * 2**20
MAX_NESTED = 2**19  # lists and objects: in memory one of two bytes takes ninety
MAX_NAME = 200


@dataclass(frozen=True)
class Cell:
    """Hold one cell of a notebook.

    Args:
        kind: ``"code"``, ``"markdown"`` or another type.
        source: Its text.
        grade_id: nbgrader's id, if the cell kept it.
        cell_id: The notebook format's own id, if there is one.
    """

    kind: str
    source: str
    grade_id: str | None = None
    cell_id: str | None = None


@dataclass(frozen=True)
class Submission:
    """Hold what one student handed in.

    Args:
        student: Name that the folder gives.
        sha256: Hash of the file.
        cells: Its cells; empty if it could not be read.
        status: ``""``, or the status that ends the matter here.
        problem: The same in a sentence.
    """

    student: str
    sha256: str = ""
    cells: tuple[Cell, ...] = ()
    status: str = ""
    problem: str = ""

    @property
    def slug(self) -> str:
        """Name that is safe in a path, a URL and a database."""
        return slug(self.student)

    def code(self) -> list[dict[str, Any]]:
        """List the code cells as the worker takes them.

        Returns:
            ``source`` and ``grade_id`` by cell.
        """
        return [
            {"source": cell.source, "grade_id": cell.grade_id}
            for cell in self.cells
            if cell.kind == "code"
        ]

    def text(self, grade_id: str) -> str | None:
        """Find the text of a written answer.

        Args:
            grade_id: Name of the question.

        Returns:
            The last cell with this grade id, or else this cell id, or ``None``.
        """
        found = [c.source for c in self.cells if c.grade_id == grade_id]
        other = grade_id.replace("_", "-")
        found = found or [c.source for c in self.cells if c.cell_id == other]
        return found[-1] if found else None


class _UnreadableError(Exception):
    """Carry the sentence that says why a file cannot be read."""


def read(found: Found, lab: Lab, root: Path) -> Submission:
    """Read one submission.

    Args:
        found: Which one.
        lab: What it should hold.
        root: Folder of all submissions; below it no link is followed.

    Returns:
        The submission; with a status and a problem if it cannot be graded.
    """
    if found.path.is_dir() and not found.path.is_symlink():
        return Submission(
            found.student,
            status="corrupt",
            problem=f"The folder holds no notebook called {lab.name}.ipynb.",
        )
    digest = ""
    try:
        data = _bytes(found.path, root)
        digest = hashlib.sha256(data).hexdigest()
        cells = tuple(_cells(data))
    except _UnreadableError as error:
        return Submission(found.student, digest, status="corrupt", problem=str(error))
    if not _belongs(cells, lab):
        problem = f"The notebook has no cell of the lab {lab.name}."
        return Submission(found.student, digest, (), "wrong lab", problem)
    return Submission(found.student, digest, cells)


def _bytes(path: Path, root: Path) -> bytes:
    """Read a file that is no link, no device and not too large.

    Returns:
        Its content.

    Raises:
        _UnreadableError: If it is one of these, or cannot be read.
    """
    inner = [p for p in (path, *path.parents) if root in p.parents]
    if any(p.is_symlink() for p in inner):
        raise _UnreadableError("The file is a link to another file; not followed.")
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _UnreadableError("This is not a regular file.")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        said = error.strerror or "unknown error"
        raise _UnreadableError(f"The file cannot be read ({said}).") from None
    if len(data) > MAX_BYTES:
        size = MAX_BYTES // 2**20
        raise _UnreadableError(
            f"The notebook is larger than {size} MB. Clear its outputs and save again."
        )
    if not data.strip():
        raise _UnreadableError("The file is empty.")
    return data


def _cells(data: bytes) -> Iterable[Cell]:
    """Pick the cells out of a notebook of format 3 or 4.

    Yields:
        Cells with their text.

    Raises:
        _UnreadableError: If this is no notebook.
    """
    if data.count(b"[") + data.count(b"{") > MAX_NESTED:
        raise _UnreadableError(
            f"The notebook has more than {MAX_NESTED:,} lists. Clear its outputs and "
            "save again."
        )
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise _UnreadableError("The file is no notebook: it is not JSON.") from None
    cells = content.get("cells") if isinstance(content, dict) else None
    if cells is None and isinstance(content, dict):
        sheets = content.get("worksheets")
        if isinstance(sheets, list) and all(isinstance(s, dict) for s in sheets):
            lists = [s.get("cells") for s in sheets]
            cells = [c for one in lists if isinstance(one, list) for c in one]
    if not isinstance(cells, list):
        raise _UnreadableError("The file is JSON, but it has no list of cells.")
    if len(cells) > MAX_CELLS:
        raise _UnreadableError(f"The notebook has more than {MAX_CELLS} cells.")
    total = 0
    for cell in cells:
        if not isinstance(cell, dict):
            raise _UnreadableError("One cell of the notebook is malformed.")
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise _UnreadableError("The text of one cell is malformed.")
        total += len(source)
        if total > MAX_SOURCE:
            raise _UnreadableError("The cells have more text than a lab can need.")
        kind = _name(cell.get("cell_type")) or "none"
        yield Cell(kind, utf8(source), _grade_id(cell), _name(cell.get("id")))


def _grade_id(cell: dict[str, Any]) -> str | None:
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return _name(mark.get("grade_id")) if isinstance(mark, dict) else None


def _name(value: Any) -> str | None:
    """Take a name if it is one.

    Returns:
        Short text, or ``None``.
    """
    if not isinstance(value, str) or len(value) > MAX_NAME:
        return None
    return utf8(value)


def _belongs(cells: tuple[Cell, ...], lab: Lab) -> bool:
    """Say whether a notebook has anything of a lab; an empty one may be of any.

    Returns:
        Whether an id, or the definition of a function, is the lab's.
    """
    names = [e.name for e in lab.exercises]
    ids = {*names, *(w.name for w in lab.written)}
    if not any(cell.source.strip() for cell in cells):
        return True
    defined = re.compile(rf"^[ \t]*(?:def|class)[ \t]+(?:{'|'.join(names)})\b", re.M)
    assigned = re.compile(rf"^(?:{'|'.join(names)})\s*=", re.M)
    return any(
        cell.grade_id in ids
        or (cell.kind == "code" and defined.search(cell.source))
        or (cell.kind == "code" and assigned.search(cell.source))
        for cell in cells
    )
