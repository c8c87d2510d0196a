"""Maxout and the small CNN against their equations, and the mutants these kill."""

import math
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit import models, norm
from coursekit.layers import ACTIVATIONS, ALIASES, activation

EXACT = {"rtol": 1e-12, "atol": 1e-13}
LAW = settings(max_examples=30, deadline=None)


def random(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def fill(model, seed=0):
    """Give every parameter new values, biases included."""
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=seed + 100 * i) / 2)
    return model


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


# ---- Maxout


def check_maxout_is_its_equations():
    for pieces in (1, 2, 3, 5):
        layer = fill(models.Maxout(4, 3, pieces).double())
        x = random(2, 7, 4)
        W = layer.linear.weight.detach().numpy().reshape(3, pieces, 4)
        b = layer.linear.bias.detach().numpy().reshape(3, pieces)
        z = np.einsum("jki,rsi->rsjk", W, x.numpy()) + b
        close(layer(x), torch.from_numpy(z.max(-1)))


def check_two_pieces_are_the_default_and_one_is_linear():
    assert models.Maxout(4, 3).linear.weight.shape == (6, 4)
    assert models.maxout(torch.tensor([3.0, 1.0, 0.0, 2.0])).tolist() == [3, 2]
    layer = fill(models.Maxout(4, 3, 1).double())
    x = random(5, 4)
    close(layer(x), layer.linear(x))


def check_relu_leaky_and_absolute_value_are_maxouts():
    z = torch.linspace(-3, 3, 13, dtype=torch.float64)[:, None]
    for weights, expected in (
        ([1.0, 0.0], z.relu()),
        ([1.0, -1.0], z.abs()),
        ([1.0, 0.1], activation("leaky", negative_slope=0.1)(z)),
    ):
        layer = models.Maxout(1, 1, 2).double()
        with torch.no_grad():
            layer.linear.weight.copy_(torch.tensor(weights, dtype=z.dtype)[:, None])
            layer.linear.bias.zero_()
        close(layer(z), expected)


def check_parameters_of_maxout():
    for pieces in (1, 2, 4):
        layer = models.Maxout(7, 5, pieces)
        assert models.count_params(layer) == pieces * 5 * (7 + 1)
        without = models.Maxout(7, 5, pieces, bias=False)
        assert models.count_params(without) == pieces * 5 * 7


def check_maxout_stands_in_an_mlp():
    model = models.MLP([3, 5, 4, 2], "identity", layer=partial(models.Maxout, pieces=3))
    assert [type(part).__name__ for part in model] == [
        *("Maxout", "Identity", "Maxout", "Identity", "Linear")
    ]
    assert model.linear2.pieces == 3
    model = fill(model.double())
    x = random(6, 3)
    a = model.linear2(model.linear1(x))
    close(model(x), a @ model.linear3.weight.T + model.linear3.bias)
    flat = models.MLP([3, 5, 2], "identity", layer=models.Maxout, bias=False)
    assert not [name for name, _ in flat.named_parameters() if "bias" in name]


@LAW
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 5))
def test_a_maxout_unit_is_convex(seed, t, pieces):
    layer = fill(models.Maxout(3, 4, pieces).double(), seed=seed)
    x, y = random(8, 3, seed=seed + 1), random(8, 3, seed=seed + 2)
    between = layer(t * x + (1 - t) * y)
    assert bool((between <= t * layer(x) + (1 - t) * layer(y) + 1e-9).all())


def test_a_maxout_unit_is_linear_between_its_kinks():
    layer = fill(models.Maxout(1, 6, 4).double())
    z = torch.linspace(-4, 4, 4001, dtype=torch.float64)[:, None]
    bends = layer(z).diff(dim=0).diff(dim=0).abs() > 1e-9
    # k lines cross at most k - 1 times on their upper edge; a kink spans two steps
    assert int(bends.sum(0).max()) <= 2 * 3


