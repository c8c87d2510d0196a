"""Lines 9 and 10 of the accessibility contract: axe-core, contrast, every sentence."""

import json

import pytest

from coursekit.figures.palette import luminance

pytestmark = pytest.mark.browser

SET_STATE = """([id, state]) => {
    const pair = ([k, v]) => `${k}=${encodeURIComponent(v)}`;
    const pairs = Object.entries(state).map(pair);
    location.hash = `#fig-${id}?${pairs.join('&')}`;
}"""


@pytest.fixture
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 900), ("dark", 900), ("light", 360)]
)
def test_axe_finds_nothing(open_page, axe, theme, width):
    page = open_page(theme=theme, width=width)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.evaluate(
        "document.querySelectorAll('.ck details').forEach(d => d.open = true)"
    )
    page.wait_for_timeout(300)
    found = axe.run(page)
    assert [v["id"] for v in found.response["violations"]] == [], (
        found.generate_report()
    )


def contrast(a, b):
    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def hexadecimal(rgb):
    channels = [int(float(v)) for v in rgb.strip("rgba()").split(",")[:3]]
    return "#" + "".join(f"{v:02X}" for v in channels)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plot_text_has_contrast(still_page, theme):
    """axe-core does not see text in SVG: each is compared with what lies below it."""
    page = still_page(theme=theme)
    found = page.eval_on_selector_all(
        ".ck svg text",
        """nodes => nodes.filter(n => n.textContent.trim()).map(n => {
            const ground = getComputedStyle(n.closest('.ck')).backgroundColor;
            const box = n.getBoundingClientRect();
            const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
            const covers = r => { const b = r.getBoundingClientRect();
                return b.left <= x && x <= b.right && b.top <= y && y <= b.bottom; };
            const cell = n.classList.contains('ck-cell') && [...n.ownerSVGElement
                .querySelectorAll('rect[fill^="#"]')].find(covers);
            return [n.textContent, getComputedStyle(n).fill,
                    cell ? getComputedStyle(cell).fill : ground, Boolean(cell)];
        })""",
    )
    assert sum(on_cell for *_, on_cell in found) > 50
    for text, ink, ground, _ in found:
        ratio = contrast(hexadecimal(ink), hexadecimal(ground))
        assert ratio >= 4.5, f"{text}: {ratio:.2f}"


def test_every_sentence_of_every_state_is_the_same_in_page_and_python(
    still_page, figures
):
    page = still_page()
    for figure in figures.values():
        said = page.evaluate(
            """([id, states]) => {
            const root = document.querySelector(`#fig-${id}`);
            return states.map(s => root.figure.sentence(s));
        }""",
            [figure.id, [s.state for s in figure.sentences()]],
        )
        for sentence, text in zip(figure.sentences(), said, strict=True):
            assert text == sentence.text, sentence.words


def test_no_sentence_has_a_gap(figures):
    for figure in figures.values():
        for sentence in figure.sentences():
            assert "{" not in sentence.text
            assert "missing" not in sentence.text
            assert "n/a" not in sentence.text
            assert sentence.text.endswith((".", ")."))


def test_the_shown_text_is_the_sentence_of_the_state(open_page, figures):
    page = open_page()
    figure = figures["init-scale"]
    for sentence in figure.sentences()[::37]:
        values = {n: figure.space.value(n, sentence.state) for n in sentence.state}
        page.evaluate(SET_STATE, [figure.id, values])
        page.wait_for_timeout(400)
        assert page.locator(f"#fig-{figure.id} .ck-says").inner_text() == sentence.text


def test_links_in_prose_and_address_set_the_state(open_page, page_file):
    page = open_page(hash="#fig-init-scale?gain=1.4142&act=tanh&bogus=3")
    read = "JSON.parse(document.querySelector('#fig-init-scale').dataset.state)"
    page.wait_for_function(f"{read}.gain === 10")
    assert page.evaluate(read)["act"] == 0
    top = page.locator("#fig-init-scale").bounding_box()["y"]
    assert -5 <= top <= 120
    page.evaluate(
        """document.querySelector('h1').innerHTML =
        '<a href="#fig-init-scale?act=sigmoid">sigmoid</a>'"""
    )
    page.locator("h1 a").click()
    page.wait_for_function(f"{read}.act === 2")
    assert page.evaluate(read)["gain"] == 10
    page.locator("#fig-init-scale-gain").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    assert "gain=0.25" in page.evaluate("location.hash")
    link = page.locator("#fig-init-scale .ck-link").get_attribute("href")
    again = open_page(hash=link)
    again.wait_for_function(f"{read}.gain === 0")
    assert json.loads(again.locator("#fig-init-scale").get_attribute("data-state")) == (
        page.evaluate(read)
    )
