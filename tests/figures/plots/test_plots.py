"""Figures that chapters share, from plain arrays."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coursekit import stats
from coursekit.figures import panels, plots, use_style
from coursekit.figures.palette import PALETTE
from coursekit.figures.runs import seed_arrays

RNG = np.random.default_rng(0)
RUNS = arrays(
    float,
    st.tuples(st.integers(1, 9), st.just(4)),
    elements=st.sampled_from([0.5, 1.0, 2.0, 4.0, np.nan, np.inf]),
)


@pytest.fixture
def ax():
    with use_style():
        _, (axes,) = panels(1)
        yield axes


def words(ax):
    return [t.get_text() for t in ax.texts]


@given(RUNS)
def test_seeds_are_summarised_as_in_the_cube(values):
    middle, band, half = plots.summary(values)
    stored = seed_arrays("y", values, ["x"], seed_axis=0)
    expected = stored["y"].values
    assert (np.isinf(middle) == np.isinf(expected)).all()
    alive = np.isfinite(middle)
    assert middle[alive] == pytest.approx(expected[alive], abs=1e-3)
    if len(values) == 1:
        assert band is None
    else:
        assert band[0][alive] == pytest.approx(stored["y_lo"].values[alive], abs=1e-3)
        assert band[1][alive] == pytest.approx(stored["y_hi"].values[alive], abs=1e-3)
    assert (half is None) == (len(values) < 8)


def test_the_axis_says_what_the_band_is():
    assert plots.with_seeds("loss", 5) == "loss (range of 5 seeds)"
    assert plots.with_seeds("loss", 8) == "loss (middle half and range of 8 seeds)"
    assert plots.with_seeds("loss", 1) == "loss"


def test_lines_show_medians_bands_and_names(ax):
    runs = {"He": RNG.random((5, 6)), "Xavier": RNG.random((5, 6))}
    plots.lines(ax, range(6), runs, ylabel="loss", xlabel="epoch")
    assert ax.lines[0].get_ydata() == pytest.approx(np.median(runs["He"], axis=0))
    assert len(ax.collections) == 2
    assert {"He", "Xavier", "loss (range of 5 seeds)"} <= set(words(ax))
    assert ax.get_xlabel() == "epoch"
    assert [ln.get_linestyle() for ln in ax.lines] == ["-", "--"]


def test_lines_take_colours_dashes_and_theory(ax):
    plots.lines(
        ax, [1, 2, 3], {"train": [3, 2, 1], "test": [3, 2.5, 2]},
        colours={"train": "ink", "test": "ink"}, dashes={"train": 0, "test": 1},
        refs={"chance": 2.3, "law": [3, 1.5, 1]},
    )  # fmt: skip
    colours = {line.get_color() for line in ax.lines[:2]}
    assert colours == {PALETTE["light"]["ink"]}
    assert {"chance", "law"} <= set(words(ax))


def test_layers_are_counted_from_one_on_a_logarithmic_axis(ax):
    plots.layer_lines(ax, {"He": np.full((5, 12), 0.5)}, ylabel="std")
    assert ax.get_yscale() == "log"
    assert list(ax.lines[0].get_xdata()) == list(range(1, 13))
    assert ax.get_xlabel() == "layer"


def test_paired_dots_agree_with_the_rule(ax):
    up, none, down = RNG.normal([[1], [0], [-1]], [[0.1], [1], [0.2]], (3, 6))
    differences = {"up": up, "none": none, "down": down}
    plots.paired_dots(ax, differences, direction="greater", xlabel="Δ accuracy")
    verdicts = [stats.accept_directional(d, "greater") for d in differences.values()]
    expected = [f"{v.glyph} {v.value}" for v in verdicts]
    assert [w for w in words(ax) if w[0] in "■◇○"] == expected
    assert "claimed →" in words(ax)
    assert "6 seeds" in ax.get_xlabel()
    low, high = ax.get_xlim()
    assert low < min(d.min() for d in differences.values())
    assert low < 0 < high


def test_paired_dots_count_divergence_and_need_no_claim(ax):
    plots.paired_dots(ax, {"a": [0.1, np.nan, 0.2, 0.1, 0.3]})
    assert "✕ 1" in words(ax)
    assert not any("claimed" in w for w in words(ax))


def test_theory_lies_on_the_diagonal(ax):
    theory = np.linspace(0.3, 1.6, 5)
    plots.theory_vs_measured(
        ax, {"ReLU": (theory, theory + np.zeros((5, 1)))}, tolerance=0.05
    )
    diagonal, points = ax.lines[0], ax.lines[-1]
    assert diagonal.get_xdata() == pytest.approx(diagonal.get_ydata())
    assert points.get_xdata() == pytest.approx(points.get_ydata())
    assert ax.get_xlim() == ax.get_ylim()
    assert "ReLU" in words(ax)


def test_heat_marks_divergence_and_the_best(ax):
    values = np.array([[0.1, 0.9], [np.inf, np.nan]])
    plots.heat(
        ax, values, columns=["4", "8"], names=["low", "high"], label="accuracy",
        best=[[0, 1], [0, 0]],
    )  # fmt: skip
    assert [t.get_text() for t in ax.texts if t.get_fontsize() < 9] == ["0.10", "0.90"]
    assert {"as good as the best", "diverged"} <= set(words(ax))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["low", "high"]


def test_signed_fields_are_centred_on_zero(ax):
    plots.heat(ax, [[-1.0, 0.0, 0.5]], columns="abc", names=[""], scale="signed")
    middle = mpl.colors.to_hex(ax.patches[1].get_facecolor())
    assert middle == "#d9dce0"


def test_limits_cover_what_is_finite():
    low, high = plots.limits_of([[1.0, np.inf], [10.0, np.nan]], log=True)
    assert low < 1
    assert 10 < high < 12
    assert plots.limits_of([[np.nan]], log=True) == (0.1, 1.0)
    assert plots.limits_of([[-1.0, 1.0]], log=True)[1] > 1


def test_long_names_stand_above_their_rows_on_a_narrow_page():
    names = ["a treatment with a long name", "another one"]
    with use_style(width=340):
        _, (narrow,) = panels(1)
        plots.paired_dots(narrow, dict.fromkeys(names, [0.1] * 5), direction="greater")
    headings = [w for w in words(narrow) if "holds" in w]
    assert headings == [f"{name}  ■ holds" for name in names]
    assert narrow.get_position().width > 0.8


def test_a_flow_draws_each_step_once_and_its_arrows(ax):
    steps = [("first step", "way out"), ("second step", "another")]
    plots.flow(ax, steps, last="the end", down="no", across="yes")
    texts = [" ".join(t.split()) for t in words(ax) if t]
    boxes = ["first step", "way out", "second step", "another", "the end"]
    assert sorted(texts) == sorted([*boxes, "yes", "yes", "no", "no"])
    assert len(ax.patches) == 3


def test_a_flow_needs_a_step(ax):
    with pytest.raises(ValueError, match="steps"):
        plots.flow(ax, [])
