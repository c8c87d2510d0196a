"""The schedules against torch's, closed forms and laws, and the mutants they kill."""

import importlib
import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from coursekit import schedules

PAGES = {
    name: importlib.import_module(f"coursekit.schedules.{name}")
    for name in ("annealing", "cycle", "decay", "rise")
}
EXACT = {"rel": 1e-12, "abs": 1e-14}
TIMES = st.floats(0, 500)


def rates(make, steps, lr=1.0):
    """The rates of the first updates under a torch scheduler."""
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LinearLR and CyclicLR of some versions
            scheduler.step()
    return values


def same(ours, theirs):
    assert ours == pytest.approx(theirs, **EXACT)


# ---- torch, where torch has the schedule


def check_step_is_torchs():
    ours = [schedules.step(t, 7, 0.3, lr=0.5) for t in range(60)]
    same(ours, rates(lambda o: lr_scheduler.StepLR(o, 7, 0.3), 60, lr=0.5))
    same([schedules.step(t, 5) for t in (4, 5, 14, 15)], [1, 1 / 2, 1 / 4, 1 / 8])


def check_exponential_is_torchs():
    ours = [schedules.exponential(t, 0.07, lr=0.5) for t in range(60)]
    gamma = math.exp(-0.07)
    same(ours, rates(lambda o: lr_scheduler.ExponentialLR(o, gamma), 60, lr=0.5))


def check_cosine_is_torchs_up_to_the_end_and_then_stays():
    ours = [schedules.cosine(t, 40, lr=0.5, lr_min=0.02) for t in range(80)]
    theirs = rates(
        lambda o: lr_scheduler.CosineAnnealingLR(o, 40, eta_min=0.02), 80, lr=0.5
    )
    same(ours[:41], theirs[:41])
    assert ours[40:] == pytest.approx([0.02] * 40)
    assert theirs[60] > 0.2  # torch goes up again


@pytest.mark.parametrize("t_mult", [1, 2, 3])
def test_sgdr_is_torchs(t_mult):
    check_sgdr_is_torchs(t_mult)


def check_sgdr_is_torchs(t_mult=2):
    ours = [schedules.sgdr(t, 5, t_mult, lr=0.5, lr_min=0.1) for t in range(300)]

    def make(o):
        return lr_scheduler.CosineAnnealingWarmRestarts(o, 5, t_mult, eta_min=0.1)

    same(ours, rates(make, 300, lr=0.5))


def check_triangular_is_torchs():
    ours = [schedules.triangular(t, 6, lr=0.5, lr_min=0.1) for t in range(60)]

    def make(o):
        return lr_scheduler.CyclicLR(o, 0.1, 0.5, 6, cycle_momentum=False)

    same(ours, rates(make, 60, lr=0.5))


@pytest.mark.parametrize("anneal", ["linear", "cos"])
def test_one_cycle_is_torchs(anneal):
    check_one_cycle_is_torchs(anneal)


def check_one_cycle_is_torchs(anneal="linear"):
    """torch counts T + 1 rates and ends its rise one update before its share."""
    total, share = 50, 0.3
    ours = [
        schedules.one_cycle(
            t, total, lr=0.5, pct_start=share, div_factor=10, anneal=anneal
        )
        for t in range(total + 1)
    ]

    def make(o):
        return lr_scheduler.OneCycleLR(
            o,
            0.5,
            total_steps=total + 1,
            pct_start=(share * total + 1) / (total + 1),
            anneal_strategy=anneal,
            cycle_momentum=False,
            div_factor=10,
            three_phase=True,
        )

    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler, theirs = make(optimizer), []
    for t in range(total + 1):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if t < total:
            scheduler.step()
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def check_warmup_is_torchs_linear():
    ours = [schedules.warmup(t, 8, lr=0.5, start=0.25) for t in range(20)]
    theirs = rates(lambda o: lr_scheduler.LinearLR(o, 0.25, total_iters=8), 20, lr=0.5)
    assert ours == pytest.approx(theirs, rel=1e-9)


# ---- closed forms and laws


def simple(name, **options):
    """Fill in all but the time; a mutant is found when it is called."""
    return lambda t, **more: getattr(schedules, name)(t, **options, **more)


SIMPLE = {
    "step": simple("step", step_size=9),
    "exponential": simple("exponential", decay=0.02),
    "inverse": simple("inverse", decay=0.1),
    "cosine": simple("cosine", total=200),
    "sgdr": simple("sgdr", t0=11, t_mult=1.5),
    "triangular": simple("triangular", step_size=17),
    "one_cycle": simple("one_cycle", total=200),
    "warmup": simple("warmup", warmup=30),
}


