"""Truncated factors: Eckart and Young, counts, layers, mutants."""

import importlib
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from coursekit import compression as comp
from coursekit.device import generator

PAGES = {"low_rank": importlib.import_module("coursekit.compression.low_rank")}


def close(ours, theirs, **tolerance):
    options = {"rtol": 1e-10, "atol": 1e-11} | tolerance
    torch.testing.assert_close(ours, theirs, **options)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


# ---- checks that mutants have to fail


def check_the_errors_are_those_of_eckart_and_young():
    for m, n in ((6, 9), (9, 6), (5, 5), (1, 4)):
        W = draw(m, n)
        sigma = torch.linalg.svdvals(W)
        for k in range(1, min(m, n) + 1):
            factors = comp.low_rank(W, k)
            rest = W - factors.A @ factors.B
            spectral = sigma[k].item() if k < min(m, n) else 0.0
            frobenius = sigma[k:].square().sum().sqrt().item()
            assert torch.linalg.matrix_norm(rest, 2).item() == pytest.approx(
                spectral, abs=1e-10
            )
            assert rest.norm().item() == pytest.approx(frobenius, abs=1e-10)
            assert factors.spectral_error == pytest.approx(spectral, abs=1e-10)
            assert factors.frobenius_error == pytest.approx(frobenius, abs=1e-10)
            assert (factors.A.shape, factors.B.shape) == ((m, k), (k, n))
            assert factors.parameters == k * (m + n)


def check_the_factors_are_balanced():
    W = draw(7, 5)
    A, B, *_ = comp.low_rank(W, 3)
    sigma = torch.linalg.svdvals(W)[:3]
    close(A.T @ A, sigma.diag())
    close(B @ B.T, sigma.diag())


def check_a_layer_becomes_two():
    for bias in (True, False):
        layer = nn.Linear(9, 6, bias=bias).double()
        x = draw(4, 9)
        full = comp.low_rank(layer, 6)
        close(full(x), layer(x))
        two = comp.low_rank(layer, 2)
        A, B, *_ = comp.low_rank(layer.weight, 2)
        expected = x @ (A @ B).T + (layer.bias if bias else 0)
        close(two(x), expected.detach(), check_stride=False)
        assert two[0].bias is None
        assert (two[1].bias is not None) == bias
        assert (two[0].out_features, two[1].in_features) == (2, 2)
        assert (two[0].in_features, two[1].out_features) == (9, 6)
        assert all(theta.requires_grad for theta in two.parameters())
        assert isinstance(two[1].weight, nn.Parameter)
        if bias:
            with torch.no_grad():
                two[1].bias.add_(1)
            assert not torch.equal(two[1].bias, layer.bias)
        assert two.training
        assert not comp.low_rank(layer.eval(), 2).training


def check_break_even():
    for m, n in ((128, 128), (10, 128), (3, 7), (1, 1), (2, 2), (4, 4), (6, 3), (1, 9)):
        ranks = [k for k in range(1, min(m, n) + 1) if k * (m + n) < m * n]
        assert comp.break_even_rank(m, n) == max(ranks, default=0)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_factors(check):
    check()


# ---- laws


@given(st.integers(0, 10**6))
def test_no_other_matrix_of_that_rank_is_nearer(seed):
    W = draw(6, 5, seed=seed)
    factors = comp.low_rank(W, 2)
    g = generator(seed + 1)
    A = factors.A + 0.1 * torch.randn(6, 2, generator=g, dtype=torch.float64)
    B = factors.B + 0.1 * torch.randn(2, 5, generator=g, dtype=torch.float64)
    assert (W - A @ B).norm() >= factors.frobenius_error - 1e-12
    assert torch.linalg.matrix_norm(W - A @ B, 2) >= factors.spectral_error - 1e-12


