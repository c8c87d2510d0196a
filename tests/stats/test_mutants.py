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


MUTANTS = [
    (intervals.mean_and_half_width, close, "(n - 1)", "n"),
    (intervals.mean_and_half_width, close, "(1 + confidence) / 2", "confidence"),
    (intervals.mean_and_half_width, close, "/ np.sqrt(n)", ""),
    (intervals.mean_and_half_width, close, "stdtrit(n - 1,", "stdtrit(n,"),
    (rules.accept_directional, judges, "interval.low > 0", "interval.low < 0"),
    (rules.accept_directional, judges, "not interval.excludes(0)", "False"),
    (rules.accept_directional, judges, '== "greater"', '== "less"'),
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
