"""Uniform grids and shared values: bounds, scikit-learn, torch, laws, mutants."""

import importlib
import inspect
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import KMeans

from coursekit import compression as comp
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.compression.{name}")
    for name in ("quantize_uniform", "kmeans_share")
}
SCHEMES = (("affine", 1), ("affine", 4), ("affine", 8), ("symmetric", 2))
SCHEMES = (*SCHEMES, ("symmetric", 8), ("affine", 16))


def close(ours, theirs, **tolerance):
    options = {"rtol": 1e-12, "atol": 1e-13} | tolerance
    torch.testing.assert_close(ours, theirs, **options)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def within(error, error_of_assignment):
    assert bool((error <= error_of_assignment + 1e-12).all())


# ---- checks that mutants have to fail


def check_affine_grid_by_hand():
    quantized = comp.quantize_uniform(torch.tensor([-1.0, 0.4, 0.6, 2.0]), 2)
    assert quantized.codes.tolist() == [0, 1, 2, 3]
    assert (quantized.step.item(), quantized.zero.item()) == (1, 1)
    assert quantized.values.tolist() == [-1, 0, 1, 2]
    above = comp.quantize_uniform(torch.tensor([1.0, 3.0]), 2)  # zero is included
    assert (above.step.item(), above.codes.tolist()) == (1, [1, 3])
    below = comp.quantize_uniform(torch.tensor([-3.0, -1.0]), 2)
    assert (below.zero.item(), below.codes.tolist()) == (3, [0, 2])
    # the zero point is half way: rounded up, and both ends stay on the grid
    middle = comp.quantize_uniform(torch.tensor([-0.5, 2.5]), 2)
    assert (middle.zero.item(), middle.codes.tolist()) == (1, [0, 3])
    middle = comp.quantize_uniform(torch.tensor([-1.5, 1.5]), 2)
    assert (middle.zero.item(), middle.codes.tolist()) == (2, [0, 3])


def check_ties_at_both_ends():
    """The range of ±a has its zero point half way; rounding must not decide."""
    for a in (1000.0, 0.1, 0.3, 7.7, 1e-5):
        for bits in (2, 3, 4, 7, 8):
            w = torch.tensor([-a, a], dtype=torch.float64)
            quantized = comp.quantize_uniform(w, bits)
            assert quantized.zero.item() == 2 ** (bits - 1)
            assert quantized.codes.tolist() == [0, 2**bits - 1]
            again = comp.quantize_uniform(quantized.values, bits)
            close(again.values, quantized.values)


def check_symmetric_grid_by_hand():
    w = torch.tensor([-3.0, 0.4, 1.6, 2.0])
    quantized = comp.quantize_uniform(w, 3, scheme="symmetric")
    assert (quantized.step.item(), quantized.zero.item()) == (1, 0)
    assert quantized.codes.tolist() == [-3, 0, 2, 2]
    quantized = comp.quantize_uniform(-w, 3, scheme="symmetric")
    assert quantized.codes.tolist() == [3, 0, -2, -2]


