"""Norm layers against NumPy and torch, by laws, and the mutants that these kill."""

import copy
import importlib
import math
import pkgutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from coursekit import norm
from coursekit.device import generator
from coursekit.init import initialize
from coursekit.norm import RunningStats, core

PAGES = {
    page.name: importlib.import_module(f"coursekit.norm.{page.name}")
    for page in pkgutil.iter_modules(norm.__path__)
}
EXACT = {"rtol": 1e-10, "atol": 1e-12}
LAW = settings(max_examples=25, deadline=None)
SHAPES = [(6, 4), (5, 4, 7), (3, 4, 3, 5)]


def draw(*shape, seed=0, mean=3.0, std=2.0):
    noise = torch.randn(shape, generator=generator(seed), dtype=torch.float64)
    return mean + std * noise


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


def parameters_of(layer, seed=1):
    """Give a layer a gain and a bias that are neither 1 nor 0."""
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(0.5 + torch.rand(p.shape, generator=generator(seed), dtype=p.dtype))
    return layer


# ---- every layer beside torch's: outputs, gradients, state dicts


def twins(shape):
    """Our layer, torch's layer for the same equations, for inputs of a shape."""
    C, last, rank = shape[1], shape[-1], len(shape) - 2
    f64 = {"dtype": torch.float64}
    batch = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d)[rank]
    pairs = {
        "batch": (norm.BatchNorm(C, 1e-3, 0.3, **f64), batch(C, 1e-3, 0.3, **f64)),
        "batch-mean": (
            norm.BatchNorm(C, momentum=None, **f64),
            batch(C, momentum=None, **f64),
        ),
        "batch-plain": (
            norm.BatchNorm(C, affine=False, track_running_stats=False),
            batch(C, affine=False, track_running_stats=False),
        ),
        "layer": (norm.LayerNorm(last, 1e-3, **f64), nn.LayerNorm(last, 1e-3, **f64)),
        "layer-2": (
            norm.LayerNorm(shape[1:], bias=False, **f64),
            nn.LayerNorm(shape[1:], bias=False, **f64),
        ),
        "simple": (
            norm.SimpleLayerNorm(last, 1e-3),
            nn.LayerNorm(last, 1e-3, elementwise_affine=False),
        ),
        "rms": (norm.RMSNorm(last, 1e-3, **f64), nn.RMSNorm(last, 1e-3, **f64)),
        "rms-none": (norm.RMSNorm(shape[1:], **f64), nn.RMSNorm(shape[1:], **f64)),
        "group": (norm.GroupNorm(2, C, 1e-3, **f64), nn.GroupNorm(2, C, 1e-3, **f64)),
    }
    if rank:
        instance = (nn.InstanceNorm1d, nn.InstanceNorm2d)[rank - 1]
        pairs["instance"] = (
            norm.InstanceNorm(C, 1e-3, affine=True, **f64),
            instance(C, 1e-3, affine=True, **f64),
        )
    return pairs


NAMES = list(twins(SHAPES[1]))
TWINS = [(name, shape) for shape in SHAPES for name in twins(shape)]


def check_twin(name, shape, fused=False, steps=3):
    ours, theirs = twins(shape)[name]
    ours.fused = fused
    parameters_of(ours)
    theirs.load_state_dict(ours.state_dict())
    for step in range(steps):
        x = draw(*shape, seed=step).requires_grad_(True)
        z = x.detach().clone().requires_grad_(True)
        g = draw(*shape, seed=step + 10, mean=0.0)
        y, t = ours(x), theirs(z)
        close(y, t)
        y.backward(g)
        t.backward(g)
        close(x.grad, z.grad)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(p.grad, q.grad)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        close(ours.state_dict()[key], value)
    ours.eval(), theirs.eval()
    x = draw(*shape, seed=9)
    close(ours(x), theirs(x))
    ours.load_state_dict(theirs.state_dict())


def check_twins():
    for name, shape in TWINS:
        check_twin(name, shape)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("name", "shape"), TWINS)
def test_a_layer_is_torchs(name, shape, fused):
    check_twin(name, shape, fused)


# ---- NumPy transcriptions of the papers


def standardized(x, axes, eps):
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + eps)


def check_functions_are_the_papers():
    x = draw(3, 4, 5, 2)
    a, eps = x.numpy(), 1e-2
    w, b = draw(4, seed=2), draw(4, seed=3)
    gain, bias = (v.numpy()[:, None, None] for v in (w, b))
    same = {
        norm.instance_norm(x, w, b, eps): standardized(a, (2, 3), eps) * gain + bias,
        norm.group_norm(x, 2, w, b, eps): standardized(
            a.reshape(3, 2, 2, 5, 2), (2, 3, 4), eps
        ).reshape(a.shape)
        * gain
        + bias,
        norm.positional_norm(x, eps).output: standardized(a, 1, eps),
        norm.simple_layer_norm(x, (5, 2), eps): standardized(a, (2, 3), eps),
        norm.layer_norm(x, 2, w[:2], b[:2], eps): standardized(a, 3, eps)
        * w.numpy()[:2]
        + b.numpy()[:2],
        norm.rms_norm(x, 2, w[:2], eps): a
        / np.sqrt((a**2).mean(-1, keepdims=True) + eps)
        * w.numpy()[:2],
        norm.variance_only_layer_norm(x, (5, 2), eps): a
        / np.sqrt(a.var(axis=(2, 3), keepdims=True) + eps),
    }
    for ours, paper in same.items():
        close(ours, torch.from_numpy(paper))
    for small in (1e-9 * x, (1e-4 * x).float()):  # where the default of ε decides
        close(norm.rms_norm(small, 2), nn.functional.rms_norm(small, (2,)), rtol=1e-5)


