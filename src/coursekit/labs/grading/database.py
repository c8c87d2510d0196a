r"""Say in which database a gradebook lies, and open it for one run alone.

By default that is SQLite, a file beside the results.  A course can name another: a
SQLite file, or a PostgreSQL database that several machines reach.  The folder of the
results remembers it, without the password, so that no later run takes another by
mistake.  No password is ever in a message, in a file or on a command line of ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.nbgrader_book import NoNbgraderError
from coursekit.labs.grading.place import held
from coursekit.labs.registry import Lab

__all__ = ["database", "file_of", "is_graded", "opened", "without_password"]

NOTE, DEFAULT = "gradebook.url", "gradebook.db"
SECRETS = ("password", "sslpassword")
LOCK = 0x636F757273656B69  # of PostgreSQL's advisory locks, for this program
EXPECTED = "postgresql://USER@HOST/NAME, or sqlite:////FOLDER/FILE.db"


def is_graded(out: Path) -> bool:
    """Say whether a folder of results has a gradebook.

    Args:
        out: The folder.

    Returns:
        Whether something was graded into it.
    """
    return (out / NOTE).exists() or (out / DEFAULT).exists()


def database(out: Path, given: str | None = None) -> Any:
    """Choose the database of a folder of results.

    Args:
        out: The folder.
        given: Its URL as the user names it; the one of earlier runs if ``None``.

    Returns:
        An `sqlalchemy.engine.URL`.

    Raises:
        ValueError: If it is no URL, of another kind, or not that of earlier runs.
    """
    note, own = out / NOTE, _own(out)
    before = own if (out / DEFAULT).exists() else None
    if note.exists():
        before = _read(note.read_text(encoding="utf-8").strip())
    url = _read(given) if given else before or own
    if before and without_password(before) != without_password(url):
        raise ValueError(
            f"{out} was graded into {without_password(before)}, not "
            f"{without_password(url)}; name the same --gradebook, or another --out."
        )
    return url


def file_of(url: Any) -> Path | None:
    """Name the file of a SQLite database.

    Args:
        url: Its URL.

    Returns:
        The file; ``None`` for PostgreSQL.
    """
    return Path(url.database) if url.get_backend_name() == "sqlite" else None


def without_password(url: Any) -> str:
    """Write a URL as it may be shown.

    Args:
        url: An `sqlalchemy.engine.URL`.

    Returns:
        The URL; a password is left out.
    """
    where = (url.username, None, url.host, url.port, url.database)
    shown = type(url).create(url.drivername, *where, url.query)
    return shown.difference_update_query(SECRETS).render_as_string(hide_password=False)


def _own(out: Path) -> Any:
    """Give the URL of the file beside the results.

    Returns:
        The URL.

    Raises:
        NoNbgraderError: If SQLAlchemy, which comes with nbgrader, is not installed.
    """
    try:
        from sqlalchemy.engine import URL
    except ImportError:
        raise NoNbgraderError from None
    return URL.create("sqlite", database=str((out / DEFAULT).resolve()))


def _read(text: str) -> Any:
    """Read a URL, and never repeat what cannot be read: a password may be in it.

    Returns:
        The URL with its driver, a file's path made absolute.

    Raises:
        ValueError: If it is none, or of another kind.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
        if url.username and "@" in f"{url.host}{url.database}":  # a second one
            raise ValueError
    except (ArgumentError, ValueError):
        raise ValueError(
            f"--gradebook got no URL of a database, expected {EXPECTED}; write other "
            "signs than letters and digits in a password as %40, %2F and so on."
        ) from None
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(database=str(Path(url.database).resolve()))
    if kind not in ("postgresql", "postgres"):
        raise ValueError(f"--gradebook got a {kind!r} URL, expected {EXPECTED}.")
    named = url.drivername if "+" in url.drivername else "postgresql+psycopg"
    return url.set(drivername=named)


@contextlib.contextmanager
def opened(out: Path, url: Any, lab: Lab) -> Generator[Gradebook]:
    """Open a gradebook while no other run writes into it.

    Args:
        out: Folder of the results, which remembers the database.
        url: The database, from `database`.
        lab: The lab.

    Yields:
        The gradebook.

    Raises:
        ValueError: If it cannot be reached, or another run writes into it.
        ImportError: If its driver is not installed.
    """
    from sqlalchemy.exc import DBAPIError

    try:
        with _alone_in(url):
            text = url.render_as_string(hide_password=False)
            with contextlib.closing(Gradebook(text, lab)) as book:
                if file_of(url) != (out / DEFAULT).resolve():
                    (out / NOTE).write_text(without_password(url) + "\n", "utf-8")
                yield book
    except DBAPIError as error:
        raise ValueError(
            f"the gradebook {without_password(url)} failed: {_cause(error, url)}. "
            "What is recorded there is kept; run the same command to go on."
        ) from None


@contextlib.contextmanager
def _alone_in(url: Any) -> Generator[None]:
    """Keep other runs out of a database; the lock ends with the process.

    Yields:
        Nothing.

    Raises:
        ValueError: If another run has it.
        ImportError: If the driver is not installed.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    if (path := file_of(url)) is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(path.with_name(f".{path.name}.lock"), str(path)):
            yield
        return
    try:
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    except ImportError as error:
        raise ImportError(
            f"PostgreSQL needs its driver ({error}): pip install 'coursekit[postgres]'"
        ) from None
    with engine.connect() as connection:
        if not connection.scalar(text(f"select pg_try_advisory_lock({LOCK})")):
            raise ValueError(f"another run is grading into {without_password(url)}.")
        yield


def _cause(error: Any, url: Any) -> str:
    """Give the first line of what the database said.

    Returns:
        Text without the password.
    """
    said = " ".join(str(error.orig or error).split("\n")[:1]).strip().rstrip(".")
    return said.replace(str(url.password), "***") if url.password else said
