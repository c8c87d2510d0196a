r"""Write the page that one student gets back: a single file without a script.

Whatever comes from the student is escaped, and the page forbids its browser to load or
run anything.  It says what the answer behaves like and which equation line it misses;
hidden inputs and expected values are not in an `Outcome`, so they cannot be here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from coursekit.figures.palette import PALETTE
from coursekit.labs.grading.folder import printable
from coursekit.labs.grading.gradebook import Entry, check_cell
from coursekit.labs.grading.outcome import STATUSES, Outcome, Question

__all__ = ["page"]

ROLES = ("ground", "ink", "muted", "edge", "grid", "green", "vermillion")
MARKS = {
    "all": ("✓", "right"),
    "part": ("◐", "partly right"),
    "none": ("✗", "not right yet"),
    "missing": ("○", "not answered"),
    "open": ("…", "graded by a person"),
}
STYLE = """
:root { color-scheme: light dark; LIGHT }
@media (prefers-color-scheme: dark) { :root { DARK } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
main { max-width: 46rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin: 0 }
section { border-top: 1px solid var(--edge); padding: 1rem 0 }
.total { font-size: 1.15rem } .meta { color: var(--muted) }
table { border-collapse: collapse; width: 100% } caption { text-align: left }
th, td { text-align: left; padding: .3rem .5rem .3rem 0; vertical-align: top;
  border-bottom: 1px solid var(--grid); font-weight: inherit }
td:last-child, th:last-child { text-align: right; white-space: nowrap;
  padding-right: 0 }
code { font-family: ui-monospace, monospace; font-size: .92em }
blockquote { margin: .5rem 0; padding-left: .8rem; border-left: 3px solid var(--edge);
  white-space: pre-wrap }
.equation { padding: .4rem .8rem; border-left: 3px solid var(--edge) }
ul { padding-left: 1.2rem }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="meta">For {student}</p>
<p class="total">{total}</p>
<p>{status}</p>
{body}
</main>
</body>
</html>
"""
HOW = (
    "Your functions were called with the inputs of the notebook and with others. The "
    "points are those of the other inputs; a part counts if all its calls are right."
)


def page(outcome: Outcome, title: str, entries: Mapping[str, Entry]) -> str:
    """Write the page of one submission.

    Args:
        outcome: What came of it.
        title: Title of the lab.
        entries: What the gradebook has, by name of the cell.

    Returns:
        HTML.
    """
    cells = {q.name: entries[check_cell(q)] for q in outcome.questions}
    sections = [_section(q, cells[q.name]) for q in outcome.questions]
    if outcome.problem:
        sections = []
    body = [_summary(outcome, cells), *sections, _cells(outcome)]
    body.append(f'<section><p class="meta">{escape(HOW)}</p></section>')
    said = STATUSES[outcome.status]
    return PAGE.format(
        title=escape(f"Feedback: {title}"),
        style=_style(),
        student=escape(printable(outcome.student)),
        total=_total(outcome, cells),
        status=f"<strong>{escape(outcome.status)}.</strong> "
        + escape(outcome.problem or said),
        body="\n".join(part for part in body if part),
    )


def _style() -> str:
    light, dark = (
        " ".join(f"--{role}: {PALETTE[theme][role]};" for role in ROLES)
        for theme in ("light", "dark")
    )
    return STYLE.replace("LIGHT", light).replace("DARK", dark)


def _total(outcome: Outcome, cells: Mapping[str, Entry]) -> str:
    total = sum(cell.score or 0.0 for cell in cells.values())
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
