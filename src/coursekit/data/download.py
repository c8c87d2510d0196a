r"""Fetch a file once, check it, and keep it.

A download fails in many ways: no network, a server that is gone, a line that breaks
in the middle, a proxy that answers with a page of its own. Each must end in one of two
states, *the right file is there* or *a sentence says what happened*, never in a file
that is nearly right. So the bytes go to ``NAME.part``; only when length and SHA-256
agree is it renamed to ``NAME``, in one step that cannot be seen half done. A part that
broke off is continued the next time, if the server knows how; a part with wrong
contents is deleted.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Generator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

__all__ = ["DownloadError", "RemoteFile", "cache_dir", "fetch"]

CHUNK = 1 << 16
TIMEOUT = 30.0
EMBEDDED = "digits() and mnist1d()"


class DownloadError(OSError):
    """Say why a file could not be had, and what to do instead."""


class RemoteFile(NamedTuple):
    """Name a file with the length and the sum by which it is recognized.

    Attributes:
        name: Its name, on the server and in the cache.
        size: Its length in bytes.
        sha256: Its SHA-256, 64 hexadecimal digits.
    """

    name: str
    size: int
    sha256: str


def cache_dir(cache: str | os.PathLike[str] | None = None) -> Path:
    r"""Return the folder where downloads are kept; it need not exist yet.

    Args:
        cache: The folder; None takes ``$COURSEKIT_CACHE``, else
            ``$XDG_CACHE_HOME/coursekit``, else ``~/.cache/coursekit``.

    Returns:
        Its path.

    Example:
        >>> cache_dir("downloads").name
        'downloads'
    """
    if cache is None:
        cache = os.environ.get("COURSEKIT_CACHE")
    if cache:
        return Path(cache).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "coursekit"


def fetch(
    file: RemoteFile,
    mirrors: Sequence[str],
    folder: Path,
    *,
    progress: bool = True,
) -> Path:
    r"""Return the path of a file in a folder, downloading it if it is not there.

    Args:
        file: Name, length and sum.
        mirrors: Addresses of folders that have it, tried in this order.
        folder: Where it is kept; made if missing.
        progress: Whether a bar is shown on standard error.

    Returns:
        A path whose contents have the sum expected.

    Raises:
        DownloadError: If no mirror gave the right file.
        ValueError: If a mirror is not an http or https address.
    """
    for mirror in mirrors:
        if urlsplit(mirror).scheme not in {"http", "https"}:
            raise ValueError(f"mirrors: expected http or https, got {mirror!r}")
    path = folder / file.name
    if _is_right(path, file):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(path.with_name(file.name + ".lock")):
        if _is_right(path, file):  # another process was quicker
            return path
        return _from_mirrors(file, mirrors, path, progress)


def _from_mirrors(
    file: RemoteFile, mirrors: Sequence[str], path: Path, progress: bool
) -> Path:
    part, reasons = path.with_name(file.name + ".part"), []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}"
        try:
            _download(url, file, part, progress)
        except (OSError, HTTPException) as error:
            reasons.append(f"{url}: {_reason(error)}")
            if getattr(error, "code", None) == 416:  # longer than what the server has
                part.unlink(missing_ok=True)
            continue
        os.replace(part, path)
        return path
    tried = "\n  ".join(reasons) or "no mirror was given"
    raise DownloadError(
        f"{file.name} could not be downloaded:\n  {tried}\n"
        f"Without a network use coursekit.data.{EMBEDDED}, which need none; or put the "
        f"file (SHA-256 {file.sha256}) into {path.parent} yourself."
    )


# Completes the part from one address; deletes it if its contents are wrong.
def _download(url: str, file: RemoteFile, part: Path, progress: bool) -> None:
    old = part.stat().st_size if part.exists() else 0
    resumed = old > 0
    if old < file.size:  # else an earlier call ended before it looked at the part
        resumed = _append(url, file, part, old, progress)
    if _is_right(part, file):
        return
    size = part.stat().st_size
    if size < file.size:
        raise OSError(f"broke off after {size} of {file.size} bytes; call again")
    part.unlink()
    if resumed:  # the beginning may have been of another file: once more from 0
        return _download(url, file, part, progress)
    raise OSError(
        f"the contents are not those expected (SHA-256 differs from {file.sha256}); "
        "they were deleted"
    )


# Writes what the server sends; True if that goes on where the part ended.
def _append(url: str, file: RemoteFile, part: Path, old: int, progress: bool) -> bool:
    headers = {"Range": f"bytes={old}-"} if old else {}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as answer:
        span = answer.headers.get("Content-Range", "")
        resumed = old > 0 and span.startswith(f"bytes {old}-")
        start = old if resumed else 0
        with part.open("ab" if resumed else "wb") as out:
            _copy(answer, out, file, start, progress)
    return resumed


def _copy(
    answer: IO[bytes], out: IO[bytes], file: RemoteFile, start: int, progress: bool
) -> None:
    from tqdm import tqdm

    bar = tqdm(
        total=file.size,
        initial=start,
        desc=file.name,
        unit="B",
        unit_scale=True,
        disable=not progress,
        file=sys.stderr,
    )
    with bar:
        # One byte more than expected is enough to know that the file is wrong.
        left = file.size - start + 1
        while left and (block := answer.read(min(CHUNK, left))):
            out.write(block)
            bar.update(len(block))
            left -= len(block)


def _is_right(path: Path, file: RemoteFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as contents:
        return hashlib.file_digest(contents, "sha256").hexdigest() == file.sha256


def _reason(error: BaseException) -> str:
    if isinstance(error, HTTPError):
        return f"the server answers {error.code} {error.reason}"
    return str(getattr(error, "reason", None) or error) or type(error).__name__


@contextlib.contextmanager
def _alone(lock: Path) -> Generator[None]:
    # One process at a time writes the part; the system lifts a dead one's lock.
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:  # Windows: two downloads at once then spoil each other's part
        yield
        return
    with lock.open("w") as held:
        flock(held, LOCK_EX)
        yield