def check_positional_norm_hands_on_its_statistics():
    x = draw(3, 4, 5)
    output, mean, var = norm.positional_norm(x, 1e-3)
    close(mean, x.mean(1, keepdim=True))
    close(var, x.var(1, keepdim=True, correction=0))
    close(output * (var + 1e-3).sqrt() + mean, x)  # the moment shortcut undoes it
    layer = parameters_of(norm.PositionalNorm(4, 1e-3, affine=True).double())
    weight, bias = (v.detach()[:, None] for v in (layer.weight, layer.bias))
    close(layer(x).detach(), output * weight + bias)


def check_batch_norm_remembers_by_its_rule():
    x, keep = draw(8, 3), 0.8
    start = RunningStats(torch.full((3,), 2.0).double(), torch.full((3,), 5.0).double())
    y, running = norm.batch_norm(x, start, training=True, momentum=1 - keep, eps=0)
    close(y, torch.from_numpy(standardized(x.numpy(), 0, 0)))
    close(running.mean, keep * 2 + (1 - keep) * x.mean(0))
    close(running.var, keep * 5 + (1 - keep) * x.var(0))  # torch.var is unbiased
    assert start.mean.eq(2).all()
    y, after = norm.batch_norm(x, running, training=False, eps=0.5)
    assert after is running
    close(y, (x - running.mean) / (running.var + 0.5).sqrt())
    assert norm.batch_norm(x, None, training=False)[1] is None


def paper_lp(a, p, order, eps):
    """Santurkar et al. (2018), section 3.3: divided first, shifted afterwards."""
    mean = a.mean(axis=0)
    size = np.abs(a if order == "scale_first" else a - mean)
    scale = size.max(axis=0) + eps if math.isinf(p) else None
    if scale is None:
        scale = ((size**p).mean(axis=0) + eps) ** (1 / p)
    return a / scale - (a / scale).mean(axis=0)


def check_lp_norm_is_the_papers():
    x = draw(9, 4)
    for p in (1, 2, 3.5, math.inf):
        for order in ("center_first", "scale_first"):
            paper = torch.from_numpy(paper_lp(x.numpy(), p, order, 1e-2))
            close(norm.lp_norm(x, p, order, 1e-2), paper, atol=1e-10)


def check_lp_batch_norm_with_p_2_is_batch_norm():
    shape, f64 = (5, 4, 3), {"dtype": torch.float64}
    for fused in (True, False):
        ours = norm.LpBatchNorm(4, 2, eps=1e-3, momentum=0.3, fused=fused, **f64)
        batch = norm.BatchNorm(4, eps=1e-3, momentum=0.3, **f64)
        parameters_of(ours), parameters_of(batch)
        for step in range(3):
            x = draw(*shape, seed=step)
            close(ours(x), batch(x))
        close(ours.running_mean, batch.running_mean)
        close(ours.running_moment, batch.running_var)
        ours.eval(), batch.eval()
        close(ours(x), batch(x))
    other = norm.LpBatchNorm(4, 2, "scale_first", dtype=torch.float64)
    assert not torch.allclose(other(x), norm.lp_norm(x))


def fast_and_slow(x, kind):
    """Outputs, gradients and memory of a layer by its two ways."""
    results = []
    for fused in (True, False):
        if isinstance(kind, tuple) and kind[-1] in norm_orders():
            layer = norm.LpBatchNorm(4, *kind, eps=1e-2, momentum=0.3, fused=fused)
        else:
            layer = norm.VarianceOnlyLayerNorm(kind, eps=1e-2, fused=fused)
        parameters_of(layer.to(torch.float64))
        z = x.clone().requires_grad_(True)
        y = layer(z)
        g = draw(*x.shape, seed=4)
        grads = torch.autograd.grad(y, [z, *layer.parameters()], g, create_graph=True)
        (again,) = torch.autograd.grad(grads[0].square().sum(), z)
        results.append([y.detach(), *grads, again, *layer.buffers()])
    return zip(*results, strict=True)


def check_fast_ways_are_the_definition():
    for shape in SHAPES:
        x = draw(*shape, mean=0.5)
        kinds = [(p, o) for p in (1, 2, 3.5, math.inf) for o in norm_orders()]
        for kind in (*kinds, shape[-1], shape[1:]):
            for fast, slow in fast_and_slow(x, kind):
                close(fast, slow, rtol=1e-8, atol=1e-10)
    bare = norm.LpBatchNorm(4, 1, affine=False)
    close(bare(draw(6, 4)), norm.lp_norm(draw(6, 4), 1))
    two = draw(6, 4)
    two[1] = two[0] = 9.0  # the maximum is attained twice
    two[:, 2] = 0.0  # a channel without spread
    for order in norm_orders():
        for fast, slow in fast_and_slow(two, (math.inf, order)):
            close(fast, slow, rtol=1e-8, atol=1e-10)


def norm_orders():
    return ("center_first", "scale_first")


def check_all_derivatives_of_the_fast_ways():
    weight, bias = draw(3, seed=1, mean=1.0), draw(3, seed=2)
    fused, divide = PAGES["lp_fused"].lp_fused, PAGES["variance_only_layer_norm"]
    for shape in ((5, 3), (2, 3, 2)):
        x = draw(*shape, mean=1.0)
        inputs = [v.clone().requires_grad_(True) for v in (x, weight, bias)]
        for p in (1, 2.5, math.inf):
            for centred in (True, False):

                def function(x, w, b, p=p, centred=centred):
                    return fused(x, w, b, p, centred, 1e-2)

                derivatives_agree(function, inputs)
        derivatives_agree(
            lambda x: divide._Divide.apply(x, (-1,), 1e-2)[:2], inputs[:1]
        )


def derivatives_agree(function, inputs):
    assert torch.autograd.gradcheck(
        function, inputs, check_forward_ad=True, check_batched_grad=True
    )
    assert torch.autograd.gradgradcheck(function, inputs)


def check_lp_batch_norm_evaluates_with_what_it_saw():
    x, f64 = draw(9, 4), {"dtype": torch.float64}
    for p in (1, math.inf):
        for order in ("center_first", "scale_first"):
            layer = norm.LpBatchNorm(4, p, order, momentum=1.0, **f64)
            trained = layer(x)
            close(layer.eval()(x), trained)  # momentum 1 remembers this batch alone
            layer.train().momentum = 0.25
            before = layer.running_moment.clone(), layer.running_mean.clone()
            layer(2 * x)
            close(layer.running_mean, 1.25 * before[1])
            factor = 2 ** (1 if math.isinf(p) else p)
            close(layer.running_moment, (0.75 + 0.25 * factor) * before[0])


