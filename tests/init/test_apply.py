"""Applying a scheme to models, and taming residual ones."""

import importlib
import math

import pytest
import torch
from torch import nn

from coursekit.device import generator
from coursekit.init import SCHEMES, he_normal, initialize, scale_branches, zero_last
from coursekit.models import MLP, ResidualMLP


def weights(model):
    return {name: p.clone() for name, p in model.named_parameters()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_seed_fixes_the_whole_model():
    first, second = MLP([8, 6, 3]), MLP([8, 6, 3])
    assert not same(weights(first), weights(second))
    initialize(first, "he_normal", seed=4)
    assert initialize(second, "he_normal", seed=4) is second
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(initialize(second, "he_normal", seed=5)))


def test_layers_draw_in_turn_from_one_generator():
    model = initialize(MLP([5, 5, 5, 5]), "lecun_normal", generator=generator(3))
    draw = generator(3)
    for layer in (model.linear1, model.linear2, model.linear3):
        expected = SCHEMES["lecun_normal"]((5, 5), generator=draw)
        assert torch.equal(layer.weight, expected)
    assert not torch.equal(model.linear1.weight, model.linear2.weight)


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {"scaled_normal"}))
def test_every_named_scheme_reaches_every_linear_map(scheme):
    model = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    )
    before = weights(model)
    initialize(model, scheme, seed=0)
    after = weights(model)
    for name in before:
        untouched = name.startswith("1.")
        assert torch.equal(before[name], after[name]) == untouched
    assert not after["0.bias"].any()
    assert after["0.weight"].requires_grad


def test_arguments_reach_the_scheme():
    model = initialize(MLP([400, 300, 2]), "scaled_normal", gain=3.0, seed=0)
    measured = model.linear1.weight.std().item()
    assert measured == pytest.approx(3 / math.sqrt(400), rel=5 / math.sqrt(2 * 120000))
    model = initialize(MLP([4, 3, 2]), "constant", value=0.5, bias=0.1, seed=0)
    for p in model.parameters():
        assert torch.equal(p, torch.full_like(p, 0.5 if p.ndim == 2 else 0.1))


def test_a_function_is_a_scheme_too():
    def halves(shape, *, generator, dtype, device):
        return he_normal(shape, generator=generator, dtype=dtype, device=device) / 2

    by_name = initialize(MLP([4, 3, 2]), "he_normal", seed=1)
    by_function = initialize(MLP([4, 3, 2]), halves, seed=1)
    assert torch.equal(by_function.linear1.weight, by_name.linear1.weight / 2)


def test_biases_can_be_left_and_may_be_absent():
    model = MLP([4, 3, 2])
    bias = model.linear1.bias.clone()
    initialize(model, "he_normal", seed=0, bias=None)
    assert torch.equal(model.linear1.bias, bias)
    initialize(MLP([4, 3, 2], bias=False), "he_normal", seed=0)


def test_dtype_of_the_model_is_kept():
    model = initialize(MLP([4, 3, 2]).double(), "orthogonal", seed=0)
    assert model.linear1.weight.dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: initialize(m, "kaiming", seed=0),
            ValueError,
            "one of 'standard_uni",
        ),
        (lambda m: initialize(m, "he_normal"), ValueError, "exactly one of them"),
        (
            lambda m: initialize(m, "he_normal", seed=0, generator=generator(0)),
            ValueError,
            "exactly one of them",
        ),
        (
            lambda m: initialize(nn.ReLU(), "he_normal", seed=0),
            ValueError,
            "ReLU without",
        ),
        (
            lambda m: initialize(nn.ConvTranspose1d(2, 2, 2), "he_normal", seed=0),
            TypeError,
            "transposed convolution",
        ),
        (lambda m: zero_last(m), ValueError, "'branch', got MLP without any"),
        (lambda m: scale_branches(m), ValueError, "'branch', got MLP without any"),
        (lambda m: scale_branches(ResidualMLP(2, 2, 1, 2), "x"), TypeError, "factor"),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(MLP([4, 3, 2]))


def test_a_branch_without_linear_map_is_refused():
    block = nn.Module()
    block.branch = nn.ReLU()
    with pytest.raises(ValueError, match="got ReLU without any"):
        zero_last(block)
    mixed = nn.Sequential(ResidualMLP(2, 2, 1, 2), block)
    with pytest.raises(ValueError, match="without any"):
        zero_last(mixed)


def test_the_last_of_three_maps_of_a_branch_is_closed():
    block = nn.Module()
    block.branch = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    zero_last(block)
    sizes = [layer.weight.abs().max().item() for layer in block.branch]
    assert sizes[2] == 0
    assert min(sizes[:2]) > 0


