"""Penalties and the proximal step: closed forms, the lasso, laws, mutants."""

import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from sklearn.linear_model import Lasso

from coursekit import regularization as reg
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.regularization.{name}")
    for name in ("penalties", "l1_prox")
}
FLOATS = st.floats(-100, 100)


def close(ours, theirs, **tolerance):
    options = {"rtol": 1e-12, "atol": 1e-13} | tolerance
    torch.testing.assert_close(ours, theirs, **options)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def regression(n=100, d=20):
    x, noise = draw(n, d), draw(n, seed=1)
    w = torch.zeros(d, dtype=torch.float64)
    w[:5] = torch.tensor([3.0, -2.0, 1.5, 1.0, -1.0])
    return x, x @ w + 0.5 * noise


# ---- checks that mutants have to fail


def check_penalties_are_the_sums():
    a, b = draw(3, 4), draw(5, seed=1)
    together = np.concatenate([a.numpy().ravel(), b.numpy()])
    half = torch.tensor(0.15 * (together**2).sum())
    close(reg.l2_penalty([a, b], 0.3), half)
    close(reg.l1_penalty([a, b], 0.3), torch.tensor(0.3 * np.abs(together).sum()))
    assert reg.l2_penalty(a, 0).item() == reg.l1_penalty(a, 0).item() == 0
    close(reg.l2_penalty(a), a.square().sum() / 2)
    close(reg.l1_penalty(a), a.abs().sum())
    close(reg.l2_penalty(iter([a, b]), 0.3), half)


def check_slopes_are_the_weight_and_the_sign():
    theta = draw(6).requires_grad_(True)
    (grad,) = torch.autograd.grad(reg.l2_penalty(theta, 0.7), theta)
    close(grad, 0.7 * theta.detach())
    (grad,) = torch.autograd.grad(reg.l1_penalty(theta, 0.7), theta)
    close(grad, 0.7 * theta.detach().sign())


def check_prox_is_the_soft_threshold():
    theta = draw(50)
    for threshold in (0.0, 0.4, 2.0):
        close(reg.l1_prox(theta, threshold), F.softshrink(theta, threshold))
    edge = torch.tensor([-1.0, 1.0, math.nextafter(1.0, 2.0)], dtype=torch.float64)
    assert (reg.l1_prox(edge, 1.0) != 0).tolist() == [False, False, True]
    each = torch.tensor([0.5, 2.0], dtype=torch.float64)
    both = torch.tensor([-1.0, -1.0], dtype=torch.float64)
    assert reg.l1_prox(both, each).tolist() == [-0.5, 0.0]


def check_prox_minimizes():
    for theta in (-2.0, -0.3, 0.1, 0.9):
        best = minimize_scalar(
            lambda u, theta=theta: 0.5 * (u - theta) ** 2 + 0.6 * abs(u),
            bounds=(-3, 3),
            method="bounded",
            options={"xatol": 1e-10},
        )
        ours = reg.l1_prox(torch.tensor(theta, dtype=torch.float64), 0.6)
        assert ours.item() == pytest.approx(best.x, abs=1e-6)


def check_subgradient_is_zero_at_zero():
    theta = torch.tensor([-3.0, 0.0, 1e-30], dtype=torch.float64)
    assert reg.l1_subgradient(theta).tolist() == [-1, 0, 1]


def check_a_step_of_length_zero_moves_nothing():
    theta = draw(5)
    before = theta.clone()
    reg.proximal_step(theta, lr=0.0, weight=1.0)
    reg.proximal_step(theta, lr=1.0, weight=0.0)
    assert torch.equal(theta, before)


def check_proximal_gradient_descent_finds_the_lasso():
    x, y = regression()
    theta = torch.zeros(20, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=0.3)
    for _ in range(200):
        optimizer.zero_grad()
        ((x @ theta - y).square().mean() / 2).backward()
        optimizer.step()
        reg.proximal_step([theta], lr=0.3, weight=0.2)
    lasso = Lasso(alpha=0.2, fit_intercept=False, tol=1e-14, max_iter=10**5)
    expected = torch.tensor(lasso.fit(x.numpy(), y.numpy()).coef_)
    close(theta.detach(), expected, rtol=1e-8, atol=1e-10)
    assert torch.equal(theta == 0, expected == 0)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_penalty(check):
    check()


