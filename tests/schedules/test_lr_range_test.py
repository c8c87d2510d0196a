"""The range test on a quadratic and on curves made by hand, and its mutants."""

import importlib
import math

import pytest

from coursekit.schedules import lr_range_test, suggest_argmin, suggest_steepest

page = importlib.import_module("coursekit.schedules.lr_range_test")
suggestions = importlib.import_module("coursekit.schedules.lr_suggest")


def bowl(lam=2.0):
    """Gradient descent on ½λw², stable below 2/λ."""
    w = [1.0]

    def step(lr):
        loss = 0.5 * lam * w[0] ** 2
        w[0] -= lr * lam * w[0]
        return loss

    return step


def replay(losses):
    rest = iter(losses)
    return lambda lr: next(rest)


def check_sweep():
    seen = []
    test = page.lr_range_test(lambda lr: seen.append(lr) or 1.0, 1e-4, 1.0, 5)
    assert seen == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    assert list(test.lrs) == seen
    test = page.lr_range_test(lambda lr: 1.0)
    assert [test.lrs[0], test.lrs[-1]] == pytest.approx([1e-5, 10])
    assert len(test.lrs) == 100


def check_smoothing():
    losses = [3.0, 1.0, 2.0, 2.5]
    test = page.lr_range_test(replay(losses), 1e-3, 1, 4, smoothing=0.5)
    # weights 1/2, 1/4, ... of the past, over their sum
    expected = [3.0, (3 + 2) / 3, (3 + 2 + 8) / 7, (3 + 2 + 8 + 20) / 15]
    assert test.smoothed == pytest.approx(expected)
    assert test.losses == tuple(losses)
    assert test.argmin == pytest.approx(1e-2)
    raw = page.lr_range_test(replay(losses), 1e-3, 1, 4, smoothing=0)
    assert raw.smoothed == pytest.approx(losses)
    default = page.lr_range_test(replay([1.0, 2.0, 1.0]), n_steps=3)
    assert default.smoothed[1] == pytest.approx((0.8 * 0.2 + 0.4) / 0.36)


def check_stop():
    losses = [2.0, 1.0, 4.0, 4.1, 0.1]
    test = page.lr_range_test(replay(losses), n_steps=5, smoothing=0)
    assert test.losses == (2.0, 1.0, 4.0, 4.1)
    assert len(test.smoothed) == len(test.lrs) == 4
    test = page.lr_range_test(replay(losses), n_steps=5, smoothing=0, diverge=3.9)
    assert len(test.losses) == 3
    soon = page.lr_range_test(
        replay([2, 1, 1, 1.6]), n_steps=9, smoothing=0, diverge=1.5
    )
    assert len(soon.losses) == 4
    for end in (math.nan, math.inf):
        test = page.lr_range_test(replay([2, 1.5, 1, end]), n_steps=9, smoothing=0)
        assert len(test.lrs) == len(test.losses) == 4
        assert len(test.smoothed) == 3
        assert test.warnings == ()
    # losses below zero: only what is not finite ends the test
    test = page.lr_range_test(replay([2.0, -1.0, 9.0, 9.0]), n_steps=4, smoothing=0)
    assert len(test.losses) == 4


def check_suggestions():
    lrs, curve = [1e-3, 1e-2, 1e-1, 1.0, 10.0], [3.0, 2.9, 1.0, 0.5, 3.0]
    assert suggestions.suggest_argmin(lrs, curve) == pytest.approx(1.0)
    assert suggestions.suggest_argmin(lrs, [1.0, 0.0, 0.0, 2.0]) == pytest.approx(1e-2)
    assert suggestions.suggest_steepest(lrs, curve) == pytest.approx(1e-1)  # 2.9 to 0.5
    # an uneven grid: the fall per factor counts
    assert (
        suggestions.suggest_steepest([1, 2, 4, 1e3, 1e6], [4.0, 3.0, 2.0, 0.0, 0.0])
        == 2
    )
    test = page.lr_range_test(replay(curve), 1e-3, 10, 5, smoothing=0)
    assert (test.argmin, test.steepest) == pytest.approx((1.0, 1e-1))
    assert test.warnings == ()


def check_warnings():
    falling = page.lr_range_test(replay([3.0, 2.0, 1.0]), n_steps=3, smoothing=0)
    assert len(falling.warnings) == 1
    assert "raise lr_max" in falling.warnings[0]
    rising = page.lr_range_test(replay([1.0, 2.0, 3.0]), n_steps=3, smoothing=0)
    assert len(rising.warnings) == 1
    assert "lower lr_min" in rising.warnings[0]


