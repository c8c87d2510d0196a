r"""Where a run reads and writes: places apart from each other, for one run alone."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Generator
from pathlib import Path

from coursekit.labs.grading.confine import mounted

__all__ = ["alone", "held", "keep_apart"]


def keep_apart(submissions: Path, out: Path, secret: Path) -> None:
    """Refuse a layout in which a submission could read or replace the others' data.

    Args:
        submissions: Their folder.
        out: Folder for the results.
        secret: File of the course's secret.

    Raises:
        ValueError: If one of them lies in another, or in what the sandbox shows.
    """
    for path in (secret, out):
        if submissions in (path, *path.parents):
            raise ValueError(f"{path} lies in the folder of submissions; move it out.")
    if out in secret.parents:
        raise ValueError(f"{secret} lies in the output; name another with --secret.")
    for path in (submissions, out, secret):
        for shown in map(Path.resolve, mounted()):
            if shown in (path, *path.parents):
                raise ValueError(
                    f"{path} lies in {shown}, which every submission can read; "
                    "move it out of there."
                )


@contextlib.contextmanager
def alone(out: Path) -> Generator[None]:
    """Keep a second run out of the same output, which is made if there is none.

    Args:
        out: Folder for the results.

    Yields:
        Nothing.

    Raises:
        ValueError: If another run is writing there.
    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(out / ".lock", str(out)):
        yield


@contextlib.contextmanager
def held(lock: Path, what: str) -> Generator[None]:
    """Hold a lock that ends with the process.

    Args:
        lock: Its file; made if there is none.
        what: What it guards, for the message.

    Yields:
        Nothing.

    Raises:
        ValueError: If another process holds it.
    """
    with open(lock, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"another run is grading into {what}.") from None
        yield
