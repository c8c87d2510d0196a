"""Repair what the stock theme gets wrong for keyboards and screen readers.

Each repair carries the name of the axe-core rule that complains without it. They run
over the written pages. One that finds nothing to repair in the whole book is reported
as a warning, and so fails the build: an update of the theme that changes the text
cannot silently bring the fault back, nor leave a useless repair behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Repair:
    """One fault: the rule that names it, what it looks like, and what replaces it."""

    rule: str
    pattern: str
    replacement: str | Callable[[re.Match[str]], str]

    def apply(self, text: str) -> tuple[str, int]:
        """Repair a page; return it with the number of faults found."""
        return re.subn(self.pattern, self.replacement, text, flags=re.DOTALL)


def signature_lines(match: re.Match[str]) -> str:
    """Turn a list of definitions without terms into lines of the signature."""
    lines = match[0].replace("<dl>", "").replace("</dl>", "")
    return lines.replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")


REPAIRS = (
    Repair(
        "region: the logo stands outside every landmark",
        r'(?<!<nav aria-label="Front page">)(<a class="navbar-brand logo".*?</a>)',
        r'<nav aria-label="Front page">\1</nav>',
    ),
    Repair(
        "label-content-name-mismatch: the search button reads otherwise than its name",
        r'(<button class="btn search-button-field [^>]*?) title="Search"'
        r' aria-label="Search"',
        r"\1",
    ),
    Repair(
        "label-content-name-mismatch: the icons of the theme switch have names too",
        r'(data-mode="(?:light|dark|auto)")\s+title="[^"]*"',
        r'\1 aria-hidden="true"',
    ),
    Repair(
        "label-content-name-mismatch: a folded cell is named otherwise than it reads",
        r'<summary aria-label="Toggle hidden content">',
        r"<summary>",
    ),
    Repair(
        "summary-name: a part of the navigation opens without saying what",
        r'(<a class="[^"]*" href="[^"]*">)([^<]*)(</a><details[^>]*><summary)>',
        r'\1\2\3 aria-label="Pages under \2">',
    ),
    Repair(
        "definition-list: long signatures are lists without terms",
        r'<dl>\n(?:<dd><em class="sig-param">(?:(?!</?dl).)*?</dd>\n)+</dl>',
        signature_lines,
    ),
    Repair(
        "aria-deprecated-role: entries of the bibliography",
        r'(<div class="citation" id="[^"]*") role="doc-biblioentry"',
        r"\1",
    ),
    Repair(
        "aria-required-children: the list of the bibliography",
        r'<div role="list" class="citation-list">',
        r'<div class="citation-list">',
    ),
    Repair(
        "valid-lang: a Chinese term of the glossary does not say that it is Chinese",
        r'(<dt id="term-[^"]*")(>[^<]*[\u4e00-\u9fff])',
        r'\1 lang="zh-Hans"\2',
    ),
)


def repair_pages(app: Sphinx, error: Exception | None) -> None:
    """Apply every repair to every page, and report those that were not needed."""
    if error or app.builder.format != "html":
        return
    needed = dict.fromkeys(REPAIRS, 0)
    for path in sorted(Path(app.outdir).rglob("*.html")):
        if "_static" in path.parts:
            continue
        text = before = path.read_text(encoding="utf-8")
        for repair in REPAIRS:
            text, count = repair.apply(text)
            needed[repair] += count
        if text != before:
            path.write_text(text, encoding="utf-8")
    for repair, count in needed.items():
        if not count:
            LOG.warning("no page needs this repair any more: %s", repair.rule)


def setup(app: Sphinx) -> None:
    """Run when all pages are written."""
    app.connect("build-finished", repair_pages)
