r"""Keep the deadline of a lab, its rule and the times in nbgrader's own columns.

nbgrader has a due date for the assignment, an extension and a time for each submission,
and a penalty for each submitted notebook; its exporter subtracts it.  Its times are in
UTC without saying so.  Only the rule has no column there; it lies in a table beside
them, with the time zone in which times are shown.  So a later run, another machine and
the export know the same rule, and a change of it runs nobody's code again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from coursekit.labs.grading.gradebook import Entry, Gradebook, check_cell
from coursekit.labs.grading.late import Handed, Rule, parse, shown
from coursekit.labs.grading.outcome import Outcome
from coursekit.labs.grading.times import Times

__all__ = ["Deadline", "agree", "earned", "settle"]


@dataclass(frozen=True)
class Deadline:
    """Hold what a lab's submissions are measured by.

    Args:
        due: When they are due, in the zone in which times are shown.
        rule: What being late costs.
    """

    due: datetime
    rule: Rule

    def __str__(self) -> str:
        return f"due {shown(self.due)}, late: {self.rule}"


def earned(outcome: Outcome, entries: Mapping[str, Entry]) -> float:
    """Add up the points of a submission, before anything is taken off.

    Args:
        outcome: What came of it.
        entries: What the gradebook has, by name of the cell.

    Returns:
        Points.
    """
    return sum(entries[check_cell(q)].score or 0.0 for q in outcome.questions)


def agree(
    book: Gradebook,
    due: datetime | None = None,
    rule: Rule | None = None,
    chosen_by: datetime | None = None,
) -> tuple[Deadline | None, Deadline | None]:
    """Store a deadline and a rule; what is not given stays as it is stored.

    Args:
        book: The gradebook.
        due: The deadline, with its distance from UTC.
        rule: What being late costs.
        chosen_by: The deadline of ``collect``, which a new rule takes for want of
            another.

    Returns:
        What held before and what holds now; ``None`` where there is no deadline.

    Raises:
        ValueError: If there is a rule, but no deadline.
    """
    session, table = book.book.db(), _table(book)
    same = table.c.lab == book.lab.name
    row = session.execute(table.select().where(same)).one_or_none()
    assignment: Any = book.book.find_assignment(book.lab.name)
    before = _stored(assignment.duedate, row)
    due = due or (before.due if before else chosen_by if rule else None)
    if due is None:
        session.rollback()
        if rule is not None and rule.percent:
            raise ValueError("--late needs --deadline: there is no deadline yet.")
        return None, None
    now = Deadline(due, rule or (before.rule if before else Rule()))
    assignment.duedate = _utc(due)
    minutes = int((due.utcoffset() or timedelta(0)).total_seconds()) // 60
    session.execute(table.delete().where(same))
    values = {"lab": book.lab.name, "rule": str(now.rule), "zone": minutes}
    session.execute(table.insert().values(**values))
    session.commit()
    return before, now


def settle(
    book: Gradebook,
    deadline: Deadline | None,
    times: Times,
    outcomes: Iterable[Outcome],
    entries: Mapping[str, Mapping[str, Entry]],
) -> dict[str, Handed]:
    """Write times and penalties into the gradebook, all of them or none.

    Args:
        book: The gradebook.
        deadline: What the submissions are measured by.
        times: When they came; what is not known keeps the time it has.
        outcomes: One a submission.
        entries: What the gradebook has, scores given by a person included.

    Returns:
        What holds for each submission, by slug; nothing without a deadline.
    """
    api, session = book.api, book.book.db()
    rows = session.query(api.SubmittedAssignment, api.SubmittedNotebook)
    rows = rows.join(api.SubmittedNotebook.assignment)
    rows = rows.filter(api.SubmittedNotebook.notebook_id == book.notebook)
    found = {submitted.student_id: (submitted, nb) for submitted, nb in rows}
    handed = {}
    for outcome in outcomes:
        submitted, notebook = found[outcome.slug]
        when = times.of(outcome.slug, outcome.sha256)
        submitted.timestamp = _utc(when) if when else submitted.timestamp
        notebook.late_submission_penalty = None
        if deadline is not None:
            one = _handed(submitted, deadline)
            points = earned(outcome, entries[outcome.slug])
            notebook.late_submission_penalty = one.penalty(points) or None
            handed[outcome.slug] = one
    session.commit()
    return handed


def _handed(submitted: Any, deadline: Deadline) -> Handed:
    zone, when = deadline.due.tzinfo, submitted.timestamp
    if when is not None:
        when = when.replace(tzinfo=UTC).astimezone(zone)
    due = deadline.due + (submitted.extension or timedelta(0))
    return Handed(when, due, deadline.rule)


def _stored(duedate: datetime | None, row: Any) -> Deadline | None:
    """Read what is stored; the date may have been set in formgrader.

    Returns:
        It, or ``None`` if there is no date.
    """
    if duedate is None:
        return None
    zone = timezone(timedelta(minutes=row.zone if row else 0))
    due = duedate.replace(tzinfo=UTC).astimezone(zone)
    return Deadline(due, parse(row.rule) if row else Rule())


def _utc(when: datetime) -> datetime:
    """Give a moment as nbgrader stores it.

    Returns:
        UTC, without a zone.
    """
    return when.astimezone(UTC).replace(tzinfo=None)


def _table(book: Gradebook) -> Any:
    from sqlalchemy import Column, Integer, String

    return book.beside(
        "coursekit_late",
        Column("rule", String(128), nullable=False),
        Column("zone", Integer, nullable=False),  # minutes east of UTC
    )