# ---- what the page says about them


def test_for_sgd_the_penalty_is_torchs_weight_decay_and_for_adam_it_is_no_adamw():
    theta0 = draw(5)

    def after(optimizer_class, penalty, **hyper):
        theta = theta0.clone().requires_grad_(True)
        optimizer = optimizer_class([theta], lr=0.1, **hyper)
        for t in range(10):
            optimizer.zero_grad()
            loss = (theta * draw(5, seed=t)).sum()
            (loss + (reg.l2_penalty([theta], 0.3) if penalty else 0)).backward()
            optimizer.step()
        return theta.detach()

    sgd = torch.optim.SGD
    close(after(sgd, True), after(sgd, False, weight_decay=0.3))
    adamw = after(torch.optim.AdamW, False, weight_decay=0.3)
    assert (after(torch.optim.Adam, True) - adamw).abs().max() > 0.01


def test_only_the_proximal_step_makes_exact_zeros():
    """Claim E-35b on the linear model: share of zeros after the same training."""
    x, y = regression(100, 50)

    def share_of_zeros(penalty, prox):
        theta = torch.full((50,), 0.1, dtype=torch.float64, requires_grad=True)
        for _ in range(600):
            loss = (x @ theta - y).square().mean() / 2 + penalty(theta, 0.2)
            (grad,) = torch.autograd.grad(loss, theta)
            theta = (theta - 0.1 * grad).detach().requires_grad_(True)
            if prox:
                reg.proximal_step(theta, lr=0.1, weight=0.2)
        return (theta == 0).double().mean().item()

    def none(theta, weight):
        return 0.0

    assert share_of_zeros(none, True) > 0.5
    assert share_of_zeros(reg.l1_penalty, False) == 0
    assert share_of_zeros(reg.l2_penalty, False) == 0


@given(arrays(float, 5, elements=FLOATS), arrays(float, 5, elements=FLOATS))
def test_prox_shrinks_and_never_spreads(a, b):
    a, b = torch.from_numpy(a), torch.from_numpy(b)
    pa, pb = reg.l1_prox(a, 3.0), reg.l1_prox(b, 3.0)
    assert (pa - pb).norm() <= (a - b).norm() + 1e-9
    close(reg.l1_prox(-a, 3.0), -pa)
    assert bool((pa * a >= 0).all())
    assert bool(((pa == 0) == (a.abs() <= 3)).all())
    assert not bool(torch.signbit(pa[pa == 0]).any())
    assert bool(((a - pa).abs() <= 3 + 1e-9).all())


def test_gradients_pass_where_a_weight_survives():
    theta = torch.tensor([-2.0, -0.2, 0.3, 1.7], dtype=torch.float64)
    theta.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda w: reg.l1_prox(w, 0.5), theta)
    assert torch.autograd.gradcheck(lambda w: reg.l1_penalty(w, 0.5), theta)
    assert torch.autograd.gradcheck(lambda w: reg.l2_penalty([w, w], 0.5), theta)
    (grad,) = torch.autograd.grad(reg.l1_prox(theta, 0.5).sum(), theta)
    assert grad.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_are_kept_and_sums_neither_stall_nor_overflow(dtype):
    theta = torch.full((4096,), 4.0, dtype=dtype)
    assert reg.l2_penalty(theta, 0.125).item() == 4096
    assert reg.l1_penalty(theta, 0.125).item() == 2048
    for penalty in (reg.l1_penalty, reg.l2_penalty):
        assert penalty(theta).dtype == dtype
    assert reg.l1_prox(theta, 1.5).dtype == dtype
    assert torch.equal(reg.l1_prox(theta, 1.5), theta - 1.5)


