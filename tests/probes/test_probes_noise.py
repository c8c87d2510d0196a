"""Gradient noise: autograd example by example, every batch there is, and mutants."""

import importlib
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from coursekit.models import MLP
from coursekit.norm import BatchNorm
from coursekit.probes import grad_noise, noise_scale, per_example_grads

noise_page = importlib.import_module("coursekit.probes.grad_noise")
scale_page = importlib.import_module("coursekit.probes.noise_scale")
rows_page = importlib.import_module("coursekit.probes.per_example")


def example(n=6, seed=0):
    draw = torch.Generator().manual_seed(seed)
    model = MLP([3, 4, 2], "tanh").double()
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=draw, dtype=torch.float64)
    x = torch.randn(n, 3, generator=draw, dtype=torch.float64)
    return model, x, torch.randint(2, (n,), generator=draw)


def by_hand(model, x, y):
    """The gradient of every example, by one backward pass each, in NumPy."""
    rows = []
    for x_r, y_r in zip(x, y, strict=True):
        loss = cross_entropy(model(x_r[None]), y_r[None])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        rows.append(torch.cat([g.flatten() for g in gradients]).numpy())
    return np.array(rows)


def check_rows(function=None):
    model, x, y = example()
    for chunk in (1, 4, 6, 100):
        rows = torch.cat(list(rows_page.per_example_grads(model, x, y, chunk=chunk)))
        np.testing.assert_allclose(rows.numpy(), by_hand(model, x, y), rtol=1e-12)


def check_exact():
    """The variance over all batches that there are equals the formula."""
    model, x, y = example(5)
    G = by_hand(model, x, y)
    g = G.mean(0)
    for replacement, every in (
        (True, itertools.product(range(5), repeat=2)),
        (False, itertools.combinations(range(5), 2)),
    ):
        means = np.array([G[list(batch)].mean(0) for batch in every])
        variance = ((means - g) ** 2).sum(1).mean()
        seen = noise_page.grad_noise(model, x, y, 2, 0, replacement=replacement)
        assert seen.exact == pytest.approx(variance, rel=1e-10)
        assert math.isnan(seen.sampled)
    assert seen.trace == pytest.approx(((G - g) ** 2).sum(1).mean(), rel=1e-10)
    assert seen.grad_norm == pytest.approx(np.linalg.norm(g), rel=1e-10)
    assert seen.noise_scale == pytest.approx(seen.trace / (g**2).sum(), rel=1e-10)
    whole = noise_page.grad_noise(model, x, y, 5, 3, replacement=False)
    assert whole.exact == pytest.approx(0, abs=1e-12)
    assert whole.sampled == pytest.approx(0, abs=1e-12)


def check_sampled():
    """Draws agree with the formula within their own error."""
    model, x, y = example(8)
    for replacement in (True, False):
        for B in (1, 4):
            options = {"replacement": replacement, "seed": 3}
            seen = noise_page.grad_noise(model, x, y, B, 300, **options)
            assert seen.sampled == pytest.approx(seen.exact, rel=0.15)


CHECKS = [check_rows, check_exact, check_sampled]


def all_hold():
    for check in (check_two_sizes, *CHECKS):
        check()


@pytest.mark.parametrize("check", CHECKS)
def test_noise(check):
    check()


