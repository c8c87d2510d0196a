"""Augmentation against SciPy, torch's grid_sample, exact cases, draws, mutants."""

import importlib
import math
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from coursekit import regularization as reg
from coursekit.device import generator

NAMES = ("_images", "warp", "augment_crop", "augment_flip")
NAMES = (*NAMES, "augment_rotate", "augment_scale", "augment_shift")
PAGES = {
    name: importlib.import_module(f"coursekit.regularization.{name}") for name in NAMES
}
SCIPY = {"order": 1, "mode": "grid-constant", "cval": 0.0}


def close(ours, theirs, **tolerance):
    options = {"rtol": 1e-11, "atol": 1e-12} | tolerance
    torch.testing.assert_close(ours, theirs, **options)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def uniform(amount, shape, seed=0):
    u = torch.rand(shape, generator=generator(seed), dtype=torch.float64)
    return amount * (2 * u - 1)


def affine(image, matrix, offset):
    """SciPy's map of output to input coordinates, about the centre."""
    c = (np.array(image.shape) - 1) / 2
    shift = c - matrix @ c + offset
    moved = ndimage.affine_transform(image.numpy(), matrix, offset=shift, **SCIPY)
    return torch.from_numpy(moved)


# ---- checks that mutants have to fail


def check_warp_is_scipys():
    x, A, t = draw(6, 7, 5), draw(6, 2, 2, seed=1), draw(6, 2, seed=2)
    moved = [affine(x[r], A[r].numpy(), t[r].numpy()) for r in range(6)]
    close(reg.warp(x, A, t), torch.stack(moved))
    close(reg.warp(x[0], A[0], t[0]), moved[0])
    close(reg.warp(x[:2], A[0], t[0])[0], moved[0])
    close(reg.warp(x[:1, None], A[:1], t[:1])[0, 0], moved[0])


def check_warp_is_torchs_grid_sample():
    x, A, t = draw(4, 3, 6, 9), draw(4, 2, 2, seed=1), draw(4, 2, seed=2)
    half = torch.tensor([6, 9]).double() / 2  # pixels in a unit of the grid
    theta = torch.cat([A * half / half[:, None], (t / half)[..., None]], -1)
    theta = theta.flip(1)[:, :, [1, 0, 2]]  # torch: (x, y), not (row, column)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    close(reg.warp(x, A, t), F.grid_sample(x, grid, align_corners=False))


def check_whole_shifts_are_exact_and_do_not_wrap():
    for H, W in ((7, 5), (4, 28)):
        x = draw(H, W).float()
        padded = F.pad(x, (3, 3, 3, 3))
        for down, right in ((0, 0), (1, 0), (0, 2), (-3, 1), (2, -3)):
            expected = padded[3 - down : 3 - down + H, 3 - right : 3 - right + W]
            assert torch.equal(reg.shift(x, (down, right)), expected)
        assert not reg.shift(x, (H, 0)).any()


def check_fractions_of_a_pixel():
    x = torch.tensor([[0.0, 8.0, 0.0, 0.0]])
    assert reg.shift(x, (0, 0.25)).tolist() == [[0, 6, 2, 0]]
    assert reg.shift(x, (0.5, 0)).tolist() == [[0, 4, 0, 0]]


def check_turns():
    x = draw(3, 5, 5)
    for k in range(-4, 5):
        turned = torch.rot90(x, k, (-2, -1))
        assert torch.equal(reg.rotate(x, 90.0 * k), turned)
    y = draw(2, 6, 9)
    for angle in (10.0, -37.0):
        there = ndimage.rotate(y[0].numpy(), angle, reshape=False, **SCIPY)
        close(reg.rotate(y, angle)[0], torch.from_numpy(there))
    each = reg.rotate(y, (90.0, 20.0))
    close(each, torch.stack([reg.rotate(y[0], 90.0), reg.rotate(y[1], 20.0)]))


def check_scales():
    x = draw(2, 6, 9)
    for u in (0.4, 1.0, 1.7):
        close(reg.rescale(x, u)[1], affine(x[1], np.eye(2) / u, 0))
    each = reg.rescale(x, (0.5, 2.0))
    close(each, torch.stack([reg.rescale(x[0], 0.5), reg.rescale(x[1], 2.0)]))


