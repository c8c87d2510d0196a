"""Fields as cells, with what is marked on them."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.figures import panels, use_style
from coursekit.figures.draw import cells, keys
from coursekit.figures.draw.room import text_width
from coursekit.figures.palette import CIVIDIS, contrast


@pytest.fixture
def ax():
    with use_style():
        _, (axes,) = panels(1, height=300)
        yield axes


def test_colours_run_over_the_ramp_and_text_stays_readable(ax):
    values = np.linspace(0, 1, 12).reshape(3, 4)
    cells.draw_cells(ax, values, (0, 1), show=".2f")
    fills = [mpl.colors.to_hex(p.get_facecolor()).upper() for p in ax.patches]
    assert (fills[0], fills[-1]) == (CIVIDIS[0], CIVIDIS[-1])
    assert [t.get_text() for t in ax.texts][:2] == ["0.00", "0.09"]
    for fill, text in zip(fills, ax.texts, strict=True):
        assert contrast(fill, text.get_color()) >= 4.58


def test_rows_start_at_the_bottom(ax):
    cells.draw_cells(ax, np.array([[0.0], [1.0]]), (0, 1))
    low, high = ax.patches
    assert low.get_y() < high.get_y()
    assert mpl.colors.to_hex(low.get_facecolor()).upper() == CIVIDIS[0]


def test_diverged_and_missing_cells_have_no_colour(ax):
    cells.draw_cells(ax, np.array([[0.5, np.inf, np.nan]]), (0, 1), show=".1f")
    assert [p.get_facecolor()[3] for p in ax.patches] == [1, 0, 0]
    assert [line.get_marker() for line in ax.lines] == ["x"]
    assert len(ax.texts) == 1


def test_text_without_room_is_left_out(ax):
    cells.draw_cells(ax, np.ones((2, 60)), (0, 1), show=".2f")
    assert not ax.texts


@given(st.floats(0.01, 100))
def test_shares_on_a_logarithmic_scale(value):
    share = cells.share(value, (0.01, 100), log=True)
    assert share == pytest.approx((np.log10(value) + 2) / 4)
    assert cells.share(value, (value, value), log=False) == 0


def test_the_dot_stands_in_its_cell(ax):
    cells.draw_cells(ax, np.zeros((2, 3)), (0, 1))
    cells.mark_best(ax, np.array([[0, 0, 1], [0, 0, 0]]))
    x, y = ax.lines[-1].get_xydata()[0]
    assert (round(x), round(y)) == (2, 0)


def test_an_outline_follows_the_border_of_the_group(ax):
    mask = np.zeros((3, 3), bool)
    mask[1, :2] = True
    cells.outline(ax, mask)
    path = ax.lines[-1].get_xydata()
    drawn = path[~np.isnan(path[:, 0])]
    assert len(drawn) == 2 * 6
    assert drawn.min(0) == pytest.approx([-0.5, 0.5])
    assert drawn.max(0) == pytest.approx([1.5, 1.5])


def test_hatching_marks_what_changed(ax):
    cells.hatch(ax, np.array([[True, False]]))
    assert {p.get_hatch() for p in ax.patches} == {"//"}
    assert len(ax.patches) == 2


@given(
    st.lists(st.text("ab ", min_size=1, max_size=40), max_size=6), st.floats(80, 500)
)
def test_explanations_fit_their_rows(texts, room):
    rows = keys.note_rows([("dot", t) for t in texts], room)
    assert [text for row in rows for _, text, _ in row] == texts
    for row in rows:
        *_, (_, text, x) = row
        assert x + 15 + text_width(text) <= room or len(row) == 1


def test_the_colour_scale_names_its_ends(ax):
    keys.colour_bar(ax, (0.1, 0.9), label="accuracy", show=".2f", scale="signed")
    (bar,) = ax.child_axes
    assert [t.get_text() for t in bar.texts] == ["accuracy  0.10", "0.90"]
    assert len(bar.lines) == 1
