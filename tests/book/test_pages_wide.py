"""Every page on a wide screen: no request, no complaint, nothing that axe-core says."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser
# an experimental rule that the stock theme is known to break
ALL_RULES = {"rules": {"label-content-name-mismatch": {"enabled": True}}}
LARGEST = 2_500_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_is_sound(visit, page_name, theme):
    """Opened from file://, a page works alone and can be read by everyone."""
    seen = visit(page_name, theme)
    assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
    violations = Axe().run(seen.page, options=ALL_RULES).response["violations"]
    assert [faults(violation) for violation in violations] == []
    assert seen.requests == []
    assert seen.complaints == []


def faults(violation: dict) -> str:
    """Put a violation into one line: rule, sentence, first element."""
    first = violation["nodes"][0]
    return f"{violation['id']}: {first['failureSummary']} {first['html'][:200]}"


def test_page_has_one_title(visit, page_name):
    """A page has exactly one main heading, and a title of its own."""
    page = visit(page_name).page
    assert page.locator("h1").count() == 1
    assert page.title()


def test_page_is_not_too_large(html, page_name):
    """No page is larger than 2.5 MB, figures and their data included."""
    assert (html / page_name).stat().st_size <= LARGEST
