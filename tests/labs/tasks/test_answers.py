"""Right answers written in other ways than the reference are accepted."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import cross_entropy

from coursekit import models
from coursekit.labs import LocalCaller, check, exercise
from coursekit.labs.tasks.mlp_backward import PHI


def with_hooks(model, X, y):
    """Use hooks and `retain_grad`, and torch's default deviation."""
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    z, a = [], []

    def keep(module, args, out):
        out.retain_grad()
        z.append(out)
        a.append(args[0])

    handles = [m.register_forward_hook(keep) for m in linear]
    cross_entropy(model(X), y).backward()
    for handle in handles:
        handle.remove()
    return [t.std() for t in a[1:]], [t.grad.std() for t in z[:-1]]


def as_one_tensor(model, X, y):
    return torch.tensor([[v.item() for v in side] for side in with_hooks(model, X, y)])


def as_arrays(model, X, y):
    return tuple(np.array([v.item() for v in s]) for s in with_hooks(model, X, y))


def torch_he(shape, mode, a):
    gain = nn.init.calculate_gain("leaky_relu", a)
    return gain / nn.init._calculate_correct_fan(torch.empty(shape), mode) ** 0.5


def torch_glorot(shape):
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    return torch.tensor(2 / (fan_in + fan_out), dtype=torch.float64).sqrt()


def numpy_rank(W_after):
    s = np.linalg.svd(W_after.numpy(), compute_uv=False)
    return (s / s.max() > 1e-4).sum()


def torch_rank(W_after):
    return torch.linalg.matrix_rank(W_after, rtol=1e-4)


def zero_with_init(res_model):
    for block in res_model.blocks:
        nn.init.zeros_(block.branch.linear2.weight)
        nn.init.zeros_(block.branch[-1].bias)
    return res_model


def zero_a_copy(res_model):
    return zero_with_init(copy.deepcopy(res_model))


def backward_by_model(params, X, y):
    layers = [(W, b) for W, b, _ in params]
    net = models.MLP([X.shape[1], *(len(b) for _, b in layers)], "identity").double()
    for (W, b), linear in zip(layers, net[::2], strict=True):
        linear.weight.data, linear.bias.data = W, b
    for (_, _, phi), part in zip(params, list(net)[1::2], strict=False):
        part.forward = PHI[phi]
    cross_entropy(net(X), y).backward()
    return [p.grad for p in net.parameters()]


def backward_by_hand(params, X, y):
    """Use the slopes in terms of a, and NumPy."""
    slopes = {
        "tanh": lambda a: 1 - a * a,
        "sigmoid": lambda a: a * (1 - a),
        "relu": lambda a: np.sign(a),
    }
    a = [X.numpy()]
    for W, b, phi in params:
        z = torch.from_numpy(a[-1] @ W.numpy().T + b.numpy())
        a.append(PHI[phi](z).numpy())
    p = np.exp(a[-1] - a[-1].max(1, keepdims=True))
    delta = p / p.sum(1, keepdims=True)
    delta[np.arange(len(y)), y.numpy()] -= 1
    delta, found = delta / len(y), []
    for l in range(len(params))[::-1]:
        found = [[np.einsum("ri,rj->ij", delta, a[l]), delta.sum(0)], *found]
        if l:
            delta = delta @ params[l][0].numpy() * slopes[params[l - 1][2]](a[l])
    return tuple(found)


def torch_clip(gs, c):
    leaves = [nn.Parameter(torch.zeros_like(g)) for g in gs]
    for leaf, g in zip(leaves, gs, strict=True):
        leaf.grad = g.clone()
    nn.utils.clip_grad_norm_(leaves, c)
    return tuple(leaf.grad for leaf in leaves)


def dead_by_maximum(acts):
    top = np.max([a.numpy().max(0) for a in acts], 0)
    return np.mean(top <= 0)


def maxout_by_pieces(x, k):
    return torch.stack([x[..., i::k] for i in range(k)]).max(0).values


def torch_batch_norm(x, gamma, beta, state, train):
    mean, var = state["mean"].clone(), state["var"].clone()
    y = functional.batch_norm(x, mean, var, gamma, beta, training=train)
    return [y, (mean, var)]


def torch_layer_norm(x, gamma, beta):
    return functional.layer_norm(x, x.shape[-1:], gamma, beta)


