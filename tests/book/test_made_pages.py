"""The pages that are made from data show all of it, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bookext import claims_table
from coursekit.notation import SYMBOLS

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.browser


def table_rows(page: str) -> int:
    """Count the body rows of all tables on a page."""
    bodies = re.findall(r"<tbody.*?</tbody>", page, re.DOTALL)
    return sum(len(re.findall(r"<tr\b", body)) for body in bodies)


def test_notation_page_has_a_row_for_each_symbol(html):
    """The table of the page is the table of the package."""
    page = (html / "book" / "notation.html").read_text(encoding="utf-8")
    assert table_rows(page) == len(SYMBOLS)
    assert page.count('<span class="math') >= len(SYMBOLS)


def test_claims_page_has_a_row_for_each_stored_claim(html):
    """Each claim stored in a chapter stands on the page once, in the same order."""
    page = (html / "book" / "claims.html").read_text(encoding="utf-8")
    stored = [
        record["id"]
        for notebook in sorted(ROOT.glob("chapters/*.ipynb"))
        for _, record in claims_table.stored_claims(notebook)
    ]
    shown = re.findall(r"<strong>([A-Z]+-\w+)</strong>", page)
    assert stored
    assert shown == stored
    assert f"{len(stored)} claims" in page


def test_every_citation_has_its_entry(html):
    """Every citation of the chapters leads to an entry of the bibliography."""
    page = (html / "book" / "references.html").read_text(encoding="utf-8")
    cited = set()
    for chapter in html.glob("chapters/*.html"):
        text = chapter.read_text(encoding="utf-8")
        cited |= set(re.findall(r'references\.html#([\w:-]+)"', text))
    assert cited
    assert {anchor for anchor in cited if f'id="{anchor}"' not in page} == set()
