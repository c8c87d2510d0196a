"""Resting pictures of figures that use every mark, option and modifier."""

import itertools
import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text

from coursekit.figures.palette import PALETTE, contrast
from coursekit.figures.static import render_static

IDS = [
    "batch-budget", "init-scale", "gd-momentum", "bias-tree", "norm-groups",
    "ctr-ranks", "crit-saddle",
]  # fmt: skip
LOOKS = [("light", 760), ("dark", 760), ("light", 340), ("dark", 340)]


@pytest.fixture(scope="module")
def pictures(figures):
    assert set(IDS) <= set(figures)
    return {
        (name, *look): render_static(figures[name], *look)
        for name in IDS
        for look in LOOKS
    }


def texts(picture):
    found = [
        t for t in picture.findobj(Text) if t.get_visible() and t.get_text().strip()
    ]
    shown = []
    for text in found:
        owner = text.axes
        hidden = (
            owner is not None and not owner.axison and not isinstance(text, Annotation)
        )
        shown += [] if hidden else [text]
    return shown


def boxes(picture):
    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    renderer = canvas.get_renderer()
    drawn = []
    for text in texts(picture):
        if isinstance(text, Annotation):
            text.update_positions(renderer)
        # the words alone, without the rounded frame of "your case"
        box = Text.get_window_extent(text, renderer)
        drawn.append((text.get_text(), box))
    return drawn


@pytest.mark.parametrize("look", LOOKS[::2])
@pytest.mark.parametrize("name", IDS)
def test_words_stay_inside_the_picture_and_do_not_overlap(pictures, name, look):
    picture = pictures[name, *look]
    drawn = boxes(picture)
    width, height = picture.bbox.width, picture.bbox.height
    for text, box in drawn:
        assert -1 <= box.x0 < box.x1 <= width + 1, text
        assert -1 <= box.y0 < box.y1 <= height + 1, text
    for (a, one), (b, two) in itertools.combinations(drawn, 2):
        across = min(one.x1, two.x1) - max(one.x0, two.x0)
        upright = min(one.y1, two.y1) - max(one.y0, two.y0)
        assert across < 2 or upright < 4, (a, b)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", IDS)
def test_words_are_large_and_dark_enough(pictures, name, look):
    ground = PALETTE[look[0]]["ground"]
    for text in texts(pictures[name, *look]):
        size = text.get_fontsize() / 0.75
        assert size >= 11, text.get_text()
        colour = mpl.colors.to_hex(text.get_color())
        if size > 11:
            assert contrast(colour, ground) >= 4.5, text.get_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_only_the_colours_of_the_theme_are_used(pictures, theme):
    allowed = {c.lower() for c in PALETTE[theme].values()} | {"#ffffff", "#000000"}
    for name in IDS:
        for line in pictures[name, theme, 760].findobj(mpl.lines.Line2D):
            drawn = line.get_linestyle() != "None" or line.get_marker() != "None"
            if line.get_visible() and drawn and len(line.get_xdata()):
                assert mpl.colors.to_hex(line.get_color()) in allowed | {"#1f77b4"}


@pytest.mark.parametrize("name", IDS)
def test_a_narrow_picture_has_one_column(pictures, name):
    wide, narrow = pictures[name, "light", 760], pictures[name, "light", 340]
    assert wide.get_size_inches()[0] * 96 == pytest.approx(760)
    assert narrow.get_size_inches()[0] * 96 == pytest.approx(340)
    assert narrow.get_size_inches()[1] >= wide.get_size_inches()[1]


def test_static_is_the_same_from_the_figure(figures):
    picture = figures["gd-momentum"].static("dark")
    assert (
        mpl.colors.to_hex(picture.get_facecolor()) == PALETTE["dark"]["ground"].lower()
    )


def axes_of(pictures, name):
    return [ax for ax in pictures[name, "light", 760].axes if ax.axison]


def test_lines_show_the_numbers_of_the_cube(figures, pictures):
    figure = figures["init-scale"]
    expected = figure.space.array("sa", figure.state, ("layer",))
    ax = axes_of(pictures, "init-scale")[1]
    drawn = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 12]
    assert any(np.allclose(ys, expected) for ys in drawn)
    assert len(ax.collections) == 2


def test_the_family_has_one_member_in_focus(pictures):
    ax = axes_of(pictures, "batch-budget")[1]
    focus = PALETTE["light"]["vermillion"]
    strong = [
        ln for ln in ax.lines if ln.get_color() == focus and ln.get_marker() == "None"
    ]
    assert len(strong) == 1
    assert "B = 256" in {t.get_text() for t in ax.texts}


def test_the_map_shows_each_setting_and_marks_divergence(figures, pictures):
    figure = figures["batch-budget"]
    values = figure.space.array("acc", figure.state, ("lr", "B"))
    ax = axes_of(pictures, "batch-budget")[0]
    assert len(ax.patches) == values.size
    crosses = [ln for ln in ax.lines if ln.get_marker() == "x"]
    assert len(crosses) - 1 == np.isinf(values).sum()


def test_the_path_starts_where_the_reader_starts(figures, pictures):
    figure = figures["gd-momentum"]
    ax = axes_of(pictures, "gd-momentum")[0]
    path = next(line for line in ax.lines if len(line.get_xdata()) == 101)
    assert path.get_xydata()[0] == pytest.approx([
        figure.state["x0"],
        figure.state["y0"],
    ])


def test_intervals_are_dashed_where_nothing_is_decided(figures, pictures):
    figure = figures["ctr-ranks"]
    codes = figure.space.array("verdict", figure.state, ("norm",))
    ax = axes_of(pictures, "ctr-ranks")[0]
    bars = [
        ln
        for ln in ax.lines
        if len(ln.get_xdata()) == 2 and len(set(ln.get_ydata())) == 1
    ]
    assert [ln.get_linestyle() == "--" for ln in bars] == [c == 2 for c in codes]


def test_facets_share_one_scale_and_one_explanation(pictures):
    axes = axes_of(pictures, "norm-groups")
    titles = [t.get_text() for ax in axes for t in ax.texts]
    assert [t for t in titles if t.startswith("image")] == [
        f"image {k}" for k in range(1, 5)
    ]
    assert titles.count("changed") == 1
    assert titles.count("channel") == 1
    assert sum(len(ax.child_axes) for ax in axes) == 1


def test_the_tree_marks_the_case_in_words(pictures):
    (ax,) = [ax for ax in pictures["bias-tree", "light", 760].axes if not ax.axison]
    words = [t.get_text() for t in ax.texts]
    assert words.count("your case") == 1
    assert "yes ✓: Has a smaller model been trained?" in words
    strong = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert "no ✓: Bias or optimization: train a" in strong


def test_a_category_without_a_value_says_so(pictures):
    ax = axes_of(pictures, "bias-tree")[0]
    notes = [t.get_text() for t in ax.texts]
    assert "not measured" in notes
    assert not any("nan" in t or "n/a" in t for t in notes)
    assert not math.isnan(ax.get_xlim()[0])
