r"""Show the result of a check: a sentence first, then the cases.

The colours come from the page (``currentColor``), so the same HTML is readable in a
light and in a dark theme; every verdict is a glyph and a word, never a colour alone.
"""

from __future__ import annotations

import html
import re

from coursekit.labs.result import CaseResult, CheckResult

__all__ = ["as_html", "as_text", "headline", "in_html"]

GLYPHS = {"passed": "✓", "missing": "○", "undefined": "○"}
WORDS = {
    "passed": "right",
    "missing": "not answered yet",
    "undefined": "not answered yet",
    "wrong": "not right",
    "unusable": "no usable answer",
    "changed": "changes its input",
    "timeout": "too slow",
    "memory": "out of memory",
    "killed": "stopped",
    "recursion": "calls itself without end",
    "protocol": "no usable answer",
    "raised": "stops with an error",
}


def headline(result: CheckResult) -> str:
    """Give the verdict in one line.

    Args:
        result: What `Exercise.examine` returned.

    Returns:
        Glyph, name of the exercise, verdict, and how many cases passed.
    """
    status = result.status
    text = f"{_glyph(status)} {result.exercise}: {WORDS[status]}"
    if status in ("missing", "undefined"):
        return text
    right = sum(case.passed for case in result.cases)
    return f"{text} ({right} of {len(result.cases)} cases right)"


def as_text(result: CheckResult) -> str:
    """Write a result as plain text.

    Args:
        result: What `Exercise.examine` returned.

    Returns:
        Several lines.
    """
    lines = [headline(result), *_paragraphs(result)]
    for case in _listed(result):
        said = _said(result, case)
        lines.append(f"  {_glyph(case.kind)} {case.says}{': ' + said if said else ''}")
    return "\n".join(lines)


def as_html(result: CheckResult) -> str:
    """Write a result as HTML that fits any theme.

    Args:
        result: What `Exercise.examine` returned.

    Returns:
        One ``<div>``.
    """
    style = (
        "border-left:4px {} currentColor;padding:.1em .9em;margin:.3em 0;"
        "max-width:46em;line-height:1.45"
    ).format("solid" if result.passed else "double")
    body = f"<p style='margin:.3em 0'><strong>{in_html(headline(result))}</strong></p>"
    for paragraph in _paragraphs(result):
        body += f"<p style='margin:.3em 0'>{in_html(paragraph)}</p>"
    items = ""
    for case in _listed(result):
        said = _said(result, case)
        items += (
            f"<li style='margin:.15em 0'>{_glyph(case.kind)} "
            f"<code>{html.escape(case.says)}</code>: {WORDS[case.kind]}"
            f"{'. ' + in_html(said) if said else ''}</li>"
        )
    if items:
        body += (
            "<ul style='list-style:none;padding-left:0;margin:.3em 0'>"
            + items
            + "</ul>"
        )
    return f"<div style='{style}'>{body}</div>"


def _glyph(kind: str) -> str:
    return GLYPHS.get(kind, "✗")


def in_html(text: str) -> str:
    """Write a sentence with `code` in backticks as HTML.

    Args:
        text: Plain text.

    Returns:
        Escaped HTML.

    Example:
        >>> in_html("`a` < b")
        '<code>a</code> &lt; b'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _listed(result: CheckResult) -> list[CaseResult]:
    """List the cases worth showing: all, unless nothing was answered.

    Returns:
        The cases.
    """
    if result.status in ("missing", "undefined"):
        return []
    return list(result.cases)


def _said(result: CheckResult, case: CaseResult) -> str:
    return "" if result.message.endswith(case.message) else case.message


def _paragraphs(result: CheckResult) -> list[str]:
    if result.passed:
        if not result.unseen:
            return ["The grader repeats these cases with other inputs."]
        more = " and ".join(result.unseen)
        return [f"The grader repeats these cases with other inputs and adds: {more}."]
    said = [result.message]
    if result.equation and result.status in ("wrong", "changed"):
        said.append(f"Look at line {result.line}: {result.equation}")
    return said