def test_the_slope_over_batch_sizes_is_minus_one():
    model, x, y = example(40)  # E-8
    sizes = [1, 2, 4, 8, 16]
    seen = [grad_noise(model, x, y, B, 300, seed=B) for B in sizes]
    slope = np.polyfit(np.log(sizes), np.log([s.sampled for s in seen]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.1)


def test_a_seed_fixes_the_draws_and_nothing_is_left_behind():
    model, x, y = example()
    before, rng = [p.clone() for p in model.parameters()], torch.get_rng_state()
    with torch.no_grad():
        once, again = (grad_noise(model, x, y, 2, 5, seed=1) for _ in range(2))
    assert once == again
    assert grad_noise(model, x, y, 2, 5, seed=2).sampled != once.sampled
    assert torch.equal(torch.get_rng_state(), rng)
    assert all(p.grad is None for p in model.parameters())
    assert all(map(torch.equal, before, model.parameters()))


def test_frozen_parameters_have_no_part_in_it():
    model, x, y = example()
    model.linear1.requires_grad_(False)
    rows = torch.cat(list(per_example_grads(model, x, y)))
    assert rows.shape == (6, 10)


def check_two_sizes():
    """Unbiased: with the exact expectations (1) and (2) return the truth."""
    g2, trace = 3.0, 40.0

    def expected(B):
        return math.sqrt(g2 + trace / B)

    seen = scale_page.noise_scale(expected(8), expected(32), 8, 32)
    assert seen.grad_square == pytest.approx(g2)
    assert seen.trace == pytest.approx(trace)
    assert seen.b_simple == pytest.approx(trace / g2)
    # squares are averaged, not norms
    seen = scale_page.noise_scale([1.0, 7.0], [3.0, 1.0], 1, 5)
    assert seen.grad_square == pytest.approx((5 * 5 - 25) / 4)
    assert seen.trace == pytest.approx(20 / 0.8)
    assert math.isnan(seen.b_simple)
    assert math.isnan(scale_page.noise_scale(3.0, 1.0, 1, 2).b_simple)


def test_two_sizes():
    check_two_sizes()


def test_without_replacement_it_is_the_population_behind():
    model, x, y = example(6)
    G = by_hand(model, x, y)
    norms = {
        B: [
            np.linalg.norm(G[list(b)].mean(0))
            for b in itertools.combinations(range(6), B)
        ]
        for B in (2, 4)
    }
    small, big = (np.sqrt(np.mean(np.square(norms[B]))) for B in (2, 4))
    seen = noise_scale(float(small), float(big), 2, 4)
    trace = ((G - G.mean(0)) ** 2).sum(1).mean()
    assert seen.trace == pytest.approx(trace * 6 / 5, rel=1e-9)
    square = (G.mean(0) ** 2).sum() - trace / 5
    assert seen.grad_square == pytest.approx(square, rel=1e-9)


MUTANTS = [
    (noise_page, "grad_noise", "trace / B", "trace"),
    (noise_page, "grad_noise", "trace / B", "trace / B**2"),
    (noise_page, "grad_noise", "(N - B)", "N"),
    (noise_page, "grad_noise", "max(N - 1, 1)", "N"),
    (noise_page, "grad_noise", "if not replacement:\n", "if replacement:\n"),
    (noise_page, "grad_noise", "squares / n if n", "squares if n"),
    (noise_page, "grad_noise", "(g_B - g)", "g_B"),
    (noise_page, "grad_noise", "trace / square if", "square / trace if"),
    (noise_page, "grad_noise", "trace / square if", "trace / square**0.5 if"),
    (noise_page, "grad_noise", "square**0.5, noise", "square, noise"),
    (noise_page, "_trace", "rows.double() - g", "rows.double()"),
    (noise_page, "_trace", "squares / len(x)", "squares / (len(x) - 1)"),
    (noise_page, "_batch", "if replacement", "if not replacement"),
    (noise_page, "_batch", "(B,)", "(1,)"),
    (scale_page, "noise_scale", "B2 * big - B1 * small", "B1 * big - B2 * small"),
    (scale_page, "noise_scale", "/ (B2 - B1)", "/ (B2 + B1)"),
    (scale_page, "noise_scale", "small - big", "big - small"),
    (scale_page, "noise_scale", "1 / B1 - 1 / B2", "1 / B1"),
    (scale_page, "noise_scale", "trace / square if", "square / trace if"),
    (scale_page, "noise_scale", "if square > 0 else", "if square else"),
    (scale_page, "_mean_square", "value**2 for", "value for"),
    (scale_page, "_mean_square", " / len(values)", ""),
    (rows_page, "_rows", "in_dims=(None, 0, 0)", "in_dims=(None, 0, None)"),
    (rows_page, "per_example_grads", "x.split(chunk)", "x.flip(0).split(chunk)"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(page, function), old, new)
    monkeypatch.setattr(page, function, wrong)
    if page is rows_page:
        monkeypatch.setattr(noise_page, "per_example_grads", page.per_example_grads)
    with pytest.raises((AssertionError, ValueError, RuntimeError, ZeroDivisionError)):
        all_hold()


def test_coupled_examples_are_refused():
    x, y = torch.randn(6, 3), torch.zeros(6).long()
    for norm in (nn.BatchNorm1d, BatchNorm):
        model = MLP([3, 4, 2], norm=norm)
        with pytest.raises(
            ValueError, match=r"one by one and alike, got .*BatchNorm.*eval\(\)"
        ):
            grad_noise(model, x, y, 2, 0)
        assert grad_noise(model.eval(), x, y, 2, 0).trace >= 0
    model = nn.BatchNorm1d(3, track_running_stats=False).eval()
    with pytest.raises(ValueError, match="BatchNorm1d"):
        per_example_grads(model, x, y)
    dropout = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2))
    with pytest.raises(ValueError, match="alike, got Dropout in training mode"):
        grad_noise(dropout, x, y, 2, 0)


def test_a_sum_is_not_a_mean():
    model, x, _ = example()
    y = torch.zeros(6, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match="reduction='mean'"):
        grad_noise(model, x, y, 2, 0, lambda o, y: mse_loss(o, y, reduction="sum"))


@pytest.mark.parametrize(
    ("dtype", "rel"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)]
)
def test_lower_precision_gives_the_same_to_rounding(dtype, rel):
    model, x, y = example()
    exact = grad_noise(model, x, y, 2, 20)
    rounded = grad_noise(model.to(dtype), x.to(dtype), y, 2, 20)
    assert tuple(rounded) == pytest.approx(tuple(exact), rel=rel)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x, y: grad_noise(m, x, y[:3], 2), ValueError, "6 inputs and 3"),
        (lambda m, x, y: grad_noise(m, x[:0], y[:0], 2), ValueError, "0 inputs"),
        (lambda m, x, y: grad_noise(m, x, y, 0), ValueError, "batch_size: expected"),
        (lambda m, x, y: grad_noise(m, x, y, 2.5), TypeError, "batch_size: expected"),
        (lambda m, x, y: grad_noise(m, x, y, 2, -1), ValueError, "n_draws: expected"),
        (
            lambda m, x, y: grad_noise(m, x, y, 7, replacement=False),
            ValueError,
            "at most 6 without replacement, got 7",
        ),
        (
            lambda m, x, y: per_example_grads(m, x, y, chunk=0),
            ValueError,
            "chunk: expected",
        ),
        (lambda *_: noise_scale(1.0, 1.0, 4, 4), ValueError, "b_big: .*>= 5"),
        (lambda *_: noise_scale([], 1.0, 1, 2), ValueError, "norms_small: .*got none"),
        (lambda *_: noise_scale(1.0, -1.0, 1, 2), ValueError, "norms_big: expected"),
        (lambda *_: noise_scale(math.nan, 1.0, 1, 2), ValueError, "norms_small"),
    ],
)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call(*example())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_noise_is_that_of_the_cpu():
    model, x, y = example()
    here = grad_noise(model, x, y, 2, 20)
    there = grad_noise(model.cuda(), x.cuda(), y.cuda(), 2, 20)
    assert tuple(there) == pytest.approx(tuple(here), rel=1e-9)
