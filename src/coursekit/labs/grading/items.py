r"""Report on a lab to its instructor: which question, which mistake, how often.

A mistake is a mutant that answers behaved like on every case; its sentence is the one
that the students read.  No name, no answer and no hidden input is on the page, so that
it can be shown in class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from coursekit.labs.grading.deadline import earned
from coursekit.labs.grading.document import document
from coursekit.labs.grading.gradebook import Entry, check_cell
from coursekit.labs.grading.late import Handed
from coursekit.labs.grading.outcome import Outcome, Question
from coursekit.labs.registry import Lab

__all__ = ["item_report"]

WIDTH, HEIGHT = 640, 22
RESULTS = ("right", "partly right", "not right", "not answered", "not graded yet")
FILLS = ("var(--green)", "url(#half)", "var(--vermillion)", "var(--grid)", "none")
HALF = (
    '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="half" width="6" '
    'height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect '
    'width="3" height="6" fill="var(--green)"/></pattern></defs></svg>'
)
KINDS = {
    "wrong": "Wrong, and like none of the known mistakes.",
    "timeout": "It did not end in time.",
    "memory": "It needed too much memory.",
    "killed": "Its process ended.",
    "raised": "It stopped with an error.",
    "unusable": "It returned something that is no usable answer.",
    "changed": "It changed its arguments in place.",
}


def item_report(
    lab: Lab,
    outcomes: Sequence[Outcome],
    entries: Mapping[str, Mapping[str, Entry]],
    handed: Mapping[str, Handed] | None = None,
) -> str:
    """Write the report of a lab.

    Args:
        lab: The lab.
        outcomes: One a submission.
        entries: What the gradebook has, scores given by a person included.
        handed: When each came and what that costs; empty without a deadline.

    Returns:
        HTML.
    """
    read = [o for o in outcomes if not o.problem]
    count = f"{len(read)} submissions were graded"
    if len(read) < len(outcomes):
        count += f", {len(outcomes) - len(read)} could not be read"
    key = ", ".join(f"{_swatch(k)} {name}" for k, name in enumerate(RESULTS))
    parts = [HALF, f'<p class="total">{count}.</p>', f'<p class="meta">{key}</p>']
    parts.append(_lateness(outcomes, entries, handed) if handed else "")
    names = [e.name for e in lab.exercises] + [w.name for w in lab.written]
    for name in names:
        pairs = [
            (q, entries[o.slug][check_cell(q)])
            for o in read
            for q in o.questions
            if q.name == name
        ]
        if pairs:
            parts.append(_section(lab, name, pairs))
    return document(f"Report: {lab.title}", "\n".join(parts))


def _lateness(
    outcomes: Sequence[Outcome],
    entries: Mapping[str, Mapping[str, Entry]],
    handed: Mapping[str, Handed],
) -> str:
    """Say how many came late, by which rule, and what it cost them together.

    Returns:
        A paragraph.
    """
    late = [o for o in outcomes if handed[o.slug].late]
    cost = sum(handed[o.slug].penalty(earned(o, entries[o.slug])) for o in late)
    unknown = sum(one.when is None for one in handed.values())
    said = f"{len(late)} came late, which cost them {cost:g} points together"
    said += f"; of {unknown} it is not recorded when they came" * (unknown > 0)
    rule = next(iter(handed.values())).rule.sentence()
    return f'<p>{said}.</p><p class="meta">The rule: {escape(rule)}.</p>'


def _swatch(k: int) -> str:
    return (
        '<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" '
        f'fill="{FILLS[k]}" stroke="var(--edge)"/></svg>'
    )


def _section(lab: Lab, name: str, pairs: Sequence[tuple[Question, Entry]]) -> str:
    question = pairs[0][0]
    scores = [e.score for _, e in pairs if e.score is not None]
    mean = f"{sum(scores) / len(scores):.2f}" if scores else "–"
    counts = [sum(_result(q, e) == k for q, e in pairs) for k in range(len(RESULTS))]
    return (
        f"<section><h2><code>{escape(name)}</code>: {escape(question.title)}</h2>"
        f'<p class="meta">{mean} of {question.max_points:g} points on average</p>'
        f"{_bar(counts)}{_mistakes(lab, name, pairs)}</section>"
    )


def _result(question: Question, entry: Entry) -> int:
    """Sort a result into one of `RESULTS`.

    Returns:
        Its place.
    """
    if entry.score is None:
        return 4
    if entry.score >= question.max_points:
        return 0
    if entry.score > 0:
        return 1
    return 3 if question.kind in ("missing", "undefined") else 2


def _bar(counts: Sequence[int]) -> str:
    """Draw how many answers had which result.

    Returns:
        A picture with its description.
    """
    total, x, drawn = max(sum(counts), 1), 0.0, ""
    for k, count in enumerate(counts):
        width = WIDTH * count / total
        if count:
            drawn += (
                f'<rect x="{x:.1f}" width="{width:.1f}" height="{HEIGHT}" '
                f'fill="{FILLS[k]}" stroke="var(--edge)"/>'
            )
        x += width
    said = ", ".join(f"{c} {n}" for c, n in zip(counts, RESULTS, strict=True) if c)
    return (
        f'<svg role="img" aria-label="{said}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="width:100%;height:auto">{drawn}</svg><p>{said}.</p>'
    )


def _mistakes(lab: Lab, name: str, pairs: Sequence[tuple[Question, Entry]]) -> str:
    """List the mistakes, the most frequent first.

    Returns:
        A table, or nothing if there are none.
    """
    asked = [e for e in lab.exercises if e.name == name]  # none if it is written
    messages = {m.name: m.message for e in asked for m in e.mutants}
    found = Counter(
        messages.get(q.diagnosis, q.diagnosis) if q.diagnosis else KINDS[q.kind]
        for q, _ in pairs
        if q.diagnosis or q.kind in KINDS
    )
    if not found:
        return ""
    rows = "".join(
        f"<tr><td>{escape(said)}</td><td>{count} ({100 * count / len(pairs):.0f} %)"
        "</td></tr>"
        for said, count in found.most_common()
    )
    return (
        '<table><thead><tr><th scope="col">Mistake</th><th scope="col">How often</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )
