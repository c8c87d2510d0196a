"""Polynomial features against scikit-learn, NumPy's Legendre series, and mutants."""

import importlib
import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.preprocessing import PolynomialFeatures

from coursekit import data
from coursekit.device import generator

PAGE = importlib.import_module("coursekit.data.poly")
EXACT = {"rtol": 1e-12, "atol": 1e-14}


def draw(n, d):
    return 2 * torch.rand(n, d, generator=generator(1), dtype=torch.float64) - 1


def check_powers_are_scikit_learns():
    for d, degree in ((1, 1), (1, 6), (2, 3), (3, 4), (4, 2), (2, 0), (3, 1)):
        for only, bias in itertools.product((False, True), repeat=2):
            if degree == 0 and not bias:
                continue
            theirs = PolynomialFeatures(
                degree, interaction_only=only, include_bias=bias
            )
            x = 3 * draw(7, d)
            expected = torch.from_numpy(theirs.fit_transform(x.numpy()))
            options = {"interaction_only": only, "bias": bias}
            torch.testing.assert_close(
                data.poly_features(x, degree, **options), expected, **EXACT
            )
            exponents = data.poly_exponents(d, degree, **options)
            assert exponents.tolist() == theirs.powers_.tolist()


def check_legendre_is_numpys():
    x = draw(9, 1)
    ours = data.poly_features(x, 12, basis="legendre")
    theirs = np.polynomial.legendre.legvander(x[:, 0].numpy(), 12)
    torch.testing.assert_close(ours, torch.from_numpy(theirs), **EXACT)
    x = draw(9, 3)
    ours = data.poly_features(x, 4, basis="legendre")
    single = [np.polynomial.legendre.legvander(x[:, j].numpy(), 4) for j in range(3)]
    for column, e in enumerate(data.poly_exponents(3, 4).tolist()):
        product = math.prod(torch.from_numpy(single[j][:, e[j]]) for j in range(3))
        torch.testing.assert_close(ours[:, column], product, **EXACT)


def check_leading_axes_types_and_defaults():
    x = draw(6, 2)
    flat = data.poly_features(x, 3)
    batched = data.poly_features(x.view(2, 3, 2), 3)
    assert torch.equal(batched, flat.view(2, 3, -1))
    assert torch.equal(flat[:, 0], torch.ones(6).double())
    assert flat.shape == (6, 10)
    for dtype in (torch.float32, torch.bfloat16):
        low = data.poly_features(x.to(dtype), 2)
        assert low.dtype == dtype
        high = data.poly_features(x.to(dtype).double(), 2)
        error = 2 * torch.finfo(dtype).eps
        torch.testing.assert_close(low.double(), high, rtol=error, atol=error)


def check_legendre_columns_are_orthogonal():
    # Gauss-Legendre places integrate products up to degree 2·8 exactly
    places, weights = np.polynomial.legendre.leggauss(10)
    b = data.poly_features(torch.from_numpy(places)[:, None], 8, basis="legendre")
    gram = b.T @ (torch.from_numpy(weights)[:, None] * b)
    expected = torch.diag(2 / (2 * torch.arange(9) + 1).double())
    torch.testing.assert_close(gram, expected, rtol=1e-10, atol=1e-12)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_poly(check):
    check()


def test_numbers_of_the_docstring():
    assert len(data.poly_exponents(10, 3)) == math.comb(13, 3) == 286
    assert len(data.poly_exponents(20, 3)) == math.comb(23, 3) == 1771
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    powers, legendre = (
        torch.linalg.cond(data.poly_features(x, 15, basis=basis)).item()
        for basis in ("power", "legendre")
    )
    assert 1e5 < powers < 3e5
    assert 5 < legendre < 6.5


def test_a_line_through_cubic_features_is_a_cubic():
    x, y = data.cubic(40, noise=0.0)
    features = data.poly_features(x, 3).double()
    weight = torch.linalg.lstsq(features, y.double()).solution[:, 0]
    torch.testing.assert_close(
        weight, torch.tensor([0.0, -3.0, 0.0, 4.0]).double(), rtol=1e-5, atol=1e-5
    )


def test_gradients_flow_to_the_features():
    x = draw(3, 2).requires_grad_()
    for basis in ("power", "legendre"):
        assert torch.autograd.gradcheck(
            lambda x, basis=basis: data.poly_features(x, 3, basis=basis), x
        )


X = torch.zeros(3, 2)
BAD = [
    (lambda: data.poly_features(X, -1), ValueError, "degree: expected an integer >= 0"),
    (lambda: data.poly_features(X, 2.5), TypeError, "degree: expected an integer"),
    (lambda: data.poly_features(X, 0, bias=False), ValueError, "at least 1 without"),
    (lambda: data.poly_features(X, 2, basis="fourier"), ValueError, "basis: expected"),
    (lambda: data.poly_features(X.long(), 2), TypeError, "x: expected floating-point"),
    (lambda: data.poly_features(torch.tensor(1.0), 2), TypeError, r"use .* x\[:, None"),
    (
        lambda: data.poly_features(X[:, :0], 2),
        ValueError,
        "d: expected an integer >= 1",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = draw(5, 3)
    ours = data.poly_features(x.cuda(), 4, basis="legendre")
    torch.testing.assert_close(
        ours.cpu(), data.poly_features(x, 4, basis="legendre"), rtol=1e-12, atol=1e-14
    )


MUTANTS = [
    ("poly_exponents", "if interaction_only", "if not interaction_only"),
    ("poly_exponents", "range(0 if bias else 1, D + 1)", "range(0, D + 1)"),
    ("poly_exponents", "D + 1)", "D)"),
    ("poly_exponents", "bias: bool = True", "bias: bool = False"),
    ("poly_features", "b[..., j, e].prod(-1)", "b[..., j, e].sum(-1)"),
    ("poly_features", "b[..., j, e].prod(-1)", "b[..., e, j].prod(-1)"),
    ("poly_features", 'basis: str = "power"', 'basis: str = "legendre"'),
    ("poly_features", "bias: bool = True", "bias: bool = False"),
    ("poly_features", '"interaction_only": interaction_only, ', ""),
    ("_basis", "(2 * e + 1) * x", "(2 * e - 1) * x"),
    ("_basis", "- e * b[e - 1]", "+ e * b[e - 1]"),
    ("_basis", "- e * b[e - 1]", "- (e + 1) * b[e - 1]"),
    ("_basis", "/ (e + 1)", "/ e"),
    ("_basis", "power = x * b[e]", "power = x * b[1]"),
    ("_basis", "[torch.ones_like(x), x]", "[torch.zeros_like(x), x]"),
]


def survives():
    try:
        for check in CHECKS:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, name, old, new):
    wrong = mutate(getattr(PAGE, name), old, new)
    for where in (PAGE, data):
        if hasattr(where, name):
            monkeypatch.setattr(where, name, wrong)
    assert not survives()
