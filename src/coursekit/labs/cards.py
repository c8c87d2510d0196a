r"""What a lab's text takes from its exercises: minutes, points, equations, hints.

In a Markdown cell of the source, ``<!-- lab:overview -->`` stands for the table of all
tasks, and ``<!-- lab:facts NAME -->``, ``<!-- lab:equations NAME -->`` and
``<!-- lab:hints NAME -->`` for what the exercise of that name says of itself.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable

from coursekit.labs.exercise import Exercise
from coursekit.labs.registry import Lab, exercise
from coursekit.labs.render import in_html

__all__ = ["fill"]

DIRECTIVE = re.compile(r"<!-- lab:(\w+) ?(\w*) -->")


def fill(text: str, of: Lab) -> str:
    """Replace every directive of a cell.

    Args:
        text: Markdown.
        of: The lab that the cell belongs to.

    Returns:
        Markdown.

    Raises:
        ValueError: If there is no such directive.
    """
    return DIRECTIVE.sub(lambda match: _fill(match, of), text)


def _fill(match: re.Match[str], of: Lab) -> str:
    """Write what a directive stands for.

    Returns:
        Markdown.

    Raises:
        ValueError: If there is no such directive.
    """
    kind, name = match.groups()
    if kind == "overview":
        return _overview(of)
    makers: dict[str, Callable[[Exercise], str]] = {
        "facts": _facts,
        "equations": _equations,
        "hints": _hints,
    }
    if kind not in makers:
        raise ValueError(
            f"{match.group()} is no directive; there are overview, {', '.join(makers)}"
        )
    return makers[kind](exercise(name))


def _overview(of: Lab) -> str:
    rows = ["| task | minutes | difficulty | points |", "|---|---|---|---|"]
    rows += [
        f"| `{e.name}`: {e.title} | {e.minutes} | {e.difficulty} of 5 | {e.points:g} |"
        for e in of.exercises
    ]
    rows += [
        f"| {w.title} (in writing) | {w.minutes} | {w.difficulty} of 5 | {w.points:g} |"
        for w in of.written
    ]
    return "\n".join(rows)


def _facts(of: Exercise) -> str:
    parts = ", ".join(f"{name} {points:g}" for name, points in of.parts.items())
    return (
        f"*{of.minutes} minutes · difficulty {of.difficulty} of 5 · "
        f"{of.points:g} points ({parts})*"
    )


def _equations(of: Exercise) -> str:
    doc = importlib.import_module(f"coursekit.labs.tasks.{of.name}").__doc__ or ""
    return "\n\n".join(re.findall(r"\$\$.*?\$\$", doc, flags=re.DOTALL))


def _hints(of: Exercise) -> str:
    return "\n\n".join(
        f"<details>\n<summary>{in_html(hint.symptom)}</summary>\n\n{hint.text}\n\n"
        "</details>"
        for hint in of.hints
    )
