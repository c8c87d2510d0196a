"""Small wrongs in the rules are caught by the checks of this folder."""

import numpy as np
import pytest

from coursekit.stats import intervals, rules
from coursekit.stats.best import as_good_as_best
from coursekit.stats.rules import Verdict

DIFFERENCES = np.array([0.2, 0.5, 0.1, 0.4, 0.3])
# Student's t with 4 degrees of freedom at 0.975, from tables
HALF_WIDTH = 2.7764451 * DIFFERENCES.std(ddof=1) / np.sqrt(5)


def close(function):
    mean, half_width = function(DIFFERENCES, 0.95)
    return np.allclose([mean, half_width], [0.3, HALF_WIDTH], rtol=1e-6)


def judges(function):
    return [
        function(d, "greater")
        for d in (DIFFERENCES, -DIFFERENCES, DIFFERENCES - 0.3, [np.nan, *DIFFERENCES])
    ] == [Verdict.HOLDS, Verdict.FAILS, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]


def exact(function):
    nan = float("nan")
    return [
        function(v, 2.0, 0.1, relative)
        for v, relative in (
            (2.15, True),
            (2.15, False),
            ([2.0, 3.0], False),
            (nan, False),
        )
    ] == [Verdict.HOLDS, Verdict.FAILS, Verdict.FAILS, Verdict.FAILS]


def reported(function):
    values = (0.0, 1.0, 2.0, -1.0, float("inf"))
    return [function(v, 0, float("inf")).value == "holds" for v in values] == [
        True, True, True, False, False,
    ]  # fmt: skip


def marks(function):
    runs = [[1.0, 1.1, 1.2], [0.99, 1.12, 1.2], [0.5, 0.61, 0.7], [9, np.nan, 9]]
    lost = [[np.nan, 1.0], [np.inf, 2.0]]
    marked = function(runs).tolist(), function(lost).tolist()
    return marked == ([True, True, False, False], [False, False])


def describes(kind):
    one = kind(1.0, 0.5, 2.5, n=5)
    lost = kind(np.nan, -np.inf, np.inf, 5, 1)
    return (
        one.half_width == 1
        and [one.excludes(x) for x in (0.4, 0.5, 1.0, 2.5, 2.6)]
        == [True, False, False, False, True]
        and (one.diverged, lost.diverged, lost.excludes(0)) == (0, 1, False)
    )


def resamples(function):
    """The percentiles of the means of the same draws, taken apart with NumPy."""
    x = np.array([3.0, -1.0, 0.5, 8.0, 2.0, 2.5])
    for options in ({}, {"confidence": 0.6, "n_resamples": 501, "seed": 4}):
        full = {"confidence": 0.95, "n_resamples": 2000, "seed": 0} | options
        draw, n = np.random.default_rng(full["seed"]), full["n_resamples"]
        means = np.sort([x[row].mean() for row in draw.integers(6, size=(n, 6))])
        tail = 50 * (1 - full["confidence"])
        expected = [x.mean(), *np.percentile(means, [tail, 100 - tail])]
        i = function(x, **options)
        if not np.allclose([i.estimate, i.low, i.high], expected) or i.n != 6:
            return False
    lost = function([1.0, np.inf, np.nan])
    return (lost.low, lost.high, lost.n, lost.diverged) == (-np.inf, np.inf, 3, 2)


def same(function):
    """Whether the interval's place decides, on both sides of both margins."""
    d = np.array([-1.0, 1.0, -1.0, 1.0, 0.0])
    half = intervals.paired_t_interval(d).high
    middles = {0.0: "holds", 2 * half: "inconclusive", 9 * half: "does not hold here"}
    return all(
        function(sign * m + d, 2 * half).value == word
        for m, word in middles.items()
        for sign in (1, -1)
    )


MUTANTS = [
    (intervals.Interval, describes, "self.high - self.low", "self.high"),
    (intervals.Interval, describes, ") / 2", ")"),
    (intervals.Interval, describes, "not self.low <= value", "not self.low < value"),
    (intervals.Interval, describes, "value <= self.high", "value < self.high"),
    (intervals.Interval, describes, "return not", "return"),
    (intervals.Interval, describes, "diverged: int = 0", "diverged: int = 1"),
    (intervals.bootstrap_interval, resamples, "float = 0.95", "float = 0.9"),
    (intervals.bootstrap_interval, resamples, "int = 2000", "int = 1000"),
    (intervals.bootstrap_interval, resamples, "seed: int = 0", "seed: int = 1"),
    (intervals.bootstrap_interval, resamples, "(1 - confidence) / 2,", "0,"),
    (intervals.bootstrap_interval, resamples, "(1 + confidence) / 2", "confidence"),
    (intervals.bootstrap_interval, resamples, "mean(axis=1)", "mean(axis=0)"),
    (
        intervals.bootstrap_interval,
        resamples,
        "x[picks].mean",
        "np.median(x) + x[picks].std",
    ),
    (
        intervals.bootstrap_interval,
        resamples,
        "float(x.mean()), float(low)",
        "float(low), float(low)",
    ),
    (
        intervals.bootstrap_interval,
        resamples,
        "integers(x.size,",
        "integers(x.size - 1,",
    ),
    (intervals.bootstrap_interval, resamples, "if diverged:", "if not diverged:"),
    (intervals.mean_and_half_width, close, "(n - 1)", "n"),
    (intervals.mean_and_half_width, close, "(1 + confidence) / 2", "confidence"),
    (intervals.mean_and_half_width, close, "/ np.sqrt(n)", ""),
    (intervals.mean_and_half_width, close, "stdtrit(n - 1,", "stdtrit(n,"),
    (rules.accept_directional, judges, "interval.low > 0", "interval.low < 0"),
    (rules.accept_directional, judges, "not interval.excludes(0)", "False"),
    (rules.accept_directional, judges, '== "greater"', '== "less"'),
    (rules.accept_equivalent, same, "-margin <= interval.low and ", ""),
    (rules.accept_equivalent, same, " and interval.high <= margin", ""),
    (rules.accept_equivalent, same, "interval.low > margin or ", ""),
    (rules.accept_equivalent, same, " or interval.high < -margin", ""),
    (rules.accept_exact, exact, "(e) if relative", "(e) if not relative"),
    (rules.accept_exact, exact, ".all() else", ".any() else"),
    (rules.accept_reported, reported, "np.isfinite(v) &", ""),
    (rules.accept_reported, reported, "v >= low", "v > low"),
    (as_good_as_best, marks, "np.abs(mean) <= h", "np.abs(mean) <= 0"),
    (as_good_as_best, marks, "finite[..., 0] &", ""),
    (as_good_as_best, marks, "np.argmax", "np.argmin"),
]


@pytest.mark.parametrize(
    ("function", "check"), list(dict.fromkeys((f, check) for f, check, *_ in MUTANTS))
)
def test_the_real_one_passes(function, check):
    assert check(function)


@pytest.mark.parametrize(("function", "check", "old", "new"), MUTANTS)
def test_the_mutant_is_caught(mutate, function, check, old, new):
    assert not check(mutate(function, old, new))
