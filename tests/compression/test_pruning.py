"""Pruning against torch's own, and masks that hold under every optimizer."""

import copy
import importlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from coursekit import compression as comp
from coursekit import optim
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.compression.{name}")
    for name in ("prune_magnitude", "masks")
}
OPTIMIZERS = [
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (torch.optim.Adam, {"lr": 0.1}),
    (torch.optim.AdamW, {"lr": 0.1}),
    (optim.SGDM, {"lr": 0.1}),
    (optim.Adam, {"lr": 0.1}),
    (optim.RMSProp, {"lr": 0.1}),
]


def net(seed=0):
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.LayerNorm(12), nn.Linear(12, 5)
    ).double()
    g = generator(seed)
    with torch.no_grad():
        for i, theta in enumerate(model.parameters()):
            draw = torch.randn(theta.shape, generator=g, dtype=theta.dtype)
            theta.copy_(draw * (i + 1))
    return model


def train(model, optimizer, steps=4):
    g = generator(1)
    for _ in range(steps):
        x = torch.randn(6, 1, 4, 4, generator=g, dtype=torch.float64)
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


# ---- checks that mutants have to fail


def check_layers_are_pruned_as_torch_does():
    for share in (0.0, 0.25, 0.5, 0.9, 1.0):
        ours, theirs = net(), net()
        masks = comp.prune_magnitude(ours, share)
        assert list(masks) == ["0.weight", "4.weight"]
        comp.apply_masks(ours, masks)
        for layer in (theirs[0], theirs[4]):
            prune.l1_unstructured(layer, "weight", share)
        for i in (0, 4):
            assert torch.equal(ours[i].weight, theirs[i].weight)
            assert torch.equal(masks[f"{i}.weight"], theirs[i].weight_mask > 0)


def check_the_whole_is_pruned_as_torch_does():
    ours, theirs = net(), net()
    masks = comp.prune_magnitude(ours, 0.6, scope="global")
    comp.apply_masks(ours, masks)
    layers = [(theirs[0], "weight"), (theirs[4], "weight")]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=0.6)
    for i in (0, 4):
        assert torch.equal(ours[i].weight, theirs[i].weight)
    report = comp.sparsity(ours)
    assert report.layers["0.weight"] > report.layers["4.weight"]
    assert report.total == pytest.approx(52 / 87)


def check_one_tensor_and_ties():
    w = torch.tensor([[2.0, -1.0], [1.0, -3.0]])
    for share, kept in (
        (0.25, [[1, 0], [1, 1]]),
        (0.5, [[1, 0], [0, 1]]),
        (0.75, [[0, 0], [0, 1]]),
    ):
        assert comp.prune_magnitude(w, share).tolist() == kept
    assert comp.prune_magnitude(torch.ones(4), 0.5).tolist() == [0, 0, 1, 1]
    equal = comp.prune_magnitude(torch.ones(5000), 0.5)
    assert torch.equal(equal, torch.arange(5000) >= 2500)
    mixed = torch.tensor([-5.0, 1.0, 4.0])
    assert comp.prune_magnitude(mixed, 0.3).tolist() == [1, 0, 1]
    # 2.5 rounds to the even 2, as in torch
    assert int(comp.prune_magnitude(torch.rand(5), 0.5).sum()) == 3


def check_names():
    model = net()
    masks = comp.prune_magnitude(model, 0.5, names=["4.bias"])
    assert list(masks) == ["4.bias"]
    only = comp.prune_magnitude(model, 0.5, scope="global", names=["4.weight"])
    assert torch.equal(only["4.weight"], comp.prune_magnitude(model[4].weight, 0.5))
    report = comp.sparsity(model, ["4.bias"])
    assert report == comp.Sparsity({"4.bias": 0.0}, 0.0)


def check_zeros_stay_zero_under_momentum():
    for make, hyper in OPTIMIZERS:
        model = net()
        optimizer = make(model.parameters(), **hyper)
        train(model, optimizer)  # a momentum is there before the pruning
        masks = comp.prune_magnitude(model, 0.5)
        before = {name: w.clone() for name, w in model.named_parameters()}
        with comp.keep_pruned(optimizer, model, masks):
            assert comp.sparsity(model).total == pytest.approx(44 / 87, abs=0.02)
            train(model, optimizer)
            for name, w in model.named_parameters():
                kept = masks.get(name, torch.ones_like(w) > 0)
                assert not w[~kept].any()
                assert bool((w[kept] != before[name][kept]).any())
        train(model, optimizer)  # after the block they move again
        assert comp.sparsity(model).total == 0


def check_masking_once_is_not_enough():
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    comp.apply_masks(model, comp.prune_magnitude(model, 0.5))
    train(model, optimizer, 1)
    assert comp.sparsity(model).total < 0.1


def check_sparsity_counts_zeros():
    layer = nn.Linear(4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 1, -0.0, 2], [3, 4, 0, 1e-30]]))
    model = nn.Sequential(layer, nn.Linear(2, 1))
    with torch.no_grad():
        model[1].weight.fill_(1.0)
    report = comp.sparsity(model)
    assert report.layers == {"0.weight": 3 / 8, "1.weight": 0.0}
    assert report.total == pytest.approx(0.3)


def check_a_diverged_weight_is_masked_too():
    layer = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[float("nan"), -1.0]]))
    comp.apply_masks(layer, {"weight": torch.tensor([[False, False]])})
    assert layer.weight.tolist() == [[0.0, 0.0]]
    assert not torch.signbit(layer.weight).any()


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_pruning(check):
    check()


