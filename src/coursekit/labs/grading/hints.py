r"""Put the hints of the notebook where a page of feedback says what went wrong.

A hint says which typical mistakes it helps with.  A diagnosed answer gets the hint of
its mistake; another wrong one all hints of its exercise, titled by symptom and folded.
"""

from __future__ import annotations

import re
from html import escape

from coursekit.labs.exercise import Hint
from coursekit.labs.grading.outcome import Question
from coursekit.labs.registry import exercises

__all__ = ["hints", "in_page"]

WRONG = ("wrong", "changed", "raised", "unusable", "recursion")
MARKED = re.compile(r"`([^`]+)`|\$([^$]+)\$|\*([^*\s][^*]*)\*")
SIGNS = {
    r"^\top": "ᵀ",
    r"\delta": "δ",
    r"\lambda": "λ",
    r"\mu": "μ",
    r"\sqrt": "√",
    r"\|": "‖",
    "{": "(",
    "}": ")",
}


def hints(question: Question) -> str:
    """Choose the hints for what came of a question.

    Args:
        question: The question.

    Returns:
        HTML; empty if nothing is wrong, or there is no hint.
    """
    exercise = exercises().get(question.name)
    if exercise is None or question.kind not in WRONG:
        return ""
    fitting = [h for h in exercise.hints if question.diagnosis in h.helps]
    if fitting:
        return "".join(_shown(hint) for hint in fitting)
    folded = "".join(_folded(hint) for hint in exercise.hints)
    return f"<p>Hints of the notebook, by what one sees:</p>{folded}" if folded else ""


def _shown(hint: Hint) -> str:
    return (
        f"<p><strong>Hint: {in_page(hint.symptom)}</strong></p>"
        f"<p>{in_page(hint.text)}</p>"
    )


def _folded(hint: Hint) -> str:
    summary, text = in_page(hint.symptom), in_page(hint.text)
    return f"<details><summary>{summary}</summary><p>{text}</p></details>"


def in_page(text: str) -> str:
    r"""Write the Markdown of a hint as HTML that needs no LaTeX.

    Args:
        text: Words with `code`, emphasis and short formulas.

    Returns:
        Escaped HTML.

    Example:
        >>> in_page("*Not* `x < y` but $a^{l-1}$")
        '<em>Not</em> <code>x &lt; y</code> but <i>a^(l-1)</i>'
    """
    return MARKED.sub(_marked, escape(text, quote=False))


def _marked(match: re.Match[str]) -> str:
    code, formula, stressed = match.groups()
    if code:
        return f"<code>{code}</code>"
    if stressed:
        return f"<em>{stressed}</em>"
    for sign, written in SIGNS.items():
        formula = formula.replace(sign, written)
    return f"<i>{formula}</i>"
