"""Intervals and acceptance rules, against scipy, closed forms and simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coursekit.stats import (
    Interval,
    Verdict,
    accept_directional,
    accept_exact,
    accept_reported,
    as_good_as_best,
    bootstrap_interval,
    paired_t_interval,
)

HOLDS, FAILS, INCONCLUSIVE = Verdict
DIFFERENCES = st.integers(5, 16).flatmap(
    lambda n: arrays(float, n, elements=st.floats(-100, 100, width=32))
)
BAD = [math.nan, math.inf, -math.inf]


# ---- the t-interval


@pytest.mark.parametrize("n", [2, 5, 8, 16])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_interval_is_that_of_scipy(n, confidence):
    scipy_stats = pytest.importorskip("scipy.stats")
    d = np.random.default_rng(n).normal(0.3, 2.0, n)
    theirs = scipy_stats.ttest_1samp(d, 0).confidence_interval(confidence)
    ours = paired_t_interval(d, confidence)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), rel=1e-12)
    assert (ours.estimate, ours.n) == (pytest.approx(d.mean()), n)


def test_closed_form_of_two_seeds():
    # with one degree of freedom Student's t is Cauchy: quantile tan(pi (p - 1/2))
    interval = paired_t_interval([1.0, 3.0])
    assert interval.half_width == pytest.approx(math.tan(math.pi * 0.475), rel=1e-12)


def test_variance_survives_a_large_offset():
    d = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    far = paired_t_interval(d + 1e8)
    assert far.half_width == pytest.approx(paired_t_interval(d).half_width, rel=1e-7)


@given(DIFFERENCES, st.floats(-10, 10), st.floats(0.1, 10))
def test_interval_moves_and_scales_with_the_data(d, shift, scale):
    plain, moved = paired_t_interval(d), paired_t_interval(scale * d + shift)
    for end in ("estimate", "low", "high"):
        expected = scale * getattr(plain, end) + shift
        assert getattr(moved, end) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(DIFFERENCES)
def test_order_of_seeds_does_not_matter(d):
    a, b = paired_t_interval(d), paired_t_interval(d[::-1])
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", range(2, 12))
def test_without_spread_the_interval_is_the_mean(n):
    """Three times 0.1 has a mean that is not 0.1, so deviations that are not 0."""
    interval = paired_t_interval([0.1] * n)
    assert interval.half_width == 0
    assert interval.estimate == pytest.approx(0.1)


@pytest.mark.parametrize("bad", BAD)
def test_a_diverged_seed_opens_the_interval_to_the_whole_line(bad):
    for interval in (
        paired_t_interval([1.0, 1.1, bad, 1.2, 1.3]),
        bootstrap_interval([1.0, 1.1, bad, 1.2, 1.3]),
    ):
        assert math.isnan(interval.estimate)
        assert (interval.low, interval.high) == (-math.inf, math.inf)
        assert (interval.n, interval.diverged) == (5, 1)
        assert not interval.excludes(0)


def test_interval_excludes_only_what_lies_outside():
    interval = Interval(1.0, 0.5, 1.5, n=5)
    assert [interval.excludes(x) for x in (0.4, 0.5, 1.0, 1.5, 1.6)] == [
        True, False, False, False, True,
    ]  # fmt: skip


# ---- rule A


@pytest.mark.parametrize(
    ("differences", "greater", "less"),
    [
        ([1, 2, 1, 2, 1], HOLDS, FAILS),
        ([-1, -2, -1, -2, -1], FAILS, HOLDS),
        ([1, -2, 1, -2, 1], INCONCLUSIVE, INCONCLUSIVE),
        ([0.2] * 5, HOLDS, FAILS),
        ([0.0] * 5, INCONCLUSIVE, INCONCLUSIVE),
        ([1, 1, 1, 1, math.nan], INCONCLUSIVE, INCONCLUSIVE),
        ([-1, -1, -1, -1, -math.inf], INCONCLUSIVE, INCONCLUSIVE),
    ],
)
def test_rule_a(differences, greater, less):
    assert accept_directional(differences, "greater") is greater
    assert accept_directional(differences, "less") is less


@pytest.mark.parametrize("n", [5, 8])
def test_false_positives_of_rule_a(n):
    """One-sided, under no effect, 2.5 %: four binomial standard deviations."""
    trials = 10_000
    draws = np.random.default_rng(26).standard_normal((trials, n))
    accepted = sum(accept_directional(d, "greater") is HOLDS for d in draws)
    tolerance = 4 * math.sqrt(trials * 0.025 * 0.975)
    assert accepted == pytest.approx(0.025 * trials, abs=tolerance)


def test_bootstrap_as_a_test_would_accept_too_often():
    """Why rule A is not a bootstrap: its one-sided rate at n = 5 is over 6 %."""
    draws = np.random.default_rng(45).standard_normal((1000, 5))
    accepted = sum(bootstrap_interval(d, n_resamples=400).low > 0 for d in draws)
    assert accepted > 60


@given(DIFFERENCES)
def test_rule_a_is_antisymmetric(d):
    assert accept_directional(d, "greater") is accept_directional(-d, "less")


@given(DIFFERENCES, st.floats(0.01, 50))
def test_more_effect_never_loses_a_claim(d, push):
    if accept_directional(d, "greater") is HOLDS:
        assert accept_directional(d + push, "greater") is HOLDS


@given(DIFFERENCES)
def test_rule_a_is_the_one_sided_t_test(d):
    scipy_stats = pytest.importorskip("scipy.stats")
    assume(np.ptp(d) > 1e-3)
    p = scipy_stats.ttest_1samp(d, 0, alternative="greater").pvalue
    assume(abs(p - 0.025) > 1e-9)
    assert (accept_directional(d, "greater") is HOLDS) == (p < 0.025)


# ---- rules X and N


@pytest.mark.parametrize(
    ("value", "expected", "tolerance", "relative", "verdict"),
    [
        (1.05, 1.0, 0.06, False, HOLDS),
        (1.07, 1.0, 0.06, False, FAILS),
        ([1.0, 1.07], 1.0, 0.06, False, FAILS),
        (105.0, 100.0, 0.06, True, HOLDS),
        (-105.0, -100.0, 0.06, True, HOLDS),
        (107.0, 100.0, 0.06, True, FAILS),
        (93.0, 100.0, 0.06, True, FAILS),
        (0.93, 1.0, 0.06, False, FAILS),
        (1.5, 1.0, 0.5, False, HOLDS),
        (105.0, 100.0, 0.06, False, FAILS),
        ([[1.0, 2.0]], [1.0, 2.0], 0.0, False, HOLDS),
        (math.nan, 1.0, 1e9, False, FAILS),
        ([1.0, math.inf], 1.0, 1e9, False, FAILS),
    ],
)
def test_rule_x(value, expected, tolerance, relative, verdict):
    assert accept_exact(value, expected, tolerance, relative) is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.0, HOLDS), (1.0, HOLDS), (1.1, FAILS), ([0.5, -0.1], FAILS)]
    + [(bad, FAILS) for bad in BAD],
)
def test_rule_n(value, verdict):
    assert accept_reported(value, 0, 1) is verdict


def test_rule_n_refuses_infinite_numbers_in_an_infinite_band():
    assert accept_reported(math.inf, -math.inf, math.inf) is FAILS


# ---- bootstrap


def test_bootstrap_repeats_and_follows_its_seed():
    x = np.random.default_rng(0).normal(size=8)
    assert bootstrap_interval(x) == bootstrap_interval(x)
    assert bootstrap_interval(x) != bootstrap_interval(x, seed=1)


def test_bootstrap_approaches_the_normal_interval():
    x = np.random.default_rng(1).normal(size=400)
    interval = bootstrap_interval(x, n_resamples=10_000)
    assert interval.half_width == pytest.approx(1.96 * x.std() / 20, rel=0.05)
    assert interval.estimate == pytest.approx(x.mean())


# ---- as good as the best


def test_paired_comparison_separates_where_ranges_overlap():
    luck = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    jitter = 0.002 * np.array([1, -1, 1, -1, 1])
    runs = np.stack([luck, luck - 0.02 + jitter, luck + jitter])
    assert as_good_as_best(runs).tolist() == [True, False, True]
    assert as_good_as_best(runs, larger_is_better=False).tolist() == [
        False, True, False,
    ]  # fmt: skip


def test_leading_axes_are_judged_alone():
    runs = np.random.default_rng(3).normal(size=(4, 2, 6, 5))
    together = as_good_as_best(runs)
    assert together.shape == (4, 2, 6)
    for i in np.ndindex(4, 2):
        assert (together[i] == as_good_as_best(runs[i])).all()
    runs[1, 0, 2, 4], runs[3, 1, 5, 0] = math.nan, math.inf
    lost = as_good_as_best(runs)
    assert not lost[1, 0, 2]
    assert not lost[3, 1, 5]
    for i in np.ndindex(4, 2):
        assert (lost[i] == as_good_as_best(runs[i])).all()


def test_diverged_settings_are_never_best():
    runs = [[9.0, math.nan], [1.0, 2.0], [1.0, math.inf]]
    assert as_good_as_best(runs).tolist() == [False, True, False]
    assert as_good_as_best([[math.nan, 1.0]] * 2).tolist() == [False, False]
    losses = [[math.inf, 0.1], [1.0, 2.0]]
    assert as_good_as_best(losses, larger_is_better=False).tolist() == [False, True]


@given(arrays(float, (4, 5), elements=st.floats(-10, 10, width=32)))
def test_the_best_is_marked_and_agrees_with_the_interval(runs):
    marked = as_good_as_best(runs)
    best = runs.mean(1).argmax()
    assert marked[best]
    for s in range(4):
        interval = paired_t_interval(runs[s] - runs[best])
        assert marked[s] == (not interval.excludes(0))


@given(arrays(float, (3, 6), elements=st.floats(-10, 10, width=32)))
def test_losses_are_negated_scores(runs):
    assert (as_good_as_best(runs) == as_good_as_best(-runs, False)).all()


# ---- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_t_interval([1.0]), "at least 2"),
        (lambda: paired_t_interval([[1.0, 2.0]]), r"shape \(1, 2\)"),
        (lambda: paired_t_interval([1.0, 2.0], 95), "such as 0.95"),
        (lambda: accept_directional([1, 2, 3, 4], "greater"), "at least 5"),
        (lambda: accept_directional([1] * 5, "up"), "'greater', 'less'"),
        (lambda: accept_exact(1, 1, -0.1), "not negative"),
        (lambda: accept_exact(1, math.nan, 0.1), "must be finite"),
        (lambda: accept_exact(1, [1, math.inf], 0.1), "must be finite"),
        (lambda: accept_exact(1, 1, math.inf), "must be finite"),
        (lambda: accept_exact([], 1, 0.1), "no values"),
        (lambda: accept_reported([], 0, 1), "no values"),
        (lambda: accept_reported(1, 2, 2), "low < high"),
        (lambda: bootstrap_interval([1, 2], confidence=0), "strictly between"),
        (lambda: bootstrap_interval([1.0]), "at least 2"),
        (lambda: bootstrap_interval([[1.0, 2.0]]), r"shape \(1, 2\)"),
        (lambda: bootstrap_interval([1, 2], confidence=1), "strictly between"),
        (lambda: paired_t_interval([1.0, 2.0], 1), "strictly between"),
        (lambda: as_good_as_best(np.ones((2, 3, 1))), "two seeds"),
        (lambda: as_good_as_best(np.ones((0, 5))), "setting, seed"),
        (lambda: as_good_as_best([1.0, 2.0]), "setting, seed"),
        (lambda: as_good_as_best([[1.0], [2.0]]), "two seeds"),
    ],
)
def test_errors_say_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inputs_are_left_alone():
    d = np.arange(5.0)
    d.flags.writeable = False
    for judge in (paired_t_interval, bootstrap_interval):
        judge(d)
    accept_directional(d, "less")
    as_good_as_best(np.broadcast_to(d, (3, 5)))


def test_glyphs_of_the_verdicts():
    assert [v.glyph for v in Verdict] == ["■", "◇", "○"]
