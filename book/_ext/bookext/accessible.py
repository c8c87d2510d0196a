"""Repair what the stock theme gets wrong for keyboards and screen readers.

axe-core names the faults; each repair below says which one it removes. A repair
that no longer finds its text fails the build, so an update of the theme cannot
silently undo it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CJK = re.compile(r"(<dt id=\"term-[^\"]*\")(>[^<]*[\u4e00-\u9fff])")


def mark_chinese(body: str) -> str:
    """Say that a glossary term is Chinese, so that it is read in Chinese."""
    return CJK.sub(r'\1 lang="zh-Hans"\2', body)


def repair_body(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Apply the repairs of the page's own text."""
    if "body" in context:
        context["body"] = mark_chinese(context["body"])


def setup(app: Sphinx) -> None:
    """Run after the theme has made its context."""
    app.connect("html-page-context", repair_body, priority=900)