def check_weight_norm_is_torchs():
    for dim in (0, 1):
        layers = [nn.Conv1d(3, 4, 2).double() for _ in range(2)]
        layers[1].load_state_dict(layers[0].state_dict())
        parametrize.register_parametrization(
            layers[0], "weight", norm.WeightNorm(dim), unsafe=False
        )
        parametrizations.weight_norm(layers[1], dim=dim)
        x = draw(2, 3, 6)
        for layer in layers:
            layer(x).square().sum().backward()
        ours, theirs = (layer.parametrizations.weight for layer in layers)
        close(ours.original0.grad, theirs.original0.grad)
        close(ours.original1.grad, theirs.original1.grad)
        radial = (ours.original1 * ours.original1.grad).sum([
            axis for axis in range(3) if axis != dim
        ])
        close(radial.detach(), torch.zeros_like(radial), atol=1e-10)
        with torch.no_grad():
            ours.original0.mul_(1.7)
        layers[1].load_state_dict(layers[0].state_dict())
        close(layers[0](x), layers[1](x))


def check_the_recurrent_cell_is_the_papers():
    for nonlinearity, phi in (("tanh", np.tanh), ("relu", lambda a: a.clip(0))):
        cell = norm.LayerNormRNNCell(3, 5, nonlinearity, eps=1e-3).double()
        parameters_of(cell)
        h, steps = None, draw(4, 2, 3)
        W, U = (m.weight.detach().numpy() for m in (cell.linear_ih, cell.linear_hh))
        g, b = (v.detach().numpy() for v in (cell.norm.weight, cell.norm.bias))
        paper = np.zeros((2, 5))
        for x in steps:
            a = paper @ U.T + x.numpy() @ W.T
            paper = phi(g * standardized(a, -1, 1e-3) + b)
            state = torch.zeros(2, 5).double() if h is None else h
            by_rule = norm.layer_norm_rnn_step(
                x,
                state,
                cell.linear_ih.weight,
                cell.linear_hh.weight,
                cell.norm.weight,
                cell.norm.bias,
                nonlinearity=nonlinearity,
                eps=1e-3,
            )
            h = cell(x, h)
            close(h.detach(), torch.from_numpy(paper))
            close(by_rule, h)


def check_noise_has_the_papers_moments():
    """Two steps give channels other means; within one the spread is the jitter."""
    y = torch.stack([torch.zeros(40_000), torch.ones(40_000)], -1)[:, None].double()
    y = y.expand(-1, 60, -1)
    noisy = norm.add_noise(y, generator=generator(0))
    b, s_plus_b = noisy[..., 0], noisy[..., 1]
    shifts = b.mean(0)
    assert bool((shifts.abs() <= 0.5).all())
    assert shifts.std().item() == pytest.approx(0.5 / math.sqrt(3), rel=0.35)
    assert shifts.mean().abs().item() < 0.15
    assert bool(((b - shifts).abs() <= 0.102).all())
    close(b.std(0), torch.full((60,), 0.1 / math.sqrt(3)).double(), rtol=0.02, atol=0)
    stretch = s_plus_b.mean(0) - shifts
    assert 1 - 0.003 <= stretch.min() < 1.08
    assert 1.17 < stretch.max() <= 1.25 + 0.003
    spread = (s_plus_b.var(0) - b.var(0)).sqrt()
    close(spread, torch.full((60,), 0.1).double(), rtol=0.03, atol=0)
    kept = norm.Noise(0.0, 1.0, 0.0, 0.0)
    close(norm.add_noise(y, generator=generator(1), noise=kept), y)


def check_noisy_batch_norm_is_noisy_in_training_only():
    x = draw(16, 4)
    noisy, plain = norm.NoisyBatchNorm(4, seed=5).double(), norm.BatchNorm(4).double()
    first, second = noisy(x), noisy(x)
    assert not torch.allclose(first, second)
    again = norm.NoisyBatchNorm(4, seed=5).double()
    close(again(x), first)
    close(copy.deepcopy(again)(x), second)
    close(first, norm.add_noise(plain(x), generator=generator(5)))
    plain(x)
    close(noisy.eval()(x), plain.eval()(x))


def check_axes_are_those_of_the_layers():
    """Entries that share a mean are those whose change moves that mean."""
    x = draw(4, 6, 3, 2)
    functions = {
        "batch": lambda x: norm.batch_norm(x, None, training=True)[0],
        "layer": lambda x: norm.layer_norm(x, x.shape[1:]),
        "instance": norm.instance_norm,
        "positional": lambda x: norm.positional_norm(x).output,
    }
    for kind, function in functions.items():
        close(function(x), norm.normalize(x, norm.norm_axes(kind, x.shape)).output)
    view = x.unflatten(1, (2, 3))
    grouped = norm.normalize(view, norm.norm_axes("group", x.shape)).output
    close(norm.group_norm(x, 2), grouped.flatten(1, 2))
    assert norm.norm_axes("batch", (8, 5)) == (0,)
    assert norm.norm_axes("group", (8, 5)) == (2,)
    assert norm.norm_axes("layer", (2, 3, 4)) == (1, 2)


def check_statistics_survive_a_large_mean():
    x = (1e4 + draw(64, 32, mean=0.0, std=1.0)).float()
    exact = norm.normalize(x.double(), -1).output
    ours = norm.normalize(x, -1)
    close(ours.output.double(), exact, rtol=0, atol=3e-3)
    assert bool((ours.var > 0.3).all())


