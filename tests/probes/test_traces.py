"""Replayed rules, recorded runs and range tests on copies, and their mutants."""

import copy
import importlib
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from coursekit import optim
from coursekit.models import MLP
from coursekit.probes import (
    effective_lr,
    grad_norm_trace,
    grad_norms,
    lr_range,
    step_trace,
)

PAGES = {
    name: importlib.import_module(f"coursekit.probes.{name}")
    for name in ("step_trace", "effective_lr", "grad_norm_trace", "lr_range")
}

# ---- step_trace


def by_the_optimizer(cls, gradients, theta, **hyper):
    """Positions of the same rule run as an optimizer."""
    parameter = nn.Parameter(torch.tensor(theta, dtype=torch.float64))
    optimizer, reached = cls([parameter], **hyper), []
    for g in gradients:
        parameter.grad = torch.as_tensor(g, dtype=torch.float64)
        optimizer.step()
        reached.append(parameter.detach().clone())
    return torch.stack(reached)


def check_step_trace_is_the_optimizer():
    draw = torch.Generator().manual_seed(0)
    gradients = torch.randn(30, 3, generator=draw, dtype=torch.float64)
    start = [1.0, -2.0, 3.0]
    for rule, cls, hyper in (
        (optim.adam, optim.Adam, {"lr": 0.1}),
        (optim.sgdm, optim.SGDM, {"lr": 0.1, "momentum": 0.9}),
        (optim.adamw, optim.AdamW, {"lr": 0.1, "weight_decay": 0.5}),
        (optim.lars, optim.LARS, {"lr": 0.1}),
        (optim.nadam, optim.NAdam, {"lr": 0.1}),
    ):
        replay = PAGES["step_trace"].step_trace
        theta = torch.tensor(start, dtype=torch.float64)
        seen = replay(rule, gradients, theta=theta, **hyper)
        expected = by_the_optimizer(cls, gradients, start, **hyper)
        torch.testing.assert_close(seen.positions, expected, rtol=1e-10, atol=1e-12)
        before = torch.cat([theta[None], expected[:-1]])
        moved = (before - expected) / hyper["lr"]
        torch.testing.assert_close(seen.movements, moved, rtol=1e-7, atol=1e-9)
        scalar = replay(rule, gradients[:, 0].tolist(), theta=1.0, **hyper)
        expected = by_the_optimizer(cls, gradients[:, :1], [1.0], **hyper)[:, 0]
        torch.testing.assert_close(scalar.positions, expected, rtol=1e-10, atol=1e-12)
        assert scalar.movements.shape == (30,)


def check_default_rates():
    replay = PAGES["step_trace"].step_trace
    assert replay(optim.gd, [3.0]).movements.tolist() == [3.0]
    assert replay(optim.gd, [3.0]).positions.tolist() == [-3.0]
    seen = replay(optim.adam, [3.0])
    assert seen.movements.item() == pytest.approx(1, rel=1e-6)
    assert seen.positions.item() == pytest.approx(-1e-3, rel=1e-6)


def test_one_gradient_of_ten_to_the_five_among_ones():
    """E-17: one run for both β₁; 20 000 steps are as good as 10⁵ for the averages."""
    k, column = 20_000, torch.tensor([[0.0], [0.9]], dtype=torch.float64)
    gradients = [1.0] * k + [1e5] + [1.0] * 1000
    u = step_trace(optim.adam, gradients, betas=(column, 0.999)).movements
    assert u.shape == (21_001, 2)
    without, with_momentum = u.unbind(1)
    assert without[k - 1].item() == pytest.approx(1, rel=1e-3)
    assert without[k].item() == pytest.approx(10 * 10**0.5, rel=1e-3)
    assert without[k].item() < 0.001**-0.5
    assert without[k + 1].item() == pytest.approx(10**-3.5, rel=1e-3)
    assert without[k - 999 : k].sum().item() == pytest.approx(999, rel=1e-3)
    assert without[k + 1 :].sum().item() == pytest.approx(0.41, abs=0.005)
    assert with_momentum[k].item() == pytest.approx(3.163, rel=1e-3)
    assert with_momentum[k + 1 : k + 51].sum().item() == pytest.approx(28.47, rel=1e-3)
    assert with_momentum[k : k + 51].sum().item() == pytest.approx(31.63, rel=1e-3)


