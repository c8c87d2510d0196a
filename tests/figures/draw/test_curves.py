"""Lines, their bands, and how they end."""

import numpy as np
import pytest

from coursekit.figures import panels, use_style
from coursekit.figures.draw.axes import furnish, reference
from coursekit.figures.draw.curves import Curve, draw_curves, mark_at
from coursekit.figures.palette import PALETTE
from coursekit.figures.style import px

XS = np.arange(5.0)


@pytest.fixture
def ax():
    with use_style():
        _, (axes,) = panels(1)
        furnish(axes, xlim=(0, 4), ylim=(0, 10))
        yield axes


def shapes(ax):
    return [line.get_marker() for line in ax.lines]


def test_a_line_in_focus_is_strong_and_in_its_colour(ax):
    curve = Curve(XS, XS, "name", "green", 2)
    draw_curves(ax, [curve, Curve(XS, XS + 1, focus=False, context=True)])
    context, focus = ax.lines[:2]
    assert focus.get_color() == PALETTE["light"]["green"]
    assert (focus.get_linewidth(), context.get_linewidth()) == (px(2.2), px(1.2))
    assert context.get_color() == PALETTE["light"]["edge"]
    assert ax.texts[-1].get_text() == "name"


def test_amber_has_its_name_in_ink(ax):
    draw_curves(ax, [Curve(XS, XS, "name", "amber", 4)])
    assert ax.texts[-1].get_color() == PALETTE["light"]["ink"]


def test_a_diverged_line_ends_in_a_cross_at_its_last_finite_point(ax):
    draw_curves(ax, [Curve(XS, [1, 2, 3, np.inf, np.inf])])
    (mark,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (2, 3)


def test_a_missing_end_is_no_divergence(ax):
    draw_curves(ax, [Curve(XS, [1, 2, 3, np.nan, np.nan])])
    assert "x" not in shapes(ax)


@pytest.mark.parametrize(
    ("ys", "edge"), [([1, 5, 9, 30, 40], 1.0), ([3, 2, 1, -9, -9], 0.0)]
)
def test_a_line_that_leaves_the_view_ends_in_an_arrow_there(ax, ys, edge):
    draw_curves(ax, [Curve(XS, ys)])
    arrow = ax.lines[-1]
    assert arrow.get_transform() == ax.transAxes
    assert arrow.get_ydata()[0] == edge
    assert 0.5 < arrow.get_xdata()[0] < 0.75
    assert "x" not in shapes(ax)


def test_bands_belong_to_lines_in_focus(ax):
    band = (XS - 1, XS + 1)
    draw_curves(ax, [Curve(XS, XS, band=band)])
    assert len(ax.collections) == 1
    draw_curves(ax, [Curve(XS, XS, band=band, focus=False)])
    assert len(ax.collections) == 1


def test_many_seeds_shade_the_middle_half_and_draw_the_extremes(ax):
    draw_curves(ax, [Curve(XS, XS, band=(XS - 2, XS + 2), half=(XS - 1, XS + 1))])
    shaded = ax.collections[0].get_paths()[0].vertices
    assert shaded[:, 1].max() == pytest.approx(5)
    assert len(ax.lines) >= 3


def test_a_moment_is_marked_on_each_line_in_focus(ax):
    curves = [Curve(XS, XS), Curve(XS, XS + 20), Curve(XS, XS, focus=False)]
    mark_at(ax, curves, 2)
    assert shapes(ax) == ["None", "o"]
    mark_at(ax, [Curve(XS, XS, points=True)], 2)
    assert len(ax.lines) == 2


def test_long_names_go_on_top_and_context_stays_out(ax):
    top = ax.get_position().y1
    names = ["a name that is much too long to stand beside a plot of this width"] * 2
    curves = [Curve(XS, XS, name, dash=k) for k, name in enumerate(names)]
    grey = Curve(XS, XS, "grey name", focus=False, context=True)
    with use_style(width=340):
        _, (narrow,) = panels(1)
        furnish(narrow, xlim=(0, 4), ylim=(0, 10))
        high = narrow.get_position().y1
        draw_curves(narrow, [*curves, grey])
        assert narrow.get_position().y1 < high
        assert [t.get_text() for t in narrow.texts] == names
    assert ax.get_position().y1 == top


def test_references_are_thin_grey_and_dashed(ax):
    reference(ax, y=5, label="theory")
    reference(ax, x=2)
    reference(ax, curve=(XS, XS), label="line")
    reference(ax, curve=(XS, XS + 100), label="out of view")
    assert {line.get_color() for line in ax.lines} == {PALETTE["light"]["muted"]}
    assert all(line.get_linestyle() == "--" for line in ax.lines)
    assert [t.get_text() for t in ax.texts] == ["theory", "line"]