def whiten_zca(X_train, X_test):
    mu = X_train.mean(0)
    root = torch.linalg.pinv((X_train - mu).T @ (X_train - mu) / len(X_train))
    lam, U = torch.linalg.eigh(root)
    A = U @ torch.diag(lam.clamp(min=0).sqrt()) @ U.T
    return (X_train - mu) @ A, (X_test - mu) @ A


def whiten_svd(X_train, X_test):
    """Divide by n - 1, turn an axis round, and drop those that are 0."""
    X = X_train.numpy()
    mu = X.mean(0)
    _, s, V = np.linalg.svd(X - mu, full_matrices=False)
    keep = s > 1e-9 * s[0]
    A = V[keep].T / s[keep] * np.sqrt(len(X) - 1)
    A[:, 0] *= -1
    return (X - mu) @ A, (X_test.numpy() - mu) @ A


def axes_from_the_end(kind, shape):
    n = len(shape)
    rest = list(range(2 - n, 0))
    return {
        "batch": [-n, *rest],
        "layer": [*rest, 1 - n],
        "instance": rest,
        "group": [1 - n, *rest],
        "positional": torch.tensor([1]),
    }[kind]


def step_by_torch(x, h, W_x, W_h, gamma, beta):
    a = functional.linear(x, W_x) + functional.linear(h, W_h)
    return torch_layer_norm(a, gamma, beta).tanh()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("mlp_backward", backward_by_model),
        ("mlp_backward", backward_by_hand),
        ("clip_norm", torch_clip),
        ("dead_fraction", dead_by_maximum),
        ("maxout", maxout_by_pieces),
        ("batch_norm", torch_batch_norm),
        ("layer_norm", torch_layer_norm),
        ("whiten", whiten_zca),
        ("whiten", whiten_svd),
        ("norm_axes", axes_from_the_end),
        ("lnrnn_step", step_by_torch),
        ("he_std", torch_he),
        ("glorot_std", torch_glorot),
        ("forward_backward_std", with_hooks),
        ("forward_backward_std", as_arrays),
        ("symmetry_rank", numpy_rank),
        ("symmetry_rank", torch_rank),
        ("zero_last", zero_with_init),
        ("zero_last", zero_a_copy),
    ],
)
@pytest.mark.parametrize("visible", [True, False])
def test_right_answers_are_accepted(name, answer, visible):
    for seed in range(5):
        rng = np.random.default_rng([3, seed])
        result = exercise(name).examine(LocalCaller(answer), rng, visible)
        assert result.passed, result


def test_float32_lists_are_told_how_far_they_are():
    result = check("forward_backward_std", lambda m, X, y: as_one_tensor(m, X, y) * 2)
    assert "expected" in result.message
    assert "Hidden layer 1" in result.message


def test_checks_leave_the_global_generator_and_the_threads_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    for name in ("forward_backward_std", "symmetry_rank", "zero_last"):
        check(name, exercise(name).reference)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_what_a_notebook_sets_for_itself_does_not_reach_a_check():
    with torch.no_grad(), torch.device("meta"):
        for name in ("forward_backward_std", "symmetry_rank", "zero_last"):
            assert check(name, exercise(name).reference).passed


def test_other_parameters_of_the_model_must_stay():
    def also_scales(res_model):
        zero_with_init(res_model)
        with torch.no_grad():
            res_model.stem.weight.mul_(2)
        return res_model

    result = check("zero_last", also_scales)
    assert result.status == "wrong"
    assert "`stem.weight` changed too" in result.message


def test_a_model_of_another_precision_is_refused():
    result = check("zero_last", lambda m: zero_with_init(m).float())
    assert "Keep the dtype" in result.message


def test_another_model_is_refused():
    result = check("zero_last", lambda m: m.blocks)
    assert result.status == "unusable"
    assert "names or shapes differ" in result.message


def test_the_two_ways_to_the_gradient_agree():
    """Autograd, which the check believes, against the package's formulas."""
    case = exercise("mlp_backward").cases(np.random.default_rng(1), True)[2]
    params, X, y = case.args
    found = models.manual_backprop_mlp(
        [(W, b) for W, b, _ in params], X, y, activation="relu"
    )
    given = exercise("mlp_backward").reference(params, X, y)
    for (dW, db), W, b in zip(given, found.weights, found.biases, strict=True):
        torch.testing.assert_close(dW, W)
        torch.testing.assert_close(db, b)


