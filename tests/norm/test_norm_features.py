"""Scaling of input features against scikit-learn, laws, and the mutants they kill."""

import importlib
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from coursekit import norm
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.norm.{name}")
    for name in ("scaling", "whitening")
}
EXACT = {"rtol": 1e-9, "atol": 1e-11}
LAW = settings(max_examples=25, deadline=None)


def draw(n, d=5, seed=0):
    """Correlated features of different sizes and means."""
    g = generator(seed)
    mix = torch.randn(d, d, generator=g, dtype=torch.float64)
    mix *= torch.logspace(-1, 2, d).double()
    return torch.randn(n, d, generator=g, dtype=torch.float64) @ mix + 7


def close(ours, theirs, **tolerance):
    torch.testing.assert_close(ours, theirs, **(EXACT | tolerance))


def covariance(z):
    d = z - z.mean(0)
    return d.T @ d / len(d)


def check_scalers_are_scikit_learns():
    train, test = draw(40), draw(15, seed=1)
    train[:, 2] = test[:, 2] = 3.0
    for function, scaler in (
        (norm.standardize, StandardScaler()),
        (norm.minmax, MinMaxScaler()),
        (norm.center, StandardScaler(with_std=False)),
    ):
        scaler.fit(train)
        for x in (train, test):
            expected = torch.from_numpy(scaler.transform(x))
            close(function(x, reference=train), expected)
        close(function(train), function(train, reference=train))


def check_pca_is_scikit_learns():
    train, test = draw(40), draw(15, seed=1)
    axes = PCA().fit(train)
    for x in (train, test):
        theirs = torch.from_numpy(axes.transform(x))
        ours = norm.pca(x, reference=train)
        close(ours.abs(), theirs.abs(), rtol=1e-7)
        close(norm.pca(x, reference=train, n_components=2), ours[:, :2])
    z = norm.pca(train)
    variance = covariance(z).diagonal()
    close(covariance(z), variance.diag(), rtol=0, atol=1e-9)
    assert bool((variance.diff() <= 0).all())
    eigs = torch.linalg.eigvalsh(covariance(train)).flip(0)
    close(variance, eigs, rtol=1e-8)


def check_whitening_gives_the_identity():
    train, test = draw(60), draw(15, seed=1)
    for zca in (False, True):
        close(covariance(norm.whiten(train, zca=zca)), torch.eye(5).double(), atol=1e-9)
    root = torch.linalg.eigh(covariance(train))
    W = root.eigenvectors @ root.eigenvalues.rsqrt().diag() @ root.eigenvectors.T
    expected = (test - train.mean(0)) @ W
    close(norm.whiten(test, reference=train, zca=True), expected, rtol=1e-7)
    scaled = (
        norm.pca(test, reference=train) / covariance(norm.pca(train)).diagonal().sqrt()
    )
    close(norm.whiten(test, reference=train), scaled, rtol=1e-7)
    damped = norm.pca(train) / (covariance(norm.pca(train)).diagonal() + 3.0).sqrt()
    close(norm.whiten(train, eps=3.0), damped, rtol=1e-7)


def check_directions_without_variance_become_zero():
    few = draw(4)  # rank 3 after centring
    for zca in (False, True):
        z = norm.whiten(few, zca=zca)
        eigs = torch.linalg.eigvalsh(covariance(z))
        close(eigs, torch.tensor([0, 0, 1, 1, 1]).double(), atol=1e-9)
    sums = draw(50)
    sums[:, 4] = sums[:, 0] + sums[:, 1]
    new = norm.whiten(draw(6, seed=3), reference=sums)
    assert bool(new.isfinite().all())
    assert bool((new[:, 4] == 0).all())
    assert bool((norm.whiten(torch.full((3, 2), 0.1)) == 0).all())
    constant = torch.full((7, 1), 0.1)  # the mean of these is not 0.1 exactly
    assert norm.standardize(constant).abs().max() < 1e-6
    assert norm.minmax(constant).abs().max() < 1e-6


def check_the_sign_of_an_axis_does_not_hang_on_the_order():
    x = draw(30)
    close(norm.pca(x.flip(0)), norm.pca(x).flip(0), rtol=1e-7)
    _, _, V = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    rotation = torch.linalg.lstsq(x - x.mean(0), norm.pca(x)).solution
    top = rotation.abs().argmax(0, keepdim=True)
    assert bool((rotation.gather(0, top) > 0).all())
    close(rotation.abs(), V.mT.abs(), rtol=1e-6)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_features(check):
    check()


@LAW
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-100, 100))
def test_units_do_not_matter_after_scaling(seed, scale, shift):
    x = draw(12, 3, seed)
    for function in (norm.standardize, norm.minmax):
        close(function(scale * x + shift), function(x), rtol=1e-6, atol=1e-8)
    z = norm.standardize(x)
    close(z.mean(0), torch.zeros(3).double(), atol=1e-9)
    close(z.square().mean(0), torch.ones(3).double())


@LAW
@given(st.integers(0, 10**6))
def test_zca_stays_nearest_to_the_data(seed):
    x = draw(20, 4, seed)
    d = norm.center(x)
    nearest = (norm.whiten(x, zca=True) - d).square().sum()
    assert nearest <= (norm.whiten(x) - d).square().sum() + 1e-6