def check_all_derivatives():
    x = draw(3, 4, 2, mean=1.0).requires_grad_(True)
    for about, subtract in ((True, True), (True, False), (False, False)):
        for dims in ((0, 2), 1, (-1,)):

            def function(x, dims=dims, about=about, subtract=subtract):
                flags = {"about_mean": about, "subtract_mean": subtract}
                return tuple(norm.normalize(x, dims, 1e-2, **flags))

            assert torch.autograd.gradcheck(
                function, x, check_forward_ad=True, check_batched_grad=True
            )
            assert torch.autograd.gradgradcheck(function, x)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]
CHECKS.remove(check_twin)


@pytest.mark.parametrize("check", [c for c in CHECKS if c is not check_twins])
def test_norm(check):
    check()


# ---- torch.func: what curvature and the training of many models at once need


LAYERS = {
    "batch": lambda: norm.BatchNorm(4, track_running_stats=False, fused=False),
    "layer": lambda: norm.LayerNorm(4, fused=False),
    "vo": lambda: norm.VarianceOnlyLayerNorm(4),
    "vo-slow": lambda: norm.VarianceOnlyLayerNorm(4, fused=False),
    "rms": lambda: norm.RMSNorm(4, fused=False),
    "lp": lambda: norm.LpBatchNorm(4, 1).eval(),
}


@pytest.mark.parametrize("name", LAYERS)
def test_functional_transforms_agree_with_the_loop(name):
    layer = LAYERS[name]().double()
    params = {key: value.detach() for key, value in layer.named_parameters()}

    def loss(params, x):
        return torch.func.functional_call(layer, params, (x,)).pow(3).sum()

    models = {
        key: torch.stack([value + k for k in range(3)]) for key, value in params.items()
    }
    x = draw(3, 6, 4)
    gradient = torch.func.grad(loss, argnums=(0, 1))
    stacked = torch.func.vmap(gradient)(models, x)
    runs = [(stacked, x)]
    if models:
        shared = torch.func.vmap(gradient, in_dims=(0, None))(models, x[0])
        runs.append((shared, x[:1].expand(3, -1, -1)))
    for k in range(3):
        one = {key: value[k] for key, value in models.items()}
        for several, data in runs:
            alone = gradient(one, data[k])
            close(several[1][k], alone[1])
            for key in params:
                close(several[0][key][k], alone[0][key])
    hessian = torch.func.hessian(loss, argnums=1)(params, x[0])
    plain = torch.autograd.functional.hessian(lambda x: loss(params, x), x[0])
    close(hessian, plain, rtol=1e-8, atol=1e-8)


# ---- laws


ENTRIES = st.integers(0, 10**6).map(lambda seed: draw(4, 6, 5, seed=seed))


@LAW
@given(ENTRIES, st.floats(0.1, 100), st.floats(-100, 100))
def test_norms_are_blind_to_scale_and_shift_of_what_shares_a_mean(x, scale, shift):
    for kind in ("batch", "layer", "instance", "positional"):
        axes = norm.norm_axes(kind, x.shape)
        before = norm.normalize(x, axes, 0).output
        after = norm.normalize(scale * x + shift, axes, 0).output
        close(after, before, rtol=1e-6, atol=1e-8)
        close(before.mean(axes), torch.zeros_like(before.mean(axes)), atol=1e-10)
        square = before.square().mean(axes)
        close(square, torch.ones_like(square), rtol=1e-10)


@LAW
@given(ENTRIES, st.permutations(range(4)))
def test_only_batch_norm_couples_the_examples(x, order):
    changed = x.clone()
    changed[3] += 7 * torch.linspace(0, 1, 30, dtype=x.dtype).view(6, 5)
    alone = {
        "layer": lambda x: norm.layer_norm(x, 5),
        "group": lambda x: norm.group_norm(x, 3),
        "instance": norm.instance_norm,
        "positional": lambda x: norm.positional_norm(x).output,
        "vo": lambda x: norm.variance_only_layer_norm(x, 5),
        "rms": lambda x: norm.rms_norm(x, 5),
    }
    for function in alone.values():
        close(function(changed)[:3], function(x)[:3], rtol=0, atol=0)
        close(function(x[:1]), function(x)[:1], rtol=1e-12)  # a batch of one
        close(function(x[list(order)]), function(x)[list(order)], rtol=0, atol=0)
    batch = norm.batch_norm(x, None, training=True)[0]
    after = norm.batch_norm(changed, None, training=True)[0]
    assert not torch.allclose(batch[:3], after[:3], rtol=1e-3)


@LAW
@given(ENTRIES)
def test_groups_range_from_layer_norm_to_instance_norm(x):
    close(norm.group_norm(x, 1), norm.layer_norm(x, x.shape[1:]))
    close(norm.group_norm(x, 6), norm.instance_norm(x))


@LAW
@given(ENTRIES)
def test_dividing_by_a_deviation_moves_no_zero_of_a_relu(x):
    y = norm.variance_only_layer_norm(x - 3, 5)
    assert torch.equal(y > 0, x - 3 > 0)
    close(
        norm.rms_norm(x - x.mean(-1, keepdim=True), 5, eps=1e-5),
        norm.simple_layer_norm(x, 5),
    )
    assert not torch.allclose(norm.rms_norm(x, 5), norm.variance_only_layer_norm(x, 5))


def test_the_bound_on_the_gradient_is_met_with_equality_without_epsilon():
    """Santurkar et al. (2018), theorem 4.1, with the same upstream gradient."""
    m, gamma = 12, 1.7
    z, g = draw(m, 5), draw(m, 5, seed=4, mean=0.5)
    for eps in (0.0, 1e-1):
        x = z.clone().requires_grad_(True)
        x_hat = norm.normalize(x, 0, eps).output
        (gamma * x_hat).backward(g)
        hat = norm.normalize(z, 0, 0).output
        sigma2 = z.var(0, correction=0)
        bound = g.square().sum(0) - g.sum(0) ** 2 / m - (g * hat).sum(0) ** 2 / m
        bound = gamma**2 / sigma2 * bound
        got = x.grad.square().sum(0)
        if eps == 0:
            close(got, bound)
        else:
            assert bool((got < bound).all())


