"""Lines 4 to 8 and 11 of the accessibility contract: panels, rest, motion, width."""

import json
from itertools import combinations

import pytest

pytestmark = pytest.mark.browser

BOXES = """nodes => nodes.map(n => {
    const {left, right, top, bottom} = n.getBoundingClientRect();
    const size = getComputedStyle(n).fontSize;
    return {left, right, top, bottom, text: n.textContent, size};
}).filter(b => b.text.trim() && b.right > b.left)"""


def overlapping(boxes, slack=1.5):
    def touch(a, b):
        return (
            a["left"] + slack < b["right"]
            and b["left"] + slack < a["right"]
            and a["top"] + slack + 1.5 < b["bottom"]
            and b["top"] + slack + 1.5 < a["bottom"]
        )

    return [(a["text"], b["text"]) for a, b in combinations(boxes, 2) if touch(a, b)]


# ---- 4: panels are images with a finding, and a table behind them


def test_panels_are_images_with_alt_text(still_page, figures):
    page = still_page()
    for figure in figures.values():
        for svg in page.locator(f"#fig-{figure.id} .ck-panel > svg").all():
            assert svg.get_attribute("role") == "img"
            assert figure.alt in svg.get_attribute("aria-label") or any(
                p.alt and p.alt in svg.get_attribute("aria-label")
                for p in figure.panels
            )


def test_data_disclosure_holds_the_current_panel_as_a_table(open_page, figures):
    page = open_page()
    panel = page.locator("#fig-batch-budget .ck-panel").nth(0)
    panel.locator("summary").click()
    table = panel.locator("table")
    table.wait_for()
    assert table.locator("tr").count() == 10
    cells = table.locator("tbody tr").nth(6).locator("td").all_inner_texts()
    stored = figures["batch-budget"].data.sel("acc", budget="15 epochs", lr=0.02)[:, -1]
    assert cells == [f"{v:.2f}" for v in stored]
    page.locator("#fig-batch-budget-budget-1").check(force=True)
    page.wait_for_timeout(150)
    later = table.locator("tbody tr").nth(6).locator("td").all_inner_texts()
    assert later != cells
    assert "diverged" in table.inner_text()


def test_every_panel_has_a_table_without_gaps(open_page):
    page = open_page()
    page.evaluate("document.querySelectorAll('.ck-data').forEach(d => d.open = true)")
    page.wait_for_timeout(300)
    tables = page.locator(".ck-data table")
    assert tables.count() == page.locator(".ck-panel").count()
    for rows in tables.evaluate_all(
        "ts => ts.map(t => [...t.rows].map(r => [...r.cells].map(c => c.innerText)))"
    ):
        assert len({len(row) for row in rows}) == 1
        flat = [cell for row in rows[1:] for cell in row]
        assert not any(c in ("", "NaN", "undefined", "null") for c in flat)


# ---- 5: at rest, without scripts


def test_resting_picture_is_an_image_that_scripts_replace(
    open_page, page_file, figures
):
    page = open_page(java_script_enabled=False)
    for figure in figures.values():
        root = page.locator(f"#fig-{figure.id}")
        assert root.locator("img").get_attribute("alt") == figure.alt
        assert root.locator("img").evaluate("n => n.naturalWidth") > 600
        assert figure.sentence() in root.inner_text()
    assert "<noscript" not in page_file.read_text()
    assert open_page().locator(".ck img").count() == 0


# ---- 6: motion


def test_nothing_moves_by_itself(still_page):
    page = still_page()
    before = page.locator(".ck").evaluate_all("ns => ns.map(n => n.dataset.state)")
    page.wait_for_timeout(800)
    assert (
        page.locator(".ck").evaluate_all("ns => ns.map(n => n.dataset.state)") == before
    )
    assert page.evaluate("document.getAnimations().length") == 0


def test_play_runs_to_the_end_once(open_page):
    page = open_page()
    root = "document.querySelector('#fig-batch-budget')"
    page.locator("#fig-batch-budget .ck-play").click()
    page.wait_for_function(f"{root}.figure.state.t < 23")
    page.wait_for_function(f"{root}.figure.state.t === 23")
    page.wait_for_timeout(400)
    assert state(page, "batch-budget")["t"] == 23
    assert page.locator("#fig-batch-budget .ck-play").inner_text() == "▶ Play"


def test_reduced_motion_plays_in_eight_jumps(open_page):
    page = open_page(reduced_motion="reduce")
    page.evaluate(
        """() => {
        window.moments = new Set();
        const root = document.querySelector('#fig-gd-momentum');
        new MutationObserver(() => window.moments.add(JSON.parse(root.dataset.state).t))
          .observe(root, {attributes: true, attributeFilter: ['data-state']});
    }"""
    )
    page.locator("#fig-gd-momentum .ck-play").click()
    page.wait_for_function("window.moments.has(100) && window.moments.size > 2")
    assert page.evaluate("[...window.moments].sort((a, b) => a - b)") == [
        0, 13, 25, 38, 50, 63, 75, 88, 100,
    ]  # fmt: skip


def state(page, name):
    return json.loads(page.locator(f"#fig-{name}").get_attribute("data-state"))


# ---- 7: own ground in every host


