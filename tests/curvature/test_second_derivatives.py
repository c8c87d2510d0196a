"""Gradient, Hessian, products, expansion and flat losses, against closed forms."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from coursekit import curvature
from coursekit.curvature import surfaces
from coursekit.models import MLP
from coursekit.norm import BatchNorm

LAW = settings(max_examples=25)
P = 7


def draw(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


B = draw(P, P, seed=1)
A = B + B.T
a, b = draw(P, seed=2), draw(P, seed=3)


def cubic(theta):
    """Gradient a θ² + A θ + b, Hessian 2 diag(a θ) + A."""
    return (a * theta**3).sum() / 3 + theta @ A @ theta / 2 + b @ theta


def gradient_of_cubic(theta):
    return a * theta**2 + theta @ A + b


def hessian_of_cubic(theta):
    return 2 * torch.diag_embed(a * theta) + A


def close(ours, theirs, **tolerance):
    limits = {"rtol": 1e-10, "atol": 1e-12} | tolerance
    torch.testing.assert_close(ours, theirs, **limits)


def example(model=None, n=6, loss=None, dtype=torch.float64):
    torch.manual_seed(0)
    model = (model or MLP([3, 4, 2], "tanh")).to(dtype)
    return model, draw(n, 3).to(dtype), torch.arange(n) % 2


# ---- closed forms


def check_gradient_and_hessian_are_the_closed_forms():
    for shape in ((P,), (3, P), (2, 3, P)):
        theta = draw(*shape)
        close(curvature.gradient(cubic, theta), gradient_of_cubic(theta))
        for chunk in (1, 3, 100):
            close(curvature.hessian(cubic, theta, chunk), hessian_of_cubic(theta))
        close(curvature.hessian(cubic, theta), hessian_of_cubic(theta))


def check_products_are_those_of_the_matrix():
    theta = draw(P)
    H = hessian_of_cubic(theta)
    operator = curvature.HessianOperator(cubic, theta, chunk=2)
    close(operator.gradient, gradient_of_cubic(theta))
    for shape in ((P,), (1, P), (5, P), (2, 3, P), (0, P)):
        v = draw(*shape, seed=7)
        close(curvature.hvp(cubic, theta, v), v @ H)
        close(operator(v), v @ H)
    for i in range(3):  # one graph, many products
        close(operator(draw(P, seed=i)), H @ draw(P, seed=i))


def check_the_expansion_is_the_polynomial_up_to_second_order():
    theta = draw(P)
    g, H = gradient_of_cubic(theta), hessian_of_cubic(theta)
    for shape in ((P,), (4, P), (2, 3, P)):
        delta = draw(*shape, seed=9)
        expected = cubic(theta) + delta @ g + (delta @ H * delta).sum(-1) / 2
        close(curvature.taylor2(cubic, theta, delta), expected)


def check_a_flat_loss_is_the_loss_of_the_model():
    model, x, y = example()
    f, theta = curvature.flat_loss(model, x, y)
    close(f(theta), F.cross_entropy(model(x), y).detach())
    g = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
    close(curvature.gradient(f, theta), torch.cat([part.flatten() for part in g]))
    names = [name for name, _ in model.named_parameters()]
    parts = curvature.split_flat(model, theta)
    assert list(parts) == names
    for name, parameter in model.named_parameters():
        close(parts[name], parameter.detach())
    target = draw(6, 2)
    f, theta = curvature.flat_loss(model, x, target, F.mse_loss)
    close(f(theta), F.mse_loss(model(x), target).detach())
    close(f(0 * theta), target.square().mean())


def check_a_vector_goes_back_into_the_model():
    model, x, y = example()
    f, theta = curvature.flat_loss(model, x, y)
    new = draw(len(theta), seed=4)
    close(f(theta), F.cross_entropy(model(x), y).detach())
    curvature.load_flat(model, new)
    close(f(new), F.cross_entropy(model(x), y).detach())
    close(curvature.flat_loss(model, x, y)[1], new)
    stacked = curvature.split_flat(model, draw(5, 2, len(theta)))
    shapes = {name: p.shape for name, p in model.named_parameters()}
    assert {name: part.shape[2:] for name, part in stacked.items()} == shapes


def check_a_flat_loss_works_on_a_copy():
    model, x, y = example(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)))
    before = {name: v.clone() for name, v in model.state_dict().items()}
    f, theta = curvature.flat_loss(model, x, y)
    value = f(theta)
    curvature.hessian(f, theta)
    for name, v in model.state_dict().items():
        assert torch.equal(v, before[name]), name
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert model.training
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3)
    model.eval()
    close(f(theta), value, rtol=0, atol=0)


def check_batch_norm_in_training_couples_the_batch():
    for norm in (nn.BatchNorm1d, BatchNorm):
        model, x, y = example(nn.Sequential(nn.Linear(3, 4), norm(4), nn.Linear(4, 2)))
        f, theta = curvature.flat_loss(model, x, y)
        z = model[0](x)
        z = (z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt()
        close(f(theta), F.cross_entropy(model[2](z), y).detach())
        model(x)
        model.eval()
        g, at = curvature.flat_loss(model, x, y)
        close(g(at), F.cross_entropy(model(x), y).detach())
        assert abs(g(at) - f(at)) > 1e-3
        for h in (f, g):  # second derivatives under vmap, of several points
            points = torch.stack([theta, 2 * theta])
            each = torch.stack([curvature.hessian(h, point) for point in points])
            close(curvature.hessian(h, points), each)


def check_float64_can_be_asked_for():
    model, x, y = example(dtype=torch.float32)
    f, theta = curvature.flat_loss(model, x, y, dtype=torch.float64)
    assert theta.dtype == f(theta).dtype == torch.float64
    soft = torch.full((6, 2), 0.5)  # a product of matrices takes one type only
    options = {"loss": lambda o, y: (o @ y.mT).sum(), "dtype": torch.float64}
    f, theta = curvature.flat_loss(model, x, soft, **options)
    assert f(theta).dtype == torch.float64
    assert next(model.parameters()).dtype == torch.float32


def check_random_layers_are_refused():
    model, x, y = example(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)))
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=r"same loss twice.*model.eval\(\)"):
        curvature.flat_loss(model, x, y)
    assert torch.equal(torch.get_rng_state(), state)
    curvature.flat_loss(model.eval(), x, y)


def check_attention_is_differentiated_twice():
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    model, x, y = model.double(), draw(2, 3, 4), draw(2, 3, 4, seed=1)
    for training in (True, False):
        f, theta = curvature.flat_loss(model.train(training), x, y, F.mse_loss)
        g = torch.autograd.grad(F.mse_loss(model(x), y), list(model.parameters()))
        close(curvature.gradient(f, theta), torch.cat([part.flatten() for part in g]))
        v = draw(len(theta))
        r = 1e-5
        up, down = (curvature.gradient(f, theta + s * r * v) for s in (1, -1))
        close(curvature.hvp(f, theta, v), (up - down) / (2 * r), rtol=1e-5, atol=1e-6)


def check_bad_input_is_refused():
    for call, kind, message in BAD:
        with pytest.raises(kind, match=message):
            call()


def square(theta):
    return theta.square().sum()


two = torch.ones(2)
net = nn.Linear(2, 2)
BAD = [
    (lambda: curvature.gradient(square, [1.0]), TypeError, "float tensor, got list"),
    (lambda: curvature.gradient(square, two.long()), TypeError, r"int64; use .float"),
    (lambda: curvature.gradient(square, two[:0]), ValueError, r"\(0,\) without any"),
    (lambda: curvature.gradient(square, two[0]), ValueError, r"\[..., p\], got shape"),
    (
        lambda: curvature.hessian(square, torch.tensor([1.0, math.inf, math.nan])),
        ValueError,
        "got 2 of 3 that are not; the run has diverged",
    ),
    (lambda: curvature.hessian(square, two, 0), ValueError, "chunk: expected"),
    (lambda: curvature.hvp(square, torch.ones(2, 2), two), ValueError, r"vector \[p\]"),
    (lambda: curvature.hvp(square, two, torch.ones(3)), ValueError, r"\[..., 2\] like"),
    (lambda: curvature.hvp(square, two, two[0]), ValueError, r"got shape \(\)"),
    (lambda: curvature.hvp(square, two, two.double()), TypeError, "float32 like theta"),
    (lambda: curvature.hvp(square, two, [1.0, 2.0]), TypeError, "got list"),
    (
        lambda: curvature.HessianOperator(square, two, chunk=0),
        ValueError,
        "chunk: expected",
    ),
    (lambda: curvature.gradient(lambda t: t, two), ValueError, r"scalar, got.*\(2,\)"),
    (lambda: curvature.gradient(lambda t: 1.0, two), TypeError, "got float; leave out"),
    (lambda: curvature.gradient(3, two), TypeError, r"got int; flat_loss"),
    (lambda: curvature.taylor2(square, two, torch.ones(3)), ValueError, r"\[..., 2\]"),
    (
        lambda: curvature.flat_loss(nn.ReLU(), two, two),
        ValueError,
        "of one type, got none",
    ),
    (
        lambda: curvature.flat_loss(
            nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double()), two, two
        ),
        ValueError,
        "got torch.float32, torch.float64; give dtype=",
    ),
    (
        lambda: curvature.flat_loss(net, torch.ones(0, 2), torch.ones(0).long()),
        ValueError,
        "at least one example, got none",
    ),
    (lambda: curvature.split_flat(net, two), ValueError, r"\[..., 6\], one entry"),
    (lambda: curvature.split_flat(net, two[0]), ValueError, r"got shape \(\)"),
    (lambda: curvature.load_flat(net, torch.ones(2, 6)), ValueError, r"got \(2, 6\)"),
]
CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_derivatives(check):
    check()


# ---- laws and oracles


def test_the_hessian_of_a_net_is_torchs_and_symmetric():
    for model in (MLP([3, 4, 2], "tanh"), MLP([3, 5, 2], "relu")):
        model, x, y = example(model)
        f, theta = curvature.flat_loss(model, x, y)
        H = curvature.hessian(f, theta)
        close(H, torch.autograd.functional.hessian(f, theta))
        close(H, H.mT, atol=1e-14)


@LAW
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(-3, 3))
def test_a_product_is_linear_symmetric_and_that_of_the_matrix(seed, s, t):
    model, x, y = example()
    f, _ = curvature.flat_loss(model, x, y)
    theta, u, v = draw(3, 26, seed=seed)
    H = curvature.HessianOperator(f, theta)
    close(H(s * u + t * v), s * H(u) + t * H(v), rtol=1e-8, atol=1e-10)
    close(u @ H(v), v @ H(u), rtol=1e-8, atol=1e-10)
    close(H(v), curvature.hessian(f, theta) @ v, rtol=1e-8, atol=1e-10)


def test_the_error_of_the_expansion_falls_with_the_cube():
    model, x, y = example()
    f, theta = curvature.flat_loss(model, x, y)
    direction = draw(len(theta), seed=5)
    sizes = torch.logspace(-3, -1.5, 8, dtype=torch.float64)
    delta = sizes[:, None] * direction
    exact = torch.stack([f(theta + step) for step in delta])
    error = (exact - curvature.taylor2(f, theta, delta)).abs()
    slope = (error[-1] / error[0]).log() / (sizes[-1] / sizes[0]).log()
    assert slope.item() == pytest.approx(3, abs=0.1)


def test_a_loss_without_curvature_has_a_zero_hessian():
    theta = draw(3)
    close(curvature.hessian(lambda w: w.sum(), theta), torch.zeros(3, 3).double())
    close(curvature.hvp(lambda w: w.sum(), theta, theta), torch.zeros(3).double())
    close(curvature.gradient(lambda w: 0 * w.sum(), theta), torch.zeros(3).double())


def test_a_relu_net_has_the_hessian_of_its_piece():
    def kinked(theta):
        return torch.relu(theta[0]) * theta[1] + theta[1] ** 2

    H = curvature.hessian(kinked, torch.tensor([1.0, 2.0]))
    close(H, torch.tensor([[0.0, 1.0], [1.0, 2.0]]))
    H = curvature.hessian(kinked, torch.tensor([-1.0, 2.0]))
    close(H, torch.tensor([[0.0, 0.0], [0.0, 2.0]]))


def test_rescaled_layers_compute_the_same_and_are_as_sharp_as_one_likes():
    """Dinh et al. (2017): (αW₁, αb₁, W₂/α) for a ReLU net."""
    model, x, y = example(MLP([3, 8, 2], "relu"))
    out, sharpness = model(x), []
    for alpha in (1.0, 5.0):
        with torch.no_grad():
            model[0].weight.mul_(alpha)
            model[0].bias.mul_(alpha)
            model[2].weight.div_(alpha)
        close(model(x), out)
        sharpness.append(curvature.lambda_max(*curvature.flat_loss(model, x, y)))
    assert sharpness[1] > 5 * sharpness[0]


def test_no_hessian_is_built_for_a_product():
    theta = torch.randn(10**5, generator=torch.Generator().manual_seed(0))
    product = curvature.hvp(lambda w: (w**3).sum(), theta, theta)
    close(product, 6 * theta**2, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_stay_within_their_resolution(dtype):
    theta = draw(2).to(dtype)
    rounding = 20 * torch.finfo(dtype).eps
    for name in ("gradient", "hessian"):
        rule = getattr(curvature, name)
        low, high = rule(surfaces.himmelblau, theta), theta.double()
        assert low.dtype == dtype
        exact = rule(surfaces.himmelblau, high)
        close(low.double(), exact, rtol=rounding, atol=rounding * exact.norm().item())
    product = curvature.hvp(surfaces.himmelblau, theta, theta)
    assert product.dtype == dtype


def test_arguments_are_left_alone_and_modes_do_not_matter():
    theta, v = draw(P).requires_grad_(), draw(P, seed=2)
    before = theta.detach().clone(), v.clone()
    with torch.no_grad():
        inside = curvature.hvp(cubic, theta, v)
    outside = curvature.hvp(cubic, theta, v)
    close(inside, outside)
    for result in (
        outside,
        curvature.gradient(cubic, theta),
        curvature.hessian(cubic, theta),
        curvature.taylor2(cubic, theta, v),
    ):
        assert not result.requires_grad
    assert theta.grad is None
    assert torch.equal(theta.detach(), before[0])
    assert torch.equal(v, before[1])


def test_shared_and_frozen_parameters_count_once_each():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)).double()
    model[2].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    x, y = draw(5, 3), torch.tensor([0, 1, 2, 1, 0])
    f, theta = curvature.flat_loss(model, x, y)
    assert theta.shape == (15,)
    parts = [model[0].weight, model[2].bias]
    g = torch.autograd.grad(F.cross_entropy(model(x), y), parts)
    ours = curvature.split_flat(model, curvature.gradient(f, theta))
    close(ours["0.weight"], g[0])
    close(ours["2.bias"], g[1])
    assert ours["0.bias"].norm() > 0


def test_a_parameter_without_axes_is_split_too():
    class Gain(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return self.gain * x

    f, theta = curvature.flat_loss(
        Gain(), torch.ones(2, 1), torch.ones(2, 1), F.mse_loss
    )
    assert (theta.tolist(), f(theta).item()) == ([2.0], 1.0)
    close(curvature.hessian(f, theta), torch.tensor([[2.0]]))


def test_a_diverged_loss_is_nan_and_not_an_error():
    theta = torch.tensor([-1.0, 4.0])
    assert curvature.hessian(lambda w: w.sqrt().sum(), theta).isnan().any()


def test_defaults_are_those_of_the_text():
    def default(rule, name):
        return inspect.signature(rule).parameters[name].default

    assert default(curvature.hessian, "chunk") == 128
    assert default(curvature.HessianOperator, "chunk") == 128
    assert default(curvature.flat_loss, "loss") is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_derivatives_agree_across_devices():
    model, x, y = example()
    f, theta = curvature.flat_loss(model, x, y)
    g, there = curvature.flat_loss(model.cuda(), x.cuda(), y.cuda())
    assert there.is_cuda
    H = curvature.hessian(g, there)
    assert H.is_cuda
    close(H.cpu(), curvature.hessian(f, theta), rtol=1e-8, atol=1e-10)
    pairs = curvature.top_eigenpairs(g, there, 3)
    assert pairs.vectors.is_cuda
    expected = curvature.top_eigenvalues(f, theta, 3)
    close(pairs.values.cpu(), expected, rtol=1e-6, atol=1e-8)


MUTANTS = [
    ("hessian", "gradient", "grad(scalar(f))", "lambda t: -grad(scalar(f))(t)"),
    ("hessian", "gradient", "batch=True", "batch=False"),
    ("hessian", "hessian", "pullback(e)[0], chunk", "pullback(2 * e)[0], chunk"),
    ("hessian", "hessian", "torch.eye(", "2 * torch.eye("),
    ("hessian", "hessian", "identity)  # (2)", "identity.flip(0))  # (2)"),
    ("hessian", "hessian", "vjp(g, theta)[1]", "vjp(g, 2 * theta)[1]"),
    ("hessian", "hessian", "batch=True", "batch=False"),
    ("hessian", "hessian", 'check_count("chunk", chunk)', "chunk"),
    ("hessian", "_over_leading_axes", "theta.shape[:-1]", "theta.shape[:-1][::-1]"),
    ("hessian", "_over_leading_axes", "theta.ndim == 1", "theta.ndim <= 2"),
    ("hvp", "HessianOperator", "grad(scalar(f))", "scalar(grad(f))"),
    ("hvp", "HessianOperator", "vjp(g, self.theta)", "vjp(g, 2 * self.theta)"),
    ("hvp", "HessianOperator", "(v.detach())[0]", "(-v.detach())[0]"),
    ("hvp", "HessianOperator", "reshape(v.shape)", "reshape(v.shape[::-1])"),
    ("hvp", "HessianOperator", "if v.numel() == 0:", "if False:"),
    ("hvp", "HessianOperator", 'check_count("chunk", chunk)', "chunk"),
    ("hvp", "hvp", "(f, theta)(v)", "(f, theta).gradient * v"),
    ("hvp", "hvp", "(f, theta)(v)", "(f, theta)(v / v.norm())"),
    ("hvp", "_check_directions", "v.dtype != theta.dtype", "False"),
    ("hvp", "_check_directions", "v.ndim == 0 or", ""),
    ("hvp", "_check_directions", "or v.shape[-1] != theta.numel()", ""),
    ("taylor", "taylor2", "curved / 2", "curved"),
    ("taylor", "taylor2", "+ delta @ g", "- delta @ g"),
    ("taylor", "taylor2", "f(H.theta) +", ""),
    ("taylor", "taylor2", "(delta * H(delta)).sum(-1)", "H(delta).square().sum(-1)"),
    ("taylor", "taylor2", "+ curved / 2", ""),
    ("flat", "flat_loss", "copy.deepcopy(model)", "model"),
    ("flat", "flat_loss", "_use_batch_statistics(frozen)", "frozen.eval()"),
    ("flat", "flat_loss", "_use_batch_statistics(frozen)", "pass"),
    ("flat", "flat_loss", "_refuse_randomness(f, theta)", "pass"),
    ("flat", "flat_loss", "cross_entropy if loss is None", "cross_entropy if True"),
    ("flat", "flat_loss", "if len(x) == 0", "if False"),
    ("flat", "flat_loss", "with _double_backward():", "if True:"),
    ("flat", "flat_loss", "if dtype is not None", "if False"),
    ("flat", "flat_loss", "_as(x, dtype)", "x"),
    ("flat", "flat_loss", "_as(y, dtype)", "y"),
    ("flat", "_as", "if tensor.is_floating_point() else tensor", ""),
    ("flat", "split_flat", "unflatten(-1, shape)", "unflatten(-1, shape[::-1])"),
    ("flat", "split_flat", "theta.shape[-1] != sum(sizes)", "False"),
    ("flat", "split_flat", "theta.ndim == 0 or", ""),
    ("flat", "split_flat", "model.named_parameters()", "model.named_buffers()"),
    (
        "flat",
        "load_flat",
        "parameter.copy_(parts[name])",
        "parameter.add_(parts[name])",
    ),
    ("flat", "load_flat", "if theta.ndim != 1", "if False"),
    ("flat", "_concatenate", "len(types) != 1", "len(types) > 1"),
    ("flat", "_concatenate", "len(types) != 1", "len(types) < 1"),
    ("flat", "_concatenate", "p.flatten()", "p.mT.flatten()"),
    ("flat", "_use_batch_statistics", "module.training and", ""),
    ("flat", "_use_batch_statistics", "if module.training", "if not module.training"),
    ("flat", "_refuse_randomness", "if not torch", "if torch"),
    (
        "flat",
        "_refuse_randomness",
        "fork_rng(devices=devices)",
        "fork_rng(enabled=False)",
    ),
    ("flat", "_double_backward", "sdpa_kernel(SDPBackend.MATH)", "nullcontext()"),
    ("_function", "scalar", "if value.ndim:", "if False:"),
    ("_function", "scalar", "if not isinstance(value, Tensor)", "if False"),
    ("_function", "scalar", "if not callable(f)", "if False"),
    ("_function", "check_point", "if bad:", "if False:"),
    ("_function", "check_point", "theta.numel() == 0", "False"),
    ("_function", "check_point", "not theta.is_floating_point()", "False"),
    ("_function", "check_point", "theta.ndim == 0 or", ""),
    ("_function", "check_point", "theta.ndim > 1 and not batch", "False"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, function, old, new):
    assert not survives(page, function, old, new, CHECKS)