def check_quadratic():
    for lam in (0.5, 2.0, 20.0):
        test = page.lr_range_test(bowl(lam), 1e-4, 100, 100, smoothing=0)
        assert 1 < test.argmin * lam / 2 < 1.3  # the edge of stability, 2/λ
        assert test.steepest < test.argmin
        assert test.warnings == ()


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


def all_hold():
    for check in CHECKS:
        check()


@pytest.mark.parametrize("check", CHECKS)
def test_range(check):
    check()


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("lr_range_test", "k / (n - 1)", "k / n"),
        ("lr_range_test", "(high / low)", "(low / high)"),
        ("lr_range_test", "(high / low) ** (k / (n - 1))", "1 + (high - low) * k"),
        ("lr_range_test", "rho * m + (1 - rho) *", "(1 - rho) * m + rho *"),
        ("lr_range_test", "m / (1 - rho ** (k + 1))", "m"),
        ("lr_range_test", "rho ** (k + 1)", "rho ** (k + 2)"),
        ("lr_range_test", "> c * min(smoothed) > 0", ">= c * min(smoothed) > 0"),
        ("lr_range_test", "> c * min(smoothed) > 0", "> min(smoothed) > 0"),
        ("lr_range_test", "> c * min(smoothed) > 0", "> c * smoothed[0] > 0"),
        ("lr_range_test", "> c * min(smoothed) > 0", "> c * min(smoothed)"),
        ("lr_range_test", "not math.isfinite(losses[-1])", "math.isnan(losses[-1])"),
        ("lr_range_test", "not math.isfinite(losses[-1])", "math.isinf(losses[-1])"),
        ("lr_range_test", "smoothing: float = 0.8", "smoothing: float = 0.9"),
        ("lr_range_test", "diverge: float = 4.0", "diverge: float = 3.5"),
        ("lr_range_test", "diverge: float = 4.0", "diverge: float = 5.0"),
        ("lr_range_test", "lr_min: float = 1e-5", "lr_min: float = 1e-6"),
        ("lr_range_test", "lr_max: float = 10.0", "lr_max: float = 1.0"),
        ("lr_range_test", "n_steps: int = 100", "n_steps: int = 101"),
        ("suggest_argmin", "min(curve)", "max(curve)"),
        ("suggest_argmin", "lrs[curve.index(min(curve))]", "lrs[-1]"),
        ("suggest_steepest", "min(slopes)", "max(slopes)"),
        ("suggest_steepest", "lrs[1 + ", "lrs["),
        ("suggest_steepest", "curve[k + 1] - curve[k - 1]", "curve[k + 1] - curve[k]"),
        ("suggest_steepest", "/ math.log(lrs[k + 1] / lrs[k - 1])", ""),
        ("suggest_steepest", "math.log(lrs[k + 1] / lrs[k - 1])", "lrs[k]"),
        ("_read", "len(lrs) - 1", "len(lrs)"),
        ("_read", "lowest == 0", "lowest == 1"),
        ("_read", "lowest = smoothed.index(min", "lowest = losses.index(max"),
    ],
)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, function, old, new):
    owner = suggestions if "suggest" in function else page
    monkeypatch.setattr(owner, function, mutate(getattr(owner, function), old, new))
    with pytest.raises((AssertionError, OverflowError, ValueError, StopIteration)):
        all_hold()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lr_range_test(bowl(), 0), ValueError, "lr_min: expected"),
        (lambda: lr_range_test(bowl(), 1, 1), ValueError, "lr_max: expected"),
        (lambda: lr_range_test(bowl(), 1, math.inf), ValueError, "lr_max: expected"),
        (lambda: lr_range_test(bowl(), n_steps=2), ValueError, "n_steps: expected"),
        (lambda: lr_range_test(bowl(), n_steps=9.0), TypeError, "n_steps: expected"),
        (lambda: lr_range_test(bowl(), smoothing=1), ValueError, "smoothing: expected"),
        (lambda: lr_range_test(bowl(), diverge=1), ValueError, "diverge: expected"),
        (lambda: lr_range_test(lambda lr: math.nan), ValueError, "smaller lr_min"),
        (lambda: suggest_argmin([1.0], []), ValueError, "expected 1 to 1 losses"),
        (lambda: suggest_argmin([1.0], [math.nan]), ValueError, "NaN or infinity"),
        (lambda: suggest_steepest([1, 2], [1, 2]), ValueError, "expected 3 to 2"),
        (lambda: suggest_argmin([1.0], [1.0, 2.0]), ValueError, "expected 1 to 1"),
    ],
)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()
