"""Shift and smoothness: two updates by hand, quadratics in closed form, mutants."""

import copy
import importlib
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit.models import MLP
from coursekit.norm import BatchNorm, NoisyBatchNorm
from coursekit.probes import (
    GradientPath,
    effective_beta,
    gradient_path,
    ics,
    loss_range,
)

PAGES = {
    name: importlib.import_module(f"coursekit.probes.{name}")
    for name in (
        *("ics", "gradient_path", "loss_range"),
        *("grad_predictiveness", "effective_beta", "quiet"),
    )
}


def example(**options):
    draw = torch.Generator().manual_seed(0)
    model = MLP([3, 5, 4, 2], "tanh", **options).double()
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=draw, dtype=torch.float64)
    x = torch.randn(8, 3, generator=draw, dtype=torch.float64)
    return model, x, torch.randint(2, (8,), generator=draw)


def gradients(model, x, y):
    parameters = dict(model.named_parameters())
    found = torch.autograd.grad(cross_entropy(model(x), y), list(parameters.values()))
    return dict(zip(parameters, found, strict=True))


def shift_by_hand(model, x, y, layer, lr):
    """Definition 2.1 with a second model that is really updated."""
    name, moved = f"linear{layer}.weight", copy.deepcopy(model)
    g = gradients(model, x, y)
    with torch.no_grad():
        for other, p in moved.named_parameters():
            if int(other[len("linear")]) < layer:
                p -= lr * g[other]
    return g[name].numpy(), gradients(moved, x, y)[name].numpy(), moved


def check_ics():
    model, x, y = example()
    for layer in (2, 3):
        G, after, moved = shift_by_hand(model, x, y, layer, 0.3)
        state = moved.state_dict()
        for options in ({"lr": 0.3}, {"updated": state, "lr": 9.0}):
            seen = PAGES["ics"].ics(model, x, y, layer, **options)
            difference = np.linalg.norm(G - after)
            size, size_after = np.linalg.norm(G), np.linalg.norm(after)
            assert seen.difference == pytest.approx(difference, rel=1e-9)
            assert seen.change == pytest.approx(difference / size, rel=1e-9)
            cosine = (G * after).sum() / (size * size_after)
            assert seen.cosine == pytest.approx(cosine, rel=1e-9)
            assert seen.before == pytest.approx(size, rel=1e-9)
            assert seen.after == pytest.approx(size_after, rel=1e-9)
    G, after, _ = shift_by_hand(model, x, y, 3, 0.1)
    seen = PAGES["ics"].ics(model, x, y, 3)
    assert seen.difference == pytest.approx(np.linalg.norm(G - after), rel=1e-9)


LAMBDAS = torch.tensor([4.0, 1.0], dtype=torch.float64)


