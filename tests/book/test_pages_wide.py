"""Every page on a wide screen: no request, no complaint, nothing that axe-core says."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
LARGEST = 2_500_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_is_sound(visit, violations, page_name, theme):
    """Opened from file://, a page works alone and can be read by everyone."""
    seen = visit(page_name, theme)
    assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
    assert violations(seen.page) == []
    assert seen.requests == []
    assert seen.complaints == []
    assert seen.page.locator("h1:visible").count() == 1
    assert seen.page.title()


def test_page_is_not_too_large(html, page_name):
    """No page is larger than 2.5 MB, figures and their data included."""
    assert (html / page_name).stat().st_size <= LARGEST