def test_layer_norm_erases_the_value_of_a_number_embedded_without_bias():
    w = draw(8, seed=3)
    values = torch.tensor([[0.5], [2.0], [-40.0]], dtype=torch.float64)
    y = norm.layer_norm(values * w, 8, eps=0)
    close(y[0], y[1])
    close(y[0], -y[2])
    b = draw(8, seed=4)
    assert not torch.allclose(*norm.layer_norm(values[:2] * w + b, 8), rtol=1e-3)


def test_the_jacobian_of_layer_norm_loses_two_directions():
    for eps, rank in ((0.0, 6), (1e-5, 7)):
        J = torch.func.jacrev(lambda x, eps=eps: norm.layer_norm(x, 8, eps=eps))(
            draw(8)
        )
        s = torch.linalg.svdvals(J)
        assert int((s > 1e-9).sum()) == rank


def test_padding_and_other_examples_do_not_move_a_recurrent_state():
    cell = norm.LayerNormRNNCell(3, 5).double()
    x = draw(6, 4, 3)
    padded = x.clone()
    padded[4:] = 99.0

    def states(x):
        seen, h = [], None
        for step in x:
            h = cell(step, h)
            seen.append(h)
        return torch.stack(seen).detach()

    close(states(padded)[:4], states(x)[:4], rtol=0, atol=0)
    close(states(x[:, :1]), states(x)[:, :1])


def test_the_initializer_reaches_the_recurrent_cell():
    cell = initialize(norm.LayerNormRNNCell(4, 4), "orthogonal", seed=0)
    W = cell.linear_hh.weight
    close(W @ W.T, torch.eye(4), rtol=0, atol=1e-5)


def test_evaluation_neither_couples_nor_remembers():
    for fused in (True, False):
        layer = norm.BatchNorm(4, fused=fused).double()
        layer(draw(8, 4))
        layer.eval()
        state = copy.deepcopy(layer.state_dict())
        x = draw(5, 4, seed=8)
        close(layer(x)[:1], layer(x[:1]))
        assert all(torch.equal(layer.state_dict()[k], v) for k, v in state.items())


# ---- types, memory, shapes


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_other_types_stay_within_their_resolution(name, dtype, fused):
    shape = (5, 4, 7)
    layer = parameters_of(twins(shape)[name][0]).to(dtype)
    layer.fused = fused
    exact = copy.deepcopy(layer).double()
    exact.fused = False
    x = draw(*shape).to(dtype)
    y = layer(x)
    assert y.dtype == dtype
    eps = torch.finfo(dtype).eps
    close(y.double(), exact(x.double()), rtol=4 * eps, atol=8 * eps)
    for key, value in layer.state_dict().items():
        close(value.double(), exact.state_dict()[key].double(), rtol=4 * eps, atol=eps)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_inputs_meet_full_precision_parameters(name):
    shape = (5, 4, 7)
    layer = twins(shape)[name][0].float()
    layer.fused = False
    x = draw(*shape).bfloat16()
    assert layer(x).dtype == torch.bfloat16
    if name not in {"rms", "rms-none"}:  # torch's own kernel mixes no types there
        layer.fused = True
        assert layer(x).dtype == torch.bfloat16


def saved_bytes(function, x):
    kept = {}

    def pack(tensor):
        if not isinstance(tensor, nn.Parameter):
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = function(x)
    assert y.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_no_more_is_kept_for_the_backward_pass_than_by_torch(name, fused):
    shape = (32, 16, 20)
    ours, theirs = twins(shape)[name]
    ours.float().fused = fused
    theirs.float()
    x = draw(*shape).float().requires_grad_(True)
    assert saved_bytes(ours, x) <= saved_bytes(theirs, x)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        *((norm.LpBatchNorm(16, p), nn.BatchNorm1d(16)) for p in (1, 2, 3, math.inf)),
        (norm.LpBatchNorm(16, 1, "scale_first"), nn.BatchNorm1d(16)),
        (norm.VarianceOnlyLayerNorm(20), nn.LayerNorm(20)),
        (norm.SimpleLayerNorm(20), nn.LayerNorm(20)),
    ],
)
def test_layers_of_our_own_keep_no_more_than_the_nearest_of_torch(ours, theirs):
    x = draw(32, 16, 20).float().requires_grad_(True)
    assert saved_bytes(ours, x) <= saved_bytes(theirs, x)


def test_noise_keeps_one_number_an_entry_besides_batch_norm():
    x = draw(32, 16, 20).float().requires_grad_(True)
    more = saved_bytes(norm.NoisyBatchNorm(16), x) - saved_bytes(nn.BatchNorm1d(16), x)
    assert more == 4 * x.numel()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
def test_fast_ways_stay_within_the_resolution_of_other_types(dtype, p):
    x = draw(9, 4, 5).to(dtype)
    for mixed in (False, True):
        layer = parameters_of(norm.LpBatchNorm(4, p))
        layer = layer if mixed else layer.to(dtype)
        exact = copy.deepcopy(layer).double()
        exact.fused = False
        z, w = (v.clone().requires_grad_(True) for v in (x, x.double()))
        y, t = layer(z), exact(w)
        assert y.dtype == dtype
        eps = torch.finfo(dtype).eps
        close(y.double(), t, rtol=4 * eps, atol=8 * eps)
        y.double().square().sum().backward()
        t.square().sum().backward()
        assert z.grad.dtype == dtype
        assert layer.weight.grad.dtype == layer.weight.dtype
        close(z.grad.double(), w.grad, rtol=8 * eps, atol=64 * eps)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "name", sorted(set(NAMES) - {"batch", "batch-mean", "batch-plain"})
)
def test_an_empty_batch_gives_an_empty_output(name, fused):
    layer = twins((5, 4, 7))[name][0]
    layer.fused = fused
    assert layer(draw(0, 4, 7)).shape == (0, 4, 7)


def test_other_norms_take_an_empty_batch_too():
    for layer in (norm.PositionalNorm(4), norm.VarianceOnlyLayerNorm(7)):
        assert layer(draw(0, 4, 7)).shape == (0, 4, 7)


