"""Lookahead, gradient noise and clipping: around any optimizer, torch's included."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler

from coursekit import optim
from coursekit.optim import (
    SGD,
    SGDM,
    Adam,
    ClipNorm,
    ClipValue,
    GradientNoise,
    Lookahead,
    clip_norm,
    clip_value,
    lookahead,
)
from coursekit.optim.gradient_noise import gradient_noise

TARGET = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
BASES = {
    "SGDM": lambda params: SGDM(params, lr=0.1),
    "Adam": lambda params: Adam(params, lr=0.1),
    "torch": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
}
WRAPPERS = {
    "Lookahead": lambda base: Lookahead(base, k=3, alpha=0.4),
    "GradientNoise": lambda base: GradientNoise(base, eta=0.1, seed=4),
    "ClipNorm": lambda base: ClipNorm(base, 0.7),
    "ClipValue": lambda base: ClipValue(base, 0.5),
}
EACH = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
ON = pytest.mark.parametrize("base", BASES.values(), ids=BASES)


def fresh():
    return nn.Parameter(torch.zeros(3, dtype=torch.float64))


def take(theta, optimizer, steps=1):
    for _ in range(steps):
        optimizer.zero_grad()
        (theta - TARGET).square().sum().backward()
        optimizer.step()
    return theta.detach().clone()


# Lookahead.


def slow_by_hand(k, alpha, steps, momentum=0.9, lr=0.1):
    """Zhang et al., algorithm 1: an outer loop around k inner steps of SGDM."""
    target = TARGET.numpy()
    slow, v = np.zeros(3), np.zeros(3)
    fast = slow.copy()
    for t in range(1, steps + 1):
        v = momentum * v - lr * 2 * (fast - target)
        fast = fast + v
        if t % k == 0:
            slow = (1 - alpha) * slow + alpha * fast
            fast = slow.copy()
    return fast


def lookahead_agrees(k, alpha, steps):
    theta = fresh()
    out = take(theta, Lookahead(SGDM([theta], lr=0.1), k=k, alpha=alpha), steps)
    return np.allclose(out.numpy(), slow_by_hand(k, alpha, steps), rtol=1e-12)


@pytest.mark.parametrize(
    ("k", "alpha", "steps"), [(5, 0.5, 23), (1, 0.3, 9), (3, 1.0, 7), (4, 0.0, 10)]
)
def test_lookahead_equals_the_papers_loops_with_the_inner_state_kept(k, alpha, steps):
    assert lookahead_agrees(k, alpha, steps)


def test_lookahead_with_alpha_one_is_its_base():
    a, b = fresh(), fresh()
    assert torch.equal(
        take(a, Lookahead(Adam([a], lr=0.1), alpha=1.0), 12),
        take(b, Adam([b], lr=0.1), 12),
    )


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("step", "% self.k == 0", "% (self.k + 1) == 0"),
        ("step", "self.count % self.k == 0", "True"),
        ("step", "theta.copy_(self.slow[i])", "pass"),
        ("step", "self.slow[i] = synchronize", "_ = synchronize"),
    ],
)
def test_the_loops_kill_mutants_of_the_wrapper(mutate, monkeypatch, method, old, new):
    monkeypatch.setattr(Lookahead, method, mutate(getattr(Lookahead, method), old, new))
    assert not lookahead_agrees(5, 0.5, 23)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("alpha * (theta - slow)", "(1 - alpha) * (theta - slow)"),
        ("alpha * (theta - slow)", "alpha * theta"),
        ("slow + alpha", "theta + alpha"),
    ],
)
def test_the_loops_kill_mutants_of_the_outer_step(mutate, monkeypatch, old, new):
    scope = lookahead.__globals__
    monkeypatch.setitem(scope, "synchronize", mutate(scope["synchronize"], old, new))
    assert not lookahead_agrees(5, 0.3, 23)


@settings(max_examples=20, deadline=None)
@given(
    k=st.integers(1, 6), alpha=st.floats(0, 1), name=st.sampled_from(["sgdm", "adam"])
)
def test_the_rule_and_the_wrapper_are_one_method(k, alpha, name):
    rule = lookahead(getattr(optim, name), k=k, alpha=alpha)
    classes = {"sgdm": SGDM, "adam": Adam}
    held = fresh()
    wrapped = Lookahead(classes[name]([held], lr=0.1), k=k, alpha=alpha)
    theta = held.detach().clone()
    state = rule.init(theta)
    for t in range(1, 14):
        delta, state = rule.update(2 * (theta - TARGET), state, theta, t, lr=0.1)
        theta = theta - delta
    assert torch.allclose(theta, take(held, wrapped, 13), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("eta", [0.1, 0.5, 1.0])
def test_lookahead_lowers_the_variance_on_a_noisy_quadratic_as_computed(eta):
    """E-22: many independent runs side by side, curvature 1, gradient noise 1."""
    k, alpha, q = 5, 0.5, 1 - eta
    rule = lookahead(optim.sgd, k=k, alpha=alpha)
    draw = torch.Generator().manual_seed(3)
    theta = torch.zeros(20_000, dtype=torch.float64)
    plain, state = theta.clone(), rule.init(theta)
    for t in range(1, 201):
        noise = torch.randn(theta.shape, generator=draw, dtype=theta.dtype)
        delta, state = rule.update(theta + noise, state, theta, t, lr=eta)
        theta = theta - delta
        plain = plain - eta * (plain + noise)
    kept = alpha**2 * (1 - q ** (2 * k))
    expected = kept / (kept + 2 * alpha * (1 - alpha) * (1 - q**k))
    assert (theta.var() / plain.var()).item() == pytest.approx(expected, rel=0.03)


def test_lookahead_rule_keeps_hyperparameters_and_inputs():
    rule = lookahead(optim.adam, k=1)
    assert rule.hyper == optim.adam.hyper
    theta = torch.ones(2)
    state = rule.init(theta)
    before = {name: value.clone() for name, value in state.items()}
    rule.update(theta, state, theta, 1)
    assert all(torch.equal(state[name], before[name]) for name in state)
    assert state["slow"].data_ptr() != theta.data_ptr()


# Gradient noise.


def noise_law(rule=gradient_noise):
    draw = torch.Generator().manual_seed(0)
    zeros = torch.zeros(200_000, dtype=torch.float64)
    for t, eta, gamma in ((1, 0.3, 0.55), (99, 1.0, 0.55), (7, 0.01, 1.0)):
        noise = rule(zeros + 5, t, eta=eta, gamma=gamma, generator=draw) - 5
        assert noise.var().item() == pytest.approx(eta / (1 + t) ** gamma, rel=0.02)
        assert abs(noise.mean().item()) < 4 * noise.std().item() / 200_000**0.5
        assert noise.abs().max() > 3.5 * noise.std()


def test_the_noise_has_the_papers_variance():
    noise_law()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (") ** 0.5  # (1)", ")"),
        ("(1 + t)", "t"),
        ("** gamma", "** 0.55"),
        ("g + sigma", "sigma"),
        ("torch.randn", "torch.rand"),
        ("eta /", "0.3 /"),
    ],
)
def test_the_law_kills_mutants_of_the_noise(mutate, old, new):
    with pytest.raises(AssertionError):
        noise_law(mutate(gradient_noise, old, new))


def test_noise_leaves_a_saddle_where_gradient_descent_stays():
    """E-48 (a): on the stable line of x² - y²."""
    ends = []
    for noisy in (False, True):
        theta = nn.Parameter(torch.tensor([1.0, 0.0]))
        optimizer = SGD([theta], lr=0.1)
        optimizer = GradientNoise(optimizer, eta=0.01) if noisy else optimizer
        for _ in range(60):
            optimizer.zero_grad()
            (theta[0] ** 2 - theta[1] ** 2).backward()
            optimizer.step()
        ends.append(abs(theta[1].item()))
    assert ends[0] == 0
    assert ends[1] > 1


def test_noise_is_independent_between_parameters_and_updates_and_follows_the_seed():
    a, b = nn.Parameter(torch.zeros(50)), nn.Parameter(torch.zeros(50))
    wrapped = GradientNoise(SGD([a, b], lr=1.0), eta=1.0, gamma=0.0, seed=1)
    a.grad, b.grad = torch.zeros(50), torch.zeros(50)
    wrapped.step()
    first = a.detach().clone()
    assert not torch.equal(a, b)
    wrapped.step()
    assert not torch.allclose(a.detach() - first, first)
    twin = nn.Parameter(torch.zeros(50))
    twin.grad = torch.zeros(50)
    GradientNoise(SGD([twin], lr=1.0), eta=1.0, gamma=0.0, seed=1).step()
    assert torch.equal(twin, first)


# Clipping.

gradients = st.lists(
    st.lists(st.floats(-1e3, 1e3, allow_nan=False), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
).map(lambda rows: [torch.tensor(row, dtype=torch.float64) for row in rows])


@settings(max_examples=60, deadline=None)
@given(gs=gradients, c=st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction_and_bounds_the_length(gs, c):
    clipped = clip_norm(gs, c)
    before, after = torch.cat(gs), torch.cat(clipped)
    assert after.norm() <= c * (1 + 1e-12)
    if before.norm() <= c:
        assert torch.equal(after, before)
    else:
        expected = before * (c / before.norm())
        assert torch.allclose(after, expected, rtol=1e-12, atol=1e-12)


CLIP_MUTANTS = [
    ("clip_norm", ".clamp_max(1)", ""),
    ("clip_norm", "full_like(norm, max_norm)", "ones_like(norm)"),
    ("_joint_norm", "* safe.squeeze(-1)", ""),
    ("_joint_norm", "together / safe", "together"),
]


@pytest.mark.parametrize(("part", "old", "new"), CLIP_MUTANTS)
def test_the_law_kills_mutants_of_clipping(mutate, monkeypatch, part, old, new):
    scope = clip_norm.__globals__
    monkeypatch.setitem(scope, part, mutate(scope[part], old, new))
    with pytest.raises(AssertionError):
        clipping_law(scope["clip_norm"])


def clipping_law(clip):
    for x, y, c in ((3.0, 4.0, 1.0), (0.1, 0.2, 1.0), (30.0, 1.0, 2.0)):
        gs = [torch.tensor([v], dtype=torch.float64) for v in (x, y)]
        before, after = torch.cat(gs), torch.cat(clip(gs, c))
        assert torch.allclose(after, before * min(1, c / before.norm().item()))


def test_the_law_holds_without_a_mutant():
    clipping_law(clip_norm)


def test_clipping_by_norm_is_torchs_up_to_its_constant():
    gs = [torch.randn(4, 3, dtype=torch.float64), torch.randn(2, dtype=torch.float64)]
    params = [nn.Parameter(torch.zeros_like(g)) for g in gs]
    for p, g in zip(params, gs, strict=True):
        p.grad = g.clone()
    nn.utils.clip_grad_norm_(params, 0.5)
    for p, g in zip(params, clip_norm(gs, 0.5), strict=True):
        assert torch.allclose(p.grad, g, rtol=1e-5)


def test_clipping_survives_zeros_extremes_and_emptiness():
    assert clip_norm([], 1.0) == []
    zero, empty, scalar = torch.zeros(2), torch.zeros(0), torch.tensor(2.0)
    assert clip_norm([zero, empty], 1.0)[0].tolist() == [0, 0]
    assert clip_norm([empty], 1.0)[0].shape == (0,)
    assert clip_norm([scalar, zero], 1.0)[0].item() == 1
    huge = torch.tensor([3e30, -4e30])
    assert clip_norm([huge], 5.0)[0].tolist() == pytest.approx([3, -4])


def test_each_model_of_a_batch_is_clipped_by_its_own_norm():
    gs = [
        torch.randn(5, 3, 2, dtype=torch.float64),
        torch.randn(5, dtype=torch.float64),
    ]
    batched = clip_norm(gs, 1.0, batch_dims=1)
    for k in range(5):
        alone = clip_norm([g[k] for g in gs], 1.0)
        for one, many in zip(alone, batched, strict=True):
            assert torch.allclose(one, many[k], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(gs=gradients, c=st.floats(1e-3, 1e3), low=st.floats(-1e3, 0))
def test_clipping_by_value_bounds_every_coordinate_alone(gs, c, low):
    for g, both, lower in zip(
        gs, clip_value(gs, c), clip_value(gs, c, low=low), strict=True
    ):
        assert both.tolist() == [min(max(x, -c), c) for x in g.tolist()]
        assert lower.tolist() == [min(max(x, low), c) for x in g.tolist()]


def test_clipping_changes_none_of_its_inputs():
    g = torch.tensor([3.0, 4.0])
    for out in (*clip_norm([g], 1.0), *clip_norm([g], 9.0), *clip_value([g], 9.0)):
        out.zero_()
    assert g.tolist() == [3, 4]


# What every wrapper owes to torch.


@EACH
@ON
def test_state_dict_continues_where_it_stopped(wrap, base, tmp_path):
    theta = fresh()
    optimizer = wrap(base([theta]))
    take(theta, optimizer, 5)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    other = nn.Parameter(theta.detach().clone())
    resumed = wrap(base([other]))
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(take(theta, optimizer, 6), take(other, resumed, 6))


@EACH
@ON
def test_deepcopy_is_independent(wrap, base):
    theta = fresh()
    optimizer = wrap(base([theta]))
    take(theta, optimizer, 4)
    theta2, optimizer2 = copy.deepcopy((theta, optimizer))
    assert optimizer2.param_groups[0]["params"][0] is theta2
    once = take(theta, optimizer, 4)
    assert torch.equal(take(theta2, optimizer2, 4), once)


@EACH
def test_the_gradient_is_the_callers_and_none_stays_none(wrap):
    theta, idle = fresh(), fresh()
    optimizer = wrap(SGD([theta, idle], lr=0.1))
    given = torch.tensor([3.0, -4.0, 0.1], dtype=torch.float64)
    theta.grad = given
    optimizer.step()
    assert theta.grad is given
    assert given.tolist() == [3.0, -4.0, 0.1]
    assert idle.grad is None
    assert torch.equal(idle, torch.zeros(3, dtype=torch.float64))


@EACH
def test_schedulers_groups_and_zero_grad_reach_the_base(wrap):
    a, b = fresh(), fresh()
    optimizer = wrap(SGDM([a], lr=0.1))
    optimizer.add_param_group({"params": [b], "lr": 0.5})
    assert [group["lr"] for group in optimizer.base.param_groups] == [0.1, 0.5]
    schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=[0.2, 1.0], total_steps=8)
    take(a, optimizer)
    schedule.step()
    assert optimizer.base.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert optimizer.param_groups is optimizer.base.param_groups
    optimizer.zero_grad()
    assert a.grad is None


@EACH
def test_closures_run_once_with_gradients_on(wrap):
    theta, calls = fresh(), []
    optimizer = wrap(SGD([theta], lr=0.1))

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (theta - TARGET).square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == pytest.approx(5.25)
    assert calls == [True]
    assert (theta != 0).any()


@EACH
def test_grad_scaler_unscales_before_the_wrapper_acts(wrap):
    theta, twin = fresh(), fresh()
    optimizer, plain = wrap(SGD([theta], lr=0.1)), wrap(SGD([twin], lr=0.1))
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale((theta - TARGET).square().sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.allclose(theta, take(twin, plain), rtol=1e-12)


def test_wrappers_nest():
    theta = fresh()
    optimizer = Lookahead(ClipNorm(GradientNoise(Adam([theta], lr=0.1)), 1.0))
    assert torch.isfinite(take(theta, optimizer, 7)).all()
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert optimizer.count == 7


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda base: Lookahead(base, k=0), ValueError, "k: expected an integer >= 1"),
        (lambda base: Lookahead(base, k=2.5), TypeError, "k: expected an integer"),
        (lambda base: Lookahead(base, alpha=1.5), ValueError, r"alpha.*\[0, 1\]"),
        (lambda base: Lookahead(base.param_groups), TypeError, "expected an optimizer"),
        (lambda base: GradientNoise(base, eta=-1), ValueError, "eta"),
        (lambda base: GradientNoise(base, gamma=float("nan")), ValueError, "gamma"),
        (lambda base: ClipNorm(base, 0.0), ValueError, "max_norm"),
        (lambda base: ClipValue(base, -1.0), ValueError, "low < value"),
        (lambda base: ClipValue(base, float("nan")), ValueError, "NaN"),
        (
            lambda base: Lookahead(base).load_state_dict(base.state_dict()),
            ValueError,
            "load it into .base",
        ),
        (lambda base: lookahead(optim.sgd, k=-1), ValueError, "k: expected"),
        (lambda base: clip_norm([], 1.0, batch_dims=-1), ValueError, "batch_dims"),
    ],
)
def test_errors_say_what_was_got_and_what_was_expected(make, error, message):
    with pytest.raises(error, match=message):
        make(SGD([fresh()], lr=0.1))


def test_a_rule_under_lookahead_may_be_wrapped_again():
    twice = lookahead(replace(optim.sgd), k=1, alpha=1.0)
    assert twice.name == "lookahead_sgd"
