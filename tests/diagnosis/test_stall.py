"""The diagnosis of stalled runs: on real runs, at every border, and its mutants."""

import importlib
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from coursekit.data import digits
from coursekit.diagnosis import Stall, diagnose_stall, stall_evidence
from coursekit.init import initialize
from coursekit.models import MLP
from coursekit.probes import grad_norm_trace

page = importlib.import_module("coursekit.diagnosis.stall")
evidence_page = importlib.import_module("coursekit.diagnosis.evidence")


# ---- real runs


def descend(f, start, lr, steps):
    """Losses and gradient norms of plain gradient descent, and where it ends."""
    theta, losses, norms = torch.tensor(start, dtype=torch.float64), [], []
    for _ in range(steps):
        theta = theta.detach().requires_grad_()
        value = f(theta)
        (g,) = torch.autograd.grad(value, theta)
        losses.append(value.item())
        norms.append(g.norm().item())
        theta = (theta - lr * g).detach()
    lowest = torch.linalg.eigvalsh(torch.autograd.functional.hessian(f, theta))[
        0
    ].item()
    return losses, norms, lowest


def train(widths, activation, lr, steps, batch, y=None):
    data = digits()
    x, y = data.x_train, data.y_train if y is None else y
    model = initialize(MLP(widths, activation), "xavier_normal", seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    draw = torch.Generator().manual_seed(0)
    with grad_norm_trace(model, (x, y)) as trace:
        for _ in range(steps):
            rows = torch.randint(len(x), (batch,), generator=draw)
            optimizer.zero_grad()
            loss = cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            trace.record(loss)
            optimizer.step()
        trace.record_full()
    return trace


def valley(theta):
    return torch.log(torch.cosh(10 * theta[0])) + 0.001 * theta[1] ** 2


def saddle(theta):
    return theta[0] ** 2 / 2 + (theta[1] ** 2 - 1) ** 2 / 4


def hole(theta):
    return 1 - torch.exp(-theta.square().sum())


def test_a_run_that_jumps_across_a_valley_has_a_flat_loss_and_a_large_gradient():
    losses, norms, _ = descend(valley, [0.2466, 1.8], 0.05, 300)  # E-12 (a)
    assert norms[-1] == pytest.approx(9.856, abs=0.002)
    assert losses[0] - losses[-1] < 0.002 * losses[0]
    assert diagnose_stall(losses, norms) == "bouncing"
    assert diagnose_stall(losses, norms, lr=0.05) == "bouncing"
    full = {"full_grad_norm": norms[-1]}
    assert diagnose_stall(losses, norms, lr=0.05, **full) == "oscillation"


def test_batches_of_a_noisy_problem_keep_the_gradient_up():
    draw = torch.Generator().manual_seed(0)  # E-12 (b)
    y = digits().y_train
    flip = torch.rand(1400, generator=draw) < 0.3
    y = torch.where(flip, torch.randint(10, (1400,), generator=draw), y)
    trace = train([64, 10], "identity", 0.05, 1500, 16, y)
    seen = stall_evidence(trace.losses, trace.grad_norms, lr=0.05)
    assert seen.grad_ratio > 0.3
    assert diagnose_stall(trace.losses, trace.grad_norms, lr=0.05) == "bouncing"
    full = {"full_grad_norm": trace.full_grad_norms[-1]}
    assert diagnose_stall(trace.losses, trace.grad_norms, **full) == "noise floor"


def test_a_saddle_a_minimum_and_a_plateau_are_told_apart_by_the_hessian():
    losses, norms, lowest = descend(saddle, [2.0, 1e-8], 0.1, 100)
    assert diagnose_stall(losses, norms) == "critical point"
    assert diagnose_stall(losses, norms, min_eigenvalue=lowest) == "saddle point"
    losses, norms, lowest = descend(saddle, [2.0, 0.5], 0.1, 100)
    losses = [loss + 1 for loss in losses]
    assert diagnose_stall(losses, norms, min_eigenvalue=lowest) == "minimum"
    losses, norms, lowest = descend(hole, [0.8], 8.0, 60)
    assert losses[-1] > 0.99
    assert diagnose_stall(losses, norms, min_eigenvalue=lowest) == "plateau"


def test_a_net_whose_gradient_vanishes_stops_at_the_frequencies():
    x, y = digits().x_train[:200], digits().y_train[:200]
    model = initialize(MLP([64, *[20] * 8, 10], "sigmoid"), "xavier_normal", seed=0)
    trace = grad_norm_trace(model)
    for _ in range(120):
        loss = cross_entropy(model(x), y)
        model.zero_grad()
        loss.backward()
        trace.record(loss)
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.3 * p.grad
    assert trace.losses[-1] == pytest.approx(math.log(10), abs=0.03)
    run = (trace.losses, trace.grad_norms)
    assert diagnose_stall(*run, lr=0.3) == diagnose_stall(*run) == "critical point"
    # from where it is, the gradient has always been small: only lr tells
    late = (trace.losses[60:], [trace.grad_norms[-1]] * 60)
    assert diagnose_stall(*late) == "bouncing"
    assert diagnose_stall(*late, lr=0.3) == "critical point"


def test_too_few_steps_and_an_easy_problem_are_still_falling():
    trace = train([64, 32, 10], "relu", 0.05, 60, 128)
    assert diagnose_stall(trace.losses, trace.grad_norms) == "still falling"
    losses, norms, _ = descend(lambda t: (t**2).sum(), [1.0], 0.4, 12)
    assert diagnose_stall(losses, norms) == "still falling"


def test_a_step_that_is_too_long_diverges():
    losses, norms, _ = descend(lambda t: (t**2).sum(), [1.0], 1.05, 30)
    assert diagnose_stall(losses, norms) == "diverged"
    losses, norms, _ = descend(lambda t: (t**4).sum(), [3.0], 0.2, 30)
    assert not math.isfinite(losses[-1])
    assert diagnose_stall(losses, norms) == "diverged"
    assert not stall_evidence(losses, norms, lr=0.1).finite


# ---- borders: made-up traces of 20 updates, the window being the last 6


def trace(end=1.0, later=None, gradient=1.0):
    """Fall from 4, then `end` three times and `later` three times."""
    later = end if later is None else later
    return [4.0] * 14 + [end] * 3 + [later] * 3, [4.0] + [gradient] * 19


BORDERS = [
    # fall: 2 % and 2.2 %, up and down; one half has no spread, so u = 0
    (trace(1.0, 0.981), {}, "bouncing"),
    (trace(1.0, 0.979), {}, "still falling"),
    (trace(1.0, 1.019), {}, "bouncing"),
    (trace(1.0, 1.021), {}, "diverged"),
    (trace(-1.0, -1.021), {}, "still falling"),
    (trace(1.0, 0.975), {"flat": 0.03}, "bouncing"),
    (trace(1.0, 0.985), {"flat": 0.01}, "still falling"),
    (([math.nan] * 20, [1.0] * 20), {}, "diverged"),
    (([1.0] * 20, [1.0] * 19 + [math.inf]), {}, "diverged"),
    # gradient: a tenth of the first one
    (trace(gradient=0.41), {}, "bouncing"),
    (trace(gradient=0.4), {}, "critical point"),
    (trace(gradient=0.41), {"small": 0.2}, "critical point"),
    (trace(gradient=0.3), {"small": 0.05}, "bouncing"),
    # promise: lr · 3 · g² against 2 %
    (trace(gradient=1.0), {"lr": 0.0067}, "bouncing"),
    (trace(gradient=1.0), {"lr": 0.0066}, "critical point"),
    (trace(2.0, gradient=1.0), {"lr": 0.0132}, "critical point"),
    # full gradient: 2 · 0.7² < 1 < 2 · 0.71²
    (trace(), {"full_grad_norm": 0.70}, "noise floor"),
    (trace(), {"full_grad_norm": 0.71}, "oscillation"),
    (trace(gradient=2.0), {"full_grad_norm": 1.4}, "noise floor"),
    (trace(), {"full_grad_norm": 0.0}, "noise floor"),
    # curvature at the start: 4²/4 = 4, a thousandth of it 0.004
    (trace(gradient=0.1), {"min_eigenvalue": -0.0041}, "saddle point"),
    (trace(gradient=0.1), {"min_eigenvalue": -0.004}, "plateau"),
    (trace(gradient=0.1), {"min_eigenvalue": 0.004}, "plateau"),
    (trace(gradient=0.1), {"min_eigenvalue": 0.0041}, "minimum"),
    (trace(gradient=0.1), {"min_eigenvalue": 0.0}, "plateau"),
    (trace(gradient=0.1), {"min_eigenvalue": 1e-9, "curvature_tol": 0}, "minimum"),
    (trace(gradient=0.1), {"min_eigenvalue": 0.3, "curvature_tol": 0.1}, "plateau"),
    (trace(gradient=1.0), {"min_eigenvalue": -1.0}, "bouncing"),
    # noise: halves differ by 1/3 because 3 is odd, and that is no fall
    ((([2.0] + [1.0, 2.0] * 10)[:20], [1.0] * 20), {}, "bouncing"),
    # the window
    (([2.0] * 10 + [1.0] * 10, [1.0] * 20), {"window": 1.0}, "still falling"),
    (([2.0] * 10 + [1.0] * 10, [1.0] * 20), {"window": 0.5}, "bouncing"),
    (([2.0] * 10 + [1.0] * 10, [1.0] * 20), {"window": 0.01}, "bouncing"),
    # losses of zero
    (([1.0] * 10 + [0.0] * 10, [1.0] * 10 + [0.0] * 10), {}, "critical point"),
]


def borders_hold(function=None):
    function = function or page.diagnose_stall
    return all(function(*run, **kw) == leaf for run, kw, leaf in BORDERS)


@pytest.mark.parametrize(("run", "options", "leaf"), BORDERS)
def test_border(run, options, leaf):
    assert diagnose_stall(*run, **options) == leaf


def check_evidence(function=None):
    """Every number of the evidence, by hand."""
    losses = [5.0] * 14 + [4.0, 2.0, 3.0, 2.0, 2.0, 1.0]
    norms = [7.0, *[3.0] * 13, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    seen = (function or evidence_page.stall_evidence)(losses, norms, lr=0.5)
    assert seen.finite
    assert seen.fall == pytest.approx((3 - 5 / 3) / 3)
    spread = (2 / 9) ** 0.5 / 3**0.5  # of 2, 2, 1, the smaller
    assert seen.uncertainty == pytest.approx(8**0.5 * spread / 3)
    assert seen.grad_norm == pytest.approx(3.5)
    assert seen.grad_ratio == pytest.approx(3.5 / 7)
    assert seen.promise == pytest.approx(0.5 * (16 + 25 + 36) / 3)
    assert seen.curvature == pytest.approx(49 / 5)
    # an odd window of 7: four earlier ones, three later ones
    odd = [1.0] * 13 + [1.0, 1.0, 1.0, 5.0, 1.0, 1.0, 1.0]
    measured = (function or evidence_page.stall_evidence)(odd, odd, window=0.34)
    assert measured.fall == pytest.approx(0.5)
    assert measured.promise is None
    # the head is the first twentieth: two of 40
    norms = [1.0, 8.0, 9.0] + [4.0] * 37
    head = (function or evidence_page.stall_evidence)([1.0] * 40, norms)
    assert head.grad_ratio == pytest.approx(0.5)
    signed = (function or evidence_page.stall_evidence)([-2.0] * 10, [1.0] * 10)
    assert signed.curvature == pytest.approx(0.5)


def evidence_holds():
    check_evidence()
    assert borders_hold()


def test_evidence():
    check_evidence()


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("diagnose_stall", "seen.fall < -least", "seen.fall < least"),
        ("diagnose_stall", "seen.fall < -least", "False"),
        ("diagnose_stall", "not seen.finite or", ""),
        ("diagnose_stall", "seen.fall > least", "seen.fall > tau_f"),
        ("diagnose_stall", "seen.fall > least", "seen.fall > seen.uncertainty"),
        ("diagnose_stall", "max(tau_f, seen.uncertainty)", "tau_f"),
        ("diagnose_stall", "seen.promise is None or ", ""),
        ("diagnose_stall", "seen.promise > tau_f", "seen.promise > 0"),
        ("diagnose_stall", "seen.promise > tau_f", "True"),
        ("diagnose_stall", "> tau_g and promised", "> tau_g or promised"),
        ("diagnose_stall", "> tau_g and promised", ">= tau_g and promised"),
        ("diagnose_stall", "seen.grad_ratio >", "seen.grad_norm >"),
        ("diagnose_stall", "seen.grad_ratio > tau_g", "seen.grad_ratio < tau_g"),
        ("diagnose_stall", "flat: float = 0.02", "flat: float = 0.025"),
        ("diagnose_stall", "flat: float = 0.02", "flat: float = 0.015"),
        ("diagnose_stall", "small: float = 0.1", "small: float = 0.11"),
        ("diagnose_stall", "small: float = 0.1", "small: float = 0.09"),
        ("diagnose_stall", "tol: float = 1e-3", "tol: float = 2e-3"),
        ("diagnose_stall", "tol: float = 1e-3", "tol: float = 5e-4"),
        ("diagnose_stall", "window: float = 0.3", "window: float = 0.5"),
        ("diagnose_stall", "lr=lr, ", ""),
        ("diagnose_stall", ", window=window", ""),
        ("_large", "2 * full**2", "full**2"),
        ("_large", "2 * full**2", "4 * full**2"),
        ("_large", "full**2 < seen.grad_norm**2", "full < seen.grad_norm"),
        ("_large", "<", ">"),
        ("_small", "lam < -tau_l", "lam < tau_l"),
        ("_small", "lam > tau_l * seen.curvature", "lam > 0"),
        ("_small", "lam > tau_l * seen.curvature", "lam >= tau_l * seen.curvature"),
        ("_small", "lam < -tau_l * seen.curvature", "lam <= -tau_l * seen.curvature"),
        ("_small", "lam < -tau_l * seen.curvature", "lam < -tau_l"),
        ("_small", "lam > tau_l * seen.curvature", "lam > tau_l"),
        ("_small", "min_eigenvalue is None", "not min_eigenvalue"),
    ],
)
def test_the_borders_kill_the_mutant(mutate, monkeypatch, function, old, new):
    monkeypatch.setattr(page, function, mutate(getattr(page, function), old, new))
    try:
        survived = borders_hold()
    except (TypeError, ValueError):
        survived = False
    assert not survived


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("stall_evidence", "L_1 - L_2", "L_2 - L_1"),
        ("stall_evidence", "level = abs(L_1)", "level = abs(L_2)"),
        ("stall_evidence", "math.sqrt(8)", "2"),
        ("stall_evidence", "min(s_1, s_2)", "max(s_1, s_2)"),
        ("stall_evidence", "min(s_1, s_2)", "s_1"),
        ("stall_evidence", "median(g[-width:])", "fmean(g)"),
        ("stall_evidence", "median(g[-width:])", "g[-1]"),
        ("stall_evidence", "start = max(", "start = min("),
        ("stall_evidence", "max(g[: max(1, math.ceil(HEAD * len(g)))])", "max(g)"),
        ("stall_evidence", "max(g[: max(1, math.ceil(HEAD * len(g)))])", "g[0]"),
        ("stall_evidence", "value**2 for value", "value for value"),
        ("stall_evidence", "in g[-(width // 2) :])", "in g[-width:])"),
        ("stall_evidence", "eta * squares", "squares"),
        ("stall_evidence", "eta * squares", "eta**2 * squares"),
        ("stall_evidence", "start**2", "start"),
        ("stall_evidence", "abs(L[0])", "L[0]"),
        ("stall_evidence", "abs(L[0])", "abs(L[-1])"),
        ("stall_evidence", "L[-width : -(width // 2)]", "L[: -(width // 2)]"),
        ("stall_evidence", "max(4, math.ceil(window", "max(4, math.floor(window"),
        ("_error", "pvariance(values) / len(values)", "pvariance(values)"),
        ("_error", "math.sqrt(pvariance(values) / len(values))", "pvariance(values)"),
    ],
)
def test_the_evidence_kills_the_mutant(mutate, monkeypatch, function, old, new):
    wrong = mutate(getattr(evidence_page, function), old, new)
    monkeypatch.setattr(evidence_page, function, wrong)
    with pytest.raises(AssertionError):
        evidence_holds()