# ---- laws


@given(st.integers(1, 40), st.floats(0, 1), st.integers(0, 10**6))
def test_what_goes_is_never_larger_than_what_stays(n, share, seed):
    w = torch.randn(n, generator=generator(seed))
    mask = comp.prune_magnitude(w, share)
    assert int((~mask).sum()) == round(share * n)
    if 0 < mask.sum() < n:
        assert w[~mask].abs().max() <= w[mask].abs().min()
    more = comp.prune_magnitude(w * mask, min(1, share + 0.2))
    assert bool((more <= mask).all())


def test_tied_weights_are_pruned_once():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    masks = comp.prune_magnitude(model, 0.5)
    assert list(masks) == ["0.weight"]


def test_the_model_and_its_randomness_are_left_alone_until_the_mask_is_applied():
    model = net()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    comp.prune_magnitude(model, 0.5)
    comp.prune_magnitude(model, 0.5, scope="global")
    comp.sparsity(model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_are_kept(dtype):
    layer = nn.Linear(6, 4, dtype=dtype)
    comp.apply_masks(layer, comp.prune_magnitude(layer, 0.5))
    assert layer.weight.dtype == dtype
    assert comp.sparsity(layer).layers == {"weight": 0.5}


def test_bad_input_is_refused_in_words():
    model = net()
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"share: expected a number in \[0, 1\]"):
            comp.prune_magnitude(model, share)
    with pytest.raises(ValueError, match="scope: expected one of 'layer', 'global'"):
        comp.prune_magnitude(model, 0.5, scope="all")
    for call in (
        lambda: comp.prune_magnitude(model, 0.5, names=["weight"]),
        lambda: comp.sparsity(model, ["weight"]),
        lambda: comp.apply_masks(model, {"weight": torch.ones(2)}),
    ):
        with pytest.raises(
            ValueError, match=r"parameters of the model \(0.weight.*got"
        ):
            call()
    with pytest.raises(ValueError, match=r"of the model \(none\), got \[\]"):
        comp.prune_magnitude(nn.ReLU(), 0.5)
    with pytest.raises(ValueError, match=r"masks\['4.bias'\]: expected shape \(5,\)"):
        comp.apply_masks(model, {"4.bias": torch.ones(4)})
    with pytest.raises(ValueError, match="expected finite numbers"):
        comp.prune_magnitude(torch.tensor([1.0, float("nan")]), 0.5)
    with pytest.raises(TypeError, match=r"floating-point tensor, got torch.int64"):
        comp.prune_magnitude(torch.ones(2).long(), 0.5)
    with pytest.raises(ValueError, match=r"at least one number, got \(0,\)"):
        comp.prune_magnitude(torch.ones(0), 0.5)


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model, there = net(), net().cuda()
    masks = comp.prune_magnitude(there, 0.5)
    assert all(mask.is_cuda for mask in masks.values())
    for name, mask in comp.prune_magnitude(model, 0.5).items():
        assert torch.equal(masks[name].cpu(), mask)
        comp.apply_masks(there, {name: mask})  # masks made elsewhere are moved
    assert comp.sparsity(there).total == pytest.approx(44 / 87, abs=0.02)


MUTANTS = [
    ("prune_magnitude", "_mask", "round(share * w.numel())", "int(share * w.numel())"),
    (
        "prune_magnitude",
        "_mask",
        "round(share * w.numel())",
        "round((1 - share) * w.numel())",
    ),
    ("prune_magnitude", "_mask", "w.abs().flatten()", "w.flatten()"),
    ("prune_magnitude", "_mask", "[:k]", "[k:]"),
    ("prune_magnitude", "_mask", "[:k]", "[:k + 1]"),
    ("prune_magnitude", "_mask", "stable=True", "stable=False"),
    ("prune_magnitude", "prune_magnitude", 'scope == "layer"', 'scope != "layer"'),
    (
        "prune_magnitude",
        "prune_magnitude",
        '    scope: str = "layer"',
        '    scope: str = "global"',
    ),
    ("masks", "prunable", "if names is None:", "if True:"),
    ("masks", "prunable", "if id(theta) in maps", "if theta.ndim"),
    ("masks", "apply_masks", "~m.to", "m.to"),
    ("masks", "apply_masks", "torch.bool), 0.0)", "torch.bool), 1e-8)"),
    (
        "masks",
        "apply_masks",
        "w.masked_fill_(~m.to(w.device, torch.bool), 0.0)",
        "w.mul_(m)",
    ),
    (
        "masks",
        "keep_pruned",
        "masks)\n\n    def again",
        "masks) if 0 else 0\n\n    def again",
    ),
    (
        "masks",
        "keep_pruned",
        "        apply_masks(model, masks)\n\n",
        "        pass\n\n",
    ),
    ("masks", "keep_pruned", "step_post_hook", "step_pre_hook"),
    ("masks", "sparsity", "(w == 0)", "(w <= 0)"),
    ("masks", "sparsity", "(w == 0)", "(w != 0)"),
    ("masks", "sparsity", "(w == 0)", "(w.abs() < 1e-20)"),
    (
        "masks",
        "sparsity",
        "sum(zeros.values()) / sum(w.numel() for w in weights.values())",
        "sum(layers.values()) / len(layers)",
    ),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), comp)
    assert is_killed(CHECKS, right, old, new, places)