def test_types_follow_the_gradients():
    assert step_trace(optim.adam, [1, 2]).movements.dtype is torch.float64
    g = torch.ones(3, dtype=torch.float32)
    assert step_trace(optim.adam, g).movements.dtype is torch.float32
    assert step_trace(optim.adam, g.int()).movements.dtype is torch.float64
    many = step_trace(optim.gd, torch.ones(4, 2), lr=torch.tensor([[0.1], [0.5]]))
    assert many.positions.shape == (4, 2, 2)
    assert many.movements.unique().tolist() == [1.0]
    assert torch.equal(g, torch.ones(3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: step_trace(optim.Adam, [1.0]), TypeError, "rule: expected a rule"),
        (lambda: step_trace(optim.adam, [1.0], mu=0.9), TypeError, "mu: adam has no"),
        (lambda: step_trace(optim.adam, [1.0], lr=-1.0), ValueError, "lr: expected"),
        (lambda: step_trace(optim.adam, [1.0], lr=0), ValueError, "in its units"),
        (lambda: step_trace(optim.adam, []), ValueError, "at least one"),
        (lambda: step_trace(optim.adam, [math.nan]), ValueError, "with 1 that are"),
        (lambda: step_trace(optim.adam, torch.ones(1, 1, 1)), ValueError, "one row is"),
    ],
)
def test_step_trace_refuses_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- effective_lr


def trained(cls, **hyper):
    draw = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.ones(2, 2).double()), nn.Parameter(torch.ones(3))]
    gradients = [torch.randn(5, *p.shape, generator=draw).to(p) for p in parameters]
    optimizer = cls(parameters, lr=0.1, **hyper)
    for t in range(5):
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g[t].clone()
        optimizer.step()
    joined = torch.cat([g.double().flatten(1) for g in gradients], dim=1).numpy()
    return optimizer, joined


def averages(g, beta, weight):
    v, all_v = 0.0, []
    for row in g:
        v = beta * v + weight * row
        all_v.append(v)
    return np.array(all_v)


def check_effective_lr():
    read = PAGES["effective_lr"].effective_lr
    correction = 1 - 0.999**5
    for cls, hyper in (
        (optim.Adam, {}),
        (torch.optim.Adam, {}),
        (torch.optim.AdamW, {}),
        (optim.NAdam, {}),
    ):
        optimizer, g = trained(cls, **hyper)
        v = averages(g**2, 0.999, 0.001)[-1] / correction
        np.testing.assert_allclose(read(optimizer), 0.1 / (v**0.5 + 1e-8), rtol=1e-5)
    for cls, hyper, factor in (
        (optim.AMSGrad, {}, 1),
        (optim.AMSGrad, {"variant": "torch"}, correction),
        (torch.optim.Adam, {"amsgrad": True}, correction),
    ):
        optimizer, g = trained(cls, **hyper)
        v = averages(g**2, 0.999, 0.001).max(0) / factor
        np.testing.assert_allclose(read(optimizer), 0.1 / (v**0.5 + 1e-8), rtol=1e-5)
    optimizer, g = trained(optim.AdaBound)
    v = averages(g**2, 0.999, 0.001)[-1]
    np.testing.assert_allclose(read(optimizer), 0.1 / (v**0.5 + 1e-8), rtol=1e-5)
    for cls in (optim.AdaGrad, torch.optim.Adagrad):
        optimizer, g = trained(cls, eps=1e-3)
        root = (g**2).sum(0) ** 0.5
        np.testing.assert_allclose(read(optimizer), 0.1 / (root + 1e-3), rtol=1e-5)
    for cls in ((optim.RMSProp, {"variant": "torch"}), (torch.optim.RMSprop, {})):
        optimizer, g = trained(cls[0], alpha=0.5, centered=True, **cls[1])
        v = averages(g**2, 0.5, 0.5)[-1] - averages(g, 0.5, 0.5)[-1] ** 2
        np.testing.assert_allclose(read(optimizer), 0.1 / (v**0.5 + 1e-8), rtol=1e-4)


def test_effective_lr_refuses_in_words():
    weights = [nn.Parameter(torch.ones(2))]
    with pytest.raises(ValueError, match="taken a step, got Adam without state"):
        effective_lr(optim.Adam(weights))
    weights[0].grad = torch.ones(2)
    momentum = torch.optim.SGD(weights, lr=0.1, momentum=0.9)
    momentum.step()
    with pytest.raises(TypeError, match="averages squared gradients"):
        effective_lr(momentum)


# ---- grad_norm_trace


