r"""The commands around grading: release, collect, export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from coursekit.cli.late import name
from coursekit.cli.status import GRADEBOOK

__all__ = ["add_collect", "add_export", "add_release"]

RAW = argparse.RawDescriptionHelpFormatter
COLLECT = """\
Take zips of Canvas or Moodle, folders and notebooks; write STUDENT.ipynb for grading.

Of several tries the last one before the deadline counts, or the first one after it if
there is none before. All are kept under FOLDER/.tries, with a table of their times.
"""
EXPORT = """\
Bring the points of a lab into the table that a learning system imports.

What was marked in formgrader since the last run of `coursekit grade` is taken in first.
For Canvas and Moodle give the table that the system itself exports as --roster; its
rows and columns stay, one column is filled. Who cannot be matched is named.
"""


def add_release(commands: Any) -> None:
    """Add ``release`` to the commands.

    Args:
        commands: What `argparse.ArgumentParser.add_subparsers` gives.
    """
    one = commands.add_parser(
        "release",
        help="make the students' notebooks from the instructors'",
        description="Make the students' notebooks from the instructors': solutions "
        "out, graded cells locked.",
    )
    one.add_argument("source", type=Path, nargs="?", default=Path("labs/source"))
    one.add_argument("out", type=Path, nargs="?", default=Path("labs"))
    one.set_defaults(run=_release)


def _release(options: argparse.Namespace) -> int:
    from coursekit.labs.release import release

    for path in release(options.source, options.out):
        print(path)
    return 0


def add_collect(commands: Any) -> None:
    """Add ``collect`` to the commands.

    Args:
        commands: What `argparse.ArgumentParser.add_subparsers` gives.
    """
    one = commands.add_parser(
        "collect",
        help="take a learning system's export: one notebook a student, all tries kept",
        description=COLLECT,
        formatter_class=RAW,
    )
    one.add_argument("sources", metavar="ZIP", type=Path, nargs="+")
    one.add_argument("--into", metavar="FOLDER", type=Path, required=True)
    one.add_argument(
        "--deadline", metavar="TIME", help="2026-11-20T23:59, local time unless it says"
    )
    one.set_defaults(run=_collect)


def _collect(options: argparse.Namespace) -> int:
    from coursekit.labs.grading.collect import collect
    from coursekit.labs.grading.times import moment

    deadline = None
    if options.deadline is not None:  # exports give local times without a zone
        deadline = moment(options.deadline, "--deadline").astimezone()
        deadline = deadline.replace(tzinfo=None)
    done = collect(options.sources, options.into, deadline)
    print(f"{options.into}: {done.students} students, {done.tries} notebooks.")
    name("Late", done.late)
    name("Ignored", done.ignored)
    return 0


def add_export(commands: Any) -> None:
    """Add ``export`` to the commands.

    Args:
        commands: What `argparse.ArgumentParser.add_subparsers` gives.
    """
    one = commands.add_parser(
        "export",
        help="bring the points into the table that a learning system imports",
        description=EXPORT,
        formatter_class=RAW,
    )
    add = one.add_argument
    add("out", metavar="OUT", type=Path, help="folder of the results of a lab")
    add("to", metavar="FILE", type=Path, help="file to write")
    add("--format", choices=("csv", "canvas", "moodle"), default="csv")
    add("--roster", metavar="CSV", type=Path, help="the table that the system exports")
    add("--column", metavar="NAME", help="column to fill; Canvas: the assignment")
    add("--match", metavar="NAME", help="column with the names of the submissions")
    add("--gradebook", metavar="URL", help=GRADEBOOK)
    one.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    from coursekit.labs.grading.export import export
    from coursekit.labs.grading.results import refresh

    if not refresh(options.out, options.gradebook):
        print("The points are those of grades.csv as it was last written.")
    done = export(
        options.out / "grades.csv",
        options.to,
        options.format,
        options.roster,
        options.column,
        options.match,
    )
    print(f"{options.to}: {done.written} students, matched by {done.matched_by!r}.")
    if done.rule:
        print(f"Points are those after the rule for late work: {done.rule}.")
        name("Fewer by that rule", done.late)
    name("Not in the roster", done.not_in_roster)
    name("Without a submission", done.without_submission)
    return 0
