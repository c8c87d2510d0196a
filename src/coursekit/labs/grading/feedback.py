r"""Write the page that one student gets back: a single file without a script.

Whatever comes from the student is escaped, and the page forbids its browser to load or
run anything.  It says what the answer behaves like and which equation line it misses;
hidden inputs and expected values are not in an `Outcome`, so they cannot be here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from coursekit.labs.grading.document import document
from coursekit.labs.grading.folder import printable
from coursekit.labs.grading.gradebook import Entry, check_cell
from coursekit.labs.grading.hints import hints
from coursekit.labs.grading.late import Handed
from coursekit.labs.grading.outcome import STATUSES, Outcome, Question
from coursekit.labs.grading.plot import race_picture
from coursekit.labs.registry import labs

__all__ = ["page"]

MARKS = {
    "all": ("✓", "right"),
    "part": ("◐", "partly right"),
    "none": ("✗", "not right yet"),
    "missing": ("○", "not answered"),
    "open": ("…", "graded by a person"),
}
HOW = (
    "Your functions were called with the inputs of the notebook and with others. The "
    "points are those of the other inputs; a part counts if all its calls are right."
)


def page(
    outcome: Outcome,
    title: str,
    entries: Mapping[str, Entry],
    handed: Handed | None = None,
) -> str:
    """Write the page of one submission.

    Args:
        outcome: What came of it.
        title: Title of the lab.
        entries: What the gradebook has, by name of the cell.
        handed: When it came and what that costs; ``None`` without a deadline.

    Returns:
        HTML.
    """
    cells = {q.name: entries[check_cell(q)] for q in outcome.questions}
    sections = [_section(q, cells[q.name]) for q in outcome.questions]
    if outcome.problem:
        sections = []
    said = escape(outcome.problem or STATUSES[outcome.status])
    body = [
        f'<p class="meta">For {escape(printable(outcome.student))}</p>',
        f'<p class="total">{_total(outcome, cells, handed)}</p>',
        f"<p>{escape(handed.sentence(_sum(cells)))}</p>" if handed else "",
        f"<p><strong>{escape(outcome.status)}.</strong> {said}</p>",
        *(_summary(outcome, cells), *sections, _race(outcome), _cells(outcome)),
    ]
    body.append(f'<section><p class="meta">{escape(HOW)}</p></section>')
    return document(f"Feedback: {title}", "\n".join(part for part in body if part))


def _sum(cells: Mapping[str, Entry]) -> float:
    return sum(cell.score or 0.0 for cell in cells.values())


def _total(outcome: Outcome, cells: Mapping[str, Entry], handed: Handed | None) -> str:
    total = _sum(cells)
    total -= handed.penalty(total) if handed else 0.0
    text = f"<strong>{total:g} of {outcome.max_points:g} points</strong>"
    left = [q.max_points for q in outcome.questions if cells[q.name].score is None]
    if left:
        text += f"; {sum(left):g} of them are still to be given by a person"
    return text + "."


def _mark(question: Question, cell: Entry) -> tuple[str, str]:
    if cell.score is None:
        return MARKS["open"]
    if question.kind in ("missing", "undefined") and not cell.score:
        return MARKS["missing"]
    if cell.score >= question.max_points:
        return MARKS["all"]
    return MARKS["part" if cell.score > 0 else "none"]


def _points(score: float | None, maximum: float) -> str:
    return f"{'–' if score is None else f'{score:g}'} of {maximum:g}"


def _summary(outcome: Outcome, cells: Mapping[str, Entry]) -> str:
    rows = ""
    for question in outcome.questions:
        cell = cells[question.name]
        glyph, word = _mark(question, cell)
        rows += (
            f'<tr><th scope="row"><code>{escape(question.name)}</code></th>'
            f'<td><span aria-hidden="true">{glyph}</span> {word}</td>'
            f"<td>{_points(cell.score, question.max_points)}</td></tr>\n"
        )
    return (
        '<section><table><caption class="meta">Questions and points</caption>\n'
        '<thead><tr><th scope="col">Question</th><th scope="col">Result</th>'
        f'<th scope="col">Points</th></tr></thead>\n<tbody>\n{rows}</tbody></table>'
        "</section>"
    )


def _section(question: Question, cell: Entry) -> str:
    full = cell.score is not None and cell.score >= question.max_points
    if full and not question.sentences and not cell.comment:
        return ""
    glyph, word = _mark(question, cell)
    said = "".join(f"<p>{_text(s)}</p>" for s in question.sentences)
    if question.equation and question.kind in ("wrong", "changed"):
        said += (
            f'<p class="equation">Line {escape(question.line)}: '
            f"{escape(question.equation)}</p>"
        )
    said += hints(question)
    if cell.comment:
        said += "<p>Your grader writes:</p>"
        said += f"<blockquote>{escape(cell.comment)}</blockquote>"
    return (
        f'<section><h2><span aria-hidden="true">{glyph}</span> '
        f"<code>{escape(question.name)}</code>: {escape(question.title)}</h2>"
        f'<p class="meta">{word}, {_points(cell.score, question.max_points)} points'
        f"{_parts(question)}</p>{said}</section>"
    )


def _parts(question: Question) -> str:
    if len(question.parts) < 2:
        return ""
    parts = [f"{escape(p)} {_points(*given)}" for p, given in question.parts.items()]
    return f" ({', '.join(parts)})"


def _race(outcome: Outcome) -> str:
    task = labs()[outcome.lab].open if outcome.lab in labs() else None
    if outcome.race is None or task is None:
        return ""
    said = f"<p>{_text(outcome.race.said)}</p>" if outcome.race.said else ""
    picture = race_picture(outcome.race, task) if outcome.race.curves else ""
    return (
        f'<section><h2>{escape(task.title)}</h2><p class="meta">The open task, without '
        f"points</p>{said}{picture}</section>"
    )


def _cells(outcome: Outcome) -> str:
    if not outcome.cells:
        return ""
    items = "".join(f"<li>{_text(note)}</li>" for note in outcome.cells)
    return (
        "<section><h2>Cells that did not run to their end</h2>"
        "<p>They cost no points unless an answer needs them.</p>"
        f"<ul>{items}</ul></section>"
    )


def _text(sentence: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(sentence))
