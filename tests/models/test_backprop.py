"""Backpropagation by hand against autograd, differences, and its mutants."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from coursekit import models
from coursekit.device import generator
from coursekit.layers import ACTIVATIONS, activation

EXACT = {"rtol": 1e-12, "atol": 1e-14}
LAW = settings(max_examples=25, deadline=None)
KINKED = ("relu", "leaky_relu", "hard_tanh", "elu", "selu")
LOSSES = {"cross_entropy": F.cross_entropy, "mse": F.mse_loss}
SETTINGS = [
    *(nn.ReLU(), nn.LeakyReLU(0.3), nn.ELU(0.7), nn.GELU(approximate="tanh")),
    *(nn.Softplus(2.0, 3.0), nn.Hardtanh(-0.5, 2.0)),
]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def make(widths, phi="tanh", seed=0, **options):
    model = models.MLP(widths, phi, **options).double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(random(*p.shape, seed=seed + 100 * i))
    return model


def data(n=6, d_in=3, d_out=4, seed=5):
    y = torch.randint(d_out, (n,), generator=generator(seed))
    return random(n, d_in, seed=seed), y, random(n, d_out, seed=seed + 1)


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


def check_every_gradient_is_autograds():
    x, y, target = data()
    for phi in (*ACTIVATIONS, *(lambda phi=phi: phi for phi in SETTINGS)):
        for loss in LOSSES:
            model, wanted = (
                make([3, 5, 7, 4], phi),
                y if loss == "cross_entropy" else target,
            )
            found = models.manual_backprop_mlp(model, x, wanted, loss=loss)
            value = LOSSES[loss](model(x), wanted)
            close(found.loss, value.detach())
            grads = torch.autograd.grad(value, list(model.parameters()))
            close(found.weights, list(grads[::2]))
            close(found.biases, list(grads[1::2]))


def check_every_delta_is_the_gradient_at_its_layer():
    x, y, _ = data()
    model = make([3, 5, 7, 4])
    z1 = model.linear1(x)
    z2 = model.linear2(model.act1(z1))
    z3 = model.linear3(model.act2(z2))
    loss = F.cross_entropy(z3, y)
    deltas = models.manual_backprop_mlp(model, x, y).deltas
    close(deltas, list(torch.autograd.grad(loss, [z1, z2, z3])))
    assert [tuple(delta.shape) for delta in deltas] == [(6, 5), (6, 7), (6, 4)]


def check_depths_and_missing_biases():
    x, y, _ = data()
    for widths in ([3, 4], [3, 5, 4], [3, *[5] * 6, 4]):
        model = make(widths, bias=False)
        found = models.manual_backprop_mlp(model, x, y)
        loss = F.cross_entropy(model(x), y)
        close(found.weights, list(torch.autograd.grad(loss, list(model.parameters()))))
        assert found.biases == [None] * (len(widths) - 1)
        assert len(found.deltas) == len(widths) - 1


def check_weights_may_be_given_instead_of_a_model():
    x, y, _ = data()
    for phi in ("relu", "sigmoid"):
        model = make([3, 5, 4], phi)
        pairs = [(p.weight, p.bias) for p in (model.linear1, model.linear2)]
        given_model = models.manual_backprop_mlp(model, x, y)
        close(
            models.manual_backprop_mlp(pairs, x, y, activation=phi).weights,
            given_model.weights,
        )
        if phi == "relu":
            close(models.manual_backprop_mlp(pairs, x, y).weights, given_model.weights)


def check_leading_axes_are_models():
    x, y, target = data()
    nets = [make([3, 5, 4], seed=seed) for seed in range(3)]
    layers = [
        tuple(
            torch.stack([getattr(getattr(net, part), kind) for net in nets]).detach()
            for kind in ("weight", "bias")
        )
        for part in ("linear1", "linear2")
    ]
    for loss, wanted in (("cross_entropy", y), ("mse", target)):
        looped = [models.manual_backprop_mlp(net, x, wanted, loss=loss) for net in nets]
        many = wanted.expand(3, *wanted.shape)
        found = models.manual_backprop_mlp(
            layers, x, many, activation="tanh", loss=loss
        )
        close(found.loss, torch.stack([one.loss for one in looped]))
        for kind in ("weights", "biases", "deltas"):
            for l in range(2):
                stacked = torch.stack([getattr(one, kind)[l] for one in looped])
                close(getattr(found, kind)[l], stacked)


def check_slopes_are_autograds_also_at_kinks_and_far_out():
    z = torch.tensor([
        -40,
        -20,
        -3,
        -2,
        -1,
        -0.5,
        -1e-9,
        0,
        1e-9,
        0.5,
        1,
        2,
        1.5,
        3,
        30,
    ])
    z = torch.cat([z.double(), random(50)])
    for phi in (*map(activation, ACTIVATIONS), *SETTINGS):
        x = z.clone().requires_grad_()
        (expected,) = torch.autograd.grad(phi(x).sum(), x)
        got = models.slope(phi, z)
        close(got, expected, rtol=1e-11)
        for low in (torch.float32, torch.bfloat16):
            assert models.slope(phi, z.to(low)).dtype == low


def check_a_layer_by_hand_has_first_and_second_derivatives():
    a, W, b = random(4, 3, seed=1), random(5, 3, seed=2), random(5, seed=3)
    for phi in ("tanh", "sigmoid", "softplus", "gelu", "silu", "relu"):
        act = activation(phi)
        close(models.manual_layer(a, W, b, act), act(a @ W.T + b))
        close(models.manual_layer(a, W, None, act), act(a @ W.T))
        leaves = [t.clone().requires_grad_() for t in (a, W, b)]

        def layer(a, W, b, act=act):
            return models.manual_layer(a, W, b, act)

        assert torch.autograd.gradcheck(layer, leaves)
        assert torch.autograd.gradgradcheck(layer, leaves)
    more = random(2, 4, 3)
    leaves = [t.clone().requires_grad_() for t in (more, W, b)]
    assert torch.autograd.gradcheck(
        lambda a, W, b: models.manual_layer(a, W, b, nn.Tanh()), leaves
    )


def check_an_mlp_by_hand_is_the_mlp():
    x, y, _ = data()
    for options in ({}, {"bias": False}):
        model = make([3, 5, 7, 4], **options)
        close(models.manual_forward_mlp(model, x), model(x))
        ours = F.cross_entropy(models.manual_forward_mlp(model, x), y)
        theirs = F.cross_entropy(model(x), y)
        parameters = list(model.parameters())
        first = torch.autograd.grad(ours, parameters, create_graph=True)
        right = torch.autograd.grad(theirs, parameters, create_graph=True)
        close(first, right)
        v = [random(*p.shape, seed=9) for p in parameters]
        dots = [
            sum((g * u).sum() for g, u in zip(gs, v, strict=True))
            for gs in (first, right)
        ]
        products = [torch.autograd.grad(dot, parameters) for dot in dots]
        close(*products)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_backprop(check):
    check()


@LAW
@given(
    st.integers(0, 10**6), st.sampled_from([n for n in ACTIVATIONS if n not in KINKED])
)
def test_the_gradient_agrees_with_differences(seed, phi):
    x, y, _ = data(seed=seed)
    model = make([3, 4, 4], phi, seed)
    pairs = [
        (p.weight.detach(), p.bias.detach()) for p in (model.linear1, model.linear2)
    ]
    grad = models.manual_backprop_mlp(pairs, x, y, activation=phi).weights[0]
    v, h = random(*grad.shape, seed=seed + 1), 1e-6
    (W, b), last = pairs
    up, down = (
        models.manual_backprop_mlp(
            [(W + s * h * v, b), last], x, y, activation=phi
        ).loss
        for s in (1, -1)
    )
    assert ((up - down) / (2 * h)).item() == pytest.approx(
        (grad * v).sum().item(), rel=1e-4, abs=1e-7
    )


@LAW
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_the_mean_over_a_batch_is_the_mean_of_its_examples(seed, n):
    x, y, _ = data(n, seed=seed)
    model = make([3, 5, 4], seed=seed)
    whole = models.manual_backprop_mlp(model, x, y)
    singles = [
        models.manual_backprop_mlp(model, x[i : i + 1], y[i : i + 1]) for i in range(n)
    ]
    close(whole.weights[0], sum(one.weights[0] for one in singles) / n, atol=1e-12)
    close(
        whole.deltas[0], torch.cat([one.deltas[0] for one in singles]) / n, atol=1e-12
    )


def test_the_slope_of_the_sigmoid_is_a_quarter_at_most_and_that_of_tanh_one():
    z = torch.linspace(-30, 30, 6001, dtype=torch.float64)
    for phi, top in ((nn.Sigmoid(), 0.25), (nn.Tanh(), 1.0)):
        slopes = models.slope(phi, z)
        assert slopes.max().item() == pytest.approx(top)
        assert z[slopes.argmax()].abs() < 1e-9
        assert slopes[[0, -1]].max() < 1e-12


def test_without_the_matrix_no_gradient_could_explode():
    """K-38: δ grows with the weights although no slope is above 1."""
    x, y, _ = data(d_in=8)
    model = make([8, *[8] * 10, 4])
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(0.1)
        for l in range(2, 11):  # orthogonal and too large, on small signals
            weight = getattr(model, f"linear{l}").weight
            weight.copy_(2 * torch.linalg.qr(random(8, 8, seed=l))[0])
        model.linear1.weight.mul_(1e-4)
        for name, p in model.named_parameters():
            if "bias" in name:
                p.zero_()
    sizes = [
        delta.norm().item() for delta in models.manual_backprop_mlp(model, x, y).deltas
    ]
    assert sizes[0] > 100 * sizes[-2]


def test_stacked_layers_by_hand_equal_the_loop():
    a, W, b = random(3, 4, 2), random(3, 5, 2, seed=1), random(3, 5, seed=2)

    def loss(a, W, b):
        return models.manual_layer(a, W, b, nn.Tanh()).square().sum()

    stacked = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1, 2)))(a, W, b)
    for k in range(3):
        looped = torch.func.grad(loss, argnums=(0, 1, 2))(a[k], W[k], b[k])
        close([t[k] for t in stacked], list(looped))


def test_nothing_is_changed_and_no_graph_is_kept():
    x, y, _ = data()
    model = make([3, 5, 4]).train()
    before = [p.clone() for p in model.parameters()]
    found = models.manual_backprop_mlp(model, x.requires_grad_(), y)
    assert x.grad is None
    assert all(p.grad is None for p in model.parameters())
    assert all(map(torch.equal, model.parameters(), before))
    assert not any(t.requires_grad for t in (found.loss, *found.weights, *found.deltas))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_are_kept(dtype):
    x, y, _ = data()
    model = make([3, 5, 4]).to(dtype)
    found = models.manual_backprop_mlp(model, x.to(dtype), y)
    exact = models.manual_backprop_mlp(model.double(), x, y)
    assert {t.dtype for t in (found.loss, *found.weights, *found.deltas)} == {dtype}
    rtol = 40 * torch.finfo(dtype).eps
    close(found.weights[0].double(), exact.weights[0], rtol=rtol, atol=rtol)


X, Y, T = data()
NET = make([3, 5, 4])
PAIRS = [(NET.linear1.weight, None), (NET.linear2.weight, None)]
BAD = [
    (
        lambda: models.manual_backprop_mlp(NET, X, Y, loss="hinge"),
        ValueError,
        "loss: exp",
    ),
    (lambda: models.manual_backprop_mlp(NET, X[:, :2], Y), ValueError, r"and \(6, 2\)"),
    (lambda: models.manual_backprop_mlp(NET, X[0], Y), ValueError, r"and \(3,\)"),
    (lambda: models.manual_backprop_mlp(NET, X[:0], Y[:0]), ValueError, "an example"),
    (lambda: models.manual_backprop_mlp([], X, Y), ValueError, r"got \[\]"),
    (
        lambda: models.manual_backprop_mlp(PAIRS[::-1], X, Y),
        ValueError,
        "follow one an",
    ),
    (lambda: models.manual_backprop_mlp(NET, X, Y + 9), ValueError, "classes 0 to 3"),
    (lambda: models.manual_backprop_mlp(NET, X, Y[:4]), ValueError, "target: expected"),
    (
        lambda: models.manual_backprop_mlp(NET, X, T[:, :1], loss="mse"),
        ValueError,
        r"the shape of the output, \(6, 4\), got \(6, 1\)",
    ),
    (
        lambda: models.manual_backprop_mlp(models.ResidualMLP(3, 4, 1, 2), X, Y),
        TypeError,
        "expected an MLP of linear maps and activations in turn, got ResidualMLP",
    ),
    (
        lambda: models.manual_backprop_mlp(
            models.MLP([3, 5, 4], norm=nn.LayerNorm), X.float(), Y
        ),
        TypeError,
        "norms and other layers",
    ),
    (
        lambda: models.manual_backprop_mlp(
            models.MLP([3, 5, 4], "identity", layer=models.Maxout), X.float(), Y
        ),
        TypeError,
        "Maxout",
    ),
    (
        lambda: models.manual_backprop_mlp(make([3, 5, 4], nn.Mish), X, Y),
        TypeError,
        "Mish",
    ),
    (
        lambda: models.manual_backprop_mlp(
            make([3, 5, 4], lambda: nn.ReLU(inplace=True)), X, Y
        ),
        TypeError,
        "inplace=True",
    ),
    (lambda: models.slope(nn.Mish(), X), TypeError, "its slope is not known"),
    (lambda: models.manual_layer(X, X.T, None, nn.ReLU()), ValueError, "n_out, n_in"),
    (
        lambda: models.manual_layer(X[0], X, None, nn.ReLU()),
        ValueError,
        "a single exam",
    ),
    (lambda: models.manual_layer(X, X, None, nn.Mish()), TypeError, "Mish"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_divergence_is_not_hidden():
    found = models.manual_backprop_mlp(NET, X * math.inf, Y)
    assert math.isnan(found.loss.item())
    assert bool(found.weights[0].isnan().any())


B, M = "backprop", "manual_backprop_mlp"
MUTANTS = [
    (B, M, "a[-1] @ W.mT +", "a[-1] @ W.mT -"),
    (B, M, "phi[l - 1](z[-1])", "z[-1]"),
    (B, M, "delta @ W)", "delta @ W.sign())"),
    (B, M, "(delta @ W) * slope(phi[l - 1], z[l - 1])", "delta @ W"),
    (B, M, "slope(phi[l - 1], z[l - 1])", "slope(phi[l - 1], a[l])"),
    (B, M, "delta.mT @ a[l]", "delta.mT @ a[l] / len(x)"),
    (B, M, "delta.sum(-2)", "delta.mean(-2)"),
    (B, M, "deltas.insert(0, delta)", "deltas.append(delta)"),
    (B, M, "weights.insert(0, ", "weights.insert(len(weights), "),
    (B, M, "if l > 0", "if l > 1"),
    (B, M, "if l < len(layers)", "if l <= len(layers)"),
    (B, M, '= "relu"', '= "tanh"'),
    (B, M, 'loss: str = "cross_entropy"', 'loss: str = "mse"'),
    (B, "_cross_entropy", ".mean(-1)", ".sum(-1)"),
    (B, "_cross_entropy", "/ o.shape[-2]", ""),
    (B, "_cross_entropy", "/ o.shape[-2]", "/ o.shape[-1]"),
    (B, "_mse", "2 * error", "error"),
    (B, "_mse", "o.shape[-1] * o.shape[-2]", "o.shape[-2]"),
    (B, "_mse", "error = o - y", "error = y - o"),
    (B, "_mse", "mean((-2, -1))", "mean()"),
    ("slopes", "_relu", "z > 0", "z >= 0"),
    ("slopes", "_leaky_relu", "z > 0", "z >= 0"),
    ("slopes", "_leaky_relu", "phi.negative_slope", "0.01"),
    ("slopes", "_hard_tanh", "z > phi.min_val", "z >= phi.min_val"),
    ("slopes", "_hard_tanh", "z < phi.max_val", "z <= phi.max_val"),
    ("slopes", "_elu", "phi.alpha * ", ""),
    ("slopes", "_elu", "z > 0", "z >= 0"),
    ("slopes", "_selu", "SELU_SCALE * ", ""),
    ("slopes", "_selu", "SELU_ALPHA * ", ""),
    ("slopes", "_sigmoid", "p * (1 - p)", "p"),
    ("slopes", "_tanh", ".square()", ".abs()"),
    ("slopes", "_softplus", "torch.sigmoid(phi.beta * z)", "torch.sigmoid(z)"),
    ("slopes", "_softplus", "> phi.threshold", "> 20"),
    ("slopes", "_silu", "p + z *", "p - z *"),
    ("slopes", "_silu", "(1 - p)", "(1 + p)"),
    ("slopes", "_gelu", "+ z * density", ""),
    ("slopes", "_gelu", "0.044715", "0.044"),
    ("slopes", "_gelu", "3 * cube", "cube"),
    ("slopes", "_gelu", "math.sqrt(2 * math.pi)", "math.sqrt(math.pi)"),
    ("slopes", "_identity", "ones_like", "zeros_like"),
    (
        "backprop_function",
        "_Layer",
        "slope(ctx.phi, a @ W.mT + b)",
        "slope(ctx.phi, a @ W.mT)",
    ),
    ("backprop_function", "_Layer", "grads[0] * slope", "slope"),
    (
        "backprop_function",
        "_Layer",
        "slope(ctx.phi, a @ W.mT + b)",
        "slope(ctx.phi, (a @ W.mT + b).detach())",
    ),
    ("backprop_function", "_Layer", "delta @ W,", "grads[0] @ W,"),
    (
        "backprop_function",
        "_Layer",
        "rows.mT @ a.flatten(0, -2)",
        "rows.mT @ a.flatten(0, -2).detach()",
    ),
    ("backprop_function", "_Layer", "rows.sum(0)", "rows.mean(0)"),
    ("backprop_function", "_Layer", "return phi(z)", "return z"),
    (
        "backprop_function",
        "manual_forward_mlp",
        "[*phi, nn.Identity()]",
        "[*phi, nn.Tanh()]",
    ),
]


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, name, old, new):
    assert not survives(page, name, old, new, CHECKS)