def data():
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(12, 3, generator=draw)
    return x, torch.randint(2, (12,), generator=draw)


def check_recorder():
    torch.manual_seed(0)
    model, (x, y) = MLP([3, 4, 2]), data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = PAGES["grad_norm_trace"].grad_norm_trace(model, (x, y), every=3)
    losses, norms, full_losses, full_norms = [], [], [], []
    for t in range(7):
        rows = slice(t, t + 4)
        optimizer.zero_grad()
        loss = cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        squares = sum(p.grad.double().square().sum() for p in model.parameters())
        losses.append(loss.item())
        norms.append(squares.item() ** 0.5)
        if t % 3 == 0:
            full_losses.append(cross_entropy(model(x), y).item())
            sizes = grad_norms(model, x, y).values()
            full_norms.append(math.hypot(*sizes))
        norm = recorder.record(loss if t % 2 else loss.item())
        assert norm == pytest.approx(norms[-1])
        optimizer.step()
    assert recorder.losses == pytest.approx(losses)
    assert recorder.grad_norms == pytest.approx(norms)
    assert recorder.full_steps == [1, 4, 7]
    assert recorder.full_losses == pytest.approx(full_losses)
    assert recorder.full_grad_norms == pytest.approx(full_norms)


def test_the_recorder_lets_go_and_leaves_no_trace():
    model, (x, y) = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), data()
    before, rng = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    with grad_norm_trace(model, (x, y)) as trace:
        trace.record_full()
    assert torch.equal(torch.get_rng_state(), rng)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for p in model.parameters())
    assert len(trace.full_losses) == 1
    with pytest.raises(ValueError, match="without any"):
        trace.record(1.0)


def test_a_frozen_parameter_does_not_count():
    model = nn.Linear(1, 1)
    model(torch.ones(1, 1)).sum().backward()
    model.bias.requires_grad_(False)
    assert grad_norm_trace(model).record(0.0) == pytest.approx(1.0)


def test_the_recorder_refuses_in_words():
    model, (x, y) = nn.Linear(3, 2), data()
    with pytest.raises(ValueError, match=r"after loss.backward\(\)"):
        grad_norm_trace(model).record(1.0)
    with pytest.raises(ValueError, match="data: expected"):
        grad_norm_trace(model, every=5)
    with pytest.raises(ValueError, match="data: expected"):
        grad_norm_trace(model).record_full()
    with pytest.raises(ValueError, match="12 inputs and 3"):
        grad_norm_trace(model, (x, y[:3]))
    with pytest.raises(ValueError, match="every: expected"):
        grad_norm_trace(model, (x, y), every=-1)


# ---- lr_range


