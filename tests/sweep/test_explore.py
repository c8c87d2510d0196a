"""Draw and explore runs: every line, band and sentence from known numbers."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursekit.figures import panels, use_style
from coursekit.sweep import Sweep, arrange, drawing, explorer, explorer_parts, grid
from coursekit.sweep.pictures import plot

nan, inf = math.nan, math.inf


def made(seeds: int = 3, times: int = 6, activations: Any = ("relu", "tanh")) -> Sweep:
    """Rates × activations × seeds; the largest rate diverges at its third update."""
    settings = grid(lr=[0.01, 0.1, 1.0], act=[*activations], seed=range(seeds))
    n = len(settings)
    steps = np.arange(times)
    speed = np.array([row["lr"] ** 0.5 for row in settings])
    offset = np.array([0.01 * row["seed"] for row in settings])
    loss = 2 * np.exp(-speed[:, None] * steps) + 0.1 + offset[:, None]
    status, updates = ["done"] * n, np.full(n, times)
    for row, setting in enumerate(settings):
        if setting["lr"] == pytest.approx(1.0) and setting["act"] == "relu":
            status[row], updates[row] = "diverged", 2
            loss[row, 2:] = [inf] + [nan] * (times - 3)
    moments = np.array([0, times])
    acc = np.stack([np.full(n, 0.1), 1 - loss[:, -1] / 4], 1)
    return Sweep(
        settings=settings,
        loss=loss,
        moments=moments,
        probes={"test_acc": acc, "norm": np.zeros((n, 2, 3))},
        status=status,
        updates=updates,
        parameters=[{}] * n,
    )


def test_course_and_ends() -> None:
    """Diverged is infinite from there on, stopped is kept, the rest is missing."""
    sweep = made()[[0, 12, 1, 2]]
    sweep.status = ["done", "diverged", "stopped", "interrupted"]
    sweep.updates = np.array([6, 2, 3, 4])
    sweep.loss[2, 3:] = nan
    sweep.loss[3, 4:] = nan
    values = arrange.course(sweep, "loss")
    assert np.isfinite(values[0]).all()
    assert np.isfinite(values[1, :2]).all()
    assert np.isinf(values[1, 2:]).all()
    np.testing.assert_array_equal(values[2, 3:], [values[2, 2]] * 3)
    assert np.isnan(values[3, 4:]).all()
    found = arrange.ends(sweep, "loss")
    assert np.isinf(found[1])
    assert found[3] == pytest.approx(sweep.loss[3, 3])
    with pytest.raises(ValueError, match="one number a run"):
        arrange.course(sweep, "norm")


def test_thinning_means_windows() -> None:
    values = np.arange(10.0)[None]
    kept, times, window = arrange.thin(values, np.arange(1, 11), 4, mean=True)
    assert window == 3
    assert times.tolist() == [3, 6, 9, 10]
    assert kept.tolist() == [[1, 4, 7, 9]]
    kept, times, window = arrange.thin(values, np.arange(10), 4, mean=False)
    assert window == 1
    assert times.tolist() == kept[0].tolist() == [0, 3, 6, 9]
    kept, times, window = arrange.thin(values, np.arange(10), 10, mean=True)
    assert (kept.shape, window) == ((1, 10), 1)
    broken = np.array([[1.0, inf, inf, inf]])
    assert arrange.thin(broken, np.arange(4), 2, mean=True)[0].tolist() == [[inf, inf]]


def test_axes_do_not_show_last_breaths() -> None:
    calm = arrange.calm([np.array([1.0, 2.0]), np.array([1.0, 1e9, inf])])
    assert calm.tolist() == [1.0, 2.0]
    assert arrange.calm([np.array([3.0, inf])]).tolist() == [3.0]
    assert arrange.calm([np.array([nan])]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("values", "numeric", "log"),
    [
        ([1, 10], True, True),
        ([1, 9], True, False),
        ([0, 100], True, False),
        ([True, False], False, False),
        ([0.1, None], False, False),
        ([0.1, nan], False, False),
        (["a"], False, False),
    ],
)
def test_kinds_of_axes(values: list[Any], numeric: bool, log: bool) -> None:
    assert (arrange.is_numeric(values), arrange.is_log(values)) == (numeric, log)


def check_drawing(make: Any) -> None:
    """Lines, colours, dashes, bands and names."""

    def of(sweep: Any, y: str = "loss", x: Any = None, hue: Any = None) -> Any:
        return make(sweep, y, x, hue, None, None, "")

    time = of(made().select(act="tanh"))
    assert time.x == "step"
    assert [curve.text for curve in time.curves()] == [
        *("lr = 0.01", "lr = 0.1", "lr = 1")
    ]
    assert [curve.colour for curve in time.curves()] == ["blue", "vermillion", "green"]
    assert [curve.dash for curve in time.curves()] == [0, 1, 2]
    curve = time.curves()[1]
    np.testing.assert_array_equal(curve.xs, np.arange(1, 7))
    rows = made().where(act="tanh", lr=0.1)
    np.testing.assert_allclose(curve.ys, np.median(made().loss[rows], 0))
    np.testing.assert_allclose(curve.band[0], made().loss[rows].min(0))
    assert "range of 3 seeds" in time.ylabel
    both = of(made(), hue="act")
    assert len({(c.colour, c.dash) for c in both.curves()}) == 6
    assert len({c.colour for c in both.curves()}) == 2
    rate = of(made(), "test_acc", "lr")
    assert rate.xlog
    assert not rate.ylog
    assert [c.text for c in rate.curves()] == ["relu", "tanh"]
    relu = rate.curves()[0]
    np.testing.assert_allclose(relu.xs, [0.01, 0.1, 1.0])
    assert np.isinf(np.asarray(relu.ys)[2])
    np.testing.assert_allclose(relu.ys[0], 1 - made().loss[1, -1] / 4)
    assert "relu highest at 0.1 with" in rate.alt
    wide = made()
    wide.probes["size"] = 10 * wide.loss[:, :2] ** 4
    assert not of(wide, "size").ylog
    words = of(made(), "test_acc", "act", "lr")
    assert words.ticks == ["relu", "tanh"]
    assert words.curves()[0].text == "lr = 0.01"
    assert of(made(), "updates").x == "lr"
    one = of(made()[:3])
    assert [c.text for c in one.curves()] == [""]
    with pytest.raises(ValueError, match="x: expected a word that differs"):
        of(made(), "loss", "rate")
    with pytest.raises(ValueError, match="hue: expected a word that differs"):
        of(made(), "loss", None, "seeds")
    with pytest.raises(ValueError, match="hue: expected another word than x"):
        of(made(), "loss", "lr", "lr")
    with pytest.raises(ValueError, match="at most 10 lines, got 12"):
        of(made(1, 6, "abcd"))


def test_drawing() -> None:
    check_drawing(drawing.Drawing)


DRAWING = [
    ('{end}", self.seeds', '{end}", 1'),
    ("firsts.index(repr(key[:1]))", "k"),
    ("rests.index(repr(key[1:]))", "0"),
    ("enumerate(sorted(options) if numeric else options)", "enumerate(options[::-1])"),
    ("not self.in_time and is_log(axis)", "False"),
    ('"loss" in y and', ""),
    ("lines > LINES", "lines > LINES + 5"),
    ("self.sweep.settings[row].get(self.x) == option", "True"),
    ("known.argmax() if up else known.argmin()", "known.argmin()"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), DRAWING)
def test_mutants_of_drawing(old: str, new: str, mutate: Any) -> None:
    wrong = mutate(drawing.Drawing, old, new)
    with pytest.raises((AssertionError, ValueError, IndexError, pytest.fail.Exception)):
        check_drawing(wrong)


def test_missing_runs_are_no_divergence() -> None:
    """Interrupted runs leave gaps, and lines of what is there."""
    sweep = made()
    for row in range(0, 6):
        sweep.status[row], sweep.updates[row] = "interrupted", 0
        sweep.loss[row] = nan
    sweep.probes["test_acc"][:6, 1] = nan
    rate = drawing.Drawing(sweep, "loss", "lr", None, None, None, "")
    assert [len(curve.xs) for curve in rate.curves()] == [2, 2]  # type: ignore[arg-type]
    sweep.status[6], sweep.updates[6] = "interrupted", 0
    sweep.loss[6] = nan
    rate = drawing.Drawing(sweep, "loss", "lr", None, None, None, "")
    relu = rate.curves()[0]
    assert np.isfinite(np.asarray(relu.ys)[0])


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"y": "test_acc", "x": "lr"},
        {"y": "loss", "x": "act", "hue": "lr", "ylog": True},
        {"y": "test_acc", "x": "lr", "xlog": False, "title": "A title"},
    ],
)
def test_pictures_are_drawn(words: dict[str, Any]) -> None:
    """In light and dark, wide and narrow; on axes of one's own; axes have names."""
    picture = made().plot(**words)
    assert "<svg" in picture.html or "data:image/svg" in picture.html
    assert picture.alt.endswith(".")
    with use_style():
        _, (ax,) = panels(1)
        y, x, hue = words.get("y", "loss"), words.get("x"), words.get("hue")
        looks = {k: v for k, v in words.items() if k not in ("y", "x", "hue")}
        assert plot(made(), y, x, hue, ax=ax, **looks) is ax
        assert ax.get_xlabel()
        crosses = [line for line in ax.lines if line.get_marker() == "x"]
        assert crosses