HOSTS = [
    ("root.dataset.theme = 'dark'", "delete root.dataset.theme", True),
    ("root.dataset.theme = 'light'", "delete root.dataset.theme", False),
    ("body.dataset.jpThemeLight = 'false'", "delete body.dataset.jpThemeLight", True),
    ("body.dataset.jpThemeLight = 'true'", "delete body.dataset.jpThemeLight", False),
    ("body.className = 'vscode-dark'", "body.className = ''", True),
    ("body.className = 'vscode-light'", "body.className = ''", False),
    ("root.setAttribute('theme', 'dark')", "root.removeAttribute('theme')", True),
]


@pytest.mark.parametrize("system", ["light", "dark"])
def test_theme_follows_the_page_else_the_system(open_page, system):
    page = open_page(theme=system)
    figure = page.locator("#fig-batch-budget")

    def run(script):
        known = "const {documentElement: root, body} = document;"
        page.evaluate(f"() => {{ {known} {script} }}")
        page.wait_for_timeout(40)
        ground = figure.evaluate("n => getComputedStyle(n).backgroundColor")
        return figure.get_attribute("data-theme"), ground

    grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}
    for switch, undo, dark in HOSTS:
        theme = "dark" if dark else "light"
        assert run(switch) == (theme, grounds[theme]), switch
        assert run(undo) == (system, grounds[system]), undo


def test_figures_keep_their_ground_inside_the_book_theme(open_page, figures, tmp_path):
    shell = tmp_path / "book.html"
    style = ".bd-content div.cell_output .text_html{background:#ccc;color:#000}"
    shell.write_text(
        f"<!doctype html><html data-theme=dark><style>{style}</style>"
        f"<div class=bd-content><div class='cell_output'><div class='output text_html'>"
        f"{figures['bias-tree'].html()}</div></div></div>"
    )
    page = open_page(path=shell)
    page.wait_for_selector(".ck-panels")
    ground = page.locator(".text_html").evaluate(
        "n => getComputedStyle(n).backgroundColor"
    )
    assert ground == "rgba(0, 0, 0, 0)"
    assert page.locator(".ck").get_attribute("data-theme") == "dark"


# ---- 8: 360 px


@pytest.mark.parametrize("width", [360, 600, 900])
def test_no_horizontal_scroll_and_no_small_text(open_page, width):
    page = open_page(width=width)
    page.evaluate(
        "document.querySelectorAll('.ck details').forEach(d => d.open = true)"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.eval_on_selector_all(
        ".ck",
        "nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.id)",
    )
    assert wide == []
    for box in page.eval_on_selector_all(".ck svg text:not(.ck-cell)", BOXES):
        assert float(box["size"].removesuffix("px")) >= 12, box["text"]
        assert box["left"] >= 0, box["text"]
        assert box["right"] <= width, box["text"]


@pytest.mark.parametrize("width", [360, 600, 900])
def test_labels_do_not_overlap(still_page, figures, width):
    page = still_page(width=width)
    for figure in figures.values():
        for k, svg in enumerate(
            page.locator(f"#fig-{figure.id} .ck-panel > svg").all()
        ):
            boxes = svg.locator("text").evaluate_all(BOXES)
            assert overlapping(boxes) == [], f"{figure.id}, panel {k}"


def test_labels_do_not_overlap_in_any_state_of_a_sweep(open_page, figures):
    page = open_page(width=360)
    page.locator("#fig-batch-budget-lr").focus()
    for k in range(9):
        page.evaluate(
            """k => { const i = document.querySelector('#fig-batch-budget-lr');
            i.value = k; i.dispatchEvent(new Event('input')); }""", k
        )  # fmt: skip
        page.wait_for_timeout(80)
        svg = page.locator("#fig-batch-budget .ck-panel > svg").nth(1)
        assert overlapping(svg.locator("text").evaluate_all(BOXES)) == [], (
            f"η number {k}"
        )


def test_one_column_at_360_pixels(still_page):
    page = still_page(width=360)
    lefts = page.locator("#fig-batch-budget .ck-panel").evaluate_all(
        "ns => ns.map(n => Math.round(n.getBoundingClientRect().left))"
    )
    assert len(set(lefts)) == 1


# ---- 11: dragging and scrolling


def test_dragging_selects_no_text(open_page):
    page = open_page()
    svg = page.locator("#fig-gd-momentum .ck-panel svg").nth(0)
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 400, steps=6)
    assert page.evaluate("getSelection().toString()") == ""
    page.mouse.up()
    assert page.evaluate("getSelection().toString()") == ""


def test_a_finger_scrolls_past_panels_and_drags_only_the_handle(open_page):
    page = open_page(width=360, has_touch=True)
    actions = page.eval_on_selector_all(
        ".ck-panel > svg",
        "ns => [...new Set(ns.map(n => getComputedStyle(n).touchAction))]",
    )
    assert actions == ["pan-y"]
    grip = page.locator("#fig-gd-momentum .ck-grip")
    assert grip.evaluate("n => getComputedStyle(n).touchAction") == "none"
    assert grip.bounding_box()["width"] >= 24
    before = state(page, "batch-budget")
    cell = page.locator("#fig-batch-budget .ck-panel svg rect").nth(1)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    client = page.context.new_cdp_session(page)
    x, y = box["x"] + 8, box["y"] + 8
    client.send(
        "Input.synthesizeScrollGesture",
        {"x": x, "y": y, "yDistance": -150, "gestureSourceType": "touch"},
    )
    page.wait_for_timeout(150)
    assert state(page, "batch-budget") == before
    cell.tap(position={"x": 3, "y": 3})
    page.wait_for_timeout(150)
    assert state(page, "batch-budget") != before