def test_inputs_are_left_as_they_were():
    for name in NAMES:
        for fused in (True, False):
            layer = twins((5, 4, 7))[name][0]
            layer.fused = fused
            x = draw(5, 4, 7)
            before = x.clone()
            layer(x)
            assert torch.equal(x, before)


def test_divergence_is_not_hidden():
    x = draw(6, 4)
    x[0, 0] = math.nan
    y = norm.BatchNorm(4, fused=False).double()(x)
    assert bool(y[:, 0].isnan().all())
    assert bool(y[:, 1:].isfinite().all())


def test_layers_say_what_they_are():
    assert (
        repr(norm.GroupNorm(2, 4))
        == "GroupNorm(2, 4, eps=1e-05, affine=True, fused=True)"
    )
    assert "p=inf" in repr(norm.LpBatchNorm(3, math.inf))
    assert "momentum=0.1" in repr(norm.BatchNorm(3))
    assert repr(norm.LayerNorm(3)).startswith("LayerNorm((3,), eps")
    assert repr(norm.InstanceNorm(3)).startswith("InstanceNorm(3, eps")


@pytest.mark.gpu
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_the_gpu_agrees_with_the_cpu(name, fused):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    layer = parameters_of(twins((5, 4, 7))[name][0])
    layer.fused = fused
    other = copy.deepcopy(layer).cuda()
    x = draw(5, 4, 7)
    close(other(x.cuda()).cpu(), layer(x), rtol=1e-9)


# ---- bad input