def check_crops():
    x = draw(3, 2, 6, 7)
    assert torch.equal(reg.crop(x, (1, 2), (3, 4)), x[..., 1:4, 2:6])
    padded = F.pad(x, (2, 2, 2, 2))
    assert torch.equal(reg.crop(x, (0, 5), 6, padding=2), padded[..., 0:6, 5:11])
    corner = torch.tensor([[0, 0], [3, 3], [1, 2]])
    windows = [x[r, :, i : i + 3, j : j + 4] for r, (i, j) in enumerate(corner)]
    assert torch.equal(reg.crop(x, corner, (3, 4)), torch.stack(windows))
    assert torch.equal(reg.crop(x, (3, 3), (3, 4)), x[..., 3:, 3:])
    assert torch.equal(reg.crop(x[0, 0], (1, 2), 3), x[0, 0, 1:4, 2:5])


def check_random_crops_reach_every_window():
    x = torch.arange(20.0).view(1, 4, 5).expand(400, 4, 5)
    corners = reg.augment_crop(x, (2, 4), generator=generator(0))[:, 0, 0]
    values, counts = corners.unique(return_counts=True)
    assert values.tolist() == [0, 1, 5, 6, 10, 11]
    assert counts.min() > 25
    y = reg.augment_crop(x + 1, (4, 5), padding=1, generator=generator(0))
    shifts = {(int((row[:, 2] == 0).sum()), int((row[1] == 0).sum())) for row in y}
    assert shifts == {(0, 0), (0, 1), (1, 0), (1, 1)}
    same = reg.augment_crop(x, (4, 5), generator=generator(0))
    assert torch.equal(same, x)


def check_draws_of_shift_rotation_and_scale():
    x = draw(50, 2, 6, 7)
    ours = reg.augment_shift(x, 1.5, generator=generator(0))
    close(ours, reg.shift(x, uniform(1.5, (50, 2))))
    ours = reg.augment_rotate(x, 30, generator=generator(0))
    close(ours, reg.rotate(x, uniform(30, (50,))))
    ours = reg.augment_scale(x, 0.5, generator=generator(0))
    u = uniform(math.log(1.5), (50,)).exp()
    assert 0.66 < u.min() < 0.7 < 1.4 < u.max() < 1.5
    close(ours, reg.rescale(x, u))
    for augment, amount in (
        (reg.augment_shift, 1.0),
        (reg.augment_rotate, 10.0),
        (reg.augment_scale, 0.2),
    ):
        a, b = (
            augment(x, generator=generator(3)),
            augment(x, amount, generator=generator(3)),
        )
        assert torch.equal(a, b)


def check_shifts_of_a_point_have_the_stated_distribution():
    """A shifted point keeps its mass, and its centre of mass moves with it."""
    x = torch.zeros(2000, 7, 7, dtype=torch.float64)
    x[:, 3, 3] = 1
    y = reg.augment_shift(x, 2.0, generator=generator(0))
    close(y.sum((1, 2)), torch.ones(2000).double())
    at = torch.arange(7).double()
    d = torch.stack([y.sum(2) @ at, y.sum(1) @ at], -1) - 3
    assert bool((d.abs() <= 2).all())
    assert d.amin() < -1.9
    assert d.amax() > 1.9
    assert d.mean(0).abs().max() < 0.1
    assert d.var(0).sub(4 / 3).abs().max() < 0.1
    assert np.corrcoef(d.T.numpy())[0, 1] == pytest.approx(0, abs=0.07)
    whole = reg.augment_shift(x, 2, whole=True, generator=generator(0))
    rows, counts = whole.flatten(1).argmax(1).unique(return_counts=True)
    assert len(rows) == 25
    assert counts.min() > 40
    assert torch.equal(whole.amax((1, 2)), torch.ones(2000).double())


def check_flips():
    x = draw(400, 3, 4, 5)
    for axis, dim in (("horizontal", -1), ("vertical", -2)):
        y = reg.augment_flip(x, 0.3, axis=axis, generator=generator(0))
        r = torch.rand(400, generator=generator(0)) < 0.3
        assert 90 < r.sum() < 150
        expected = torch.where(r[:, None, None, None], x.flip(dim), x)
        assert torch.equal(y, expected)
        always = reg.augment_flip(x, 1.0, axis=axis, generator=generator(0))
        assert torch.equal(always, x.flip(dim))
        never = reg.augment_flip(x, 0.0, axis=axis, generator=generator(0))
        assert torch.equal(never, x)
        with mock.patch("torch.rand", return_value=torch.zeros(400)):
            never = reg.augment_flip(x, 0.0, axis=axis, generator=generator(0))
        assert torch.equal(never, x)
    default = reg.augment_flip(x, generator=generator(1))
    half = reg.augment_flip(x, 0.5, axis="horizontal", generator=generator(1))
    assert torch.equal(default, half)


