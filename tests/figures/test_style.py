"""The looks of the book as matplotlib settings, and panels placed in pixels."""

import matplotlib as mpl
import pytest

from coursekit.figures import panels, use_style
from coursekit.figures.layout import BOTTOM, LEFT, RIGHT, TOP, cell, place
from coursekit.figures.palette import DASHES, MARKERS, PALETTE
from coursekit.figures.style import SHAPES, active, colour, dash, px


def settings():
    # the backend is chosen when it is first needed
    return {k: v for k, v in mpl.rcParams.copy().items() if k != "backend"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_gives_its_ground_and_ink_and_is_left_behind(theme):
    before = settings()
    with use_style(theme):
        figure, (ax,) = panels(1)
        assert figure.get_facecolor() == mpl.colors.to_rgba(PALETTE[theme]["ground"])
        assert ax.xaxis.label.get_color() == PALETTE[theme]["ink"]
        assert colour("blue") == PALETTE[theme]["blue"]
    assert settings() == before
    assert active().theme == "light"


def test_a_theme_is_left_behind_after_an_error():
    with pytest.raises(ZeroDivisionError), use_style("dark"):
        _ = 1 / 0
    assert active().theme == "light"


def test_text_is_twelve_pixels_at_ninety_six_to_the_inch():
    with use_style():
        assert mpl.rcParams["font.size"] * 96 / 72 == pytest.approx(12)
    assert px(96) == 72


def test_every_series_has_its_dash_and_shape():
    assert dash(0) == "-"
    assert dash(1) == (0, (px(7), px(3)))
    assert dash((3, 3)) == (0, (px(3), px(3)))
    assert len({str(dash(k)) for k in range(len(DASHES))}) == len(DASHES)
    assert len({SHAPES[m] for m in MARKERS}) == len(MARKERS)


def test_the_colour_cycle_follows_the_palette():
    with use_style("dark"):
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()
    assert cycle["color"][0] == PALETTE["dark"]["blue"]
    assert cycle["linestyle"][0] == "-"


@pytest.mark.parametrize(
    ("width", "n", "columns", "grid"),
    [(760, 1, None, (1, 1)), (760, 3, None, (2, 2)), (340, 3, None, (3, 1)),
     (760, 4, 4, (1, 4)), (340, 4, 4, (2, 2))],
)  # fmt: skip
def test_panels_stand_side_by_side_or_below_each_other(width, n, columns, grid):
    with use_style(width=width):
        figure, axes = panels(n, height=200, columns=columns)
        wide, high = 96 * figure.get_size_inches()
        assert (wide, high) == (width, 200 * grid[0])
        cells = [cell(ax) for ax in axes]
    assert len({round(c[0]) for c in cells}) == grid[1]
    assert len({round(c[3]) for c in cells}) == grid[0]


def test_margins_are_pixels_of_the_cell():
    with use_style(width=760):
        figure, axes = panels(2, height=300)
        width, height = 96 * figure.get_size_inches()
        x0, y0, x1, y1 = cell(axes[1])
        box = axes[1].get_position()
        assert box.x0 * width - x0 == pytest.approx(LEFT)
        assert x1 - box.x1 * width == pytest.approx(RIGHT)
        assert y1 - box.y1 * height == pytest.approx(TOP)
        assert box.y0 * height - y0 == pytest.approx(BOTTOM)
        place(axes[1], right=100)
        assert x1 - axes[1].get_position().x1 * width == pytest.approx(100)


def test_axes_of_no_grid_have_the_figure_as_their_cell():
    with use_style(width=400):
        figure = mpl.figure.Figure(figsize=(4, 2))
        ax = figure.add_axes((0.2, 0.2, 0.5, 0.5))
        assert cell(ax) == (0, 0, 4 * 96, 2 * 96)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: use_style("blue").__enter__(), ValueError),
        (lambda: use_style("dark", 0).__enter__(), ValueError),
        (lambda: panels(0), ValueError),
    ],
)
def test_mistakes_are_named(call, error):
    with pytest.raises(error, match="expected"):
        call()