X = torch.randn(3, 4, 5, generator=generator(0))
BAD = [
    (lambda: norm.BatchNorm(4)(X[:1, :, :1]), "2 or more entries a channel .*got 1"),
    (lambda: norm.BatchNorm(4)(torch.zeros(0, 4)), "2 or more entries a channel"),
    (lambda: norm.BatchNorm(4, fused=False)(X[:1, :, 0]), "a batch of one has no"),
    (lambda: norm.BatchNorm(5)(X), "expected 5 channels on axis 1, got 4"),
    (lambda: norm.BatchNorm(4, dims=2)(X), r"\[N, C\] and 2 axes of positions"),
    (lambda: norm.BatchNorm(4)(X[0, 0]), r"and 0 or more axes"),
    (lambda: norm.BatchNorm(0), "num_features: expected an integer >= 1, got 0"),
    (lambda: norm.BatchNorm(4, eps=-1e-5), "eps: expected a finite number >= 0"),
    (lambda: norm.BatchNorm(4, momentum=1.5), "momentum: .*it is 1 - p"),
    (lambda: norm.BatchNorm(4, eps=math.nan), "eps: expected a number"),
    (lambda: norm.LpBatchNorm(4, 0.5), "p: expected a number in"),
    (lambda: norm.LpBatchNorm(4, order="first"), "order: expected one of 'center_"),
    (lambda: norm.LpBatchNorm(4)(X[:1, :, 0]), "2 or more entries"),
    (lambda: norm.lp_norm(X, order="x"), "order: expected one of"),
    (lambda: norm.NoisyBatchNorm(4, noise=norm.Noise(std_max=0.5)), "std_max"),
    (lambda: norm.NoisyBatchNorm(4, noise=norm.Noise(-1.0)), "mean_range: expected"),
    (lambda: norm.NoisyBatchNorm(4, seed=-1), "seed: expected an integer >= 0"),
    (lambda: norm.LayerNorm(4)(X), r"the last axes \(4,\), got \(5,\)"),
    (lambda: norm.LayerNorm(()), "at least one axis, got none"),
    (lambda: norm.LayerNorm((4, 0)), "normalized_shape: expected an integer >= 1"),
    (lambda: norm.SimpleLayerNorm(4)(X), "the features stand last"),
    (lambda: norm.VarianceOnlyLayerNorm(4)(X), "the features stand last"),
    (lambda: norm.RMSNorm(4)(X), "the features stand last"),
    (lambda: norm.InstanceNorm(4)(X[:, :, 0]), "and 1 or more axes"),
    (lambda: norm.InstanceNorm(4)(X[:, :, :1]), "2 or more positions"),
    (lambda: norm.GroupNorm(3, 4), "a divisor of 4 channels, got 3; .* is 2"),
    (lambda: norm.group_norm(X, 3), "a divisor of 4 channels, got 3"),
    (lambda: norm.PositionalNorm(3)(X), "expected 3 channels"),
    (lambda: norm.norm_axes("batches", (2, 3)), "kind: expected one of 'batch'"),
    (lambda: norm.norm_axes("instance", (2, 3)), r"\[N, C, positions\], got \(2, 3\)"),
    (lambda: norm.norm_axes("batch", (2,)), r"expected \[N, C\], got"),
    (lambda: norm.WeightNorm().right_inverse(torch.zeros(2, 3)), "0 has no direction"),
    (lambda: norm.LayerNormRNNCell(3, 4, "sigmoid"), "nonlinearity: expected one of"),
    (
        lambda: norm.LayerNormRNNCell(3, 4)(torch.zeros(2, 3), torch.zeros(2, 5)),
        r"h of shape \[\*, 4\], got \(2, 3\) and \(2, 5\)",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "layer",
    [norm.BatchNorm(4), norm.LayerNorm(5), norm.GroupNorm(2, 4), norm.RMSNorm(5)],
)
def test_integers_are_refused(layer):
    with pytest.raises(TypeError, match=r"floating-point entries.*use x.float\(\)"):
        layer(X.long())


# ---- mutants

MUTANTS = [
    ("core", "_Normalize", "d = x - mean if about else x", "d = x - mean"),
    ("core", "_Normalize", "d = x - mean if about else x", "d = x"),
    (
        "core",
        "_Normalize",
        "d.square().mean(dims, keepdim=True)",
        "x.square().mean(dims, keepdim=True) - mean.square()",
    ),
    (
        "core",
        "_Normalize",
        "d.square().mean(dims, keepdim=True)",
        "x.var(dims, keepdim=True)",
    ),
    ("core", "_Normalize", "(var + eps).rsqrt()  #", "1 / (var.sqrt() + eps)  #"),
    ("core", "_Normalize", "(d if about == subtract else x)", "d"),
    ("core", "_Normalize", "(g * x_hat).mean", "(g * d_hat).mean"),
    ("core", "_Normalize", "along, value=-1)", "along, value=1)"),
    ("core", "_Normalize", "if ctx.subtract else g", "if not ctx.subtract else g"),
    ("core", "_Normalize", "grad = r * torch", "grad = torch"),
    ("core", "_Normalize", "g_mean / n", "g_mean"),
    ("core", "_Normalize", "2 * g_var", "g_var"),
    ("core", "_Normalize", "(n * r)", "(n)"),
    ("core", "_Normalize", "2 * along / r", "along / r"),
    ("core", "_Normalize", "x_hat * along)", "d_hat * along)"),
    ("core", "_Normalize", "if ctx.subtract else t", "if True else t"),
    ("core", "_reread", "return x_hat, x_hat - x_hat.mean", "return x_hat, x_hat.mean"),
    ("core", "_reread", "(var + ctx.eps)", "var"),
    ("axes", "norm_axes", '"batch": (0, *positions)', '"batch": (0,)'),
    ("axes", "norm_axes", '"batch": (0, *positions)', '"batch": positions'),
    ("axes", "norm_axes", '"layer": (1, *positions)', '"layer": positions'),
    ("axes", "norm_axes", '"instance": positions', '"instance": (1, *positions)'),
    ("axes", "norm_axes", '"positional": (1,)', '"positional": (1, *positions)'),
    ("axes", "norm_axes", "(2, *(axis + 1", "(1, *(axis + 1"),
    ("batch_norm", "batch_norm", "n / (n - 1) * var", "var"),
    ("batch_norm", "batch_norm", "p = 1 - check_range", "p = check_range"),
    ("batch_norm", "batch_norm", "p * running.mean + (1", "running.mean + (1"),
    ("batch_norm", "batch_norm", "(var + eps).rsqrt()", "(var.sqrt() + eps) ** -1"),
    ("batch_norm", "batch_norm", "if training or running", "if running"),
    ("batch_norm_layer", "BatchNorm", "return 1 / self", "return self"),
    ("batch_norm_layer", "BatchNorm", "tracked.add_(1)", "tracked.add_(2)"),
    ("lp_batch_norm", "_statistics", "d if order == ", "d if order != "),
    ("lp_batch_norm", "_statistics", "size.pow(p).mean", "size.pow(p).sum"),
    ("lp_batch_norm", "_statistics", "size.amax(", "size.mean("),
    ("lp_batch_norm", "_statistics", ").abs()", ")"),
    ("lp_batch_norm", "_divide", ".pow(1 / p)", ".sqrt()"),
    ("lp_batch_norm", "_divide", "(x - mean) / norm", "x / norm"),
    ("lp_batch_norm", "_divide", "moment + eps if", "moment if"),
    ("lp_batch_norm", "LpBatchNorm", "n / (n - 1) if", "1.0 if"),
    ("lp_batch_norm", "LpBatchNorm", "mean.flatten().to", "2 * mean.flatten().to"),
    ("lp_batch_norm", "LpBatchNorm", "lerp_(new, self.momentum)", "copy_(new)"),
    ("lp_batch_norm", "LpBatchNorm", "True, self.momentum", "True, 0.1"),
    ("lp_batch_norm", "LpBatchNorm", "momentum, self.eps", "momentum, 1e-5"),
    ("lp_batch_norm", "LpBatchNorm", "self.p, centred", "2, centred"),
    ("lp_batch_norm", "LpBatchNorm", "self.p == 2 and", "self.p == 1 and"),
    ("lp_fused", "_Lp", "mul_(_per_channel(weight, s) / s)", "div_(s)"),
    ("lp_fused", "_Lp", "y.add_(_per_channel(bias, s))", "y"),
    ("lp_fused", "_Lp", "-inverse * g_gamma", "inverse * g_gamma"),
    ("lp_fused", "_Lp", "-inverse * g_gamma", "-inverse * g_gamma / s"),
    (
        "lp_fused",
        "_Lp",
        "g_x.sum(axes, keepdim=True) / s",
        "g_x.sum(axes, keepdim=True)",
    ),
    ("lp_fused", "_Lp", "g_beta * inverse / n", "g_beta * inverse"),
    ("lp_fused", "_Lp", "value=1 / n", "value=-1 / n"),
    ("lp_fused", "_Lp", "g_x.copy_(-rest)", "g_x.clone().zero_()"),
    ("lp_fused", "_Lp", "k, through_m)", "k, -through_m)"),
    ("lp_fused", "_Lp", "add_product(g_x, g, inverse)", "g_x + g"),
    ("lp_fused", "_Lp", "g_m * unit * pull", "g_m * pull"),
    ("lp_fused", "_Lp", "g_mean / n", "g_mean"),
    ("lp_fused", "_Lp", "_inner(s, ctx.p) * t_m", "t_m"),
    ("lp_fused", "_Lp", "if tangents[1] is not None", "if False"),
    ("lp_fused", "_Lp", "if tangents[2] is not None", "if False"),
    ("lp_fused", "_Lp", "- d * t_s / s.square()", "- d * t_s / s"),
    ("lp_fused", "_Lp", "not torch.is_grad_enabled()", "True"),
    ("lp_fused", "_moment", "size.pow_(p)", "size"),
    ("lp_fused", "_moment", "amax(", "mean("),
    ("lp_fused", "_scale", "m + eps if", "m if"),
    ("lp_fused", "_scale", "pow(1 / p)", "sqrt()"),
    ("lp_fused", "_inner", "s.pow(1 - p) / p", "s.pow(1 - p)"),
    ("lp_fused", "_inner", "s.pow(1 - p) / p", "s.pow(p - 1) / p"),
    ("lp_fused", "_slope", "pow_(p - 1)", "pow_(p)"),
    ("lp_fused", "_slope", "p * m.numel()", "m.numel()"),
    ("lp_fused", "_slope", ".trunc_()", ""),
    ("lp_fused", "_slope", "1 / k.abs().sum(axes, keepdim=True).clamp_min(1)", "1.0"),
    ("lp_fused", "_slope", ".clamp_min(1)", ""),
    ("variance_only_layer_norm", "_Divide", "y = x - mean\n", "y = x.clone()\n"),
    ("variance_only_layer_norm", "_Divide", "(var + eps).rsqrt()", "var.rsqrt()"),
    ("variance_only_layer_norm", "_Divide", "y.copy_(x).mul_(r)", "(x - mean).mul_(r)"),
    ("variance_only_layer_norm", "_Divide", "r, r * mean", "r, mean"),
    ("variance_only_layer_norm", "_Divide", "if torch.is_grad_enabled()", "if False"),
    ("variance_only_layer_norm", "_Divide", "r * grad.mean", "grad.mean"),
    ("variance_only_layer_norm", "_Divide", "copy_(share * mean)", "clone().zero_()"),
    ("variance_only_layer_norm", "_Divide", ", g, r)", ", g, r * r)"),
    ("variance_only_layer_norm", "_Divide", "y, -share)", "y, share)"),
    ("variance_only_layer_norm", "_Divide", "g_r * r.square()", "g_r * r"),
    (
        "variance_only_layer_norm",
        "_Divide",
        "- share * y, -r * share",
        "- share * y, share",
    ),
    ("variance_only_layer_norm", "_Divide", "r * t - share * y", "r * t - share * d"),
    ("noisy_batch_norm", "add_noise", "n_mu * (2 *", "n_mu * ("),
    ("noisy_batch_norm", "add_noise", "mul_(2 * r_mu)", "mul_(r_mu)"),
    ("noisy_batch_norm", "add_noise", "add_(mu - r_mu)", "add_(mu)"),
    ("noisy_batch_norm", "add_noise", "1 + (n_sigma - 1)", "n_sigma"),
    ("noisy_batch_norm", "add_noise", "mul_(r_sigma)", "mul_(r_sigma**0.5)"),
    ("noisy_batch_norm", "add_noise", ".add_(sigma)", ""),
    ("noisy_batch_norm", "NoisyBatchNorm", "if not self.training", "if self.training"),
    ("noisy_batch_norm", "NoisyBatchNorm", ".manual_seed(seed)", ".manual_seed(0)"),
    ("layer_norm", "layer_norm", "range(-len(sizes), 0)", "range(-1, 0)"),
    ("layer_norm", "layer_norm", "range(-len(sizes), 0)", "0"),
    (
        "layer_norm",
        "layer_norm",
        "affine(x_hat, weight, bias)",
        "affine(x_hat, weight, None)",
    ),
    ("rms_norm", "rms_norm", '"about_mean": False', '"about_mean": True'),
    ("rms_norm", "rms_norm", '"subtract_mean": False', '"subtract_mean": True'),
    ("rms_norm", "rms_norm", "torch.float32)).eps", "torch.float32)).tiny"),
    (
        "variance_only_layer_norm",
        "variance_only_layer_norm",
        "subtract_mean=False",
        "subtract_mean=False, about_mean=False",
    ),
    (
        "variance_only_layer_norm",
        "variance_only_layer_norm",
        ", subtract_mean=False",
        "",
    ),
    ("simple_layer_norm", "simple_layer_norm", "range(-len(sizes), 0)", "range(-1, 0)"),
    ("group_norm", "group_norm", "(num_groups, size)", "(size, num_groups)"),
    (
        "group_norm",
        "group_norm",
        "weight, bias, channels=True",
        "weight, None, channels=True",
    ),
    ("instance_norm", "instance_norm", "range(2, x.ndim)", "range(1, x.ndim)"),
    ("instance_norm", "instance_norm", "range(2, x.ndim)", "(0, *range(2, x.ndim))"),
    ("positional_norm", "positional_norm", '"positional"', '"layer"'),
    (
        "positional_norm",
        "PositionalNorm",
        "self.weight, self.bias,",
        "self.weight, None,",
    ),
    ("weight_norm", "weight_norm", "g * v / _lengths(v, dim)", "g * v"),
    ("weight_norm", "weight_norm", "_lengths(v, dim)", "_lengths(v, dim).detach()"),
    ("weight_norm", "_lengths", "axis != dim % v.ndim", "axis == dim % v.ndim"),
    ("weight_norm", "_lengths", "axis != dim % v.ndim", "True"),
    ("rnn_cell", "layer_norm_rnn_step", "h @ weight_hh.mT", "h @ weight_hh"),
    ("rnn_cell", "layer_norm_rnn_step", "h @ weight_hh.mT + ", ""),
    ("rnn_cell", "layer_norm_rnn_step", "weight, bias, eps", "None, bias, eps"),
    ("rnn_cell", "LayerNormRNNCell", "(self.norm(a))", "(a)"),
    ("rnn_cell", "LayerNormRNNCell", "self.linear_hh(h) + ", ""),
    ("_layer", "affine", "torch.addcmul(bias, x_hat, weight)", "x_hat * weight"),
    ("_layer", "affine", "y = x_hat * weight", "y = x_hat"),
    ("_layer", "add_product", "torch.addcmul(total, a, b)", "total + a"),
    ("_layer", "add_product", "total.addcmul_(a, b)", "total.addcmul_(a, b, value=-1)"),
    ("_layer", "per_channel", "view(-1, *(1,) * (ndim - 2))", "view(-1)"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), norm)
    assert is_killed(CHECKS, right, old, new, places)


def test_the_checks_pass_without_a_mutant():
    for check in CHECKS:
        check()


def test_normalize_takes_one_axis_or_several():
    x = draw(3, 4, 5)
    close(norm.normalize(x, 1).output, norm.normalize(x, (1,)).output)
    assert isinstance(norm.normalize(x, 1), core.Normalized)
