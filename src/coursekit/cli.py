r"""The command ``coursekit``: grade a lab, release the labs.

Each command imports what it needs when it runs, so that ``--help`` is instant.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]

USAGE_ERROR, NO_SANDBOX, INTERRUPTED = 2, 3, 130
GRADE = """\
Grade a folder of student notebooks.

The students' code runs in a sandbox (bubblewrap) without network and without access to
your files; the checks, the expected values and the grades stay outside of it.  A run
can be stopped with Ctrl-C and repeated: what is graded is kept.

OUT gets
  grades.csv       a line a student, a column a question
  feedback/        a page a student, to be handed back
  report.html      which question, which mistake, how often
  gradebook.db     nbgrader's gradebook; `nbgrader formgrader` marks written answers
  autograded/      the copies that formgrader shows
"""
COLLECT = """\
Take zips of Canvas or Moodle, folders and notebooks; write STUDENT.ipynb for grading.

Of several tries the last one before the deadline counts, or the first one after it if
there is none before. All are kept under FOLDER/.tries, with a table of their times.
"""
EXPORT = """\
Bring the points of a lab into the table that a learning system imports.

For Canvas and Moodle give the table that the system itself exports as --roster; its
rows and columns stay, one column is filled. Who cannot be matched is named.
"""
UNSAFE = """\
run the students' code WITHOUT a sandbox, as you: it can read and change your files,
this grader and the grades, and use the network. For notebooks you wrote yourself
"""
REFUSAL = """\
No sandbox can be had here: {reason}

Grading runs code that students wrote. Without a sandbox that code could read and change
your files, the other submissions and the grades, so nothing was graded.

What to do: install bubblewrap (Debian, Ubuntu: `apt-get install bubblewrap`); in a
container, allow user namespaces (Docker: `--security-opt seccomp=unconfined`, or a
profile that permits `unshare`, `clone` and `mount`); on Ubuntu 24.04, permit bwrap
unprivileged user namespaces in AppArmor. For notebooks that you wrote yourself you may
pass --unsafe.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process if ``None``.

    Returns:
        Exit status: 0, 2 for a wrong call, 3 without a sandbox, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, ImportError, FileNotFoundError) as error:
        print(f"coursekit: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("coursekit: stopped", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    from coursekit import __version__

    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="coursekit",
        description="The instructor's side of the labs.",
        epilog="`coursekit COMMAND --help` describes a command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    one = commands.add_parser(
        "grade",
        help="grade a folder of notebooks",
        description=GRADE,
        formatter_class=raw,
    )
    _grade_options(one)
    one.set_defaults(run=_grade)
    two = commands.add_parser(
        "release",
        help="make the students' notebooks from the instructors'",
        description="Make the students' notebooks from the instructors': solutions "
        "out, graded cells locked.",
    )
    two.add_argument("source", type=Path, nargs="?", default=Path("labs/source"))
    two.add_argument("out", type=Path, nargs="?", default=Path("labs"))
    two.set_defaults(run=_release)
    zero = commands.add_parser(
        "collect",
        help="take a learning system's export: one notebook a student, all tries kept",
        description=COLLECT,
        formatter_class=raw,
    )
    zero.add_argument("sources", metavar="ZIP", type=Path, nargs="+")
    zero.add_argument("--into", metavar="FOLDER", type=Path, required=True)
    zero.add_argument("--deadline", metavar="TIME", help="2026-11-20T23:59, local time")
    zero.set_defaults(run=_collect)
    three = commands.add_parser(
        "export",
        help="bring the points into the table that a learning system imports",
        description=EXPORT,
        formatter_class=raw,
    )
    _export_options(three)
    three.set_defaults(run=_export)
    four = commands.add_parser(
        "mark",
        help="mark the written questions in nbgrader's formgrader",
        description="Start JupyterLab in the folder of the results, and say which "
        "address shows formgrader. Afterwards run `coursekit grade` again: it takes "
        "points and comments into the table and the pages.",
    )
    four.add_argument("out", metavar="OUT", type=Path, help="folder of the results")
    four.add_argument("--port", type=int, default=8888, help="(default: %(default)s)")
    four.set_defaults(run=_mark)
    return parser


def _grade_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("lab", metavar="LAB", help="name of the lab, 11_initialization say")
    add(
        "submissions",
        metavar="SUBMISSIONS",
        type=Path,
        help="folder with STUDENT.ipynb, or nbgrader's STUDENT/LAB/LAB.ipynb",
    )
    add("--out", metavar="OUT", type=Path, required=True, help="folder for the results")
    add(
        "--secret",
        metavar="FILE",
        type=Path,
        default=Path(".coursekit-secret"),
        help="the course's secret, which decides the hidden cases; made on first use "
        "(default: %(default)s in this folder). Keep it: the same secret gives the "
        "same cases",
    )
    add("--again", action="store_true", help="grade also what is graded already")
    add(
        "--question",
        metavar="NAME",
        action="append",
        default=[],
        help="grade this question anew for all who are graded already, after a check "
        "was mended; points of the others stay. May be given several times",
    )
    add(
        "--seconds",
        metavar="S",
        type=float,
        default=20.0,
        help="time for one question and for one cell (default: %(default)g); a whole "
        "submission has six times as much",
    )
    add(
        "--workers",
        metavar="N",
        type=int,
        default=1,
        help="processes that grade at the same time (default: %(default)s)",
    )
    add(
        "--scheduler",
        metavar="URL",
        help="a Dask scheduler, tcp://HOST:8786, whose workers grade; start those with "
        "--nthreads 1 on machines that you trust as this one: they get the secret",
    )
    add("--quiet", action="store_true", help="no progress bar")
    add(
        "--doctor",
        action=_Doctor,
        nargs=0,
        help="say which sandbox this machine gives, line by line, and end",
    )
    add("--unsafe", action="store_true", help=UNSAFE)