def check_explorer(make: Any) -> None:
    sweep = made()
    figure = make(sweep, "test_acc", None).figure(40)
    assert [control.dims[0] for control in figure.controls] == ["lr", "act", "step"]
    assert [control.kind for control in figure.controls] == [
        *("slider", "segmented", "scrub")
    ]
    last = figure.data.sel("measured", step=6)
    rows = sweep.where(lr=0.1, act="tanh")
    wanted = np.median(sweep.probes["test_acc"][rows, 1])
    np.testing.assert_allclose(last[1, 1], wanted, atol=1e-4)
    assert np.isinf(last[2, 0])
    assert figure.data.sel("measured_div", lr=1.0, act="relu", step=6) == 3
    assert figure.data.sel("measured_div", lr=1.0, act="relu", step=0) == 0
    best = sweep.probes["test_acc"][sweep.where(lr=1.0, act="tanh"), 1]
    assert f"highest test accuracy is {np.median(best):.3g}" in figure.alt
    assert "learning rate η 1" in figure.alt
    sentences = figure.sentences()
    assert len(sentences) == 12
    text = "\n".join(s.text for s in sentences)
    assert "median of 3 seeds; they lie between" in text
    assert "act relu, 3 of 3 runs have diverged within 6 updates." in text
    loss = make(sweep, "loss", None).figure(40)
    assert "lowest loss of the batch" in loss.alt
    assert loss.data.sel("measured_div", lr=1.0, act="relu", step=2) == 0
    assert loss.data.sel("measured_div", lr=1.0, act="relu", step=3) == 3
    words = make(sweep.select(lr=0.1), "test_acc", None).figure(40)
    assert words.panels[-1].kind == "dots"
    alone = make(made(1), "test_acc", None).figure(40)
    assert "the run has diverged" in "\n".join(s.text for s in alone.sentences())
    with pytest.raises(ValueError, match="differ in nothing but the seed"):
        make(sweep[:3], "loss", None)
    with pytest.raises(ValueError, match=r"got 5 of 6; missing are lr=1.0, act='tanh'"):
        make(sweep[:-1], "loss", None)