def test_a_matrix_of_low_rank_is_found_again():
    W = draw(8, 3) @ draw(3, 9, seed=1)
    factors = comp.low_rank(W, 3)
    close(factors.A @ factors.B, W)
    assert factors.frobenius_error < 1e-12 * W.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_are_kept(dtype):
    W = draw(6, 5).to(dtype)
    factors = comp.low_rank(W, 5)
    assert factors.A.dtype == factors.B.dtype == dtype
    product = factors.A.double() @ factors.B.double()
    close(product, W.double(), rtol=0, atol=8 * torch.finfo(dtype).eps)
    layer = comp.low_rank(nn.Linear(5, 4, dtype=dtype), 2)
    assert {theta.dtype for theta in layer.parameters()} == {dtype}


def test_the_layer_and_global_randomness_are_left_as_they_were():
    layer = nn.Linear(5, 4)
    before, state = layer.weight.detach().clone(), torch.get_rng_state()
    comp.low_rank(layer, 2)
    assert torch.equal(layer.weight, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_bad_input_is_refused_in_words():
    W = torch.ones(3, 4)
    with pytest.raises(ValueError, match="rank: expected an integer >= 1, got 0"):
        comp.low_rank(W, 0)
    with pytest.raises(ValueError, match=r"rank: .* in \[1, 3\], got 4; the smaller"):
        comp.low_rank(W, 4)
    with pytest.raises(
        ValueError, match=r"w: expected a matrix, got shape \(2, 3, 4\)"
    ):
        comp.low_rank(torch.ones(2, 3, 4), 1)
    with pytest.raises(ValueError, match="w: expected finite numbers"):
        comp.low_rank(W * math.nan, 1)
    with pytest.raises(TypeError, match="w: expected a floating-point tensor, got"):
        comp.low_rank(W.long(), 1)
    with pytest.raises(ValueError, match="m: expected an integer >= 1, got 0"):
        comp.break_even_rank(0, 3)
    with pytest.raises(ValueError, match="n: expected an integer >= 1, got 0"):
        comp.break_even_rank(3, 0)


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    W = draw(6, 5)
    ours, theirs = comp.low_rank(W.cuda(), 3), comp.low_rank(W, 3)
    assert ours.A.is_cuda
    close((ours.A @ ours.B).cpu(), theirs.A @ theirs.B)
    layer = comp.low_rank(nn.Linear(5, 4).cuda(), 2)
    assert all(theta.is_cuda for theta in layer.parameters())


MUTANTS = [
    ("low_rank", "U[:, :k] * root", "U[:, :k]"),
    ("low_rank", "U[:, :k] * root", "U[:, -k:] * root"),
    ("low_rank", "root[:, None] * Vt[:k]", "Vt[:k]"),
    ("low_rank", "sigma[:k].sqrt()", "sigma[:k]"),
    ("low_rank", "sigma[k:], sigma", "sigma[k - 1:], sigma"),
    ("low_rank", "rest.square().sum().sqrt()", "rest.square().sum()"),
    ("low_rank", "rest.square().sum().sqrt()", "rest.sum()"),
    ("low_rank", "low_rank(w.weight, rank)", "low_rank(w.weight.T, rank)"),
    ("LowRank", "self.A.numel() + self.B.numel()", "self.A.numel() * len(self.B.T)"),
    ("break_even_rank", "(m * n - 1) //", "m * n //"),
    ("break_even_rank", "(m + n)", "2 * max(m, n)"),
    ("_two_layers", ".train(layer.training)", ""),
    ("_two_layers", "layer.bias)", "None)"),
    ("_two_layers", "factors.B, None", "factors.B, factors.B[:, 0]"),
    ("_linear", ".detach().clone()", ""),
    ("_linear", "nn.Parameter(w)", "nn.Parameter(w, requires_grad=False)"),
]


def survives():
    try:
        for check in CHECKS:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, function, old, new):
    page = PAGES["low_rank"]
    wrong = mutate(getattr(page, function), old, new)
    for where in (page, comp):
        if hasattr(where, function):
            monkeypatch.setattr(where, function, wrong)
    assert not survives()
