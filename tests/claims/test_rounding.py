"""What is printed is what repeats."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.claims.rounding import minus, resolution, round_to, show

SIZES = st.floats(1e-9, 1e9)
PLACES = st.integers(-12, 6).map(lambda p: 10.0**p)


@given(SIZES, st.floats(1e-6, 1))
def test_an_estimate_has_two_digits_of_its_half_width(size, share):
    half_width = size * share
    unit = resolution(half_width, size)
    shown = half_width / unit
    assert shown < 100
    assert shown >= 9.99 or unit == pytest.approx(resolution(0.0, size))


@pytest.mark.parametrize("bad", [0.0, math.inf, math.nan])
def test_without_spread_the_fourth_digit_is_the_last(bad):
    assert resolution(bad, 0.31) == pytest.approx(1e-4)
    assert resolution(bad, 0.0) == pytest.approx(1.0)


@given(st.floats(-1e6, 1e6), PLACES)
def test_rounding_is_to_the_nearest_multiple(value, unit):
    rounded = round_to(value, unit)
    assert abs(rounded - value) <= unit * 0.5000001 + 1e-9 * abs(value)
    assert math.copysign(1, rounded) == 1 or rounded < 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_json_has_no_word_for_a_diverged_number(bad):
    assert round_to(bad, 0.1) is None
    assert show(None, 0.1) == "–"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-0.5, 0.001, "−0.500"),
        (1234.0, 10.0, "1234"),
        (0.0, 0.01, "0.00"),
        (3.2e-9, 1e-10, "3.2·10⁻⁹"),
        (-3e-9, 1e-9, "−3·10⁻⁹"),
        (1e-9, 1e-9, "10⁻⁹"),
    ],
)
def test_numbers_as_shown(value, unit, text):
    assert show(value, unit) == text


def test_minus_keeps_positive_powers():
    assert minus("2.5e+07") == "2.5·10⁷"
