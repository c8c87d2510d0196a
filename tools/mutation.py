"""Search for missing tests: change a method at one place, see whether a test fails.

``make mutants SEARCH=losses`` searches a part, ``SEARCH=optim.adam`` a file of one.
For each small wrong of `small_wrongs` the tests of the part run on a copy of the source
in which that one place is changed. What no test notices is printed: a missing test, or
an equivalent that computes the same.

Own code, because no kept library does this here. mutmut rewrites every function into a
family of variants, which whatever reads the source (``equations``, ``show_source``, the
fixture ``mutate``) then sees; mutatest has ended; cosmic-ray changes files in place,
starts Python and torch anew for each mutant, and knows neither terms nor axes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from environment import ENVIRONMENT, ROOT
from small_wrongs import Wrong, small_wrongs

# imported once, before the processes part, because they take longer than the tests
SLOW = (
    *("pytest", "hypothesis", "torch"),
    *("scipy.stats", "scipy.sparse.linalg", "sklearn.metrics"),
)
QUIET = ["-x", "-q", "-p", "no:cacheprovider", "-p", "mutant_table"]
SURVIVED, LATE = 0, -1


def files_of(name: str) -> list[Path]:
    """Find the files of a part, or of one of its methods, below ``src``."""
    path = ROOT / "src" / "coursekit" / Path(*name.split("."))
    found = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    found = [file for file in found if file.name != "__init__.py"]
    if not found or not found[0].exists():
        raise SystemExit(f"--search: expected a part or PART.FILE, got {name!r}")
    return found


def tests_of(part: str) -> Path:
    """Find the tests of a part: a folder, or a file of its name."""
    folder = ROOT / "tests" / part
    return folder if folder.is_dir() else ROOT / "tests" / f"test_{part}.py"


def run_tests(source: Path, tests: Path, limit: float) -> int:
    """Run tests on a copy of the source in a process of its own; return its status."""
    child = os.fork()
    if not child:
        # a wrong may hang in C or print without end: nothing of it comes out
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        os.setpgid(0, 0)
        sys.path[:0] = [str(source), str(ROOT / "tools")]
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
        pytest = import_module("pytest")
        os._exit(int(pytest.main([*QUIET, "--mutants=without", str(tests)])))
    return waited(child, limit)


def waited(child: int, limit: float) -> int:
    """Wait for a process, and end it and what it has started when it is late."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return LATE


def survivors(
    files: list[Path], tests: Path, source: Path, limit: float
) -> Iterator[tuple[Path, Wrong]]:
    """Yield the small wrongs that no test notices; count aloud."""
    for file in files:
        text = file.read_text(encoding="utf-8")
        copy = source / file.relative_to(ROOT / "src")
        wrongs, alive = list(small_wrongs(text)), 0
        for wrong in wrongs:
            copy.write_text(wrong.text, encoding="utf-8")
            if run_tests(source, tests, limit) == SURVIVED:
                alive += 1
                yield file, wrong
        copy.write_text(text, encoding="utf-8")
        name = file.relative_to(ROOT)
        print(f"{name}: {len(wrongs) - alive} of {len(wrongs)} killed", flush=True)


def search(names: list[str]) -> int:
    """Search in parts or files; return the number of survivors."""
    # no plugin but our own is needed, and all together start slowly
    os.environ |= ENVIRONMENT | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sys.dont_write_bytecode = True  # a wrong may have the size and second of another
    for module in SLOW:
        import_module(module)
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(
            ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in names:
            tests, start = tests_of(name.split(".")[0]), time.monotonic()
            if status := run_tests(source, tests, 3600):
                raise SystemExit(
                    f"{name}: its tests end with status {status} unchanged"
                )
            limit = 20 + 5 * (time.monotonic() - start)
            for file, wrong in survivors(files_of(name), tests, source, limit):
                found += 1
                where = f"{file.relative_to(ROOT)}:{wrong.line}"
                print(f"{where}: {wrong.old}  →  {wrong.new}", flush=True)
    print(f"{found} survivors: missing tests, or equivalents")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="+", help="losses, optim.adam, …")
    search(parser.parse_args().names)