def check_amount_zero_is_the_identity_exactly():
    for shape in ((8, 8), (5, 7, 6), (4, 3, 5, 8), (2, 3, 1, 28, 28)):
        x = draw(*shape).float()
        for augment in (reg.augment_shift, reg.augment_rotate, reg.augment_scale):
            assert torch.equal(augment(x, 0, generator=generator(0)), x)
        assert torch.equal(reg.warp(x), x)
        whole = reg.augment_shift(x, 0, whole=True, generator=generator(0))
        assert torch.equal(whole, x)
        same = reg.augment_crop(x, shape[-2:], generator=generator(0))
        assert torch.equal(same, x)


def check_channels_go_together_and_images_do_not():
    for augment in (
        lambda x: reg.augment_shift(x, 2, generator=generator(0)),
        lambda x: reg.augment_rotate(x, 90, generator=generator(0)),
        lambda x: reg.augment_scale(x, 1, generator=generator(0)),
        lambda x: reg.augment_crop(x, 4, generator=generator(0)),
        lambda x: reg.augment_flip(x, generator=generator(0)),
    ):
        image = draw(9, 9)
        y = augment(image.expand(2, 8, 3, 9, 9))
        assert y.shape[:3] == (2, 8, 3)
        assert torch.equal(y, y[:, :, :1].expand_as(y))
        images = y[:, :, 0].flatten(0, 1).flatten(1)
        assert len(images.unique(dim=0)) >= 2
        grey = augment(image.expand(16, 9, 9))
        assert torch.equal(grey.flatten(1), images)
        assert torch.equal(augment(image.expand(16, 1, 9, 9))[:, 0], grey)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_augmentation(check):
    check()


# ---- laws, gradients, types, bad input


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_shifting_moves_the_centre_of_mass_and_keeps_the_mass(down, right):
    x = torch.zeros(11, 11, dtype=torch.float64)
    x[4:7, 4:7] = draw(3, 3).abs()
    y = reg.shift(x, (down, right))
    at = torch.arange(11).double()
    close(y.sum(), x.sum())
    for dim, distance in ((1, down), (0, right)):
        moved = (y.sum(dim) @ at - x.sum(dim) @ at) / x.sum()
        assert moved.item() == pytest.approx(distance, abs=1e-9)


@given(st.floats(-180, 180), st.floats(0.3, 3))
def test_interpolation_stays_between_its_neighbours(angle, factor):
    x = draw(6, 6)
    for y in (reg.rotate(x, angle), reg.rescale(x, factor)):
        assert y.max() <= x.max().clamp(min=0) + 1e-12
        assert y.min() >= x.min().clamp(max=0) - 1e-12


def test_gradients_flow_to_the_pixels_and_to_the_map():
    x = draw(2, 2, 4, 5).requires_grad_(True)
    A = draw(2, 2, 2, seed=3).requires_grad_(True)
    t = draw(2, 2, seed=4).requires_grad_(True)
    assert torch.autograd.gradcheck(reg.warp, (x, A, t))
    assert torch.autograd.gradcheck(lambda x: reg.crop(x, (1, 1), 3, padding=1), x)
    assert torch.autograd.gradcheck(
        lambda x: reg.augment_flip(x, generator=generator(0)), x
    )