# ---- laws

positive = st.floats(0.01, 100)
runs = st.lists(st.tuples(positive, positive), min_size=8, max_size=30)


@settings(max_examples=60)
@given(runs, st.integers(-6, 6), st.integers(-6, 6), st.none() | st.floats(-2, 2))
def test_units_do_not_matter(run, loss_power, parameter_power, lowest):
    """Loss in units of a, parameters in units of b: rate, slope, curvature follow."""
    a, b = 2.0**loss_power, 2.0**parameter_power
    losses, norms = zip(*run, strict=True)
    plain = diagnose_stall(losses, norms, lr=0.25, min_eigenvalue=lowest)
    scaled = diagnose_stall(
        [a * v for v in losses],
        [a / b * v for v in norms],
        lr=0.25 * b**2 / a,
        min_eigenvalue=None if lowest is None else lowest * a / b**2,
    )
    assert scaled == plain


@given(st.integers(2, 12), st.floats(0.01, 1.0))
def test_a_straight_fall_is_never_taken_for_noise(half, slope):
    losses = [1 + slope * t for t in range(4 * half, 0, -1)]
    seen = stall_evidence(losses, [1.0] * len(losses), window=0.5)
    assert seen.uncertainty <= 0.501 * seen.fall


def test_every_leaf_gives_advice_of_its_own():
    reached = {diagnose_stall(*run, **kw) for run, kw, _ in BORDERS}
    assert reached == set(Stall)
    assert len({leaf.advice for leaf in Stall}) == len(Stall)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: diagnose_stall([1.0] * 9, [1.0] * 8), ValueError, "got 9 and 8"),
        (lambda: diagnose_stall([1.0] * 7, [1.0] * 7), ValueError, "at least 8"),
        (lambda: diagnose_stall([1.0] * 8, [-1.0] * 8), ValueError, "no norm"),
        (lambda: diagnose_stall(*trace(), flat=0), ValueError, "flat: expected"),
        (lambda: diagnose_stall(*trace(), small=1), ValueError, "small: expected"),
        (lambda: diagnose_stall(*trace(), lr=0), ValueError, "lr: expected"),
        (lambda: diagnose_stall(*trace(), window=0), ValueError, "window: expected"),
        (lambda: diagnose_stall(*trace(), window=1.1), ValueError, "window: expected"),
        (lambda: diagnose_stall(*trace(), curvature_tol=-1), ValueError, "curvature"),
        (lambda: diagnose_stall(*trace(), full_grad_norm=-1), ValueError, "full_grad"),
        (
            lambda: diagnose_stall(*trace(gradient=0.1), min_eigenvalue=math.nan),
            ValueError,
            "min_eigenvalue: expected a number",
        ),
    ],
)
def test_errors_say_what_to_record(call, error, message):
    with pytest.raises(error, match=message):
        call()
