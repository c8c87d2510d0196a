"""Signals against a backward pass written out in NumPy, and traces not left."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from coursekit.init import initialize
from coursekit.models import MLP, ResidualMLP
from coursekit.probes import (
    forward_backward_std,
    grad_norms,
    signals,
    weight_grad_norms,
)

PHI = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "identity": (lambda z: z, np.ones_like),
}


def example(activation="tanh", depth=3, batch=7, **kw):
    widths = [5, *[6 + i for i in range(depth)], 4]
    model = initialize(MLP(widths, activation, **kw).double(), "he_normal", seed=1)
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(batch, 5, generator=draw, dtype=torch.float64)
    return model, x, torch.randint(4, (batch,), generator=draw)


def by_hand(model, x, y, activation):
    """Forward and backward pass of the mean cross-entropy, in NumPy."""
    phi, slope = PHI[activation]
    w = [p.detach().numpy() for n, p in model.named_parameters() if "weight" in n]
    b = [p.detach().numpy() for n, p in model.named_parameters() if "bias" in n]
    a, z = [x.numpy()], []
    for weight, bias in zip(w, b, strict=True):
        z.append(a[-1] @ weight.T + bias)
        a.append(phi(z[-1]))
    p = np.exp(z[-1] - z[-1].max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    delta = [(p - np.eye(p.shape[1])[y.numpy()]) / len(p)]
    for layer in range(len(w) - 1, 0, -1):
        delta.insert(0, delta[0] @ w[layer] * slope(z[layer - 1]))
    gradients = [d.T @ before for d, before in zip(delta, a[:-1], strict=True)]
    return a[1:-1], delta[:-1], gradients


@pytest.mark.parametrize("activation", PHI)
def test_signals_equal_a_backward_pass_by_hand(activation):
    model, x, y = example(activation)
    measured = signals(model, x, y)
    a, delta, _ = by_hand(model, x, y, activation)
    assert len(measured.activation) == len(measured.delta) == 3
    for ours, theirs in zip(measured.activation, a, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12, atol=1e-15)
    for ours, theirs in zip(measured.delta, delta, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12, atol=1e-15)


def stds_are_those_by_hand(probe):
    model, x, y = example()
    a, delta, _ = by_hand(model, x, y, "tanh")
    stats = probe(model, x, y)
    return np.allclose(stats.activation, [v.std() for v in a], rtol=1e-12) and (
        np.allclose(stats.delta, [v.std() for v in delta], rtol=1e-12)
    )


def test_standard_deviations_equal_those_by_hand():
    assert stds_are_those_by_hand(forward_backward_std)


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("signals", "record.inputs[1:]", "record.inputs[:-1]"),
        ("signals", "record.inputs[1:]", "record.outputs[:-1]"),
        ("signals", "        value, z,", "        len(x) * value, z,"),
        ("signals", "        value, z,", "        -2 * value, z,"),
        ("signals", "record.outputs[:-1]", "record.outputs[1:]"),
        ("_std", "std(correction=0)", "var(correction=0)"),
        ("_std", "std(correction=0)", "std()"),
        ("_std", "std(correction=0)", "square().mean().sqrt()"),
    ],
)
def test_the_pass_by_hand_kills_the_mutant(mutate, monkeypatch, function, old, new):
    page = forward_backward_std.__globals__
    monkeypatch.setitem(page, function, mutate(page[function], old, new))
    try:
        survived = stds_are_those_by_hand(forward_backward_std)
    except (RuntimeError, ValueError):
        survived = False
    assert not survived


def weight_sizes_are_those_by_hand(probe):
    model, x, y = example("relu")
    _, _, gradients = by_hand(model, x, y, "relu")
    norms = [np.linalg.norm(g) for g in gradients]
    rms = [np.sqrt((g**2).mean()) for g in gradients]
    twice = probe(model, x, y, lambda o, y: 2 * cross_entropy(o, y))
    one = nn.Linear(5, 4).double()
    cross_entropy(one(x), y).backward()
    return (
        np.allclose(probe(model, x, y), norms, rtol=1e-12)
        and np.allclose(probe(model, x, y, statistic="rms"), rms, rtol=1e-12)
        and np.allclose(twice, [2 * size for size in norms], rtol=1e-12)
        and probe(one, x, y) == pytest.approx([one.weight.grad.norm().item()])
    )


def test_weight_gradients_equal_those_by_hand():
    assert weight_sizes_are_those_by_hand(weight_grad_norms)


def sizes_are_those_of_autograd(probe):
    """All parameters, biases included, in the order of ``named_parameters``."""
    model, x, y = example("tanh")
    cross_entropy(model(x), y).backward()
    named = dict(model.named_parameters())
    norms = {n: p.grad.square().sum().sqrt().item() for n, p in named.items()}
    rms = {n: p.grad.square().mean().sqrt().item() for n, p in named.items()}
    model.zero_grad()
    found, other = probe(model, x, y), probe(model, x, y, statistic="rms")
    return (
        list(found) == list(other) == list(named)
        and found == pytest.approx(norms, rel=1e-12)
        and other == pytest.approx(rms, rel=1e-12)
    )


def test_sizes_of_all_gradients_are_those_of_autograd():
    assert sizes_are_those_of_autograd(grad_norms)


def tiny_gradients_are_seen(probe):
    """Squares of float32 vanish below 1e-23, so sizes are taken in float64."""
    model, x, y = example()
    tiny = probe(model.float(), x.float(), y, lambda o, y: 1e-25 * cross_entropy(o, y))
    values = tiny.values() if isinstance(tiny, dict) else tiny
    return all(0 < value < 1e-23 for value in values)


@pytest.mark.parametrize("probe", [grad_norms, weight_grad_norms])
def test_tiny_gradients_are_seen(probe):
    assert tiny_gradients_are_seen(probe)


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("grad_norms", 'statistic: str = "norm"', 'statistic: str = "rms"'),
        ("grad_norms", "_size(g, statistic)", '_size(g, "norm")'),
        (
            "grad_norms",
            "quiet_gradients(model, x, y, loss)",
            "quiet_gradients(model, x, y, cross_entropy)",
        ),
        ("weight_grad_norms", 'statistic: str = "norm"', 'statistic: str = "rms"'),
        ("weight_grad_norms", "statistic=statistic", 'statistic="norm"'),
        ("weight_grad_norms", '.weight" if name', '.bias" if name'),
        ("weight_grad_norms", 'else "weight"', 'else "bias"'),
        ("weight_grad_norms", ' if name else "weight"', ""),
        (
            "weight_grad_norms",
            "grad_norms(model, x, y, loss,",
            "grad_norms(model, x, y, cross_entropy,",
        ),
        ("weight_grad_norms", "for name in weights if", "for name in weights[::-1] if"),
        ("_size", ".norm()", ".abs().sum()"),
        ("_size", ".norm()", ".square().sum()"),
        ("_size", ".double()", ""),
        ("_size", "** 0.5", ""),
        ("_size", "norm / gradient", "norm * gradient"),
        ("_size", 'statistic == "norm"', 'statistic != "norm"'),
    ],
)
def test_autograd_kills_the_mutant(mutate, monkeypatch, function, old, new):
    page = grad_norms.__globals__
    wrong = mutate(page[function], old, new)
    monkeypatch.setitem(page, function, wrong)
    monkeypatch.setitem(wrong.__globals__, function, wrong)
    assert not (
        sizes_are_those_of_autograd(page["grad_norms"])
        and weight_sizes_are_those_by_hand(page["weight_grad_norms"])
        and tiny_gradients_are_seen(page["grad_norms"])
    )


def test_grad_norms_cover_every_parameter_and_unused_ones_are_zero():
    model, x, y = example()
    model.spare = nn.Linear(2, 2).double()
    model.forward = lambda x: nn.Sequential.forward(nn.Sequential(*list(model)[:-1]), x)
    sizes = grad_norms(model, x, y)
    assert list(sizes) == [name for name, _ in model.named_parameters()]
    assert sizes["spare.weight"] == 0
    assert sizes["linear1.weight"] > 0
    model.linear1.requires_grad_(False)
    assert "linear1.weight" not in grad_norms(model, x, y)
    assert len(weight_grad_norms(model, x, y)) == 4


# What E-26 rests on: factors of std(δ) a layer at depth 10, width 100.


def factor(activation, scheme, seed=0):
    widths = [64, *[100] * 10, 10]
    model = initialize(MLP(widths, activation), scheme, seed=seed)
    draw = torch.Generator().manual_seed(1000 + seed)
    x = torch.randn(500, 64, generator=draw)
    y = torch.randint(10, (500,), generator=draw)
    delta = forward_backward_std(model, x, y).delta
    return (delta[0] / delta[-1]) ** (1 / 9)


@pytest.mark.parametrize(
    ("activation", "scheme", "theory"),
    [
        ("relu", "he_normal", 1.0),
        ("relu", "xavier_normal", 0.5**0.5),
        ("identity", "standard_uniform", 3**-0.5),
        ("identity", "xavier_uniform", 1.0),
    ],
)
def test_delta_shrinks_by_the_factor_of_theory(activation, scheme, theory):
    mean = sum(factor(activation, scheme, seed) for seed in range(5)) / 5
    assert mean == pytest.approx(theory, abs=0.03)


def test_weight_gradients_look_level_where_delta_dies():
    """Why δ is measured: with ReLU and Xavier both signals fall, in opposition."""
    model = initialize(MLP([64, *[100] * 10, 10], "relu"), "xavier_normal", seed=0)
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(500, 64, generator=draw)
    y = torch.randint(10, (500,), generator=draw)
    delta = forward_backward_std(model, x, y).delta
    weights = weight_grad_norms(model, x, y, statistic="rms")
    assert delta[0] / delta[9] < 0.1
    assert 0.5 < weights[1] / weights[9] < 2


# Nothing is left behind.


class Noisy(nn.Module):
    """Batch norm, dropout, in-place activations: all that could leave a trace."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(5, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(8, 6),
            nn.ReLU(inplace=True),
            nn.Linear(6, 4),
        )

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("probe", [signals, forward_backward_std, grad_norms])
@pytest.mark.parametrize("training", [True, False])
def test_the_model_and_the_world_are_left_as_they_were(probe, training):
    model = Noisy().train(training)
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(9, 5, generator=draw), torch.zeros(9).long()
    next(model.parameters()).grad = torch.ones(8, 5)
    before = copy.deepcopy(model.state_dict())
    hooks = [len(m._forward_hooks) for m in model.modules()]
    rng, x_before = torch.get_rng_state(), x.clone()
    with torch.no_grad():
        probe(model, x, y)
        assert not torch.is_grad_enabled()
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [len(m._forward_hooks) for m in model.modules()] == hooks
    assert model.training is training
    assert torch.equal(torch.get_rng_state(), rng)
    assert torch.equal(x, x_before)
    gradients = [p.grad for p in model.parameters()]
    assert torch.equal(gradients[0], torch.ones(8, 5))
    assert gradients[1:] == [None] * (len(gradients) - 1)