def test_pure_functions_change_nothing_and_the_step_changes_in_place():
    theta = draw(4)
    before = theta.clone()
    reg.l1_penalty(theta)
    reg.l2_penalty(theta)
    reg.l1_prox(theta, 0.5)
    assert torch.equal(theta, before)
    parameter = torch.nn.Parameter(theta.clone())
    parameter.grad = torch.ones(4, dtype=torch.float64)
    where = parameter.data_ptr()
    reg.proximal_step([parameter], lr=0.5, weight=0.5)
    assert parameter.data_ptr() == where
    assert torch.equal(parameter.grad, torch.ones(4, dtype=torch.float64))
    assert torch.equal(parameter.detach(), reg.l1_prox(before, 0.25))


def test_bad_input_is_refused_in_words():
    theta = torch.ones(2)
    for penalty in (reg.l1_penalty, reg.l2_penalty):
        with pytest.raises(ValueError, match="weight: expected a finite number >= 0"):
            penalty(theta, -0.1)
        with pytest.raises(ValueError, match="at least one tensor, got none"):
            penalty([], 0.1)
        with pytest.raises(TypeError, match=r"floating-point tensors, got torch.int64"):
            penalty([theta, theta.long()])
    for threshold in (-1.0, torch.tensor([1.0, -1.0])):
        with pytest.raises(ValueError, match=r"threshold: expected numbers >= 0, got"):
            reg.l1_prox(theta, threshold)
    with pytest.raises(ValueError, match=r"threshold: .* it is NaN"):
        reg.l1_prox(theta, math.nan)
    with pytest.raises(TypeError, match="theta: expected a floating-point tensor"):
        reg.l1_prox(theta.long(), 1.0)
    with pytest.raises(ValueError, match="lr: expected a finite number >= 0, got -1"):
        reg.proximal_step([theta], lr=-1, weight=1)
    with pytest.raises(ValueError, match="weight: expected a finite number >= 0"):
        reg.proximal_step([theta], lr=1, weight=math.inf)


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    theta = draw(100)
    for function in (reg.l1_penalty, reg.l2_penalty, reg.l1_prox):
        ours = function(theta.cuda(), 0.3)
        assert ours.is_cuda
        close(ours.cpu(), function(theta, 0.3))


MUTANTS = [
    ("penalties", "l2_penalty", "weight / 2", "weight"),
    ("penalties", "l2_penalty", ".square()", ".abs()"),
    ("penalties", "l2_penalty", ".square().sum()", ".square().mean()"),
    ("penalties", "l2_penalty", "weight: float = 1.0", "weight: float = 0.5"),
    ("penalties", "l1_penalty", ".abs().sum()", ".abs().mean()"),
    ("penalties", "l1_penalty", ".abs()", ".square()"),
    ("penalties", "l1_penalty", "R = weight *", "R = weight / 2 *"),
    ("penalties", "l1_penalty", "weight: float = 1.0", "weight: float = 0.5"),
    ("penalties", "_tensors", "else list(params)", "else list(params)[:1]"),
    ("l1_prox", "l1_prox", "theta - theta.clamp", "theta + theta.clamp"),
    ("l1_prox", "l1_prox", "clamp(-bound, bound)", "clamp(0 * bound, bound)"),
    ("l1_prox", "l1_prox", "clamp(-bound, bound)", "clamp(-bound / 2, bound / 2)"),
    (
        "l1_prox",
        "l1_prox",
        "theta - theta.clamp(-bound, bound)",
        "theta * (theta.abs() > bound)",
    ),
    ("l1_prox", "l1_prox", "bound = threshold.to", "bound = threshold.max().to"),
    ("l1_prox", "l1_subgradient", "theta.sign()", "1 - 2.0 * (theta < 0)"),
    ("l1_prox", "l1_subgradient", "theta.sign()", "-theta.sign()"),
    ("l1_prox", "proximal_step", "eta * check", "check"),
    ("l1_prox", "proximal_step", "eta * check", "2 * eta * check"),
]


def survives():
    try:
        for check in CHECKS:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    for where in (*PAGES.values(), reg):
        if hasattr(where, function):
            monkeypatch.setattr(where, function, wrong)
    assert not survives()
