"""What is judged unless it is told otherwise: 95 %, and more is better."""

import pytest

from coursekit import stats

TABLE = {
    "Interval": {"diverged": 0},
    "accept_exact": {"relative": False},
    "as_good_as_best": {"larger_is_better": True},
    "bootstrap_interval": {"confidence": 0.95, "n_resamples": 2000, "seed": 0},
    "paired_t_interval": {"confidence": 0.95},
}
WORDS = {"Direction", "Verdict", "LEAST_SEEDS"}


@pytest.mark.parametrize("name", sorted(set(stats.__all__) - WORDS))
def test_defaults(defaults_of, name):
    assert defaults_of(getattr(stats, name)) == TABLE.get(name, {})


def test_a_claim_needs_five_seeds():
    assert stats.LEAST_SEEDS == 5