def check_inverse_has_its_values():
    same([schedules.inverse(t, 0.5, lr=3.0) for t in (0, 2, 18)], [3.0, 1.5, 0.3])


def check_noam_peaks_at_the_end_of_warm_up():
    d, T_w = 64, 100
    values = [schedules.noam(t, d, T_w, lr=2.0) for t in range(1000)]
    assert values[0] == 0
    assert values.index(max(values)) == T_w
    same(values[T_w], 2 / math.sqrt(d * T_w))
    same(values[50], values[T_w] / 2)
    same(values[400], values[T_w] / 2)


def check_linear_scaling_has_its_values():
    same(schedules.linear_scaling(512, 128, lr=0.1), 0.4)
    same(schedules.linear_scaling(512, 128, lr=0.1, rule="root"), 0.2)
    same(schedules.linear_scaling(32, 128, lr=0.1), 0.025)


def check_warm_up_rises_and_stays():
    values = [schedules.warmup(t, 10) for t in range(15)]
    same(values[:11], [t / 10 for t in range(11)])
    assert values[10:] == [1.0] * 5
    assert schedules.warmup(0, 0) == schedules.warmup(3, 0) == 1


def check_a_rate_of_zero_and_the_edges_of_shares_are_taken():
    for schedule in SIMPLE.values():
        assert schedule(0.0, lr=0.0) == schedule(31.5, lr=0) == 0
    assert schedules.noam(3, 64, 100, lr=0) == 0
    assert schedules.linear_scaling(8, 4, lr=0) == 0
    # at rest: all three rates of the cycle are one
    still = {"div_factor": 1, "final_div_factor": 1, "lr": 0.5}
    for anneal in ("linear", "cos"):
        for t in (0, 20, 60, 99, 100, 150):
            same(schedules.one_cycle(t, 100, anneal=anneal, **still), 0.5)
    same(schedules.cosine(3, 10, lr=0.5, lr_min=0.5), 0.5)
    same(schedules.triangular(3, 10, lr=0.5, lr_min=0.5), 0.5)
    assert schedules.step(9, 3, gamma=1) == 1
    assert schedules.warmup(0, 5, start=1) == 1


def check_one_cycle_has_its_values():
    values = [schedules.one_cycle(t, 100) for t in (0, 10, 30, 40, 60, 70, 100, 101)]
    low, end = 1 / 25, 1 / 25e4
    rise, fall, last = (2 * low + 1) / 3, (2 + low) / 3, (3 * low + end) / 4
    same(values, [low, rise, 1, fall, low, last, end, end])
    values = [schedules.one_cycle(t, 100, anneal="cos") for t in (10, 40, 70, 99)]
    rise = 1 + (low - 1) * (1 + math.cos(math.pi / 3)) / 2
    fall = low + (1 - low) * (1 + math.cos(math.pi / 3)) / 2
    last = [
        end + (low - end) * (1 + math.cos(math.pi * u)) / 2 for u in (1 / 4, 39 / 40)
    ]
    same(values, [rise, fall, *last])


def check_restarts_come_at_the_sums_of_periods():
    starts = [0, 3, 9, 21, 45]  # periods 3, 6, 12, 24
    for t in range(60):
        assert (schedules.sgdr(t, 3, 2) == 1) == (t in starts)
    for start, period in zip(starts, (3, 6, 12, 24), strict=False):
        assert schedules.sgdr(start + period / 2, 3, 2) == pytest.approx(0.5)
        assert schedules.sgdr(start + period - 1e-6, 3, 2) < 1e-9


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_schedule(check):
    check()


EVERY = pytest.mark.parametrize("schedule", SIMPLE.values(), ids=SIMPLE)


