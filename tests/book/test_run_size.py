"""The page of claims says how large the runs behind it were."""

import pytest

from bookext.claims_table import run_size, spans


def record(n, seeds):
    return {"n": n, "seeds": list(seeds)}


@pytest.mark.parametrize(
    ("numbers", "words"),
    [([0, 1, 2, 3, 4], "0–4"), ([3], "3"), ([0, 1, 7, 100, 101], "0–1, 7, 100–101")],
)
def test_seeds_are_written_as_ranges(numbers, words):
    assert spans(numbers) == words


def test_fast_runs_are_called_fast():
    found = [record(5, range(5)), record(8, range(8)), record(1, [0])]
    assert run_size(found) == (
        "Fast size: 5 or 8 seeds a claim, numbers 0–7. COURSEKIT_FULL=1 runs at "
        "least 20."
    )


def test_full_runs_are_called_full():
    found = [record(20, range(20)), record(1, [0])]
    assert run_size(found) == "Full size: 20 seeds a claim, numbers 0–19."


def test_one_fast_claim_keeps_the_page_from_calling_itself_full():
    assert run_size([record(20, range(20)), record(5, range(5))]).startswith("Fast")


def test_single_runs_have_no_size():
    assert run_size([record(1, [0])]) == "One run a claim."