class _Doctor(argparse.Action):
    """Report on the machine in place of grading, like ``--help``."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> None:
        """Print the findings and end with the verdict's status."""
        from coursekit.labs.grading.doctor import examine_machine

        found = examine_machine()
        marks = {True: "ok", False: "NO", None: "--"}
        for one in found:
            print(f"{marks[one.good]:3}{one.name:24}{one.says}")
        parser.exit(0 if found[-1].good else NO_SANDBOX)


def _grade(options: argparse.Namespace) -> int:
    from coursekit.labs.grading.limits import Limits
    from coursekit.labs.grading.run import grade
    from coursekit.labs.grading.sandbox import SandboxError

    seconds = options.seconds
    if not seconds > 0:
        raise ValueError(f"--seconds got {seconds:g}, expected a positive number.")
    if options.workers < 1:
        raise ValueError(f"--workers got {options.workers}, expected 1 or more.")
    limits = Limits(question=seconds, cell=seconds, submission=6 * seconds)
    if options.unsafe:
        print(f"coursekit: --unsafe means: {UNSAFE.strip()}", file=sys.stderr)
    try:
        report = grade(
            options.lab,
            options.submissions,
            options.out,
            secret=options.secret,
            limits=limits,
            unsafe=options.unsafe,
            again=options.again,
            only=options.question,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=not options.quiet,
        )
    except SandboxError as error:
        print(REFUSAL.format(reason=error), file=sys.stderr)
        return NO_SANDBOX
    return _tell(report, options.out)


def _tell(report, out: Path) -> int:
    print(f"{report.graded} graded, {report.kept} kept from an earlier run.")
    for status, count in sorted(report.statuses.items()):
        print(f"  {count:5}  {status}")
    if report.ignored:
        names = ", ".join(repr(name) for name in report.ignored[:5])
        print(f"Ignored, no notebooks: {names}{' …' * (len(report.ignored) > 5)}")
    print(f"Results are in {out}: grades.csv, report.html, feedback/, gradebook.db.")
    if report.interrupted:
        print(f"Stopped with {report.left} left; run the same command to go on.")
        return INTERRUPTED
    return 0


def _collect(options: argparse.Namespace) -> int:
    from datetime import datetime

    from coursekit.labs.grading.collect import collect

    deadline = None
    if options.deadline is not None:
        deadline = datetime.fromisoformat(options.deadline).replace(tzinfo=None)
    done = collect(options.sources, options.into, deadline)
    print(f"{options.into}: {done.students} students, {done.tries} notebooks.")
    for words, names in (("Late", done.late), ("Ignored", done.ignored)):
        if names:
            print(f"{words} ({len(names)}): {', '.join(names)}")
    return 0


def _export_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("out", metavar="OUT", type=Path, help="folder of the results of a lab")
    add("to", metavar="FILE", type=Path, help="file to write")
    add("--format", choices=("csv", "canvas", "moodle"), default="csv")
    add("--roster", metavar="CSV", type=Path, help="the table that the system exports")
    add("--column", metavar="NAME", help="column to fill; Canvas: the assignment")
    add("--match", metavar="NAME", help="column with the names of the submissions")


def _export(options: argparse.Namespace) -> int:
    from coursekit.labs.grading.export import export

    done = export(
        options.out / "grades.csv",
        options.to,
        options.format,
        options.roster,
        options.column,
        options.match,
    )
    print(f"{options.to}: {done.written} students, matched by {done.matched_by!r}.")
    for words, names in (
        ("Not in the roster", done.not_in_roster),
        ("Without a submission", done.without_submission),
    ):
        if names:
            print(f"{words} ({len(names)}): {', '.join(names)}")
    return 0


def _mark(options: argparse.Namespace) -> int:
    import os
    import subprocess

    if not (options.out / "gradebook.db").exists():
        raise ValueError(f"{options.out} holds no gradebook.db; grade a lab first.")
    print(f"Open http://localhost:{options.port}/formgrader/gradebook", flush=True)
    command = [sys.executable, "-m", "jupyterlab", f"--port={options.port}"]
    command += ["--ServerApp.default_url=/formgrader/gradebook"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=options.out, env={**os.environ, "PATH": path})
    return done.returncode


def _release(options: argparse.Namespace) -> int:
    from coursekit.labs.release import release

    for path in release(options.source, options.out):
        print(path)
    return 0