def make(lr=0.1):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 2)
    )
    groups = [
        {"params": model[0].parameters(), "lr": lr},
        {"params": model[3].parameters(), "lr": 3 * lr},
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    x, y = data()
    cross_entropy(model(x), y).backward()
    optimizer.step()
    return model, optimizer, [(x[:8], y[:8]), (x[4:], y[4:])]


def check_lr_range():
    """The sweep by hand on a copy, momentum, ratios of rates and masks included."""
    model, optimizer, batches = make()
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    torch.manual_seed(7)
    test = PAGES["lr_range"].lr_range(
        model, optimizer, iter_twice(batches), n_steps=5, lr_min=0.01, lr_max=1.0
    )
    torch.manual_seed(7)
    losses = []
    for k in range(5):
        lr = 0.01 * 100 ** (k / 4)
        for group, factor in zip(twin_optimizer.param_groups, (1, 3), strict=True):
            group["lr"] = lr * factor
        x, y = batches[k % 2]
        twin_optimizer.zero_grad()
        loss = cross_entropy(twin(x), y)
        loss.backward()
        twin_optimizer.step()
        losses.append(loss.item())
    assert test.losses == pytest.approx(losses, rel=1e-6)
    assert test.lrs[0] == pytest.approx(0.01)


class iter_twice(list):
    """A list: may be gone through again."""


def test_the_range_test_leaves_model_and_optimizer_untouched():
    model, optimizer, batches = make()
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    grads = [p.grad.clone() for p in model[0].parameters()]
    rng = torch.get_rng_state()
    lr_range(model, optimizer, batches, lr_max=100.0)
    assert torch.equal(torch.get_rng_state(), rng)
    state = model.state_dict()
    assert all(torch.equal(before[0][name], state[name]) for name in state)
    after = optimizer.state_dict()
    assert after["param_groups"] == before[1]["param_groups"]
    for key, entry in before[1]["state"].items():
        now = after["state"][key]["momentum_buffer"]
        assert torch.equal(entry["momentum_buffer"], now)
    assert all(map(torch.equal, grads, [p.grad for p in model[0].parameters()]))


def test_the_range_test_refuses_in_words():
    model, optimizer, batches = make()
    with pytest.raises(ValueError, match="holds the model's parameters"):
        lr_range(nn.Linear(3, 2), optimizer, batches)
    with pytest.raises(ValueError, match="got none or an iterator that ran"):
        lr_range(model, optimizer, [])
    with pytest.raises(ValueError, match="got none or an iterator that ran"):
        lr_range(model, optimizer, iter(batches))
    with pytest.raises(ValueError, match="lr > 0, got 0"):
        lr_range(*make(lr=0.0))
    with pytest.raises(ValueError, match="expected a scalar"):
        lr_range(
            model, optimizer, batches, lambda o, y: mse_loss(o, o, reduction="none")
        )


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_trace(check):
    check()


def all_hold():
    for check in CHECKS:
        check()


MUTANTS = [
    ("step_trace", "step_trace", "theta_t - delta", "theta_t + delta"),
    ("step_trace", "step_trace", "theta_t - delta", "theta_t"),
    ("step_trace", "step_trace", "torch.stack(moved) / lr", "torch.stack(moved)"),
    ("step_trace", "step_trace", "torch.stack(moved) / lr", "-torch.stack(moved) / lr"),
    ("step_trace", "step_trace", "g.unbind(0), 1)", "g.unbind(0), 2)"),
    ("step_trace", "step_trace", "delta, state = rule", "delta, _ = rule"),
    (
        "step_trace",
        "step_trace",
        "torch.as_tensor(theta,",
        "torch.as_tensor(0 * theta,",
    ),
    ("step_trace", "_learning_rate", "1.0 if default", "0.1 if default"),
    ("effective_lr", "_rate", "1 - group", "1 + group"),
    ("effective_lr", "_rate", '["betas"][1]', '["betas"][0]'),
    ("effective_lr", "_rate", '(v_hat.sqrt() + group["eps"])', "v_hat.sqrt()"),
    ("effective_lr", "_rate", "v_hat.sqrt()", "v_hat"),
    ("effective_lr", "_rate", 'group["lr"] /', "1 /"),
    ("effective_lr", "_rate", "flatten().square()).clamp_min(0)", "flatten())"),
    ("effective_lr", "_rate", "found[0]", "found[-1]"),
    ("effective_lr", "_corrects", '"betas" in group and not', "not"),
    ("effective_lr", "_corrects", 'group.get("variant") == "paper"', "True"),
    ("effective_lr", "_corrects", "name in UNCORRECTED and", ""),
    ("effective_lr", "_corrects", "name in UNCORRECTED", "False"),
    ("lr_range", "lr_range", "lr * ratio", "lr"),
    ("lr_range", "lr_range", "twin_optimizer.zero_grad()", "pass"),
    (
        "lr_range",
        "lr_range",
        "copy.deepcopy((model, optimizer))",
        "(copy.deepcopy(model), copy.deepcopy(optimizer))",
    ),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    monkeypatch.setattr(PAGES[page], function, wrong)
    with pytest.raises((AssertionError, KeyError, ZeroDivisionError)):
        all_hold()


def recorder_holds():
    check_recorder()
    model = nn.Linear(1, 1)
    model(torch.ones(1, 1)).sum().backward()
    grad_norm_trace(model).record(0.0)


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("record", "(len(self.losses) - 1) %", "len(self.losses) %"),
        ("record", "flat(grads).norm()", "flat(grads).square().sum()"),
        ("record", "== 0", "!= 0"),
        ("record", "self._every and", ""),
        ("record_full", "len(self.losses))", "len(self.losses) - 1)"),
        ("record_full", "flat(gradients).norm()", "flat(gradients).abs().max()"),
    ],
)
def test_the_run_kills_the_mutant_of_the_recorder(
    mutate, monkeypatch, method, old, new
):
    recorder = PAGES["grad_norm_trace"].GradNormTrace
    monkeypatch.setattr(recorder, method, mutate(getattr(recorder, method), old, new))
    with pytest.raises((AssertionError, ZeroDivisionError)):
        recorder_holds()