def test_the_gradient_reaches_one_piece_of_a_unit_and_ties_share_it():
    layer = fill(models.Maxout(3, 4, 3).double())
    x = random(1, 3)
    layer(x).sum().backward()
    rows = layer.linear.weight.grad.reshape(4, 3, 3).norm(dim=-1)
    assert ((rows > 0).sum(-1) == 1).all()
    z = torch.zeros(4, requires_grad=True)
    models.maxout(z).sum().backward()
    assert z.grad.tolist() == [0.5] * 4
    assert torch.autograd.gradcheck(models.maxout, random(3, 6).requires_grad_())


# ---- CNN


def convolve(a, W, b):
    """Cross-correlate with zeros around, [C, *places], by loops."""
    a, W, b = a.numpy(), W.detach().numpy(), b.detach().numpy()
    reach = W.shape[-1] // 2
    places, dims = a.shape[1:], a.ndim - 1
    padded = np.pad(a, [(0, 0), *[(reach, reach)] * dims])
    z = np.zeros((len(W), *places))
    for c, p in product(range(len(W)), np.ndindex(places)):
        window = tuple(slice(i, i + 2 * reach + 1) for i in p)
        z[c, *p] = (W[c] * padded[:, *window]).sum() + b[c]
    return z


def halve(a):
    """Keep the largest of 2 or 2 x 2 neighbours; a last odd place is dropped."""
    places = [size // 2 for size in a.shape[1:]]
    out = np.full((len(a), *places), -np.inf)
    for p in np.ndindex(*places):
        window = tuple(slice(2 * i, 2 * i + 2) for i in p)
        out[:, *p] = a[:, *window].reshape(len(a), -1).max(-1)
    return out


def check_cnn_is_its_equations():
    for dims, size, kernel, phi in (
        *((2, 8, 3, np.tanh), (1, 11, 5, np.tanh), (2, 5, 1, np.tanh)),
        (1, 9, 3, lambda z: np.maximum(z, 0)),
    ):
        act = "tanh" if phi is np.tanh else "relu"
        options = {"dims": dims, "size": size, "kernel": kernel, "in_channels": 2}
        model = fill(models.SmallCNN((3, 4), 5, act, **options).double())
        x = random(2, 2, *(size,) * dims)
        for r in range(2):
            a = x[r]
            for conv in (model.features.conv1, model.features.conv2):
                a = torch.from_numpy(halve(phi(convolve(a, conv.weight, conv.bias))))
            o = model.head.weight @ a.flatten() + model.head.bias
            close(model(x)[r], o)


def check_counts_of_the_networks_that_are_compared():
    assert models.count_params(models.SmallCNN()) == 160 + 4640 + 1290 == 6090
    assert models.count_params(models.MLP([64, 64, 32, 10])) == 6570
    assert models.count_params(models.SmallCNN(dims=1)) == 96 + 2592 + 3210
    assert models.SmallCNN().features.conv1.kernel_size == (3, 3)
    assert models.SmallCNN(dims=1).features.conv1.kernel_size == (5,)
    assert isinstance(models.SmallCNN().features.act2, nn.ReLU)


def check_flat_input_is_the_same_and_the_size_is_checked():
    model = fill(models.SmallCNN().double())
    x = random(3, 64)
    close(model(x), model(x.reshape(3, 1, 8, 8)))
    signal = fill(models.SmallCNN(dims=1).double())
    close(signal(random(3, 40)), signal(random(3, 40).reshape(3, 1, 40)))
    with pytest.raises(
        ValueError, match=r"\[N, 1, 8, 8\] or the same flat, got \(3, 8"
    ):
        model(x.reshape(3, 8, 8))
    with pytest.raises(ValueError, match="give size= and in_channels="):
        model(random(3, 40))


def check_norm_stands_before_the_activation_on_the_channels():
    model = models.SmallCNN((4, 6), norm=norm.BatchNorm)
    names = [name for name, _ in model.features.named_children()]
    assert names == [
        *("conv1", "norm1", "act1", "pool1", "conv2", "norm2", "act2", "pool2")
    ]
    assert model.features.norm2.num_features == 6
    x = random(5, 64)
    for make in (partial(norm.GroupNorm, 2), norm.PositionalNorm):
        assert models.SmallCNN((4, 6), norm=make).double()(x).shape == (5, 10)


def check_a_shift_of_the_image_shifts_the_first_layer():
    model = fill(models.SmallCNN().double())
    x = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    x[..., 2:5, 2:5] = random(3, 3)
    moved = x.roll((1, 2), (-2, -1))
    conv = model.features.conv1
    close(conv(moved), conv(x).roll((1, 2), (-2, -1)))


def check_an_empty_batch_passes():
    assert models.SmallCNN()(torch.zeros(0, 64)).shape == (0, 10)
    assert models.Maxout(3, 4)(torch.zeros(0, 3)).shape == (0, 4)


# ---- activations by name


def check_leaky_is_leaky_relu_and_its_slope_can_be_set():
    z = torch.tensor([-2.0, 3.0])
    assert repr(models.activation("leaky")) == repr(nn.LeakyReLU(0.01))
    assert models.activation("leaky", negative_slope=0.25)(z).tolist() == [-0.5, 3.0]
    steep = partial(models.activation, "leaky", negative_slope=0.5)
    assert repr(models.MLP([2, 3, 1], steep).act1) == repr(nn.LeakyReLU(0.5))
    assert isinstance(models.MLP([2, 3, 1], "leaky").act1, nn.LeakyReLU)
    assert set(ALIASES) == {"leaky"}
    assert not set(ALIASES) & set(ACTIVATIONS)


def check_parameters_of_an_activation_reach_it():
    elu = models.activation("elu", alpha=0.5)
    assert elu(torch.tensor([-50.0])).tolist() == [-0.5]
    assert models.activation("gelu", approximate="tanh").approximate == "tanh"
    wide = models.activation("hard_tanh", min_val=-2.0, max_val=3.0)
    assert wide(torch.tensor([-9.0, 9.0])).tolist() == [-2, 3]
    with pytest.raises(ValueError, match="it is NaN"):
        models.activation("leaky", negative_slope=math.nan)
    with pytest.raises(TypeError, match="does not have; it has none"):
        models.activation("tanh", alpha=1.0)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_feedforward(check):
    check()


X = torch.zeros(2, 3)
BAD = [
    (lambda: activation("leeky"), ValueError, "activation: expected one of 'identity'"),
    (lambda: activation("relu", slope=1.0), TypeError, "'relu', got one .*inplace"),
    (lambda: activation("tanh", slope=1.0), TypeError, "it has none"),
    (lambda: activation("leaky", negative_slope=math.nan), ValueError, "it is NaN"),
    (lambda: activation("leaky", negative_slope="1"), TypeError, "negative_slope"),
    (lambda: models.Maxout(3, 4, 0), ValueError, "pieces: expected an integer >= 1"),
    (lambda: models.Maxout(3, 0), ValueError, "n_out: expected"),
    (lambda: models.Maxout(0, 3), ValueError, "n_in: expected"),
    (lambda: models.Maxout(3, 4, 1.5), TypeError, "pieces: expected an integer"),
    (lambda: models.maxout(X), ValueError, r"last axis that 2 pieces divide, got .*3"),
    (lambda: models.maxout(torch.tensor(1.0)), ValueError, r"got shape \(\)"),
    (lambda: models.maxout(X, 0), ValueError, "pieces"),
    (lambda: models.SmallCNN(dims=3), ValueError, "dims: expected one of 1, 2"),
    (lambda: models.SmallCNN(kernel=4), ValueError, "an odd kernel.*kernel=4"),
    (lambda: models.SmallCNN((2, 2, 2, 2)), ValueError, "after one halving or more"),
    (lambda: models.SmallCNN(()), ValueError, r"channels=\(\)"),
    (lambda: models.SmallCNN((2, 0)), ValueError, r"channels\[1\]: expected"),
    (lambda: models.SmallCNN(n_classes=0), ValueError, "n_classes: expected"),
    (lambda: models.SmallCNN(in_channels=0), ValueError, "in_channels: expected"),
    (lambda: models.SmallCNN(size=0), ValueError, "size: expected"),
    (lambda: models.SmallCNN(size=8.0), TypeError, "size: expected an integer"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_the_smallest_input_has_one_place_left():
    assert models.SmallCNN((2, 2, 2)).head.in_features == 2
    assert models.SmallCNN((2, 2, 2), size=15).head.in_features == 2


MUTANTS = [
    ("layers", "activation", "ALIASES.get(name, name)", "name"),
    ("layers", "activation", "return make(**kwargs)", "return make()"),
    ("layers", "activation", "if key not in known", "if False"),
    ("layers", "activation", "isinstance(known[key], float)", "False"),
    ("layers", "activation", "isinstance(known[key], float)", "True"),
    ("maxout", "maxout", "amax(-1)", "mean(-1)"),
    ("maxout", "maxout", "amax(-1)", "amin(-1)"),
    ("maxout", "maxout", "amax(-1)", "amax(-2)"),
    (
        "maxout",
        "maxout",
        "z.shape[-1] // k, k).amax(-1)",
        "k, z.shape[-1] // k).amax(-2)",
    ),
    ("maxout", "maxout", "pieces: int = 2", "pieces: int = 1"),
    ("maxout", "Maxout", "pieces: int = 2", "pieces: int = 3"),
    ("maxout", "Maxout", "maxout(z, self.pieces)", "maxout(z)"),
    ("maxout", "Maxout", "rows, bias=bias", "rows"),
    ("maxout", "Maxout", '("n_out", n_out) * self.pieces', '("n_out", n_out) * 2'),
    ("mlp", "MLP", "nn.Linear if l == last else layer", "layer"),
    ("mlp", "MLP", "nn.Linear if l == last else layer", "nn.Linear"),
    ("mlp", "MLP", "make(n_in, n_out, bias=bias)", "make(n_in, n_out)"),
    ("cnn", "SmallCNN", "padding=kernel // 2", "padding=0"),
    ("cnn", "SmallCNN", "padding=kernel // 2", "padding=1"),
    ("cnn", "SmallCNN", "POOL[dims](2)", "POOL[dims](2, stride=1)"),
    ("cnn", "SmallCNN", "POOL[dims](2)", "nn.AdaptiveMaxPool2d(size // 2**l)"),
    ("cnn", "SmallCNN", "size // 2 ** len(channels)", "size // 2"),
    ("cnn", "SmallCNN", "left**dims", "left"),
    ("cnn", "SmallCNN", "(16, 32)", "(16, 16)"),
    ("cnn", "SmallCNN", "(16, 32)", "(8, 32)"),
    ("cnn", "SmallCNN", "n_classes: int = 10", "n_classes: int = 2"),
    ("cnn", "SmallCNN", "in_channels: int = 1", "in_channels: int = 3"),
    ("cnn", "SmallCNN", "dims: int = 2", "dims: int = 1"),
    ("cnn", "SmallCNN", '= "relu"', '= "tanh"'),
    ("cnn", "SmallCNN", "norm(n_out)", "norm(n_in)"),
    ("cnn", "SmallCNN", "KERNEL[dims] if kernel is None", "3 if kernel is None"),
    ("cnn", "SmallCNN", "SIZE[dims] if size is None", "8 if size is None"),
    ("cnn", "SmallCNN", "return self.head(a.f", "return self.head(a.relu().f"),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
