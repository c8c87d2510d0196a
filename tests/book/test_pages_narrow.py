"""Every page on a telephone: 360 px wide, nothing to the right, nothing unreadable."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser
# an experimental rule that the stock theme is known to break
ALL_RULES = {"rules": {"label-content-name-mismatch": {"enabled": True}}}

SMALL_TEXT = """() => [...document.querySelectorAll('main *')].filter(element => {
  const own = [...element.childNodes].some(
    node => node.nodeType === 3 && node.textContent.trim());
  const style = getComputedStyle(element);
  const shown = element.offsetParent !== null && style.visibility !== 'hidden';
  return own && shown && parseFloat(style.fontSize) < 11
    && !element.closest('mjx-container, svg, script, style');
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_fits(visit, page_name, theme):
    """Nothing scrolls sideways, axe-core is content, no text is tiny."""
    seen = visit(page_name, theme, width=360)
    width = "document.documentElement.scrollWidth"
    assert seen.page.evaluate(width) <= 360
    violations = Axe().run(seen.page, options=ALL_RULES).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []
    assert seen.page.evaluate(SMALL_TEXT) == []