def test_a_mirrored_digit_is_another_sign():
    """Upside down and mirrored, 6 is 9: not any transformation keeps the label."""
    six = torch.tensor(
        [[1.0, 0, 0], [1, 0, 0], [1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=torch.float64
    )
    nine = six.flip(0, 1)
    assert torch.equal(reg.rotate(six, 180.0), nine)
    assert not torch.equal(nine, six)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_are_kept_and_draws_do_not_depend_on_them(dtype):
    x = draw(3, 6, 6)
    eps = torch.finfo(dtype).eps
    for augment in (reg.augment_shift, reg.augment_rotate, reg.augment_scale):
        low = augment(x.to(dtype), generator=generator(0))
        assert low.dtype == dtype
        wide = augment(x.to(dtype).double(), generator=generator(0))
        close(low.double(), wide, rtol=4 * eps, atol=8 * eps)


def test_images_and_global_randomness_are_left_as_they_were():
    x = draw(3, 6, 6)
    before, state = x.clone(), torch.get_rng_state()
    for augment in (reg.augment_shift, reg.augment_rotate, reg.augment_scale):
        augment(x, generator=generator(0))
    reg.augment_crop(x, 3, padding=2, generator=generator(0))
    reg.augment_flip(x, generator=generator(0))
    assert torch.equal(x, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_empty_batch_stays_empty():
    x = torch.zeros(0, 3, 6, 6)
    for augment in (reg.augment_shift, reg.augment_rotate, reg.augment_scale):
        assert augment(x, generator=generator(0)).shape == x.shape
    assert reg.augment_crop(x, 4, generator=generator(0)).shape == (0, 3, 4, 4)


X = torch.ones(2, 4, 4)
BAD = [
    (lambda: reg.shift(X.byte(), (0, 0)), TypeError, r"got torch.uint8; use \.float"),
    (lambda: reg.shift(X[0, 0], (0, 0)), ValueError, r"\[\*, H, W\] .* got \(4,\)"),
    (lambda: reg.shift(X[:, :0], (0, 0)), ValueError, r"got \(2, 0, 4\)"),
    (lambda: reg.shift(X / 0, (0, 0)), ValueError, "expected finite pixels"),
    (lambda: reg.shift(X, (0, 0, 0)), ValueError, r"offset: expected shape \(2,\)"),
    (lambda: reg.shift(X, (0, math.nan)), ValueError, "offset: expected finite"),
    (lambda: reg.warp(X, torch.eye(3)), ValueError, r"matrix: expected shape \(2, 2\)"),
    (lambda: reg.rescale(X, 0.0), ValueError, "factor: expected numbers > 0, got 0.0"),
    (lambda: reg.rescale(X, -1.0), ValueError, "factor: expected numbers > 0"),
    (lambda: reg.crop(X, (0, 1), 4), ValueError, r"corner: .* \(0, 0\) to \(0, 0\)"),
    (lambda: reg.crop(X, (1, 0), 4), ValueError, r"corner: .* \(0, 0\) to \(0, 0\)"),
    (lambda: reg.crop(X, (0, -1), 2), ValueError, r"\(0, 0\) to \(2, 2\)"),
    (lambda: reg.crop(X, (-1, 0), 2), ValueError, r"\(0, 0\) to \(2, 2\)"),
    (lambda: reg.crop(X, (0.5, 0), 2), ValueError, "corner: expected whole numbers"),
    (lambda: reg.crop(X, (0, 0), 5), ValueError, r"size: expected at most \(4, 4\)"),
    (lambda: reg.crop(X, (0, 0), 0), ValueError, "size: expected an integer >= 1"),
    (
        lambda: reg.crop(X, (0, 0), 2, padding=-1),
        ValueError,
        "padding: expected an integer >= 0",
    ),
    (
        lambda: reg.augment_shift(X, -1, generator=generator(0)),
        ValueError,
        "amount: expected a finite number >= 0",
    ),
    (
        lambda: reg.augment_shift(X, 0.5, whole=True, generator=generator(0)),
        TypeError,
        "amount: expected an integer, got 0.5",
    ),
    (
        lambda: reg.augment_rotate(X, math.inf, generator=generator(0)),
        ValueError,
        "amount: expected a finite number >= 0",
    ),
    (
        lambda: reg.augment_scale(X, -0.5, generator=generator(0)),
        ValueError,
        "amount: expected a finite number >= 0",
    ),
    (
        lambda: reg.augment_crop(X, 5, generator=generator(0)),
        ValueError,
        "enlarge the padding",
    ),
    (
        lambda: reg.augment_flip(X, 1.5, generator=generator(0)),
        ValueError,
        r"p: expected a number in \[0, 1\]",
    ),
    (
        lambda: reg.augment_flip(X, axis="diagonal", generator=generator(0)),
        ValueError,
        "axis: expected one of 'horizontal', 'vertical'",
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
    x = draw(5, 2, 6, 7)
    for augment in (reg.augment_shift, reg.augment_rotate, reg.augment_scale):
        ours = augment(x.cuda(), generator=generator(0))
        assert ours.is_cuda
        close(ours.cpu(), augment(x, generator=generator(0)))
    ours = reg.augment_crop(x.cuda(), 4, padding=1, generator=generator(0))
    assert torch.equal(
        ours.cpu(), reg.augment_crop(x, 4, padding=1, generator=generator(0))
    )
    ours = reg.augment_flip(x.cuda(), generator=generator(0))
    assert torch.equal(ours.cpu(), reg.augment_flip(x, generator=generator(0)))


MUTANTS = [
    ("_images", "lead", "<= 3 else", "<= 4 else"),
    ("_images", "draw_uniform", "2 * torch.rand", "torch.rand"),
    ("_images", "draw_uniform", "**options) - 1)", "**options))"),
    ("_images", "draw_uniform", "return amount *", "return 2 * amount *"),
    ("_images", "draw_uniform", "torch.rand(", "torch.randn("),
    ("warp", "warp", "s - k", "k - s"),
    ("warp", "warp", "s.floor()", "s.round()"),
    ("warp", "warp", "a > 0, f, 1 - f", "a > 0, 1 - f, f"),
    ("warp", "warp", ".prod(-1)", ".amin(-1)"),
    ("warp", "warp", "(k + a)", "(k - a)"),
    ("warp", "_sources", "(H - 1) / 2, (W - 1) / 2", "H / 2, W / 2"),
    ("warp", "_sources", "(H - 1) / 2, (W - 1) / 2", "(W - 1) / 2, (H - 1) / 2"),
    ("warp", "_sources", "moved + c + t", "moved + t"),
    ("warp", "_sources", "moved + c + t", "moved + c - t"),
    ("warp", "_sources", ".sum(-1)", ".sum(-2)"),
    ("warp", "_sources", "(o - c)", "o"),
    ("warp", "_pixels", "(row >= 0) &", ""),
    ("warp", "_pixels", "(row < H) &", ""),
    ("warp", "_pixels", "(column >= 0) &", ""),
    ("warp", "_pixels", " & (column < W)", ""),
    ("warp", "_pixels", "(row < H)", "(row <= H)"),
    ("warp", "_pixels", "(column < W)", "(column < W - 1)"),
    ("warp", "_pixels", "(0, H - 1) * W", "(0, H - 1) * H"),
    ("warp", "_pixels", " * inside[:, None]", ""),
    ("augment_shift", "shift", "offset=-torch", "offset=torch"),
    ("augment_shift", "augment_shift", "-a, a + 1", "-a, a"),
    ("augment_shift", "augment_shift", "-a, a + 1", "0, a + 1"),
    ("augment_shift", "augment_shift", "float = 1.0", "float = 2.0"),
    ("augment_shift", "augment_shift", "whole: bool = False", "whole: bool = True"),
    ("augment_rotate", "rotate", "(math.pi / 180)", "1"),
    ("augment_rotate", "rotate", "[cos, sin, -sin, cos]", "[cos, -sin, sin, cos]"),
    ("augment_rotate", "rotate", "phi.cos().round(decimals=15)", "phi.cos()"),
    ("augment_rotate", "augment_rotate", "float = 10.0", "float = 15.0"),
    ("augment_scale", "rescale", ") / u[", ") * u["),
    ("augment_scale", "augment_scale", "log_u.exp()", "1 + log_u"),
    ("augment_scale", "augment_scale", "math.log1p(check", "(check"),
    ("augment_scale", "augment_scale", "float = 0.2", "float = 0.1"),
    ("augment_crop", "crop", "torch.arange(h", "1 + torch.arange(h"),
    ("augment_crop", "crop", "rows = (i[", "rows = (j["),
    ("augment_crop", "crop", "columns = (j[", "columns = (i["),
    ("augment_crop", "augment_crop", "H - h + 1", "H - h"),
    ("augment_crop", "augment_crop", "W - w + 1", "W - w"),
    ("augment_crop", "augment_crop", "H - h + 1", "1"),
    ("augment_crop", "augment_crop", "[i, j]", "[j, i]"),
    ("augment_crop", "augment_crop", "padding=padding)", "padding=0)"),
    ("augment_crop", "_padded", "(P, P, P, P)", "(P, P, 0, 0)"),
    ("augment_flip", "augment_flip", "< p  #", "> p  #"),
    ("augment_flip", "augment_flip", "< p  #", "<= p  #"),
    ("augment_flip", "augment_flip", "-1 if axis", "-2 if axis"),
    ("augment_flip", "augment_flip", "else -2", "else (-2, -1)"),
    ("augment_flip", "augment_flip", "r, mirrored, images", "r, images, mirrored"),
    ("augment_flip", "augment_flip", "p: float = 0.5", "p: float = 0.3"),
    ("augment_flip", "augment_flip", 'str = "hor', 'str = "vertical" or "'),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), reg)
    assert is_killed(CHECKS, right, old, new, places)