def test_hooks_are_removed_when_the_model_fails():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(4, 4))
    with pytest.raises(RuntimeError):
        signals(model, torch.ones(1, 3), torch.zeros(1).long())
    assert not any(m._forward_hooks for m in model.modules())


def test_an_inplace_activation_does_not_disturb_delta():
    plain, x, y = example("relu")
    inplace = MLP([5, 6, 7, 8, 4], lambda: nn.ReLU(inplace=True)).double()
    inplace.load_state_dict(plain.state_dict())
    for one, other in zip(signals(plain, x, y), signals(inplace, x, y), strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_a_frozen_model_still_has_signals():
    model, x, y = example()
    free = signals(model, x, y)
    frozen = signals(model.requires_grad_(False), x, y)
    for one, other in zip(free.delta, frozen.delta, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)
    with pytest.raises(ValueError, match="requires_grad_"):
        grad_norms(model, x, y)


# Other shapes of model.


def test_convolutions_and_reshaping_count_as_layers():
    model = nn.Sequential(
        nn.Conv1d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(24, 5), nn.Linear(5, 2)
    )
    x = torch.randn(3, 1, 8, generator=torch.Generator().manual_seed(0))
    a, delta = signals(model, x, torch.tensor([0, 1, 1]))
    assert [t.shape[1:] for t in delta] == [(4, 6), (5,)]
    assert [t.shape[1:] for t in a] == [(24,), (5,)]


def test_the_stream_of_a_residual_net_is_seen_at_its_blocks():
    model = initialize(ResidualMLP(5, 8, 3, 4), "he_normal", seed=0)
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    y = torch.zeros(6).long()
    a, delta = signals(model, x, y, at=list(model.blocks))
    stream = model.blocks(model.stem(x)).detach()
    torch.testing.assert_close(a[-1], stream)
    leaf = stream.requires_grad_()
    (expected,) = torch.autograd.grad(cross_entropy(model.head(leaf), y), leaf)
    torch.testing.assert_close(delta[-1], expected)
    assert len(a) == 3


def test_any_mean_loss_will_do():
    model, x, _ = example()
    y = torch.zeros(7, 4, dtype=torch.float64)
    once = forward_backward_std(model, x, y, mse_loss).delta
    twice = forward_backward_std(model, x, y, lambda o, y: 2 * mse_loss(o, y)).delta
    assert twice == pytest.approx([2 * d for d in once], rel=1e-12)


def test_tiny_deltas_do_not_underflow():
    """Float32 squares vanish below 1e-23; δ in a deep sigmoid net is smaller."""
    model = initialize(MLP([8, *[30] * 25, 3], "sigmoid"), "xavier_normal", seed=0)
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))
    stats = forward_backward_std(model, x, torch.zeros(20).long())
    assert 0 < stats.delta[0] < 1e-12
    assert math.isfinite(stats.delta[0])


