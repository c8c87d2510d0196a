"""What a reader does: search, move by keyboard, switch the theme, follow links."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
FRONT = "book/index.html"


def test_entry_page_leads_to_the_front_page(visit):
    """The file that `make book` names opens the front page."""
    seen = visit("index.html")
    seen.page.wait_for_url("**/book/index.html")
    assert "training fails" in seen.page.locator("h1:visible").inner_text()


def test_search_answers_without_a_server(visit):
    """The search page finds a word from file://, with a link that exists."""
    seen = visit("search.html?q=saddle")
    hits = seen.page.locator("#search-results li a")
    hits.first.wait_for(timeout=15_000)
    addresses = [hits.nth(i).get_attribute("href") for i in range(hits.count())]
    assert any("glossary" in address for address in addresses)
    assert seen.requests == []
    assert seen.complaints == []


def test_search_field_opens_and_submits_by_keyboard(visit):
    """Ctrl+K opens the field, Enter searches."""
    page = visit(FRONT).page
    page.keyboard.press("Control+k")
    page.keyboard.type("momentum")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=momentum*")


def test_first_tab_reaches_the_skip_link(visit):
    """The first Tab shows a link that jumps over the navigation."""
    page = visit(FRONT).page
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert "Skip" in focused.inner_text()
    assert focused.is_visible()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_focus_is_visible_wherever_it_goes(visit, theme):
    """Each of the first forty stops of Tab has an outline of at least 2 px."""
    page = visit(FRONT, theme).page
    outline = """() => {
        const e = document.activeElement, style = getComputedStyle(e);
        return [e.outerHTML.slice(0, 100), style.outlineStyle,
                parseFloat(style.outlineWidth)]; }"""
    for _ in range(40):
        page.keyboard.press("Tab")
        html, style, width = page.evaluate(outline)
        if html.startswith("<body"):  # past the last stop, the browser's own turn
            continue
        assert style != "none", html
        assert width >= 2, html


def test_theme_is_switched_and_remembered(visit):
    """The button changes light and dark, and the next page keeps the choice."""
    page = visit(FRONT).page
    button = page.locator("button.theme-switch-button:visible").first
    seen = set()
    for _ in range(3):
        button.click()
        seen.add(page.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}
    before = page.evaluate("document.documentElement.dataset.mode")
    page.goto(page.url.replace("index.html", "glossary.html"))
    assert page.evaluate("document.documentElement.dataset.mode") == before


def test_mathematics_is_set(visit):
    """Formulas become MathJax elements, without its error nodes."""
    page = visit("book/notation.html").page
    page.locator("mjx-container").first.wait_for(timeout=15_000)
    assert page.locator("mjx-container").count() > 50
    assert page.locator("mjx-merror").count() == 0


def test_menu_opens_on_a_narrow_screen(visit):
    """At 360 px the button brings up the list of chapters, and Escape closes it."""
    page = visit(FRONT, width=360).page
    page.locator("button.primary-toggle").click()
    assert page.get_by_role("link", name="Glossary").first.is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Glossary").first.wait_for(state="hidden")
