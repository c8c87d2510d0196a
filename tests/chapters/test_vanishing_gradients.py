"""What the chapter on back-propagated signals promises, and what only it shows."""

import pytest

from coursekit.experiments import signal_cures

ITEMS = [f"VAN-{k:02d}" for k in range(1, 19)]
CORRECTIONS = ["K-38", "K-39", "K-40", "K-41", "K-42"]
HOLD = [
    *("VAN-01", "VAN-12"),
    *(f"VAN-15{k}" for k in "bcde"),
    *(f"E-23{k}" for k in "abcdf"),
    *(f"E-29{k}" for k in "abcdefg"),
    *(f"E-30{k}" for k in "abcd"),
    *("K-40a", "K-41a", "K-42a"),
]
FAIL = ["VAN-15a", "E-23e", "E-29h", "K-40b"]
VERDICTS = dict.fromkeys(HOLD, "holds") | dict.fromkeys(FAIL, "does not hold here")
FIGURES = {
    "van-product": (35, "9.5·10⁻⁷"),
    "van-cures": (35, "within a factor of ten"),
    "van-shatter": (35, "shattered"),
    "van-cliff": (35, "leaves the picture"),
    "van-dead": (35, "14 of 64"),
}


def test_no_live_figure_answers_with_a_question(figures):
    texts = {s.text for figure in figures for s in figure.sentences()}
    assert {text[-1] for text in texts} == {"."}


def test_the_stored_start_is_what_the_experiment_gives(cube):
    stored = cube("van_cures").sel("ratio", cure="bn", depth=8, t=0)
    again = signal_cures.at_start("bn", 8, range(5))
    ratio = sorted(again[:, 0] / again[:, -1])[2]
    assert stored == pytest.approx(ratio, rel=1e-2)