def check_no_weight_moves_by_more_than_half_a_step():
    for scheme, bits in SCHEMES:
        for w in (draw(500), draw(500).exp(), -draw(500).exp(), draw(500) + 3):
            quantized = comp.quantize_uniform(w, bits, scheme=scheme)
            half = quantized.step.item() / 2
            off = (quantized.values - w).abs().max().item()
            assert off <= half * (1 + 1e-9)
            assert off > 0.9 * half or bits < 4
            span = 2**bits - 1 if scheme == "affine" else 2**bits - 2
            codes = quantized.codes
            assert codes.dtype == torch.int32
            assert codes.max() - codes.min() <= span
            least = 0 if scheme == "affine" else -(span // 2)
            assert codes.min() >= least
            assert codes.max() <= least + span
            steps = (w.clamp(min=0).max() - w.clamp(max=0).min()) / span
            if scheme == "symmetric":
                steps = 2 * w.abs().max() / span
            close(quantized.step.squeeze(), steps)


def check_torch_agrees():
    w = draw(6, 5).float()
    for bits in (4, 8):
        ours = comp.quantize_uniform(w, bits)
        theirs = torch.fake_quantize_per_tensor_affine(
            w, ours.step.item(), int(ours.zero.item()), 0, 2**bits - 1
        )
        close(ours.values, theirs, rtol=1e-6, atol=1e-6)
    each = comp.quantize_uniform(w, 8, axis=0)
    theirs = torch.fake_quantize_per_channel_affine(
        w, each.step.flatten().float(), each.zero.flatten().int(), 0, 0, 255
    )
    close(each.values, theirs, rtol=1e-6, atol=1e-6)


def check_every_slice_has_its_own_grid():
    w = draw(3, 4, 5) * torch.tensor([1.0, 10, 100]).view(3, 1, 1)
    for scheme in ("affine", "symmetric"):
        each = comp.quantize_uniform(w, 4, scheme=scheme, axis=0)
        rows = [comp.quantize_uniform(row, 4, scheme=scheme) for row in w]
        close(each.values, torch.stack([row.values for row in rows]))
        close(each.step.flatten(), torch.cat([row.step.flatten() for row in rows]))
        last = comp.quantize_uniform(w.movedim(0, -1), 4, scheme=scheme, axis=-1)
        close(last.values, each.values.movedim(0, -1))
        last = comp.quantize_uniform(w.movedim(0, 2), 4, scheme=scheme, axis=2)
        close(last.values, each.values.movedim(0, 2))
        one = comp.quantize_uniform(w, 4, scheme=scheme)
        assert one.step.numel() == 1
        assert (each.values - w)[0].norm() < 0.1 * (one.values - w)[0].norm()


def check_zero_stays_zero_and_constants_are_exact():
    w = draw(100) + 1
    w[::3] = 0
    for scheme, bits in SCHEMES:
        quantized = comp.quantize_uniform(w, bits, scheme=scheme)
        assert not quantized.values[::3].any()
        for value in (0.0, 2.5, -0.3):
            constant = torch.full((4,), value, dtype=torch.float64)
            close(comp.quantize_uniform(constant, bits, scheme=scheme).values, constant)


def check_kmeans_is_scikit_learns():
    for seed, K in ((0, 4), (1, 7), (2, 16)):
        w = draw(400, seed=seed)
        start = torch.linspace(w.min(), w.max(), K, dtype=torch.float64)
        shared = comp.kmeans_share(w, K)
        theirs = KMeans(K, init=start[:, None].numpy(), n_init=1, tol=0, max_iter=300)
        theirs.fit(w[:, None].numpy())
        close(shared.codebook, torch.tensor(theirs.cluster_centers_[:, 0]), rtol=1e-9)
        assert shared.indices.tolist() == theirs.labels_.tolist()


def check_the_result_is_a_fixed_point():
    w = draw(3, 50).double()
    options = {"density": {}, "random": {"generator": generator(0)}, "linear": {}}
    for init, extra in options.items():
        shared = comp.kmeans_share(w, 6, init=init, **extra)
        table = (w[..., None] - shared.codebook).abs()
        assert torch.equal(shared.indices, table.argmin(-1))
        for k in range(6):
            close(w[shared.indices == k].mean(), shared.codebook[k])
        assert torch.equal(shared.values, shared.codebook[shared.indices])
        assert bool((shared.codebook.diff() > 0).all())


def check_the_three_starts():
    w = torch.tensor([0.0, 1, 2, 3, 4, 5, 6, 107], dtype=torch.float64)

    def start(init, **extra):
        return comp.kmeans_share(w, 4, init=init, max_steps=0, **extra).codebook

    close(start("linear"), torch.tensor([0, 107 / 3, 214 / 3, 107], dtype=w.dtype))
    assert start("density").tolist() == [1, 3, 5, 107]
    order = torch.randperm(8, generator=generator(3))[:4]
    picked = start("random", generator=generator(3))
    assert picked.tolist() == sorted(w[order].tolist())
    every = comp.kmeans_share(w, 8, init="random", generator=generator(3))
    assert every.codebook.tolist() == w.tolist()
    default = comp.kmeans_share(w, 4, max_steps=0).codebook
    close(default, start("linear"))
    shuffled = comp.kmeans_share(w.flip(0), 4, init="density", max_steps=0)
    assert shuffled.codebook.tolist() == [1, 3, 5, 107]


def check_empty_clusters_keep_their_place():
    w = torch.tensor([0.0, 0.1, 10.0], dtype=torch.float64)
    shared = comp.kmeans_share(w, 5)
    close(shared.codebook, torch.tensor([0.05, 2.5, 5, 7.5, 10], dtype=w.dtype))
    assert shared.indices.tolist() == [0, 0, 4]
    same = comp.kmeans_share(torch.full((3,), 0.7), 4)
    close(same.values, torch.full((3,), 0.7))
    alone = comp.kmeans_share(torch.tensor([0.0, 1.0, 4.0, 9.0]), 3)
    assert alone.codebook.tolist() == [0.5, 4.0, 9.0]
    one = comp.kmeans_share(w, 1)
    close(one.codebook, w.mean(0, keepdim=True))


def check_few_rounds_are_few():
    w = draw(1000)
    off = [
        (comp.kmeans_share(w, 16, max_steps=n).values - w).square().sum().item()
        for n in (0, 1, 2, 5, 300)
    ]
    assert off == sorted(off, reverse=True)
    assert len(set(off)) == 5
    assert inspect.signature(comp.kmeans_share).parameters["max_steps"].default == 300
    default = comp.kmeans_share(w, 16).codebook
    close(default, comp.kmeans_share(w, 16, max_steps=300).codebook)


def check_the_slope_of_a_shared_value_is_the_sum():
    w, target = draw(4, 6), draw(4, 6, seed=1)
    codebook, indices = comp.kmeans_share(w, 5)
    codebook.requires_grad_(True)
    shared = comp.Shared(codebook, indices)
    (expected,) = torch.autograd.grad((shared.values - target).pow(3).sum(), codebook)
    slope = 3 * (shared.values.detach() - target).square()
    close(comp.shared_gradient(slope, indices, 5), expected)
    spare = comp.shared_gradient(slope, indices, 7)
    assert spare[5:].tolist() == [0, 0]


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_codebook(check):
    check()


# ---- laws

WEIGHTS = arrays(float, st.integers(1, 20), elements=st.floats(-1e3, 1e3, width=32))


@given(WEIGHTS, st.sampled_from(SCHEMES))
def test_quantizing_twice_is_quantizing_once(w, scheme_bits):
    scheme, bits = scheme_bits
    w = torch.from_numpy(w)
    once = comp.quantize_uniform(w, bits, scheme=scheme)
    twice = comp.quantize_uniform(once.values, bits, scheme=scheme)
    close(twice.values, once.values, rtol=1e-12, atol=1e-300)
    within((once.values - w).abs(), once.step / 2 * (1 + 1e-9))


@given(WEIGHTS, st.integers(1, 6))
def test_sharing_neither_reorders_nor_leaves_the_range(w, K):
    w = torch.from_numpy(w)
    shared = comp.kmeans_share(w, K)
    order = w.argsort()
    assert bool((shared.values[order].diff() >= 0).all())
    assert shared.values.min() >= w.min() - 1e-9
    assert shared.values.max() <= w.max() + 1e-9
    again = comp.kmeans_share(w, K)
    assert torch.equal(again.indices, shared.indices)


def test_one_outlier_coarsens_the_grid_of_all():
    w = draw(1000).clamp(-1, 1)
    with_outlier = torch.cat([w, torch.tensor([10.0]).to(w)])
    off = comp.quantize_uniform(w, 6).step
    worse = comp.quantize_uniform(with_outlier, 6).step
    assert (worse / off).item() == pytest.approx(5.5, rel=1e-3)


def test_linear_starts_reach_the_large_weights():
    w = torch.cat([0.01 * draw(2000), torch.tensor([-1.0, 1.0]).double()])
    linear = comp.kmeans_share(w, 8)
    density = comp.kmeans_share(w, 8, init="density", max_steps=3)
    assert linear.values[-1].item() == pytest.approx(1)
    assert density.values[-1].item() < 0.6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_are_kept(dtype):
    w = draw(200).to(dtype)
    quantized = comp.quantize_uniform(w, 8)
    eps = torch.finfo(dtype).eps
    assert quantized.values.dtype == dtype
    off = (quantized.values.double() - w.double()).abs().max()
    assert off <= quantized.step.item() / 2 + 4 * eps
    shared = comp.kmeans_share(w, 8)
    assert shared.codebook.dtype == dtype
    close(
        shared.values.double(),
        comp.kmeans_share(w.double(), 8).values,
        rtol=eps,
        atol=0,
    )


def test_weights_with_a_history_are_left_as_they_were():
    w = draw(20).requires_grad_(True)
    before = w.detach().clone()
    assert not comp.quantize_uniform(w, 4).values.requires_grad
    assert not comp.kmeans_share(w, 4).codebook.requires_grad
    assert torch.equal(w.detach(), before)


W = torch.ones(2, 3)
BAD = [
    (lambda: comp.quantize_uniform(W, 0), ValueError, "bits: expected an integer >= 1"),
    (lambda: comp.quantize_uniform(W, 17), ValueError, r"bits: .* in \[1, 16\]"),
    (
        lambda: comp.quantize_uniform(W, 1, scheme="symmetric"),
        ValueError,
        "bits: expected an integer >= 2",
    ),
    (lambda: comp.quantize_uniform(W, 4, scheme="log"), ValueError, "scheme: expected"),
    (lambda: comp.quantize_uniform(W, 4, axis=2), ValueError, r"axis: .* in \[-2, 1\]"),
    (lambda: comp.quantize_uniform(W * math.inf, 4), ValueError, "expected finite"),
    (lambda: comp.quantize_uniform(W.long(), 4), TypeError, "got torch.int64"),
    (lambda: comp.quantize_uniform(W[:0], 4), ValueError, "at least one number"),
    (lambda: comp.kmeans_share(W, 0), ValueError, "n_clusters: expected an integer >="),
    (lambda: comp.kmeans_share(W, 2, init="pca"), ValueError, "init: expected one of"),
    (lambda: comp.kmeans_share(W, 2, max_steps=-1), ValueError, "max_steps: expected"),
    (lambda: comp.kmeans_share(W, 2, init="random"), TypeError, "generator: expected"),
    (
        lambda: comp.kmeans_share(W, 7, init="random", generator=generator(0)),
        ValueError,
        "n_clusters: expected at most the 6 weights, got 7",
    ),
    (lambda: comp.kmeans_share(W * math.nan, 2), ValueError, "expected finite"),
    (lambda: comp.kmeans_share(W[:0], 2), ValueError, "at least one number"),
    (
        lambda: comp.shared_gradient(W, torch.zeros(2).long(), 2),
        ValueError,
        r"grad: expected the shape of the indices \(2,\), got \(2, 3\)",
    ),
    (
        lambda: comp.shared_gradient(W, W.long() * 2, 2),
        ValueError,
        "indices: expected 0 to 1",
    ),
    (
        lambda: comp.shared_gradient(W, -W.long(), 2),
        ValueError,
        "indices: expected 0 to 1",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    w = draw(30, 20)
    ours = comp.quantize_uniform(w.cuda(), 5, axis=0)
    assert ours.codes.is_cuda
    close(ours.values.cpu(), comp.quantize_uniform(w, 5, axis=0).values)
    for init in ("linear", "density"):
        shared = comp.kmeans_share(w.cuda(), 5, init=init)
        assert shared.codebook.is_cuda
        close(shared.values.cpu(), comp.kmeans_share(w, 5, init=init).values, rtol=1e-9)
    picked = comp.kmeans_share(w.cuda(), 5, init="random", generator=generator(0))
    assert picked.codebook.is_cuda


MUTANTS = [
    ("quantize_uniform", "_affine", "low.clamp(max=0)", "low"),
    ("quantize_uniform", "_affine", "high.clamp(min=0)", "high"),
    ("quantize_uniform", "_affine", "2**b - 1", "2**b"),
    ("quantize_uniform", "_affine", "2**b - 1", "2**b - 2"),
    ("quantize_uniform", "_affine", "R + 0.5).floor()", "R)"),
    ("quantize_uniform", "_affine", "R + 0.5).floor()", "R).floor()"),
    ("quantize_uniform", "_affine", "R + 0.5).floor()", "R).round()"),
    ("quantize_uniform", "_affine", "(-low * n", "(low * n"),
    ("quantize_uniform", "_affine", "-low * n / R", "-low / (R / n)"),
    ("quantize_uniform", "_affine", "return R, z, 0,", "return R, z, 1,"),
    ("quantize_uniform", "_symmetric", "(b - 1) - 1", "(b - 1)"),
    ("quantize_uniform", "_symmetric", "(b - 1) - 1", "b - 1"),
    ("quantize_uniform", "_symmetric", "torch.maximum(-low, high)", "high"),
    ("quantize_uniform", "_symmetric", "torch.maximum(-low, high)", "-low"),
    ("quantize_uniform", "_symmetric", "-n, n", "0, n"),
    ("quantize_uniform", "quantize_uniform", "step = R / n", "step = R / (n + 1)"),
    ("quantize_uniform", "quantize_uniform", "clamp(least, n)", "clamp(min=least)"),
    ("quantize_uniform", "quantize_uniform", ".round()", ".floor()"),
    ("quantize_uniform", "quantize_uniform", "/ R + z", "/ R - z"),
    ("quantize_uniform", "quantize_uniform", 'str = "affine"', 'str = "symmetric"'),
    ("quantize_uniform", "quantize_uniform", "i != axis % w", "i == axis % w"),
    ("quantize_uniform", "quantize_uniform", "axis % w.ndim]", "axis]"),
    ("quantize_uniform", "_positive", "torch.ones_like(R)", "R"),
    ("quantize_uniform", "Quantized", "codes - self.zero", "codes + self.zero"),
    ("quantize_uniform", "Quantized", "self.step *", "2 * self.step *"),
    ("kmeans_share", "_nearest", "(C[1:] + C[:-1]) / 2", "C[1:]"),
    ("kmeans_share", "_nearest", "(C[1:] + C[:-1]) / 2", "C[:-1]"),
    ("kmeans_share", "kmeans_share", "count > 0", "count > 1"),
    ("kmeans_share", "_start", "len(w) < K", "len(w) <= K"),
    ("kmeans_share", "kmeans_share", "total / count", "total / flat.numel() * count"),
    ("kmeans_share", "kmeans_share", ".clamp(min=1), C)", ".clamp(min=1), 0 * C)"),
    ("kmeans_share", "kmeans_share", "range(max_steps)", "range(max_steps // 2)"),
    ("kmeans_share", "kmeans_share", "range(max_steps)", "range(max_steps + 1)"),
    ("kmeans_share", "kmeans_share", "max_steps: int = 300", "max_steps: int = 3"),
    ("kmeans_share", "kmeans_share", 'init: str = "lin', 'init: str = "random" or "'),
    ("kmeans_share", "kmeans_share", "torch.equal(I, before)", "True"),
    ("kmeans_share", "_start", "low + (high - low)", "high * 0 + (high - low)"),
    ("kmeans_share", "_start", "(0, 1, K, ", "(0.1, 1, K, "),
    ("kmeans_share", "_start", "+ 0.5) / K", ") / K"),
    ("kmeans_share", "_start", "w.sort().values[(", "w[("),
    ("kmeans_share", "_start", "].to(w.device)].sort().values", "].to(w.device)]"),
    ("kmeans_share", "shared_gradient", "zeros.index_add", "zeros.index_copy"),
    ("kmeans_share", "shared_gradient", "grad.flatten())", "grad.flatten() / K)"),
    ("kmeans_share", "Shared", "self.codebook[self", "self.codebook.detach()[self"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), comp)
    assert is_killed(CHECKS, right, old, new, places)
