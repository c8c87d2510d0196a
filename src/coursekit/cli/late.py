r"""The part of ``coursekit grade`` that concerns deadlines."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["add_late_options", "deadline_and_rule", "name", "tell_lateness"]

LATE = """\
what being late costs: none; zero; or a share of the earned points for each day or hour
begun, '10%%/day', with 'max 50%%' and 'grace 15 min' after commas. The gradebook keeps
it for later runs, until another is given
"""


def add_late_options(add: Callable[..., Any]) -> None:
    """Add ``--deadline`` and ``--late``.

    Args:
        add: What `argparse.ArgumentParser.add_argument` is.
    """
    add(
        "--deadline",
        metavar="TIME",
        help="when submissions are due, 2026-11-20T23:59, local time unless it says; "
        "the gradebook keeps it. Times are those that `collect` recorded",
    )
    add("--late", metavar="RULE", help=LATE)


def deadline_and_rule(options: argparse.Namespace) -> dict[str, Any]:
    """Read both options.

    Args:
        options: The parsed command line.

    Returns:
        Arguments of `coursekit.labs.grading.run.grade`; ``None`` for what is not given.
    """
    from coursekit.labs.grading.late import parse
    from coursekit.labs.grading.times import moment

    due, rule = options.deadline, options.late
    return {
        "deadline": None if due is None else moment(due, "--deadline"),
        "late": None if rule is None else parse(rule),
    }


def tell_lateness(found: Any) -> None:
    """Say which rule holds, whether it changed, and whom it concerns.

    Args:
        found: A `coursekit.labs.grading.results.Lateness`.
    """
    if found.deadline is None:
        return
    print(f"Deadline: {found.deadline}.")
    if found.before is not None and str(found.before) != str(found.deadline):
        print(f"Until now it was: {found.before}.")
    if found.chosen_by:
        print(f"But `collect` chose among the tries by {found.chosen_by}.")
    name("Late", found.late)
    name("Not recorded when it came, so nothing is taken off", found.unknown)


def name(words: str, names: Iterable[str]) -> None:
    """Name everyone a sentence is about; nothing if it is about nobody.

    Args:
        words: The sentence.
        names: Those it is about.
    """
    if names := list(names):
        print(f"{words} ({len(names)}): {', '.join(names)}")
