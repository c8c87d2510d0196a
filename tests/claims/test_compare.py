"""Stored outputs stand for a run that differs only within what they claim."""

import copy

import pytest

from coursekit.claims import MIME, claim_directional, mimebundle
from coursekit.claims.compare import (
    disagreements,
    same_to_last_digit,
    settle,
    without_noise,
)

RECORD = claim_directional(
    "E-0",
    "lower",
    treatment=[0.50, 0.61, 0.55, 0.52, 0.60],
    control=[1.0, 1.2, 1.1, 1.0, 1.2],
    direction="less",
).to_json()  # -0.544 [-0.610, -0.478]


def output(record):
    return {
        "output_type": "execute_result",
        "metadata": {},
        "data": mimebundle(record),
    }


def glued(text):
    return {
        "output_type": "display_data",
        "metadata": {"scrapbook": {"name": "x", "mime_prefix": "p/"}},
        "data": {"p/text/plain": text},
    }


def changed(**entries):
    return RECORD | entries


@pytest.mark.parametrize("end", ["estimate", "low", "high"])
def test_a_tenth_of_the_half_width_is_granted_and_no_more(end):
    slack = (RECORD["high"] - RECORD["low"]) / 20
    near, far = RECORD[end] + 0.9 * slack, RECORD[end] + 1.5 * slack
    assert not disagreements(RECORD, changed(**{end: near}))
    assert disagreements(RECORD, changed(**{end: far}))


def test_without_spread_one_unit_of_the_last_digit_is_granted():
    sharp = changed(low=-0.544, high=-0.544, resolution=0.001)
    assert not disagreements(sharp, sharp | {"estimate": -0.545})
    assert disagreements(sharp, sharp | {"estimate": -0.546})


@pytest.mark.parametrize(
    "entry",
    [
        {"verdict": "inconclusive"},
        {"statement": "higher"},
        {"n": 6},
        {"direction": "greater"},
        {"diverged": 1},
        {"seeds": [1, 2, 3, 4, 5]},
        {"estimate": None},
        {"values": [-0.5, -0.59, -0.55, -0.48]},
        {"values": [-0.5, -0.59, -0.55, -0.48, 0.6]},
        {"values": [-0.5, -0.59, -0.55, -0.48, None]},
        {"extra": 1},
    ],
)
def test_anything_else_must_be_equal(entry):
    assert disagreements(RECORD, changed(**entry))
    assert disagreements(changed(**entry), RECORD)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("0.34", "0.34", True),
        ("0.34", "0.33", True),
        ("0.34", "0.32", False),
        ("0.34", "0.340", False),
        ("9.99", "10.00", True),
        ("loss 1.0 of 5", "loss 1.1 of 5", True),
        ("loss 1.0", "gain 1.0", False),
        ("−0.1", "0.1", False),
        ("1 2", "1", False),
    ],
)
def test_last_digit(a, b, same):
    assert same_to_last_digit(a, b) is same
    assert same_to_last_digit(b, a) is same


def test_a_confirmed_claim_becomes_the_stored_output():
    fresh = output(changed(estimate=-0.543))
    before = copy.deepcopy(fresh)
    assert settle([output(RECORD)], [fresh]) == [output(RECORD)]
    assert fresh == before


def test_a_refuted_claim_stays_different():
    fresh = output(changed(estimate=-0.5))
    assert settle([output(RECORD)], [fresh]) == [fresh]


def test_stored_html_must_be_what_the_record_gives():
    edited = output(RECORD)
    edited["data"]["text/html"] = edited["data"]["text/html"].replace("0.544", "0.999")
    assert settle([edited], [output(RECORD)]) != [edited]


def test_glued_numbers_may_move_one_unit():
    assert settle([glued("'0.34'")], [glued("'0.35'")]) == [glued("'0.34'")]
    assert settle([glued("'0.34'")], [glued("'0.36'")]) == [glued("'0.36'")]


def test_other_outputs_are_compared_as_they_are():
    text = {
        "output_type": "execute_result",
        "metadata": {},
        "data": {"text/plain": "1"},
    }
    other = {**text, "data": {"text/plain": "2"}}
    assert settle([text], [other]) == [other]
    assert settle([text, text], [other]) == [other]
    assert settle([output(RECORD)], [text]) == [text]


def test_the_error_stream_is_left_out_and_the_other_is_not():
    err = {"output_type": "stream", "name": "stderr", "text": "warning"}
    out = {"output_type": "stream", "name": "stdout", "text": "1"}
    assert without_noise([err, out]) == [out]
    assert settle([output(RECORD)], [err, output(changed(estimate=-0.543))]) == [
        output(RECORD)
    ]


def test_the_record_is_kept_under_its_type():
    assert MIME.endswith("+json")
