"""The decision tree: textbook cases, borders, laws and mutants."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.diagnosis import Diagnosis, diagnose

TEXTBOOK = [
    ((0.05, 0.08, None), "done"),
    ((0.05, 0.08, 9.0), "done"),
    ((0.05, 0.12, None), "done"),
    ((0.05, 1.0, None), "overfitting or mismatch"),
    ((0.05, 1.0, 0.01), "overfitting or mismatch"),
    ((0.9, 1.0, None), "bias or optimization"),
    ((0.9, 0.91, None), "bias or optimization"),
    ((0.9, 1.0, 0.3), "optimization"),
    ((0.9, 5.0, 0.3), "optimization"),
    ((0.9, 1.0, 1.0), "bias"),
    ((0.9, 1.0, 0.9), "bias"),
    ((0.9, 1.0, 0.85), "bias"),
    ((math.inf, math.inf, None), "optimization"),
    ((math.inf, math.inf, math.inf), "optimization"),
    ((0.9, 1.0, math.inf), "bias"),
    ((0.05, math.inf, None), "overfitting or mismatch"),
]


def is_textbook(function):
    return all(function(*losses) == leaf for losses, leaf in TEXTBOOK)


@pytest.mark.parametrize(("losses", "leaf"), TEXTBOOK)
def test_textbook_cases(losses, leaf):
    assert diagnose(*losses) == leaf


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("train > check_number", "test > check_number"),
        ("train <= tau", "test <= tau"),
        ("test <= train + tau", "test <= tau"),
        (") + tau", ")"),
        (") + tau", ") - tau"),
        ("test <= train + tau", "test >= train + tau"),
        ("if ref_train is None", "if ref_train is None or abs(test - train) < tau"),
        ("math.isinf(train)", "False"),
        ("train > check_number", "train < check_number"),
    ],
)
def test_textbook_cases_kill_the_mutant(mutate, old, new):
    assert not is_textbook(mutate(diagnose, old, new))


def test_ties_within_the_tolerance_count_as_equal():
    assert diagnose(0.5, 0.5, tol=0.5) == "done"
    assert diagnose(0.25, 0.75, tol=0.5) == "done"
    assert diagnose(1.0, 1.0, 0.5, tol=0.5) == "bias"


losses = st.floats(0, 10)


@given(train=losses, test=losses, ref=st.none() | losses, power=st.integers(-8, 8))
def test_units_do_not_matter(train, test, ref, power):
    """Multiplying every loss and the tolerance by one factor changes nothing."""
    c = 2.0**power
    scaled = diagnose(
        c * train, c * test, None if ref is None else c * ref, tol=c * 0.25
    )
    assert scaled == diagnose(train, test, ref, tol=0.25)


@given(train=st.floats(0.11, 10), test=losses, other=losses, ref=st.none() | losses)
def test_the_test_loss_says_nothing_before_the_training_loss_is_low(
    train, test, other, ref
):
    assert diagnose(train, test, ref) == diagnose(train, other, ref)


def test_every_leaf_is_reached_and_gives_advice():
    reached = {diagnose(*losses) for losses, _ in TEXTBOOK}
    assert reached == set(Diagnosis)
    assert len({leaf.advice for leaf in Diagnosis}) == 5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: diagnose(math.nan, 1.0), ValueError, "train: .*pass math.inf"),
        (lambda: diagnose(1.0, math.nan), ValueError, "test: .*pass math.inf"),
        (lambda: diagnose(1.0, 1.0, math.nan), ValueError, "ref_train: .*math.inf"),
        (lambda: diagnose(1.0, 1.0, tol=0), ValueError, "tol: expected a finite"),
        (lambda: diagnose("1", 1.0), TypeError, "train: expected a number"),
    ],
)
def test_errors_say_what_to_pass(call, error, message):
    with pytest.raises(error, match=message):
        call()
