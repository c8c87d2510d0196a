r"""Which draw of hidden cases each question is graded with.

A *draw* is a number.  Together with the course's secret it decides the hidden cases of
a question, the same for every student.  Each question has one current draw, kept in the
gradebook: who hands in anew is asked what the others were asked.  To grade again begins
a draw that was never used, because what a page tells of the last one may be known by
now; but a regrade that was stopped half-way is first brought to its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.outcome import Outcome

__all__ = ["Draws", "choose", "drawn", "keep", "kept", "reached", "say"]

Draws = Mapping[str, int]


def drawn(outcome: Outcome) -> dict[str, int]:
    """Read with which draws an outcome came about.

    Args:
        outcome: What came of a submission.

    Returns:
        The draw of each question that is not graded by a person.
    """
    return {q.name: q.draw for q in outcome.questions if not q.written}


def reached(recorded: Iterable[Draws], names: Collection[str], draws: Draws) -> bool:
    """Say whether some draws have reached everybody.

    Args:
        recorded: The draws with which each of those to be graded was graded before.
        names: The questions.
        draws: Their draws.

    Returns:
        Whether nobody had another draw of one of them.
    """
    return all(had.get(name) == draws[name] for had in recorded for name in names)


def choose(
    now: Draws, last: int, names: Collection[str], number: int | None, fresh: bool
) -> dict[str, int]:
    """Choose the draws of a run.

    Args:
        now: The current draw of each question.
        last: The highest draw that any of them ever had.
        names: The questions that are asked for.
        number: The draw that is asked for; ``None`` leaves the choice.
        fresh: Whether to begin a draw that was never used.

    Returns:
        The draw of each question; those not asked for keep theirs.

    Example:
        >>> choose({"f": 1, "g": 3}, 3, ["f"], None, fresh=True)
        {'f': 4, 'g': 3}
    """
    chosen = number if number is not None else last + 1
    change = fresh or number is not None
    return {q: chosen if change and q in names else n for q, n in now.items()}


def kept(book: Gradebook) -> tuple[dict[str, int], int]:
    """Read the draws of a lab from its gradebook.

    Args:
        book: The gradebook.

    Returns:
        The current draw of each question, and the highest that any ever had.
    """
    table = _table(book)
    query = table.select().where(table.c.lab == book.lab.name)
    with book.book.engine.connect() as connection:
        rows = {row.question: row for row in connection.execute(query)}
    names = [exercise.name for exercise in book.lab.exercises]
    now = {name: rows[name].draw if name in rows else 1 for name in names}
    return now, max([1, *(row.last for row in rows.values())])


def keep(book: Gradebook, draws: Draws) -> None:
    """Write the draws of a lab into its gradebook, before anything is graded with them.

    Args:
        book: The gradebook.
        draws: The draw of each question.
    """
    last = max(kept(book)[1], *draws.values())
    table, lab = _table(book), book.lab.name
    rows = [
        {"lab": lab, "question": name, "draw": draw, "last": last}
        for name, draw in draws.items()
    ]
    with book.book.engine.begin() as connection:
        connection.execute(table.delete().where(table.c.lab == lab))
        connection.execute(table.insert(), rows)


def say(draws: Draws) -> str:
    """Name the draws in a line.

    Args:
        draws: The draw of each question.

    Returns:
        The draw that most have, and the questions that have another.

    Example:
        >>> say({"f": 1, "g": 1, "h": 4})
        'draw 1 of the hidden cases, for h draw 4'
    """
    numbers = list(draws.values())
    usual = max(sorted(set(numbers)), key=numbers.count)
    others = [f"for {q} draw {n}" for q, n in draws.items() if n != usual]
    return ", ".join([f"draw {usual} of the hidden cases", *others])


def _table(book: Gradebook) -> Any:
    from sqlalchemy import Column, Integer, String

    return book.beside(
        "coursekit_draw",
        Column("question", String(128), primary_key=True),
        Column("draw", Integer, nullable=False),
        Column("last", Integer, nullable=False),  # the highest of the lab so far
    )
