"""Labels never cover each other."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from coursekit.figures import panels, use_style
from coursekit.figures.draw.axes import furnish
from coursekit.figures.draw.curves import Curve, draw_curves
from coursekit.figures.draw.labels import Box, End, column, inside, label_ends, overlap
from coursekit.figures.draw.room import keep_apart, put_ticks, size, text_width, wrap
from coursekit.figures.layout import cell

HEIGHTS = st.lists(st.floats(0, 230), min_size=1, max_size=10)
PLACES = st.lists(
    st.tuples(st.floats(0, 300), st.floats(0, 200)), min_size=1, max_size=8
)


def ends(n, context=False):
    return [End(0, 0, f"name {k}", context=context) for k in range(n)]


@given(HEIGHTS)
def test_names_in_a_column_keep_their_distance_and_order(ys):
    placed = column(ends(len(ys)), ys, 230)
    baselines = [y for _, _, y in placed]
    assert all(a - b >= 15 - 1e-9 for a, b in itertools.pairwise(baselines))
    assert min(baselines) >= -4 - 1e-9
    by_height = [f"name {k}" for k in sorted(range(len(ys)), key=lambda k: -ys[k])]
    assert [end.text for end, _, _ in placed] == by_height


def test_four_context_names_that_touch_become_one():
    placed = column(ends(5, context=True), [100, 101, 102, 103, 104], 230)
    assert [end.text for end, _, _ in placed] == ["5 others"]
    apart = column(ends(4, context=True), [0, 50, 100, 150], 230)
    assert len(apart) == 4
    assert len(column(ends(3, context=True), [100, 101, 102], 230)) == 3


def test_the_name_in_focus_is_never_merged():
    names = [*ends(5, context=True), End(0, 0, "mine", bold=True)]
    placed = column(names, [100, 101, 102, 103, 104, 102], 230)
    assert {end.text for end, _, _ in placed} == {"5 others", "mine"}


@given(PLACES)
def test_names_inside_the_plot_do_not_overlap(places):
    names = ends(len(places), context=True)
    placed = inside(names, places, (320, 220))
    boxes = [Box(x, y - 4, x + text_width(e.text), y + 11) for e, x, y in placed]
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    assert all(b.left >= 0 and b.right <= 320 for b in boxes)
    assert placed


def test_a_name_in_focus_is_kept_where_there_is_no_room():
    names = [End(0, 0, "mine"), *ends(40, context=True)]
    placed = inside(names, [(50, 50)] * 41, (120, 100))
    assert placed[0][0].text == "mine"
    assert len(placed) < 41


def test_names_beside_the_plot_make_room_for_themselves():
    with use_style(width=340):
        _, (ax,) = panels(1)
        furnish(ax, xlim=(0, 1), ylim=(0, 1))
        before = size(ax)[0]
        label_ends(ax, [End(1, 0.5, "a rather long name"), End(1, float("nan"), "no")])
        assert size(ax)[0] < before
        (name,) = [t for t in ax.texts if t.get_text()]
        edge = ax.get_position().x1 * 340 + 7 + text_width(name.get_text())
        assert edge <= cell(ax)[2]


def test_numbers_that_would_touch_are_left_out():
    with use_style(width=340):
        _, (ax,) = panels(1)
        ax.set_xlim(0, 40)
        put_ticks(ax.xaxis, range(41), [str(10_000 + k) for k in range(41)])
        keep_apart(ax)
        labels = [t.label1 for t in ax.xaxis.get_major_ticks()]
        shown = [t for t in labels if t.get_visible()]
        assert 2 < len(shown) < 12
        assert labels[0] in shown


@given(st.text(st.sampled_from("ab "), max_size=60), st.floats(20, 200))
def test_wrapping_keeps_every_word(text, room):
    lines = wrap(text, room)
    assert " ".join(lines) == " ".join(text.split())
    assert all(text_width(line) <= room or " " not in line for line in lines)


@pytest.mark.parametrize("bold", [False, True])
def test_width_grows_with_the_text(bold):
    widths = [text_width("w" * n, bold) for n in range(6)]
    assert widths == sorted(widths)
    assert widths[0] == 0
    assert text_width("He", True) > text_width("He")


def test_each_name_stands_where_its_line_ends():
    with use_style():
        _, (ax,) = panels(1)
        furnish(ax, xlim=(0, 1), ylim=(0, 1))
        label_ends(ax, [End(1, 0.5, "edge"), End(0.4, 0.9, "inside")])
        (edge, inner) = ax.texts
        assert edge.xy == (1, 0)
        assert 0.3 < inner.xy[0] < 0.5


def test_a_legend_does_not_cover_the_name_of_the_axis():
    with use_style(width=340):
        figure, (ax,) = panels(1)
        label = "a long name of the axis that needs two lines (range of 5 seeds)"
        furnish(ax, xlim=(0, 1), ylim=(0, 1), ylabel=label)
        names = ["a name that is too long to stand beside", "another name like it"]
        draw_curves(ax, [Curve([0, 1], [0, k], n) for k, n in enumerate(names)])
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        boxes = [t.get_window_extent(canvas.get_renderer()) for t in ax.texts]
        assert len(boxes) == 4
        for a, b in itertools.combinations(boxes, 2):
            assert min(a.y1, b.y1) - max(a.y0, b.y0) < 4 or a.x1 < b.x0 or b.x1 < a.x0
