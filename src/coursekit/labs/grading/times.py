r"""Read when submissions came, from the table that ``collect`` writes.

Times carry their distance from UTC.  One without it is a local time of this machine,
as exports of learning systems have it.  A time belongs to one notebook, told by its
hash: a notebook that was put in place of it by hand has no time.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path, PurePosixPath

from coursekit.labs.grading.folder import slug

__all__ = ["TABLE", "Times", "local", "moment", "read_times"]

TABLE = Path(".tries") / "times.csv"


@dataclass(frozen=True)
class Times:
    """Hold the times of a folder of submissions.

    Args:
        known: Time and hash of the notebook that counts, by slug; an empty hash fits
            every notebook.
        deadline: By which ``collect`` chose among the tries; ``None`` without one.
    """

    known: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    deadline: datetime | None = None

    def of(self, slug: str, sha256: str) -> datetime | None:
        """Look up when a notebook came.

        Args:
            slug: Whose it is.
            sha256: Its hash.

        Returns:
            The time, or ``None`` if it is not known.
        """
        when, known = self.known.get(slug, (None, ""))
        return when if known in ("", sha256) else None


def moment(text: str, what: str) -> datetime:
    """Read a date with a time.

    Args:
        text: ``"2026-11-20T23:59"``, with ``+01:00`` or ``Z`` if it is no local time.
        what: What the time is, for the message.

    Returns:
        The moment, with its distance from UTC.

    Raises:
        ValueError: If it is none; a date alone could mean its begin or its end.
    """
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        when = None
    if when is None or ":" not in text:
        raise ValueError(
            f"{what} got {text!r}, expected a date with a time, 2026-11-20T23:59 say."
        )
    when = when if when.tzinfo is not None else when.astimezone()
    return when.replace(tzinfo=timezone(when.utcoffset() or timedelta(0)))


def local(when: datetime) -> str:
    """Write a local time so that it is the same moment on every machine.

    Args:
        when: A time without a zone.

    Returns:
        ``"2026-11-20T23:59:00+01:00"`` say.
    """
    return when.astimezone().isoformat(timespec="seconds")


def read_times(submissions: Path) -> Times:
    """Read the times of a folder of submissions.

    Args:
        submissions: The folder; ``.tries/times.csv`` in it needs the columns
            ``student`` and ``time``, the others are optional.

    Returns:
        The times; none if there is no table.

    Raises:
        ValueError: If the table cannot be read.
    """
    path = submissions / TABLE
    if not path.exists():
        return Times()
    known, deadline = {}, None
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if missing := {"student", "time"} - set(rows.fieldnames or ()):
            raise ValueError(f"{path} has no column {sorted(missing)}.")
        for row in rows:
            if row.get("deadline"):
                deadline = moment(row["deadline"], str(path))
            if row.get("counts", "yes") == "yes" and row["time"]:
                folder = PurePosixPath(row.get("file") or "").parent.name
                name = slug(folder or row["student"])
                known[name] = moment(row["time"], str(path)), row.get("sha256") or ""
    return Times(known, deadline)
