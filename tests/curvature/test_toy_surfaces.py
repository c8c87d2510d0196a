"""The toy surfaces against NumPy, their landmarks, and the mutants they kill."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.curvature import SURFACES, Kind, classify, surfaces

POINTS = torch.randn(
    4, 25, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64
)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def unrolled(w, b, length=50):
    h = 0 * w + 0.5
    for _ in range(length):
        h = w * logistic(h) + b
    return (logistic(h) - 0.7) ** 2


def turned(x, y, kappa, angle):
    """The bowl as a quadratic form with a rotated matrix."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    R = np.array([[c, -s], [s, c]])
    H = R @ np.diag([kappa, 1.0]) @ R.T
    p = np.stack([x, y], -1)
    return 0.5 * np.einsum("...i,ij,...j", p, H, p)


NUMPY = {
    "bowl": lambda x, y: turned(x, y, 10.0, 0.0),
    "hidden_saddle": lambda x, y: 0.5 * x * x + 2 * x * y + 0.5 * y * y,
    "strict_saddle": lambda x, y: 0.5 * x * x - 0.5 * y * y + 0.25 * y**4,
    "monkey_saddle": lambda x, y: ((x + 1j * y) ** 3).real,
    "quartic": lambda x, y: x**4 + y**4,
    "trough": lambda x, y: 0.5 * x * x + 0 * y,
    "two_weights": lambda x, y: 1 - 2 * x * y + x * x * y * y,
    "rosenbrock": lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    "himmelblau": lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
    "beale": lambda x, y: (
        (1.5 - x * (1 - y)) ** 2
        + (2.25 - x * (1 - y**2)) ** 2
        + (2.625 - x * (1 - y**3)) ** 2
    ),
    "three_hump_camel": lambda x, y: (
        2 * x**2 - 21 / 20 * x**4 + x**6 / 6 + x * y + y**2
    ),
    "narrow_valley": lambda x, y: np.log(np.cosh(10 * x)) + 0.001 * y**2,
    "double_well": lambda x, y: (x - 1) ** 2 * (x + 1) ** 2 + y**2 / 2,
    "humped_bowl": lambda x, y: (
        (x**2 + y**2) / 2 + 2 * np.exp(-(x**2 - 4 * x + 4) / 0.18)
    ),
    "plateau": lambda x, y: 1 - 1 / (1 + x**2 + y**2),
    "cliff": unrolled,
}
OPTIONS = [
    ("bowl", {"kappa": 7.0, "angle": 30.0}, lambda x, y: turned(x, y, 7.0, 30.0)),
    ("bowl", {"angle": -65.0}, lambda x, y: turned(x, y, 10.0, -65.0)),
    ("double_well", {"barrier": 3.0}, lambda x, y: 3 * (x * x - 1) ** 2 + y * y / 2),
    ("humped_bowl", {"height": 0.0}, lambda x, y: (x * x + y * y) / 2),
    (
        "humped_bowl",
        {"height": 0.5},
        lambda x, y: (x * x + y * y) / 2 + 0.5 * np.exp(-((x - 2) ** 2) / 0.18),
    ),
    ("cliff", {"length": 3}, lambda x, y: unrolled(x, y, 3)),
    ("cliff", {"length": 1}, lambda x, y: unrolled(x, y, 1)),
]


def close(ours, theirs, **tolerance):
    theirs = torch.as_tensor(theirs, dtype=torch.float64)
    limits = {"rtol": 1e-10, "atol": 1e-12} | tolerance
    torch.testing.assert_close(ours, theirs, **limits)


def second(f, theta):
    return torch.autograd.functional.hessian(f, theta)


def check_values_are_numpys():
    x, y = POINTS.numpy()[..., 0], POINTS.numpy()[..., 1]
    for name, formula in NUMPY.items():
        close(getattr(surfaces, name)(POINTS), formula(x, y))
    for name, options, formula in OPTIONS:
        close(getattr(surfaces, name)(POINTS, **options), formula(x, y))


def check_landmarks_are_critical_and_of_their_kind():
    for name, surface in SURFACES.items():
        f = getattr(surfaces, name)
        for point in surface.landmarks:
            theta = torch.tensor(point.theta, dtype=torch.float64)
            g, H = torch.func.grad(f)(theta), second(f, theta)
            assert g.norm() <= 1e-12 * (1 + H.norm()), (name, point)
            assert f(theta).item() == pytest.approx(point.value, rel=1e-12, abs=1e-14)
            assert classify(H) == point.verdict, (name, point)
            assert point.verdict == (point.kind if point.decided else Kind.UNDECIDED)