WRONG = [
    ("apply", "initialize", "layer.bias.fill_(", "layer.weight.fill_("),
    (
        "apply",
        "initialize",
        "for layer in _drawable(model)",
        "for layer in _drawable(model)[1:]",
    ),
    (
        "apply",
        "initialize",
        "scheme(w.shape, generator=draw,",
        "scheme(w.shape, generator=new_generator(0),",
    ),
    ("residual", "zero_last", "last.weight.zero_()", "last.weight.mul_(0.5)"),
    ("residual", "zero_last", "last.bias.zero_()", "pass"),
    ("residual", "_last_maps", "parts[-1]", "parts[0]"),
    ("residual", "_last_maps", "[parts[-1] for parts in maps]", "[maps[-1][-1]]"),
    (
        "residual",
        "_last_maps",
        "return [parts[-1] for",
        "return [p for q in maps for p in q] or [parts[-1] for",
    ),
    ("residual", "scale_branches", "** -0.5", "** -1"),
    ("residual", "scale_branches", "** -0.5", "** 0.5"),
    ("residual", "scale_branches", "last.weight.mul_(s)", "last.weight.mul_(s**2)"),
    ("residual", "scale_branches", "last.bias.mul_(s)", "pass"),
]
CHECKS = [
    lambda: test_layers_draw_in_turn_from_one_generator(),
    lambda: test_biases_are_set_and_weights_are_not_all_equal(),
    lambda: test_zero_last_starts_as_the_identity_and_still_learns(),
    lambda: test_scaling_weights_and_scaling_branches_agree_at_the_start(None),
    lambda: test_scaled_biases_too(),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), WRONG)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    module = importlib.import_module(f"coursekit.init.{page}")
    wrong = mutate(getattr(module, function), old, new)
    monkeypatch.setattr(module, function, wrong)
    if function in globals():
        monkeypatch.setitem(globals(), function, wrong)
    elif function == "_last_maps":
        for caller in ("zero_last", "scale_branches"):
            monkeypatch.setitem(globals(), caller, getattr(module, caller))
    killed = 0
    for check in CHECKS:
        try:
            check()
        except AssertionError:
            killed += 1
    assert killed


def test_biases_are_set_and_weights_are_not_all_equal():
    model = initialize(MLP([4, 3, 2]), "he_normal", seed=0, bias=0.25)
    assert torch.equal(model.linear2.bias, torch.full((2,), 0.25))
    assert model.linear2.weight.std() > 0


def test_scaled_biases_too():
    model = initialize(ResidualMLP(3, 4, 4, 2), "he_normal", seed=0, bias=1.0)
    scale_branches(model)
    biases = [block.branch.linear2.bias for block in model.blocks]
    assert torch.equal(torch.stack(biases), torch.full((4, 4), 0.5))


# Residual nets, INIT-12.


def residual(n_blocks, seed=0, **kw):
    return initialize(
        ResidualMLP(6, 50, n_blocks, 3, **kw).double(), "he_normal", seed=seed
    )


def stream():
    return torch.randn(400, 50, generator=generator(9), dtype=torch.float64)


def test_zero_last_starts_as_the_identity_and_still_learns():
    model = initialize(ResidualMLP(6, 50, 4, 3), "he_normal", seed=0, bias=0.3)
    before = weights(model)
    assert zero_last(model) is model
    a = stream().float()
    assert torch.equal(model.blocks(a), a)
    changed = [n for n, p in model.named_parameters() if not torch.equal(p, before[n])]
    assert {name.split(".", 2)[2] for name in changed} == {
        "branch.linear2.weight",
        "branch.linear2.bias",
    }
    assert len(changed) == 8
    x = torch.randn(5, 6, generator=generator(1))
    model(x).square().mean().backward()
    for block in model.blocks:
        assert block.branch.linear2.weight.grad.abs().max() > 0
        assert block.branch.linear1.weight.grad.abs().max() == 0


def growth(model):
    a = stream()
    return (model.blocks(a).square().mean() / a.square().mean()).item()


def test_he_triples_the_stream_a_block_and_scaled_branches_do_not():
    """Means over 20 draws: 1 + 2 s² a block, as both maps of a branch are He's."""
    n = 12
    plain = [growth(residual(n, seed)) for seed in range(20)]
    scaled = [growth(scale_branches(residual(n, seed))) for seed in range(20)]
    assert 0.5 < sum(plain) / 20 / 3**n < 2
    assert sum(scaled) / 20 == pytest.approx((1 + 2 / n) ** n, rel=0.2)


@pytest.mark.parametrize("factor", [None, 0.25])
def test_scaling_weights_and_scaling_branches_agree_at_the_start(factor):
    value = 16**-0.5 if factor is None else factor
    in_weights = scale_branches(residual(16), factor)
    in_forward = residual(16, branch_scale=value)
    x = torch.randn(9, 6, generator=generator(2), dtype=torch.float64)
    torch.testing.assert_close(in_weights(x), in_forward(x), rtol=1e-10, atol=1e-10)