class Bowl(nn.Module):
    """L = ½ Σ λ w², so g = λw and everything else is known."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))

    def forward(self, x):
        return 0.5 * (LAMBDAS * self.w.square()).sum() * x


def bowl_path(steps=(0.1, 0.5, 0.9)):
    page = PAGES["gradient_path"]
    one = torch.ones(1, dtype=torch.float64)
    return page.gradient_path(Bowl(), one, one, steps, lambda o, y: o.sum())


def check_walk():
    path, w = bowl_path(), torch.tensor([1.0, 2.0], dtype=torch.float64)
    g = LAMBDAS * w
    points = [w - eta * g for eta in (0.1, 0.5, 0.9)]
    losses = [(0.5 * LAMBDAS * p.square()).sum().item() for p in points]
    D = [(eta * LAMBDAS * g).norm().item() for eta in (0.1, 0.5, 0.9)]
    assert path.steps.tolist() == [0.1, 0.5, 0.9]
    assert path.losses.tolist() == pytest.approx(losses)
    assert path.differences.tolist() == pytest.approx(D)
    assert path.loss == pytest.approx(4.0)
    assert path.grad_norm == pytest.approx(20**0.5)


def check_readings():
    path, g = bowl_path(), 20**0.5
    seen = PAGES["loss_range"].loss_range(path)
    assert seen.low == pytest.approx(path.losses.min().item())
    assert seen.high == pytest.approx(path.losses.max().item())
    assert seen.width == pytest.approx(seen.high - seen.low)
    read = PAGES["grad_predictiveness"].grad_predictiveness(path)
    assert read.absolute.tolist() == pytest.approx(path.differences.tolist())
    assert read.relative.tolist() == pytest.approx((path.differences / g).tolist())
    assert read.largest == pytest.approx(path.differences[2].item() / g)
    beta = PAGES["effective_beta"].effective_beta(path)
    # Hg/|g| for g = (4, 2), whatever the distance, below the largest eigenvalue
    assert beta == pytest.approx(math.hypot(16, 2) / g)
    assert beta < 4
    bent = GradientPath(*torch.tensor([[1.0, 2], [3, 1], [6, 8]]), 0.5, 2.0)
    assert PAGES["effective_beta"].effective_beta(bent) == pytest.approx(3.0)
    assert PAGES["grad_predictiveness"].grad_predictiveness(
        bent
    ).largest == pytest.approx(4.0)
    assert PAGES["loss_range"].loss_range(bent).width == pytest.approx(2.0)


def check_divergence():
    nan, inf = math.nan, math.inf
    lost = GradientPath(*torch.tensor([[1.0, 2], [3, nan], [6, nan]]), 0.5, 2.0)
    assert PAGES["loss_range"].loss_range(lost) == (3.0, inf, inf)
    assert PAGES["grad_predictiveness"].grad_predictiveness(lost).largest == inf
    assert PAGES["effective_beta"].effective_beta(lost) == inf
    all_lost = GradientPath(*torch.tensor([[1.0], [nan], [inf]]), 0.5, 2.0)
    assert PAGES["loss_range"].loss_range(all_lost).width == inf


def check_default_steps():
    assert PAGES["gradient_path"].STEPS[0] == pytest.approx(0.05)
    assert PAGES["gradient_path"].STEPS[-1] == pytest.approx(0.4)
    assert len(gradient_path(*example()).steps) == 8


CHECKS = [check_ics, check_walk, check_readings, check_divergence, check_default_steps]


def all_hold():
    for check in CHECKS:
        check()


@pytest.mark.parametrize("check", CHECKS)
def test_smoothness(check):
    check()


MUTANTS = [
    ("ics", "ics", "own[n].detach() - eta * g", "own[n].detach() + eta * g"),
    ("ics", "ics", "own[n].detach() - eta * g", "own[n].detach() - g"),
    ("ics", "ics", "[: list(own).index(name)]", "[: list(own).index(name) + 2]"),
    ("ics", "ics", "[: list(own).index(name)]", "[: list(own).index(name) - 1]"),
    ("ics", "ics", "[: list(own).index(name)]", ""),
    ("ics", "ics", "moved if updated is None else updated", "moved"),
    ("ics", "ics", "difference / size", "difference"),
    ("ics", "ics", "/ (size * after or 1.0)", "/ size**2"),
    ("ics", "ics", "(G - G_after)", "(G + G_after)"),
    ("ics", "ics", "lr: float = 0.1", "lr: float = 0.2"),
    ("ics", "_weight_name", "maps[layer - 1]", "maps[layer - 2]"),
    ("gradient_path", "gradient_path", "- eta * g[name]", "+ eta * g[name]"),
    ("gradient_path", "gradient_path", "- eta * g[name]", "- eta * g[name] / size"),
    ("gradient_path", "gradient_path", "(flat(g) - flat(g_eta))", "flat(g_eta)"),
    ("gradient_path", "gradient_path", "start.item(), size", "size, start.item()"),
    ("loss_range", "loss_range", "high - low if", "high if"),
    ("loss_range", "loss_range", 'nan=float("inf")', "nan=0.0"),
    ("grad_predictiveness", "grad_predictiveness", "D / path.grad_norm", "D"),
    ("grad_predictiveness", "grad_predictiveness", "d.max()", "d.mean()"),
    ("grad_predictiveness", "grad_predictiveness", 'nan=float("inf")', "nan=0.0"),
    ("effective_beta", "effective_beta", "path.steps * path.grad_norm", "path.steps"),
    ("effective_beta", "effective_beta", "* path.grad_norm", "* path.grad_norm**2"),
    ("effective_beta", "effective_beta", ".max()", ".min()"),
    ("effective_beta", "effective_beta", ".max()", ".mean()"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    monkeypatch.setattr(PAGES[page], function, wrong)
    with pytest.raises((AssertionError, ValueError)):
        all_hold()


# ---- masks and noise


def test_both_gradients_see_the_same_masks_unless_told():
    torch.manual_seed(0)
    dropout = nn.Sequential(nn.Linear(3, 40), nn.Dropout(0.5), nn.Linear(40, 2))
    noisy = MLP([3, 40, 2], norm=lambda width: NoisyBatchNorm(width, seed=1))
    x, y = torch.randn(16, 3), torch.zeros(16).long()
    for model in (dropout, noisy):
        tiny = ics(model, x, y, 2, lr=1e-6)
        assert tiny.change < 1e-3
        assert ics(model, x, y, 2, lr=1e-6, redraw=True).change > 0.05
        assert ics(model, x, y, 2, lr=1e-6) == tiny


def leave_no_trace(norm):
    model, x, y = example(norm=norm)
    model.add_module("drop", nn.Dropout(0.1))
    owned = [m.generator for m in model.modules() if hasattr(m, "generator")]
    before = copy.deepcopy(model.state_dict())
    states = [torch.get_rng_state(), *(g.get_state() for g in owned)]
    with torch.no_grad():
        ics(model, x, y, 2, redraw=True)
        gradient_path(model, x, y)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    now = [torch.get_rng_state(), *(g.get_state() for g in owned)]
    assert all(map(torch.equal, states, now))
    assert all(p.grad is None for p in model.parameters())
    assert model.training


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, BatchNorm, NoisyBatchNorm])
def test_nothing_is_left_behind(norm):
    leave_no_trace(norm)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("generator.set_state(state)", "generator.get_state()"),
        ("buffer.clone()", "buffer"),
        ("fork_rng(devices=devices)", "fork_rng(devices=devices, enabled=False)"),
        ("isinstance(value, torch.Generator)", "False"),
    ],
)
def test_the_traces_kill_the_mutant_that_leaves_some(mutate, monkeypatch, old, new):
    wrong = mutate(PAGES["quiet"].quiet, old, new)
    monkeypatch.setattr(PAGES["quiet"], "quiet", wrong)
    monkeypatch.setattr(PAGES["ics"], "quiet", wrong)
    with pytest.raises(AssertionError):
        leave_no_trace(NoisyBatchNorm)


def test_a_frozen_layer_before_does_not_move():
    model, x, y = example()
    model.linear1.requires_grad_(False)
    assert ics(model, x, y, 2).change == 0


def test_batch_norm_shrinks_what_the_landscape_does_along_the_gradient():
    """E-40 at the start of training: 8 layers of 64, Xavier, made data."""
    from coursekit.init import initialize

    ranges = []
    for norm in (None, BatchNorm):
        draw = torch.Generator().manual_seed(0)
        x = torch.randn(64, 64, generator=draw)
        y = (x @ torch.randn(64, 10, generator=draw)).argmax(1)
        model = MLP([64, *[64] * 8, 10], norm=norm)
        path = gradient_path(initialize(model, "he_normal", seed=0), x, y)
        ranges.append((loss_range(path).width, effective_beta(path)))
    assert ranges[1] < ranges[0]
    assert ranges[1][1] < ranges[0][1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda *e: ics(*e, layer=1), ValueError, "layer: expected an integer >= 2"),
        (lambda *e: ics(*e, layer=4), ValueError, "layer: expected 2 to 3, got 4"),
        (lambda *e: ics(*e, layer=2.0), TypeError, "layer: expected an integer"),
        (lambda *e: ics(*e, 2, lr=0), ValueError, "lr: expected"),
        (lambda *e: ics(*e, 2, updated={}), ValueError, "none named 'linear1.weight'"),
        (
            lambda *e: ics(*e, 2, loss=lambda o, y: 0 * o.sum()),
            ValueError,
            "finite gradient other than 0, got one of norm 0.0",
        ),
        (lambda *e: gradient_path(*e, steps=()), ValueError, "steps: .*got none"),
        (lambda *e: gradient_path(*e, (0.1, 0)), ValueError, "steps: expected"),
        (
            lambda *e: gradient_path(*e, loss=lambda o, y: 0 * o.sum()),
            ValueError,
            "at a critical point look at the Hessian",
        ),
        (
            lambda *e: gradient_path(*e, loss=lambda o, y: math.nan * o.sum()),
            ValueError,
            "norm nan",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call(*example())


@pytest.mark.parametrize(
    ("dtype", "rel"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)]
)
def test_lower_precision_gives_the_same_to_rounding(dtype, rel):
    model, x, y = example()
    exact = ics(model, x, y, 2, 0.5), gradient_path(model, x, y, (0.4,))
    model, x = model.to(dtype), x.to(dtype)
    rounded = ics(model, x, y, 2, 0.5), gradient_path(model, x, y, (0.4,))
    assert rounded[0].before == pytest.approx(exact[0].before, rel=rel)
    assert rounded[0].cosine == pytest.approx(exact[0].cosine, abs=rel)
    assert rounded[1].losses.tolist() == pytest.approx(
        exact[1].losses.tolist(), rel=rel
    )


def test_a_frozen_layer_is_refused():
    model, x, y = example()
    model.linear2.weight.requires_grad_(False)
    with pytest.raises(ValueError, match=r"'linear2.weight', frozen"):
        ics(model, x, y, 2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_shift_and_walk_agree_across_devices():
    model, x, y = example()
    here = ics(model, x, y, 2), gradient_path(model, x, y)
    there = [
        f(model.cuda(), x.cuda(), y.cuda(), *a)
        for f, *a in ((ics, 2), (gradient_path,))
    ]
    assert tuple(there[0]) == pytest.approx(tuple(here[0]), rel=1e-9)
    torch.testing.assert_close(there[1].losses, here[1].losses)
