"""The commands of this repository, with or without make: python3 tools/task.py NAME.

Every command makes its environment first (see `environment`), so a fresh clone and
Python 3.11 are enough. The Makefile only forwards to this file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import audit
import stages
from environment import BIN, ENVIRONMENT, PYTHON, ROOT, Failed, ensure, run

HTML = ROOT / "_build" / "html"
CHAPTERS = [*sorted(ROOT.glob("chapters/*.ipynb")), *sorted(ROOT.glob("book/*.ipynb"))]


def book() -> None:
    """Build the HTML book from the stored outputs into _build/html and audit it."""
    ensure("book")
    start = time.monotonic()
    build_html()
    print(f"\nThe book was built in {time.monotonic() - start:.0f} s. Open it here:")
    print(f"  {(HTML / 'index.html').as_uri()}")


def build_html() -> None:
    """Run Sphinx with every warning an error, then look for what it cannot see."""
    faults = audit.stored_errors(ROOT)
    if not faults:
        shutil.rmtree(HTML, ignore_errors=True)
        options = ["-W", "-n", "--keep-going", "--all", "--quiet"]
        run(BIN / "jupyter-book", "build", ".", *options)
        faults = audit.pages(HTML)
    if faults:
        raise Failed("The book has faults:\n  " + "\n  ".join(faults))


def test() -> None:
    """Run everything: tests, doctests, notebooks, book, browser, wheel, lint, types."""
    ensure("all")
    stages.run_all(build_html)


def execute() -> None:
    """Run all chapters again, two at a time, and store their outputs."""
    ensure("all")
    command = [
        *(BIN / "jupyter", "nbconvert", "--to=notebook", "--execute", "--inplace"),
        "--ExecutePreprocessor.record_timing=False",
        "--ExecutePreprocessor.kernel_name=python3",
    ]
    with ThreadPoolExecutor(2) as pool:
        again = [pool.submit(run, *command, name, env=ENVIRONMENT) for name in CHAPTERS]
    for one in again:
        one.result()


def figures() -> None:
    """Run again what the stored data of the figures come from (slow)."""
    ensure("all")
    run(PYTHON, "chapters/make_figures.py")


def labs() -> None:
    """Make the students' notebooks from labs/source."""
    ensure("all")
    run(PYTHON, "-m", "coursekit", "release")


def lab() -> None:
    """Open JupyterLab on the chapters and labs."""
    ensure("all")
    run(PYTHON, "-m", "jupyterlab")


def serve() -> None:
    """Serve the built book on http://127.0.0.1:8000."""
    if not HTML.exists():
        book()
    where = ["--bind", "127.0.0.1", "--directory", HTML]
    run(sys.executable, "-m", "http.server", "8000", *where)


def mutants() -> None:
    """Print every small wrong that tests catch; SEARCH=losses looks for new ones."""
    ensure("all")
    if names := os.environ.get("SEARCH", "").split():
        return run(PYTHON, ROOT / "tools" / "mutation.py", *names, env=ENVIRONMENT)
    command = [PYTHON, "-m", "pytest", "-q", "-n2", "tests", *stages.mutants("table")]
    run(*command, env=stages.WITH_TOOLS)


def bench() -> None:
    """Print the ratios of benchmarks/README.md, measured on this machine."""
    ensure("all")
    for program in sorted((ROOT / "benchmarks").glob("*.py")):
        print(f"\n{program.name}", flush=True)
        run(PYTHON, program)


COMMANDS = {
    f.__name__: f
    for f in (book, test, mutants, execute, figures, labs, lab, serve, bench)
}


def main() -> int:
    """Run one command; end with 1 and a sentence if it fails."""
    parser = argparse.ArgumentParser(
        prog="task.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"  {k:9}{f.__doc__}" for k, f in COMMANDS.items()),
    )
    parser.add_argument("name", choices=[*COMMANDS, "help"], metavar="NAME")
    name = parser.parse_args().name
    if name == "help":
        parser.print_help()
        return 0
    try:
        COMMANDS[name]()
    except Failed as failure:
        print(f"\n{name}: {failure}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, subprocess.CalledProcessError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