def test_leading_axes_are_separate_sets():
    x = torch.stack([draw(8), draw(8, seed=2)])
    for function in (norm.standardize, norm.minmax, norm.center):
        close(function(x), torch.stack([function(x[0]), function(x[1])]))


def test_the_conditioning_of_a_linear_model_improves_step_by_step():
    x = draw(200)

    def kappa(z):
        z = torch.cat([z, torch.ones(len(z), 1).double()], 1)
        eigs = torch.linalg.eigvalsh(z.T @ z)
        return (eigs[-1] / eigs[0]).item()

    raw, centred, rotated, white = (
        kappa(z) for z in (x, norm.center(x), norm.pca(x), norm.whiten(x))
    )
    assert raw > centred
    assert rotated == pytest.approx(centred, rel=1e-6)
    assert white == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_are_kept_and_float32_whitens_to_its_resolution(dtype):
    x = (draw(100) - 7) / 100
    x = x.to(dtype)
    for function in (norm.center, norm.standardize, norm.minmax, norm.pca, norm.whiten):
        before = x.clone()
        assert function(x).dtype == dtype
        assert torch.equal(x, before)
    atol = 1e-3 if dtype == torch.float32 else 1e-9
    close(covariance(norm.whiten(x)), torch.eye(5).to(dtype), rtol=0, atol=atol)


EVERY = [norm.center, norm.standardize, norm.minmax, norm.pca, norm.whiten]
NAN = torch.tensor([[1.0, math.nan], [2.0, 3.0]])
BAD = [
    ((NAN,), {}, ValueError, "x: expected finite features, got 1"),
    ((torch.ones(2, 2),), {"reference": NAN}, ValueError, "reference: expected finite"),
    ((torch.ones(2, 2).long(),), {}, TypeError, r"got torch.int64; use .float\(\)"),
    ((torch.ones(3),), {}, ValueError, r"\[..., examples, features\]"),
    ((torch.ones(3, 2),), {"reference": torch.ones(3, 4)}, ValueError, r"\(3, 4\)"),
    ((torch.ones(0, 2),), {}, ValueError, "at least one example, got none"),
]


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(("args", "kw", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(function, args, kw, kind, message):
    with pytest.raises(kind, match=message):
        function(*args, **kw)


def test_rotations_take_one_set_and_no_more_axes_than_features():
    with pytest.raises(ValueError, match=r"\[examples, features\], got \(2, 3, 4\)"):
        norm.whiten(torch.ones(2, 3, 4))
    with pytest.raises(ValueError, match="at most the 2 features, got 3"):
        norm.pca(torch.ones(4, 2), n_components=3)
    with pytest.raises(ValueError, match="eps: expected a finite number >= 0"):
        norm.whiten(torch.ones(4, 2), eps=-1)


MUTANTS = [
    ("scaling", "center", "x - mu", "x - mu / 2"),
    ("scaling", "center", "source.mean(-2", "x.mean(-2"),
    ("scaling", "standardize", "mu = source.mean", "mu = x.mean"),
    ("scaling", "standardize", "d = source - mu", "d = x - mu"),
    (
        "scaling",
        "standardize",
        "mean(-2, keepdim=True).sqrt()",
        "mean(-2, keepdim=True)",
    ),
    ("scaling", "standardize", "(x - mu) / sigma  #", "x / sigma  #"),
    ("scaling", "standardize", "sigma > 2 * rounding", "sigma > 0"),
    ("scaling", "standardize", "sigma, torch.ones_like(sigma)", "sigma, sigma"),
    ("scaling", "minmax", "(x - low) / extent", "x / extent"),
    ("scaling", "minmax", "source.amin", "x.amin"),
    ("scaling", "minmax", "source.amax", "x.amax"),
    ("scaling", "minmax", "high - low, torch.ones_like(low)", "high - low, high - low"),
    ("whitening", "pca", "U[:, :k]", "U.mT[:, :k]"),
    ("whitening", "pca", "(x - mu) @", "x @"),
    ("whitening", "pca", "U[:, :k]", "U[:, -k:]"),
    ("whitening", "whiten", "@ U * scale", "@ U.mT * scale"),
    ("whitening", "whiten", "white @ U.mT if", "white @ U if"),
    ("whitening", "whiten", "(variance + eps).rsqrt()", "1 / (variance + eps)"),
    ("whitening", "whiten", "(variance + eps).rsqrt()", "variance.rsqrt()"),
    ("whitening", "whiten", "kept = variance > 0", "kept = variance >= 0"),
    ("whitening", "_principal_axes", "s.square() / n", "s.square() / (n - 1)"),
    ("whitening", "_principal_axes", "source.mean(0)", "x.mean(0)"),
    ("whitening", "_principal_axes", "svd(source - mu", "svd(source"),
    ("whitening", "_principal_axes", "s > noise", "s > 0"),
    ("whitening", "_principal_axes", "largest < 0, -1.0", "largest < 0, 1.0"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), norm)
    assert is_killed(CHECKS, right, old, new, places)