def test_explorer() -> None:
    check_explorer(explorer.Explorer)


EXPLORER = [
    ("known.argmax() if up else known.argmin()", "known.argmin() if up else 0"),
    ("table.ndim - 2", "0"),
    ("[found[key][seed] for key in wanted for seed in seeds]",
     "[found[key][seed] for seed in seeds for key in wanted]"),
    ("len(found.get(key, {})) < len(seeds)", "len(found.get(key, {})) < 1"),
    ("lacking[:3]", "lacking[1:]"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), EXPLORER)
def test_mutants_of_explorer(old: str, new: str, mutate: Any) -> None:
    wrong = mutate(explorer.Explorer, old, new)
    kinds = (AssertionError, ValueError, IndexError, KeyError, pytest.fail.Exception)
    with pytest.raises(kinds):
        check_explorer(wrong)


PARTS = [
    ("sentences", "lambda s: not np.isfinite(s.measured)", "lambda s: False"),
    ("sentences", "spread = (\n", 'spread = "" and (\n'),
    ("controls", "len(values) > 2", "len(values) > 9"),
    ("panels", "    if numeric:\n", "    if True:\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), PARTS)
def test_mutants_of_parts(
    name: str, old: str, new: str, mutate: Any, monkeypatch: Any
) -> None:
    function = getattr(explorer_parts, name)
    monkeypatch.setattr(explorer, name, mutate(function, old, new))
    with pytest.raises((AssertionError, ValueError)):
        check_explorer(explorer.Explorer)


def test_lengths_that_differ_are_missing_not_diverged() -> None:
    """Epochs of several batch sizes: shorter runs end, and the figure says so."""
    sweep = made().select(act="tanh")
    for row in sweep.where(lr=1.0):
        sweep.updates[row] = 3
        sweep.loss[row, 3:] = nan
    figure = sweep.explore("loss")
    text = "\n".join(s.text for s in figure.sentences())
    assert "learning rate η 1, nothing was measured after 6 updates." in text
    assert "diverged" not in text


def test_explore_fits_its_room(monkeypatch: Any) -> None:
    """Many settings: fewer moments; too many: a clear error."""
    settings = grid(a=range(30), b=range(20), seed=range(2))
    n = len(settings)
    rng = np.random.default_rng(0)
    big = Sweep(
        settings=settings,
        loss=rng.random((n, 500)),
        moments=np.array([500]),
        probes={},
        status=["done"] * n,
        updates=np.full(n, 500),
        parameters=[{}] * n,
    )
    figure = big.explore()
    assert len(figure.html()) <= explorer.LIMIT
    assert 2 <= len(figure.data.dim("step")) < 40
    monkeypatch.setattr(explorer, "STATES", 1199)
    with pytest.raises(ValueError, match="fits into 130 KB, got 600 settings"):
        big.explore()
    monkeypatch.undo()
    monkeypatch.setattr(explorer, "LIMIT", 50_000)
    with pytest.raises(ValueError, match="fits into 50 KB"):
        made().explore()


def test_ids_are_stable_and_different() -> None:
    first, second = made().explore("loss"), made().explore("loss")
    assert first.id == second.id
    assert first.id != made().explore("test_acc").id
    assert first.id != made(4).explore("loss").id
    assert re.fullmatch(r"sweep-loss-[0-9a-f]{6}", first.id)


@pytest.mark.browser
def test_explore_is_alive(chromium: Any, tmp_path: Path) -> None:
    """In a browser: a key moves the state, and the sentence follows."""
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    path = made().explore("test_acc").save_html(tmp_path / "figure.html")
    page.goto(path.as_uri())
    page.wait_for_selector("input[type=range]")
    before = page.inner_text("body")
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowLeft")
    words = "learning rate η 0.1, act tanh, the test accuracy is"
    assert words not in before
    page.wait_for_function("t => document.body.innerText.includes(t)", arg=words)
    assert errors == []
    page.close()
