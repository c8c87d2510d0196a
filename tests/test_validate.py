"""Argument checks: one form of message, right type of error."""

import math
import re

import numpy as np
import pytest
import torch

from coursekit._validate import (
    check_count,
    check_in,
    check_number,
    check_positive,
    check_range,
)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), torch.tensor(2.0), math.inf])
def test_numbers_of_any_kind_pass(value):
    assert check_number("a", value) == pytest.approx(float(value))


@pytest.mark.parametrize("value", ["2", True, None, [2], 1j, b"2"])
def test_other_things_are_a_type_error(value):
    with pytest.raises(TypeError, match=r"a: expected a number, got .*; it is a"):
        check_number("a", value)


def test_nan_is_a_value_error_with_the_callers_hint():
    with pytest.raises(ValueError, match="got nan; pass inf"):
        check_number("a", math.nan, "pass inf")


@pytest.mark.parametrize("value", [0, -1, math.inf, -0.0])
def test_positive_means_finite_and_above_zero(value):
    with pytest.raises(ValueError, match=r"a: expected a finite number > 0, got"):
        check_positive("a", value)


def test_zero_may_be_allowed():
    assert check_positive("a", 0, zero=True) == 0
    with pytest.raises(ValueError, match=">= 0, got -1"):
        check_positive("a", -1, zero=True)


@pytest.mark.parametrize(
    ("value", "open_low", "open_high", "passes"),
    [
        (0, False, False, True),
        (1, False, False, True),
        (0, True, False, False),
        (1, False, True, False),
        (0.5, True, True, True),
        (1.5, False, False, False),
        (-0.5, False, False, False),
    ],
)
def test_ranges_are_open_where_they_say(value, open_low, open_high, passes):
    def call():
        return check_range("a", value, 0, 1, open_low=open_low, open_high=open_high)

    if passes:
        assert call() == value
    else:
        interval = f"{'(' if open_low else '['}0, 1{')' if open_high else ']'}"
        with pytest.raises(ValueError, match=re.escape(interval)):
            call()


@pytest.mark.parametrize("value", [3, np.int64(3), torch.tensor(3)])
def test_counts_are_integers_of_any_kind(value):
    assert check_count("n", value) == 3


@pytest.mark.parametrize(
    ("value", "error"),
    [(2.0, TypeError), ("2", TypeError), (True, TypeError), (0, ValueError)],
)
def test_counts_refuse_the_rest(value, error):
    with pytest.raises(error, match="n: expected an integer"):
        check_count("n", value)


def test_options_are_all_named():
    check_in("mode", "a", ("a", "b"))
    with pytest.raises(ValueError, match="mode: expected one of 'a', 'b', got 'c'"):
        check_in("mode", "c", ("a", "b"))
