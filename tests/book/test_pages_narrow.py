"""Every page on a telephone: 360 px wide, nothing to the right, nothing unreadable."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

SMALL_TEXT = """() => [...document.querySelectorAll('main *')].filter(element => {
  const own = [...element.childNodes].some(
    node => node.nodeType === 3 && node.textContent.trim());
  const style = getComputedStyle(element);
  const shown = element.offsetParent !== null && style.visibility !== 'hidden';
  return own && shown && parseFloat(style.fontSize) < 11
    && !element.closest('mjx-container, svg, script, style');
}).map(element => element.outerHTML.slice(0, 120))"""


def test_page_fits(visit, violations, page_name):
    """Nothing scrolls sideways, axe-core is content, no text is tiny."""
    seen = visit(page_name, width=360)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(seen.page) == []
    assert seen.page.evaluate(SMALL_TEXT) == []