def check_kinds_hold_where_second_derivatives_are_silent():
    angle = torch.linspace(0, 2 * math.pi, 721, dtype=torch.float64)
    circle = 1e-2 * torch.stack([angle.cos(), angle.sin()], -1)
    for name, surface in SURFACES.items():
        f = getattr(surfaces, name)
        for point in surface.landmarks:
            around = f(torch.tensor(point.theta, dtype=torch.float64) + circle)
            up = bool((around > point.value).any())
            down = bool((around < point.value - 1e-12).any())
            found = {(True, False): "minimum", (False, True): "maximum"}
            assert found.get((up, down), "saddle") == point.kind, (name, point)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_surface(check):
    check()


def test_the_table_names_every_surface_once():
    assert set(SURFACES) == set(NUMPY) <= set(surfaces.__all__)
    for name, surface in SURFACES.items():
        assert surface.f is getattr(surfaces, name)
        assert surface.name == name
        (low, high), (bottom, top) = surface.box
        x, y = surface.start
        assert low <= x <= high
        assert bottom <= y <= top
        start = torch.tensor(surface.start, dtype=torch.float64)
        assert torch.func.grad(surface.f)(start).norm() > 1e-3
    kinds = [str(point.kind) for point in SURFACES["himmelblau"].landmarks]
    assert [kinds.count(k) for k in ("minimum", "saddle", "maximum")] == [4, 4, 1]


def test_the_bowl_has_the_condition_number_that_was_asked_for():
    for angle in (0.0, 45.0, 90.0):
        f = partial(surfaces.bowl, kappa=50.0, angle=angle)
        H = second(f, torch.zeros(2, dtype=torch.float64))
        close(torch.linalg.eigvalsh(H), [1.0, 50.0])
    close(H, [[1.0, 0.0], [0.0, 50.0]], atol=1e-12)


def test_equal_functions_differ_in_sharpness():
    for a in (1.0, 2.0, 5.0):
        w = torch.tensor([a, 1 / a], dtype=torch.float64)
        H = second(surfaces.two_weights, w)
        sharpest = torch.linalg.eigvalsh(H)[-1].item()
        assert sharpest == pytest.approx(2 * (a**2 + a**-2))


def test_a_step_in_the_narrow_valley_goes_to_and_fro():
    theta = torch.tensor([0.3, 35.0], dtype=torch.float64)
    slope = torch.func.grad(surfaces.narrow_valley)
    norms = []
    for _ in range(1600):
        g = slope(theta)
        norms.append(g.norm().item())
        theta = theta - 0.05 * g
    assert norms[-1] == pytest.approx(norms[1000], rel=1e-3)
    assert norms[-1] == pytest.approx(9.86, abs=0.01)


def highest_hump(mu, lr=0.01, start=4.0):
    """The highest hump that heavy ball passes, among heights 0.005 apart."""
    h = torch.arange(0.9, 4, 0.005, dtype=torch.float64)
    x, m = torch.full_like(h, start), torch.zeros_like(h)
    for _ in range(1500):
        at = x.clone().requires_grad_()
        theta = torch.stack([at, 0 * at], -1)
        flat = surfaces.humped_bowl(theta, height=0.0)
        hump = surfaces.humped_bowl(theta, height=1.0) - flat
        (g,) = torch.autograd.grad((flat + h * hump).sum(), at)
        m = mu * m + lr * g
        x = x - m
    return h[x.abs() < 1].max().item()


@pytest.mark.parametrize(("mu", "height"), [(0.0, 1.13), (0.9, 2.94)])
def test_momentum_passes_humps_up_to_a_height(mu, height):
    assert highest_hump(mu) == pytest.approx(height, abs=0.01)


def test_the_cliff_is_a_wall():
    b = torch.linspace(-2.62, -2.60, 20001, dtype=torch.float64)
    at = torch.stack([torch.full_like(b, 5.0), b], -1)
    slope = torch.func.vmap(torch.func.grad(surfaces.cliff))
    assert 5e3 < slope(at).norm(dim=-1).max() < 8e3
    far = torch.tensor([[5.0, -2.71], [5.0, -2.51]], dtype=torch.float64)
    assert slope(far).norm(dim=-1).max() < 0.2
    jump = surfaces.cliff(at).diff().abs().max()
    assert jump > 1e-3


