r"""Parse the command line and run what it asks for."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from coursekit.cli import course, grading, mark
from coursekit.cli.status import INTERRUPTED, USAGE_ERROR

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process if ``None``.

    Returns:
        Exit status: 0, 2 for a wrong call, 3 without a sandbox, 130 if stopped.
    """
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C
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

    parser = argparse.ArgumentParser(
        prog="coursekit",
        description="The instructor's side of the labs.",
        epilog="`coursekit COMMAND --help` describes a command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    course.add_release(commands)
    course.add_collect(commands)
    grading.add_grade(commands)
    mark.add_mark(commands)
    course.add_export(commands)
    return parser