@EVERY
@given(t=TIMES, lr=st.floats(1e-3, 10))
def test_the_factor_is_between_0_and_1_and_scales_with_lr(schedule, t, lr):
    factor = schedule(t)
    assert 0 <= factor <= 1
    assert schedule(t, lr=lr) == pytest.approx(lr * factor, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", ["step", "exponential", "inverse", "cosine"])
@given(t=TIMES, later=TIMES)
def test_decays_never_rise(name, t, later):
    early, late = sorted((t, later))
    assert SIMPLE[name](late) <= SIMPLE[name](early) + 1e-15


@pytest.mark.parametrize("name", sorted(set(SIMPLE) - {"step", "sgdr"}))
@given(t=TIMES)
def test_continuous_schedules_have_no_jump(name, t):
    steepest = 1 / 17  # of them all; of one_cycle it is 0.96/60
    assert abs(SIMPLE[name](t + 1e-3) - SIMPLE[name](t)) <= 1e-3 * max(steepest, 0.1)


@given(t=st.floats(0, 199), share=st.floats(0.01, 0.49))
def test_one_cycle_ends_where_it_says(t, share):
    cycle = simple("one_cycle", total=200, pct_start=share)
    assert cycle(0) == pytest.approx(1 / 25)
    assert cycle(200 * share) == pytest.approx(1)
    assert cycle(400 * share) == pytest.approx(1 / 25)
    assert cycle(200) == pytest.approx(1 / 25e4) == cycle(1000)
    assert cycle(200) <= cycle(t) <= 1


@given(t=st.integers(0, 10**9), t0=st.integers(1, 50))
def test_sgdr_repeats_exactly_even_far_out(t, t0):
    assert schedules.sgdr(t, t0) == schedules.sgdr(t % t0, t0)


@EVERY
def test_lambda_lr_takes_it_and_gets_plain_numbers(schedule):
    got = rates(lambda o: lr_scheduler.LambdaLR(o, schedule), 50, lr=0.2)
    assert got == pytest.approx([0.2 * schedule(t) for t in range(50)], rel=1e-12)
    assert type(schedule(3)) is float


def test_schedules_multiply():
    def both(t):
        return schedules.warmup(t, 10) * schedules.cosine(max(0, t - 10), 90)

    values = [both(t) for t in range(101)]
    assert values[10] == max(values) == 1
    assert values[0] == 0
    assert values[100] == pytest.approx(0, abs=1e-12)


# ---- bad input

BAD = [
    (schedules.step, (-1, 3), "t: expected a finite number >= 0, got -1"),
    (schedules.step, (1, 0), "step_size: expected a finite number > 0, got 0"),
    (schedules.step, (1, 3, 1.5), r"gamma: expected a number in \(0, 1\], got 1.5"),
    (schedules.exponential, (math.nan, 1), "t: expected a number, got nan"),
    (schedules.exponential, (1, -2), "decay: expected .* >= 0, got -2"),
    (schedules.inverse, (math.inf, 1), "t: expected a finite number"),
    (schedules.cosine, (1, 0), "total: expected .* > 0"),
    (schedules.sgdr, (1, 5, 0.5), "t_mult: expected a number in"),
    (schedules.sgdr, (1, 5, math.inf), r"t_mult: expected a number in \[1, inf\)"),
    (schedules.sgdr, (1, 0), "t0: expected .* > 0"),
    (schedules.triangular, (1, -3), "step_size: expected .* > 0"),
    (schedules.noam, (1, 64, 0), "warmup: expected .*; without warm-up use"),
    (schedules.warmup, (1, -1), "warmup: expected .* >= 0"),
    (schedules.linear_scaling, (0, 8), "batch_size: expected .* > 0"),
    (schedules.linear_scaling, (8, 0), "reference: expected .* > 0"),
]


@pytest.mark.parametrize(("schedule", "args", "message"), BAD)
def test_bad_input_is_refused_in_words(schedule, args, message):
    with pytest.raises(ValueError, match=message):
        schedule(*args)


@pytest.mark.parametrize(
    ("kw", "message"),
    [
        ({"pct_start": 0.5}, "pct_start: expected"),
        ({"pct_start": 0}, "pct_start: expected"),
        ({"anneal": "poly"}, "anneal: expected one of 'linear', 'cos', got 'poly'"),
        ({"div_factor": 0.5}, "div_factor: expected"),
        ({"final_div_factor": 0}, "final_div_factor: expected"),
        ({"lr": -1}, "lr: expected"),
    ],
)
def test_one_cycle_refuses(kw, message):
    with pytest.raises(ValueError, match=message):
        schedules.one_cycle(3, 10, **kw)


@pytest.mark.parametrize("name", ["cosine", "sgdr", "triangular"])
def test_the_lower_bound_lies_below_the_upper(name):
    with pytest.raises(ValueError, match=r"lr_min: expected a number in \[0, 0.1\]"):
        SIMPLE[name](3, lr=0.1, lr_min=0.2)


# ---- mutants

MUTANTS = [
    ("decay", "step", "gamma ** (t // k)", "gamma ** (t / k)"),
    ("decay", "step", "gamma ** (t // k)", "gamma ** ((t + 1) // k)"),
    ("decay", "step", "gamma ** (t // k)", "gamma ** ((t - 1e-9) // k)"),
    ("decay", "exponential", "math.exp(-k * t)", "math.exp(k * t)"),
    ("decay", "exponential", "math.exp(-k * t)", "(1 - k) ** t"),
    ("decay", "inverse", "(1 + k * t)", "(1 + k * t) ** 0.5"),
    ("decay", "inverse", "(1 + k * t)", "(1 + t) ** k"),
    ("annealing", "cosine", "min(t / T, 1)", "t / T"),
    ("annealing", "cosine", "min(t / T, 1)", "min((t + 1) / T, 1)"),
    ("annealing", "_half_cosine", "1 + math.cos", "1 - math.cos"),
    ("annealing", "_half_cosine", "eta_min + (eta - eta_min)", "eta"),
    ("annealing", "_half_cosine", ") / 2", ")"),
    ("annealing", "_half_cosine", "math.pi", "2 * math.pi"),
    ("annealing", "sgdr", "while t >= period:", "while t > period:"),
    ("annealing", "sgdr", "period *= factor", "period *= 1"),
    ("annealing", "sgdr", "period *= factor", "period += factor"),
    ("annealing", "sgdr", "t -= period", "t -= period + 1"),
    ("annealing", "sgdr", "t / period", "(t + 1) / period"),
    ("cycle", "triangular", "t / (2 * s)", "t / s"),
    ("cycle", "triangular", "- 2 * c + 1)", "- 2 * c + 2)"),
    ("cycle", "triangular", "* (1 - u)", "* u"),
    ("cycle", "triangular", "eta_min + (eta - eta_min)", "eta_min + eta"),
    ("cycle", "one_cycle", "curve(eta_0, eta, t", "curve(0, eta, t"),
    ("cycle", "one_cycle", "curve(eta, eta_0, t", "curve(eta, eta_T, t"),
    ("cycle", "one_cycle", "(T - 2 * rho * T))", "T)"),
    ("cycle", "one_cycle", "eta_0 / check_range", "eta / check_range"),
    ("cycle", "one_cycle", "if t < 2 * rho * T:", "if t < T:"),
    (
        "cycle",
        "triangular",
        'check_positive("lr", lr, zero=True)',
        'check_positive("lr", lr)',
    ),
    (
        "cycle",
        "one_cycle",
        'check_positive("lr", lr, zero=True)',
        'check_positive("lr", lr)',
    ),
    ("cycle", "one_cycle", "pct_start: float = 0.3", "pct_start: float = 0.25"),
    ("cycle", "one_cycle", "div_factor: float = 25.0,", "div_factor: float = 20.0,"),
    ("cycle", "one_cycle", "float = 1e4", "float = 1e5"),
    ("cycle", "one_cycle", '= "linear"', '= "cos"'),
    (
        "cycle",
        "one_cycle",
        '"div_factor", div_factor, 1,',
        '"div_factor", div_factor, 2,',
    ),
    (
        "cycle",
        "one_cycle",
        "final_div_factor, 1, math.inf)",
        "final_div_factor, 2, math.inf)",
    ),
    (
        "annealing",
        "_half_cosine",
        'check_positive("lr", lr, zero=True)',
        'check_positive("lr", lr)',
    ),
    (
        "annealing",
        "cosine",
        'check_positive("t", t, zero=True)',
        'check_positive("t", t)',
    ),
    (
        "annealing",
        "sgdr",
        'check_positive("t", t, zero=True)',
        'check_positive("t", t)',
    ),
    ("decay", "step", "gamma: float = 0.5", "gamma: float = 0.1"),
    ("cycle", "_linear", "(end - start)", "(start - end)"),
    ("cycle", "_cos", "1 + math.cos", "1 - math.cos"),
    ("rise", "warmup", "s + (1 - s) * u", "s + u"),
    ("rise", "warmup", "s + (1 - s) * u", "1 - (1 - s) * u"),
    ("rise", "warmup", "min(t / T_w, 1) if", "min((t + 1) / T_w, 1) if"),
    ("rise", "warmup", "min(t / T_w, 1) if", "t / T_w if"),
    ("rise", "warmup", "if T_w else 1", "if T_w else 0"),
    ("rise", "noam", "T_w**-1.5", "T_w**1.5"),
    ("rise", "noam", "d**-0.5", "d**0.5"),
    ("rise", "noam", "* min(", "* max("),
    ("rise", "noam", "return 0.0", "return 1.0"),
    ("rise", "linear_scaling", "return eta * ratio", "return eta / ratio"),
    ("rise", "linear_scaling", "math.sqrt(ratio)", "ratio"),
]


def survives():
    try:
        for check in CHECKS:
            check()
        check_one_cycle_is_torchs("cos")
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    monkeypatch.setattr(PAGES[page], function, wrong)
    if hasattr(schedules, function):
        monkeypatch.setattr(schedules, function, wrong)
    if function in {"_linear", "_cos"}:
        monkeypatch.setitem(PAGES[page].CURVES, function[1:], wrong)
    assert not survives()
