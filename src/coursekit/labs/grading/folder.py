r"""Find the submissions of a folder, and give every student a safe name.

Two layouts are read: ``FOLDER/<student>.ipynb``, and nbgrader's
``FOLDER/<student>/<lab>/<lab>.ipynb``.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Found", "alike", "find", "is_litter", "names", "printable", "slug"]

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}")
LITTER = ("__MACOSX", ".ipynb_checkpoints")


@dataclass(frozen=True)
class Found:
    """Name one submission of a folder.

    Args:
        student: File or folder name, as the folder has it.
        path: The notebook, or the folder in which there is none.
    """

    student: str
    path: Path


def slug(name: str) -> str:
    """Make a name safe for a path, a URL and a database, and keep it unique.

    An accent counts the same whether it is a character of its own (as macOS writes it)
    or part of its letter.

    Args:
        name: Any file name, undecodable bytes included.

    Returns:
        The name itself if it is safe already, else what is safe of it and a hash.

    Example:
        >>> slug("ada"), slug("../é'<b>")[:3]
        ('ada', '_b_')
    """
    if SAFE.fullmatch(name):
        return name
    name = unicodedata.normalize("NFC", name)
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:10]
    kept = re.sub(r"[^A-Za-z0-9-]+", "_", name)[:40]
    return f"{kept}-{digest}"


def alike(name: str) -> set[str]:
    """Give what two names may not share: somebody would take them for one.

    Args:
        name: Any file name.

    Returns:
        Keys: the name for a person and for file systems, where case does not count,
        nor how an accent is written; and its slug, which another could be called.

    Example:
        >>> alike("Ada") & alike("ada"), alike("Ada") & alike("adam")
        ({'ada'}, set())
    """
    return {unicodedata.normalize("NFC", name).lower(), slug(name).lower()}


def is_litter(parts: Sequence[str]) -> bool:
    """Say whether a path is what macOS or Jupyter leaves beside a notebook.

    Args:
        parts: Names of its folders and its own.

    Returns:
        Whether it is.

    Example:
        >>> is_litter(["__MACOSX", "ada.ipynb"]), is_litter(["._ada.ipynb"])
        (True, True)
    """
    return any(part in LITTER or part.startswith("._") for part in parts)


def printable(name: str) -> str:
    r"""Show a name without control characters and undecodable bytes.

    Args:
        name: Any file name.

    Returns:
        Text that a terminal, a table and a page can show.

    Example:
        >>> printable("a\nb\u202e")
        'a?b?'
    """
    text = name.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "?" for c in text)


def names(student: str) -> tuple[str | None, str]:
    """Split a name as formgrader shows names, which it does only if there are two.

    Args:
        student: Any file name.

    Returns:
        First and last name; for one word that is its own slug no first name, so that
        formgrader shows the slug.

    Example:
        >>> names("Ada Nowak"), names("Nowak, Ada"), names("ada")
        (('Ada', 'Nowak'), ('Ada', 'Nowak'), (None, 'ada'))
    """
    shown = printable(student)
    last, comma, first = (part.strip() for part in shown.partition(","))
    if not comma:
        first, _, last = (part.strip() for part in shown.rpartition(" "))
    if not first and slug(student) == student:
        return None, shown[:128]
    return first[:128], last[:128]


def find(folder: Path, lab: str) -> tuple[list[Found], list[str]]:
    """List the submissions of a folder.

    Args:
        folder: The folder.
        lab: Name of the lab, which nbgrader's layout uses.

    Returns:
        The submissions by student, and the names of entries that are none.

    Raises:
        ValueError: If a student has two of them.
    """
    found: list[Found] = []
    taken: dict[str, Found] = {}
    ignored: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            ignored += [path.name] if path.suffix == ".ipynb" else []
            continue
        if path.suffix == ".ipynb":
            one = Found(path.stem, path)
        elif path.is_dir() and not path.is_symlink() and path.name not in LITTER:
            one = Found(path.name, _notebook_in(path, lab))
        else:
            ignored.append(path.name)
            continue
        for key in alike(one.student):
            other = taken.setdefault(key, one)
            if other is not one:
                paths = [printable(p.name) for p in (other.path, one.path)]
                raise ValueError(
                    f"two submissions of {printable(one.student)!r}: "
                    f"{' and '.join(paths)}. Keep one of them."
                )
        found.append(one)
    return found, ignored


def _notebook_in(folder: Path, lab: str) -> Path:
    for path in (folder / lab / f"{lab}.ipynb", folder / f"{lab}.ipynb"):
        if os.path.lexists(path):
            return path
    for place in (folder / lab, folder):
        if place.is_dir() and not place.is_symlink():
            notebooks = sorted(p for p in place.iterdir() if p.suffix == ".ipynb")
            if len(notebooks) == 1:
                return notebooks[0]
    return folder
