"""Lines 1 to 3 of the accessibility contract: controls, targets, the text line."""

import json

import pytest

pytestmark = pytest.mark.browser

CONTROLS = "input, select, button, summary, a"


def state(page, name):
    return json.loads(page.locator(f"#fig-{name}").get_attribute("data-state"))


def text_line(page, name):
    page.wait_for_timeout(350)
    return page.locator(f"#fig-{name} .ck-says").inner_text()


def press(page, selector, key, times=1):
    page.locator(selector).focus()
    for _ in range(times):
        page.keyboard.press(key)
    page.wait_for_timeout(120)


# ---- 1: whatever a pointer can do, a labelled native control can do


def test_every_dimension_of_the_state_has_a_labelled_native_control(
    still_page, figures
):
    page = still_page()
    for figure in figures.values():
        for dim in figure.state:
            named = page.locator(
                f"#fig-{figure.id} :is(input, select)[id^='fig-{figure.id}-{dim}']"
            )
            assert named.count() > 0, f"{figure.id}: no native control for {dim}"
            labels = named.evaluate_all("nodes => nodes.map(n => n.labels.length)")
            assert all(labels), f"{figure.id}: {dim} has no label"


@pytest.mark.parametrize(
    ("selector", "key", "dim", "after"),
    [
        ("#fig-batch-budget-B", "ArrowLeft", "B", 5),
        ("#fig-batch-budget-budget-0", "ArrowRight", "budget", 1),
        ("#fig-batch-budget-t", "Home", "t", 0),
        ("#fig-gd-momentum-mu", "ArrowRight", "mu", 0.71),
        ("#fig-ctr-ranks-norm", "ArrowDown", "norm", 1),
        ("#fig-bias-tree-measured", "Space", "measured", 1),
        ("#fig-norm-groups-pchannel", "ArrowDown", "pchannel", 3),
    ],
)
def test_each_kind_of_control_moves_the_state_by_keyboard(
    open_page, selector, key, dim, after
):
    page = open_page()
    press(page, selector, key)
    name = selector.removeprefix("#fig-").removesuffix(f"-{dim}").removesuffix("-0")
    name = name.removesuffix(f"-{dim}")
    assert state(page, name)[dim] == pytest.approx(after)


def test_arrows_move_the_selection_of_a_heatmap(open_page):
    page = open_page()
    panel = "#fig-batch-budget .ck-panel:nth-child(1) svg"
    press(page, panel, "ArrowLeft", 2)
    press(page, panel, "ArrowUp")
    assert (state(page, "batch-budget")["B"], state(page, "batch-budget")["lr"]) == (
        4,
        3,
    )
    press(page, panel, "ArrowDown", 12)
    assert state(page, "batch-budget")["lr"] == 0


def test_arrows_move_the_start_on_a_surface(open_page):
    page = open_page()
    press(page, "#fig-gd-momentum .ck-panel:nth-child(1) svg", "ArrowUp", 2)
    assert state(page, "gd-momentum")["y0"] == pytest.approx(-1.8)


def test_arrows_move_rows_of_dots_and_points(open_page):
    page = open_page()
    press(page, "#fig-ctr-ranks .ck-panel:nth-child(1) svg", "ArrowDown")
    press(page, "#fig-ctr-ranks .ck-panel:nth-child(2) svg", "ArrowRight")
    found = state(page, "ctr-ranks")
    assert (found["norm"], found["point"]) == (1, 10)


def test_focus_in_one_panel_marks_the_same_setting_in_the_others(open_page):
    page = open_page()
    ridge = page.locator("#fig-init-scale .ck-ridge.ck-hover")
    assert ridge.count() == 0
    press(page, "#fig-init-scale .ck-panel:nth-child(1) svg", "ArrowUp")
    assert ridge.count() == 1
    assert page.locator("#fig-init-scale .ck-linked").count() == 1
    page.locator(
        "#fig-batch-budget .ck-panel:nth-child(2) svg"
    ).scroll_into_view_if_needed()
    box = page.locator("#fig-batch-budget .ck-panel:nth-child(1) svg").bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 120)
    page.wait_for_timeout(150)
    assert page.locator("#fig-batch-budget .ck-line.ck-hover").count() == 1


def test_pointer_picks_a_cell_and_drags_the_start(open_page):
    page = open_page()
    cell = page.locator("#fig-batch-budget .ck-panel:nth-child(1) svg rect").nth(1)
    cell.click(position={"x": 4, "y": 4})
    page.wait_for_timeout(100)
    assert (state(page, "batch-budget")["B"], state(page, "batch-budget")["lr"]) == (
        0,
        1,
    )
    grip = page.locator("#fig-gd-momentum .ck-grip")
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 60, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    found = state(page, "gd-momentum")
    assert found["x0"] < 1.0
    assert found["y0"] > -1.8


