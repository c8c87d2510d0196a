"""Dead units against a forward pass by hand, their gradients, and the mutants."""

import copy
import importlib
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit.init import initialize
from coursekit.models import MLP
from coursekit.probes import dead_fraction

page = importlib.import_module("coursekit.probes.dead_fraction")


def sized(*biases, activation="relu"):
    """One input, a unit for every bias, all weights 1: z = x + b."""
    model = MLP([1, len(biases), 2], activation)
    model.linear1.weight.data.fill_(1.0)
    model.linear1.bias.data = torch.tensor(biases)
    return model


X = torch.tensor([[0.5], [1.0], [2.0]])


def check_borders():
    seen = page.dead_fraction(sized(-3.0, -2.5, -2.0, -1.5, 0.0), X)
    # x = 2 gives z = 0 exactly for b = -2: no slope, inactive
    assert seen.inactive[0].tolist() == [True, True, True, False, False]
    assert seen.fraction == [0.6]
    assert seen.total == pytest.approx(0.6)
    assert seen.broken is False


def check_layers():
    """A layer is weighed by its units; layers come in forward order."""
    model = MLP([1, 1, 3, 2])
    for layer in (model.linear1, model.linear2):
        layer.weight.data.fill_(1.0)
        layer.bias.data.fill_(0.0)
    model.linear2.bias.data[:2] = -9.0
    seen = page.dead_fraction(model, X)
    assert seen.fraction == [0.0, pytest.approx(2 / 3)]
    assert seen.total == pytest.approx(0.5)
    assert [len(mask) for mask in seen.inactive] == [1, 3]


def check_channels():
    conv = nn.Conv1d(1, 3, 1)
    conv.weight.data.fill_(1.0)
    conv.bias.data = torch.tensor([-9.0, -1.5, 0.0])
    head = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU())
    head[1].weight.data.fill_(1.0)
    head[1].bias.data = torch.tensor([-99.0, 0.0, 0.0, 0.0])
    x = torch.tensor([[[0.5, 2.0]], [[1.0, 0.1]]])
    seen = page.dead_fraction(nn.Sequential(conv, nn.ReLU(), head), x)
    assert [mask.tolist() for mask in seen.inactive] == [
        [True, False, False],
        [True, False, False, False],
    ]
    # a sequence [batch, tokens, units] behind a Linear: the last axis
    linear = nn.Sequential(sized(-9.0, 0.0).linear1, nn.GELU())
    assert page.dead_fraction(linear, x.mT).inactive[0].tolist() == [True, False]


def check_broken():
    model = MLP([1, 2, 2, 2])
    for layer in (model.linear1, model.linear2):
        layer.weight.data.fill_(1.0)
        layer.bias.data = torch.tensor([-9.0, 0.0])
    model.linear2.weight.data[1] = math.nan
    seen = page.dead_fraction(model, X)
    assert seen.broken is True
    assert seen.fraction[0] == pytest.approx(0.5)
    assert math.isnan(seen.fraction[1])
    assert math.isnan(seen.total)
    model.linear2.weight.data[1] = -math.inf
    assert page.dead_fraction(model, X).broken


CHECKS = [check_borders, check_layers, check_channels, check_broken]


def all_hold():
    for check in CHECKS:
        check()


@pytest.mark.parametrize("check", CHECKS)
def test_dead(check):
    check()


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("dead_fraction", "top <= 0", "top < 0"),
        ("dead_fraction", "top <= 0", "top >= 0"),
        ("dead_fraction", "units.amax(0)", "units.amin(0)"),
        ("dead_fraction", "units.amax(0)", "units.mean(0)"),
        ("dead_fraction", "units.amax(0)", "units.amax(1)"),
        ("dead_fraction", "z.movedim(1, -1) if is_conv else z", "z"),
        ("dead_fraction", "if is_conv", "if not is_conv"),
        ("dead_fraction", "units.isfinite().all()", "units.isfinite().any()"),
        ("dead_fraction", "units.isfinite().all()", "units.isnan().any()"),
        ("dead_fraction", 'float("nan") if lost else share', "share"),
        ("dead_fraction", 'float("nan") if any(broken) else total', "total"),
        ("dead_fraction", "torch.cat(inactive)", "inactive[0]"),
        ("_pre_activations", "not isinstance(part, nn.Linear)", "False"),
        ("_pre_activations", "args[0].detach()", "args[0].detach().abs()"),
    ],
)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, function, old, new):
    monkeypatch.setattr(page, function, mutate(getattr(page, function), old, new))
    with pytest.raises((AssertionError, RuntimeError)):
        all_hold()


def step_too_far(activation, lr, seed=0):
    """E-30 on made data: one oversized step."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(100, 8, generator=draw)
    y = (x @ torch.randn(8, 3, generator=draw)).argmax(1)
    model = initialize(MLP([8, 32, 32, 3], activation), "he_normal", seed=seed)
    cross_entropy(model(x), y).backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
    return model, x, y


def row_gradients(model, x, y):
    gradients = torch.autograd.grad(
        cross_entropy(model(x), y), [model.linear1.weight, model.linear2.weight]
    )
    return [g.abs().sum(1) for g in gradients]


def test_one_oversized_step_kills_and_the_dead_get_no_gradient():
    model, x, y = step_too_far("relu", 10.0)
    seen = dead_fraction(model, x)
    assert seen.total > 0.02 > dead_fraction(step_too_far("relu", 0.0)[0], x).total
    for mask, size in zip(seen.inactive, row_gradients(model, x, y), strict=True):
        assert bool((size[mask] == 0).all())
    leaky, x, y = step_too_far(lambda: nn.LeakyReLU(0.1), 10.0)
    seen = dead_fraction(leaky, x)
    assert seen.total > 0.02
    for mask, size in zip(seen.inactive, row_gradients(leaky, x, y), strict=True):
        assert bool((size[mask] > 0).all())


@pytest.mark.parametrize(
    "make",
    [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU],
)
def test_every_rectifier_is_seen(make):
    assert dead_fraction(sized(-9.0, 0.0, activation=make), X).fraction == [0.5]


def test_an_inplace_rectifier_is_seen_before_it_acts():
    model = sized(-9.0, 0.0, activation=lambda: nn.ELU(inplace=True))
    assert dead_fraction(model, X).fraction == [0.5]


def test_nothing_is_left_behind():
    model = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.ReLU())
    before, rng = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    dead_fraction(model, X)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(torch.get_rng_state(), rng)
    parts = list(model)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in parts)


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (MLP([1, 2, 2]), X[:0], "at least one example"),
        (MLP([1, 2, 2]), X * math.nan, "3 numbers that are not"),
        (MLP([1, 2, 2], "tanh"), X, "MLP without any"),
    ],
)
def test_bad_input_is_refused_in_words(model, x, message):
    with pytest.raises(ValueError, match=message):
        dead_fraction(model, x)