@pytest.mark.parametrize("name", sorted(NUMPY))
def test_surfaces_batch_keep_types_and_can_be_vmapped(name):
    f = getattr(surfaces, name)
    before = POINTS.clone()
    whole = f(POINTS)
    assert torch.equal(POINTS, before)
    assert whole.shape == (4, 25)
    close(torch.stack([f(row) for row in POINTS]), whole)
    close(torch.func.vmap(torch.func.vmap(f))(POINTS), whole)
    low = f(POINTS.float())
    assert low.dtype == torch.float32
    torch.testing.assert_close(low.double(), whole, rtol=1e-3, atol=1e-4)
    assert f(POINTS.bfloat16()).dtype == torch.bfloat16
    assert f(POINTS[:0]).shape == (0, 25)


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 50), st.floats(-180, 180))
def test_turning_the_bowl_is_turning_the_point(x, y, kappa, angle):
    theta = torch.tensor([x, y], dtype=torch.float64)
    a = math.radians(angle)
    R = torch.tensor([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]).double()
    turned_point = surfaces.bowl(R @ theta, kappa=kappa)
    close(
        surfaces.bowl(theta, kappa=kappa, angle=angle),
        turned_point,
        rtol=1e-5,
        atol=1e-5,
    )


BAD = [
    (lambda: surfaces.beale(torch.ones(3)), ValueError, r"points \[..., 2\], got"),
    (lambda: surfaces.beale(torch.tensor(1.0)), ValueError, r"got shape \(\)"),
    (lambda: surfaces.beale(torch.ones(2).long()), TypeError, r"torch.int64; use .fl"),
    (lambda: surfaces.beale([1.0, 2.0]), TypeError, "got list"),
    (lambda: surfaces.bowl(torch.ones(2), kappa=0.0), ValueError, "kappa: expected"),
    (lambda: surfaces.bowl(torch.ones(2), angle=math.nan), ValueError, "angle: exp"),
    (lambda: surfaces.double_well(torch.ones(2), barrier=-1), ValueError, "barrier"),
    (lambda: surfaces.humped_bowl(torch.ones(2), height=-1), ValueError, "height"),
    (lambda: surfaces.cliff(torch.ones(2), length=0), ValueError, "length: expected"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_points_are_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_surfaces_stay_on_the_device():
    for name in NUMPY:
        there = getattr(surfaces, name)(POINTS.cuda())
        assert there.is_cuda
        close(there.cpu(), getattr(surfaces, name)(POINTS), rtol=1e-8)


MUTANTS = [
    ("saddles", "bowl", "kappa: float = 10.0", "kappa: float = 1.0"),
    ("saddles", "bowl", "angle: float = 0.0", "angle: float = 5.0"),
    ("saddles", "bowl", "math.radians(check_number", "(check_number"),
    ("saddles", "bowl", "+ y * math.sin", "- y * math.sin"),
    ("saddles", "bowl", "- x * math.sin", "+ x * math.sin"),
    ("saddles", "bowl", "kappa * u.square() + w.square()", "u.square() + kappa * w**2"),
    ("saddles", "bowl", ") / 2", ")"),
    ("saddles", "hidden_saddle", "4 * x", "2 * x"),
    ("saddles", "hidden_saddle", "() + 4 *", "() - 4 *"),
    ("saddles", "hidden_saddle", ") / 2", ")"),
    ("saddles", "strict_saddle", "- y.square()", "+ y.square()"),
    ("saddles", "strict_saddle", "/ 4", "/ 2"),
    ("saddles", "strict_saddle", ") / 2", ")"),
    ("saddles", "monkey_saddle", "- 3 * x", "- 2 * x"),
    ("saddles", "monkey_saddle", "x * y.square()", "y * x.square()"),
    ("saddles", "quartic", "+ y**4", "+ y**2"),
    ("saddles", "quartic", "x**4 +", "x**4 -"),
    ("saddles", "trough", "/ 2", "/ 1"),
    ("saddles", "trough", "x, _ =", "_, x ="),
    ("saddles", "two_weights", "1 - w1", "1 + w1"),
    ("saddles", "two_weights", ".square()", ".abs()"),
    ("classics", "rosenbrock", "(1 - x).", "(1 + x)."),
    ("classics", "rosenbrock", "100 *", "10 *"),
    ("classics", "rosenbrock", "- x.square()", "- x"),
    ("classics", "himmelblau", "() + y - 11)", "() + y - 10)"),
    ("classics", "himmelblau", "() - 7)", "() - 5)"),
    ("classics", "himmelblau", "x + y.square()", "x - y.square()"),
    ("classics", "beale", "2.25", "2.5"),
    ("classics", "beale", "(2.625, 3)", "(2.625, 2)"),
    ("classics", "beale", "c - x + x", "c + x + x"),
    ("classics", "beale", "+ third", "- third"),
    ("classics", "three_hump_camel", "1.05", "1.5"),
    ("classics", "three_hump_camel", "/ 6", "/ 3"),
    ("classics", "three_hump_camel", "+ x * y", "- x * y"),
    ("landscapes", "narrow_valley", "logaddexp(10 * x", "logaddexp(x"),
    ("landscapes", "narrow_valley", "- math.log(2)", ""),
    ("landscapes", "narrow_valley", "0.001 *", "0.01 *"),
    ("landscapes", "double_well", "() - 1)", "() + 1)"),
    ("landscapes", "double_well", "h * (x", "(x"),
    ("landscapes", "double_well", "/ 2", "/ 1"),
    ("landscapes", "double_well", "barrier: float = 1.0", "barrier: float = 2.0"),
    ("landscapes", "humped_bowl", "(x - 2)", "(x - 1)"),
    ("landscapes", "humped_bowl", "(2 * 0.3**2)", "(0.3**2)"),
    ("landscapes", "humped_bowl", "+ h *", "- h *"),
    ("landscapes", "humped_bowl", "height: float = 2.0", "height: float = 1.0"),
    ("landscapes", "humped_bowl", "zero=True", "zero=False"),
    ("landscapes", "plateau", "(1 + r2)", "(2 + r2)"),
    ("landscapes", "plateau", "+ y.square()", "- y.square()"),
    ("landscapes", "cliff", "0.5)", "0.0)"),
    ("landscapes", "cliff", "length: int = 50", "length: int = 5"),
    ("landscapes", "cliff", "range(steps)", "range(steps - 1)"),
    ("landscapes", "cliff", "+ b  #", "- b  #"),
    ("landscapes", "cliff", "(h.sigmoid() - 0.7)", "(h - 0.7)"),
    ("landscapes", "cliff", "() - 0.7)", "() - 0.5)"),
    (
        "_points",
        "split_xy",
        "torch.unbind(theta, -1)",
        "torch.unbind(theta.flip(-1), -1)",
    ),
    ("surfaces", "Surface", "return self.f(theta, **options)", "return self.f(theta)"),
    ("surfaces", "Surface", 'indexing="xy"', 'indexing="ij"'),
    ("surfaces", "Surface", "n: int = 101", "n: int = 100"),
    ("surfaces", "Surface", "self.f.__name__", "self.f.__qualname__[1:]"),
    ("surfaces", "_square", "(-side, side), (-side, side)", "(-side, side), (0, side)"),
    ("surfaces", "Landmark", "if self.decided else", "if not self.decided else"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, function, old, new):
    # the table was filled with the right classes
    alone = [check_new_entries_of_the_table]
    assert not survives(
        page, function, old, new, alone if page == "surfaces" else CHECKS
    )


def check_new_entries_of_the_table():
    at, side = (0.0, 0.0), (-2.0, 2.0)
    assert surfaces.Landmark(at, 0.0, Kind.SADDLE, False).verdict == "undecided"
    assert surfaces.Landmark(at, 0.0, Kind.SADDLE).verdict == "saddle"
    surface = surfaces.Surface(surfaces.bowl, (side, (-1.0, 3.0)), at, ())
    assert surface.complete
    assert surface.name == "bowl"
    assert surface(torch.tensor([1.0, 0.0]), kappa=4.0).item() == 2
    x, y, values = surface.grid(5)
    assert (x[0], x[-1], y[0], y[-1]) == (-2, 2, -1, 3)
    close(values[1, 3], NUMPY["bowl"](x[3].numpy(), y[1].numpy()))
    assert surface.grid()[2].shape == (101, 101)
    assert surfaces._square(2.0) == (side, side)


def test_new_entries_of_the_table():
    check_new_entries_of_the_table()