def test_named_stops_go_where_they_say_even_when_they_move(open_page):
    page = open_page()
    page.get_by_role("button", name="best for GD").click()
    page.wait_for_timeout(100)
    assert state(page, "gd-momentum")["rate"] == pytest.approx(60 / 31, rel=1e-6)
    page.get_by_role("button", name="He", exact=True).click()
    page.wait_for_timeout(100)
    assert state(page, "init-scale")["gain"] == 10
    assert "He" in page.locator("#fig-init-scale-gain").get_attribute("aria-valuetext")


def test_reset_restores_the_resting_state(open_page, figures):
    page = open_page()
    press(page, "#fig-batch-budget-B", "Home")
    page.locator("#fig-batch-budget-predict-1").check(force=True)
    page.locator("#fig-batch-budget .ck-reset").click()
    page.wait_for_timeout(100)
    assert state(page, "batch-budget") == figures["batch-budget"].state
    assert page.locator("#fig-batch-budget .ck-predict input:checked").count() == 0


# ---- 2: JupyterLab keeps its hands off, values are visible and spoken, targets ≥ 24 px


def test_inputs_keep_their_arrow_keys_from_jupyterlab(still_page):
    page = still_page()
    bare = page.locator(
        ".ck :is(input, select, svg[tabindex]):not([data-lm-suppress-shortcuts='true'])"
    )
    assert bare.count() == 0


def test_sliders_speak_value_and_unit(still_page):
    page = still_page()
    sliders = page.locator(".ck input[type=range]").all()
    assert len(sliders) > 10
    for slider in sliders:
        spoken = slider.get_attribute("aria-valuetext")
        shown = slider.evaluate(
            "n => n.closest('.ck-control, .ck-track')"
            ".querySelector('.ck-value').innerText"
        )
        if slider.is_visible():
            assert spoken.startswith(shown.split(" · ")[0].strip())
    step = page.locator("#fig-init-scale-step").get_attribute("aria-valuetext")
    assert step == "0 updates"


@pytest.mark.parametrize("width", [900, 360])
def test_targets_are_at_least_24_pixels(open_page, width):
    page = open_page(width=width)
    page.evaluate("document.querySelectorAll('.ck-more').forEach(d => d.open = true)")
    small = page.eval_on_selector_all(
        f".ck :is({CONTROLS})",
        """nodes => nodes.filter(n => n.offsetParent).map(n => {
            const box = n.getBoundingClientRect();
            return [n.outerHTML.slice(0, 80), box.width, box.height];
        }).filter(([, w, h]) => w < 24 || h < 24)""",
    )
    assert small == []


# ---- 3: the text line


def test_text_line_is_a_polite_status_that_waits_for_the_hand(open_page):
    page = open_page()
    line = page.locator("#fig-batch-budget .ck-says")
    assert (line.get_attribute("role"), line.get_attribute("aria-live")) == (
        "status", "polite",
    )  # fmt: skip
    page.evaluate(
        """() => {
        window.heard = [];
        const line = document.querySelector('#fig-batch-budget .ck-says');
        const hear = () => window.heard.push([performance.now(), line.innerText]);
        new MutationObserver(hear)
          .observe(line, {childList: true, characterData: true, subtree: true});
    }"""
    )
    page.locator("#fig-batch-budget-B").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    start = page.evaluate("performance.now()")
    page.wait_for_timeout(500)
    heard = page.evaluate("window.heard")
    assert len(heard) == 1
    assert "B = 16," in heard[0][1]
    assert heard[0][0] > start


def test_text_line_is_silent_while_playing_and_speaks_at_the_end(open_page):
    page = open_page()
    line = page.locator("#fig-init-scale .ck-says")
    page.evaluate(
        """() => {
        window.live = [];
        const line = document.querySelector('#fig-init-scale .ck-says');
        new MutationObserver(() => window.live.push(line.getAttribute('aria-live')))
          .observe(line, {childList: true, characterData: true, subtree: true});
    }"""
    )
    page.locator("#fig-init-scale .ck-play").click()
    page.wait_for_timeout(200)
    assert line.get_attribute("aria-live") == "off"
    page.wait_for_function(
        "JSON.parse(document.querySelector('#fig-init-scale').dataset.state).step === 4"
    )
    page.wait_for_timeout(500)
    assert line.get_attribute("aria-live") == "polite"
    live = page.evaluate("window.live")
    assert live[-1] == "polite"
    assert set(live[:-2]) <= {"off"}
    assert page.locator("#fig-init-scale .ck-play").inner_text() == "▶ Play"


def test_prediction_is_recorded_and_answered_by_the_text_line(open_page):
    page = open_page()
    page.locator("#fig-batch-budget-predict-2").check(force=True)
    assert "Noted: you predict “none”." in text_line(page, "batch-budget")
    page.locator("#fig-batch-budget-budget-1").check(force=True)
    said = text_line(page, "batch-budget")
    assert "You predicted “none”; it is “B = 1000”. It goes to " in said
    page.locator("#fig-gd-momentum-predict-1").check(force=True)
    assert text_line(page, "gd-momentum").startswith("You predicted “no”. The loss")