def test_an_output_that_ignores_a_layer_gives_zero_delta():
    class Forgetful(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            self.a(x)
            return self.b(x)

    _, delta = signals(Forgetful(), torch.ones(2, 3), torch.tensor([0, 1]))
    assert delta[0].abs().max() == 0


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        (nn.Linear(3, 2), cross_entropy, "expected a hidden layer, got Linear with 1"),
        (nn.Sequential(), cross_entropy, "Sequential with 0 recorded"),
        (MLP([3, 3, 2]), lambda o, y: o.sum(1), r"expected a scalar, got shape \(2,\)"),
    ],
)
def test_errors_say_what_was_got(model, loss, message):
    with pytest.raises(ValueError, match=message):
        signals(model, torch.ones(2, 3), torch.tensor([0, 1]), loss)


def test_an_unknown_statistic_is_refused():
    model, x, y = example()
    with pytest.raises(ValueError, match="'norm', 'rms', got 'std'"):
        weight_grad_norms(model, x, y, statistic="std")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_signals_agree_across_devices():
    model, x, y = example()
    here = forward_backward_std(model, x, y)
    there = forward_backward_std(model.cuda(), x.cuda(), y.cuda())
    assert there.activation == pytest.approx(here.activation, rel=1e-9)
    assert there.delta == pytest.approx(here.delta, rel=1e-9)
    assert all(t.is_cuda for t in signals(model, x.cuda(), y.cuda()).delta)
