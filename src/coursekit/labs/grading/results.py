r"""Write what the gradebook holds: the table, the report and a page for each student.

The gradebook is the only source, so that points which a person gave, a deadline that
was moved and a rule that was changed reach all of them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from coursekit.labs import registry
from coursekit.labs.grading.database import database, is_graded, opened
from coursekit.labs.grading.deadline import Deadline, agree, settle
from coursekit.labs.grading.feedback import page
from coursekit.labs.grading.folder import printable
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.items import item_report
from coursekit.labs.grading.late import shown
from coursekit.labs.grading.place import alone
from coursekit.labs.grading.table import replace, write_table
from coursekit.labs.grading.times import Times

__all__ = ["Lateness", "refresh", "write_results"]


@dataclass(frozen=True)
class Lateness:
    """Hold who came late.

    Args:
        deadline: What was due when, and the rule; ``None`` without a deadline.
        before: The same before this run.
        late: Students who came after it.
        unknown: Students of whom no time is known, so that nothing is taken off.
        chosen_by: The deadline of ``collect``, where it is another; else empty.
    """

    deadline: Deadline | None = None
    before: Deadline | None = None
    late: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    chosen_by: str = ""


def write_results(
    book: Gradebook,
    out: Path,
    deadlines: tuple[Deadline | None, Deadline | None],
    times: Times | None = None,
) -> Lateness:
    """Write the table, the report and the pages.

    Args:
        book: The gradebook of a lab.
        out: Folder for the results.
        deadlines: What held before and what holds now, from `agree`.
        times: When submissions came; what is not known keeps the time it has.

    Returns:
        Who came late.
    """
    before, deadline = deadlines
    times = times or Times()
    entries = book.entries()
    outcomes = [outcome for _, outcome in book.graded()]
    handed = settle(book, deadline, times, outcomes, entries)
    folder = out / "feedback"
    folder.mkdir(exist_ok=True)
    for one in outcomes:
        text = page(one, book.lab.title, entries[one.slug], handed.get(one.slug))
        replace(folder / f"{one.slug}.html", text)
    write_table(out / "grades.csv", book.lab, outcomes, entries, handed)
    replace(out / "report.html", item_report(book.lab, outcomes, entries, handed))
    came = [(printable(o.student), handed[o.slug]) for o in outcomes if handed]
    late = [name for name, one in came if one.late]
    unknown = [name for name, one in came if one.when is None]
    differs = deadline and times.deadline and times.deadline != deadline.due
    chosen_by = shown(times.deadline) if differs and times.deadline else ""
    return Lateness(deadline, before, late, unknown, chosen_by)


def refresh(out: Path, gradebook: str | None = None) -> bool:
    """Bring the results of a lab up to date with its gradebook, without grading.

    Args:
        out: Folder of the results.
        gradebook: URL of the database, where the folder does not know all of it.

    Returns:
        Whether it was done; not where there is no gradebook, or more than one lab.
    """
    labs = {path.name for path in out.glob("autograded/*/*")}
    if len(labs) != 1 or not (gradebook or is_graded(out)):
        return False
    lab = registry.lab(labs.pop())
    with alone(out), opened(out, database(out, gradebook), lab) as book:
        write_results(book, out, agree(book))
    return True
