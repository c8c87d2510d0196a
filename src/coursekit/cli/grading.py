r"""The command ``coursekit grade``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from coursekit.cli.late import add_late_options, deadline_and_rule, tell_lateness
from coursekit.cli.status import GRADEBOOK, INTERRUPTED, NO_SANDBOX

__all__ = ["add_grade"]

GRADE = """\
Grade a folder of student notebooks.

The students' code runs in a sandbox (bubblewrap) without network and without access to
your files; the checks, the expected values and the grades stay outside of it.  A run
can be stopped with Ctrl-C and repeated: what is graded is kept.

OUT gets
  grades.csv       a line a student, a column a question
  feedback/        a page a student, to be handed back
  report.html      which question, which mistake, how often
  gradebook.db     nbgrader's gradebook; `coursekit mark` marks written answers
  autograded/      the copies that formgrader shows
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


def add_grade(commands: Any) -> None:
    """Add ``grade`` to the commands.

    Args:
        commands: What `argparse.ArgumentParser.add_subparsers` gives.
    """
    one = commands.add_parser(
        "grade",
        help="grade a folder of notebooks",
        description=GRADE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _grade_options(one)
    one.set_defaults(run=_grade)


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
    add(
        "--again",
        action="store_true",
        help="grade also what is graded already, with hidden cases drawn anew",
    )
    add(
        "--question",
        metavar="NAME",
        action="append",
        default=[],
        help="grade this question anew for all who are graded already, after a check "
        "was mended, with hidden cases drawn anew; points of the others stay. May be "
        "given several times",
    )
    add(
        "--draw",
        metavar="N",
        type=int,
        help="take draw N of the hidden cases, as an earlier run printed it",
    )
    add(
        "--no-plots",
        action="store_true",
        help="do not train what was written for the lab's open task; its picture on "
        "the page costs about a third of a second a student",
    )
    add_late_options(add)
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
    add("--gradebook", metavar="URL", help=GRADEBOOK)
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
    if options.draw is not None and not 1 <= options.draw < 2**31:
        raise ValueError(f"--draw got {options.draw}, expected a number from 1.")
    limits = Limits(seconds, seconds, seconds / 2, 6 * seconds)
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
            draw=options.draw,
            plots=not options.no_plots,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=not options.quiet,
            gradebook=options.gradebook,
            **deadline_and_rule(options),
        )
    except SandboxError as error:
        print(REFUSAL.format(reason=error), file=sys.stderr)
        return NO_SANDBOX
    return _tell(report, options.out)


def _tell(report, out: Path) -> int:
    from coursekit.labs.grading.draws import say

    print(f"{report.graded} graded, {report.kept} kept from an earlier run.")
    print(f"Graded with {say(report.draws)}.")
    for status, count in sorted(report.statuses.items()):
        print(f"  {count:5}  {status}")
    tell_lateness(report.lateness)
    if report.ignored:
        names = ", ".join(repr(name) for name in report.ignored[:5])
        print(f"Ignored, no notebooks: {names}{' …' * (len(report.ignored) > 5)}")
    print(f"Results are in {out}: grades.csv, report.html, feedback/, gradebook.")
    if report.interrupted:
        print(f"Stopped with {report.left} left; run the same command to go on.")
        return INTERRUPTED
    return 0