def hidden(name, answer):
    return exercise(name).examine(LocalCaller(answer), np.random.default_rng(8), False)


def test_gradients_in_the_order_of_the_loop_are_named():
    reference = exercise("mlp_backward").reference
    result = check("mlp_backward", lambda *args: reference(*args)[::-1])
    assert any("last layer first" in case.message for case in result.cases), result
    assert hidden("mlp_backward", lambda *args: reference(*args)[::-1]).points == 0


def test_writing_into_the_arguments_costs_the_part():
    def clip(gs, c):
        scale = min(1, c / torch.cat([g.flatten() for g in gs]).norm().item())
        return [g.mul_(scale) for g in gs]

    def norm(x, gamma, beta, state, train):
        y, new = torch_batch_norm(x, gamma, beta, state, train)
        state["mean"], state["var"] = new
        return y, state

    for name, answer, argument in (
        ("clip_norm", clip, "gs"),
        ("batch_norm", norm, "state"),
    ):
        result = check(name, answer)
        assert result.status == "changed"
        assert f"its argument `{argument}`" in result.message
        assert hidden(name, answer).points <= exercise(name).points / 2


def test_a_refusal_has_to_be_meant():
    reference = exercise("batch_norm").reference

    def refuses(x, gamma, beta, state, train, error=ValueError):
        if train and x.numel() == x.shape[1]:
            raise error("one entry")
        return reference(x, gamma, beta, state, train)

    def by_accident(*args):
        return refuses(*args, error=ZeroDivisionError)

    assert hidden("batch_norm", refuses).passed
    result = hidden("batch_norm", by_accident)
    assert result.earned["training"] == result.earned["images"] == 0
    assert result.earned["evaluation"] == 2
    told = [case.message for case in result.cases if not case.passed]
    assert all("ZeroDivisionError" in said for said in told)
    assert all("raised on purpose: a channel with one entry" in said for said in told)


def test_refusing_everything_earns_nothing():
    def refuses(*args):
        raise ValueError("no")

    assert hidden("batch_norm", refuses).points == 0


def test_refusing_single_examples_in_evaluation_is_wrong():
    def refuses(x, gamma, beta, state, train):
        if len(x) == 1:
            raise ValueError("one example")
        return torch_batch_norm(x, gamma, beta, state, train)

    result = hidden("batch_norm", refuses)
    assert result.earned["evaluation"] == result.earned["images"] == 0
    assert result.earned["running statistics"] == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda a, b: (torch.zeros_like(a), b), "variances from 0 to 0"),
        (lambda a, b: (a - 1, b - 1), "The mean of the whitened training set"),
        (lambda a, b: (whiten_svd(a, b)[0], whiten_svd(a, 2 * b)[1]), "the same map"),
        (lambda a, b: (whiten_svd(a, b)[0][:, :1], b), "mapped by the same matrix"),
        (lambda a, b: whiten_svd(a, b)[0], "expected a pair of tensors"),
        (lambda a, b: whiten_svd(b, a)[::-1], "whitened training set"),
    ],
)
def test_what_is_wrong_with_a_whitening_is_said(answer, words):
    result = hidden("whiten", answer)
    assert result.points <= 2
    assert any(words in case.message for case in result.cases), result


def test_cholesky_whitening_loses_the_redundant_features_only():
    def whiten(X_train, X_test):
        mu = X_train.mean(0)
        L = torch.linalg.cholesky(torch.cov((X_train - mu).T))
        return tuple(
            torch.linalg.solve_triangular(L, (X - mu).T, upper=False).T
            for X in (X_train, X_test)
        )

    assert hidden("whiten", whiten).earned == {
        "training set": 2,
        "test set": 2,
        "rank": 0,
    }


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda kind, shape: 1, "an int (1), expected a tuple of axes"),
        (lambda kind, shape: (0.5,), "0.5"),
        (lambda kind, shape: (7,), "returned axis 7, but x has the axes 0 to 3"),
        (lambda kind, shape: "0, 2", "the string '0, 2'"),
        (lambda kind, shape: {0, 2, 3}, "a set"),
    ],
)
def test_what_are_no_axes(answer, words):
    result = check("norm_axes", answer)
    assert words in result.message
    assert result.points == 0
