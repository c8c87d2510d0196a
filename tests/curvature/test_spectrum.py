"""Eigenvalues, sharpness, kinds and escape against dense algebra and closed forms."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import curvature
from coursekit.curvature import Kind, _function, surfaces
from coursekit.models import MLP

LAW = settings(max_examples=25)


def draw(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def close(ours, theirs, **tolerance):
    limits = {"rtol": 1e-8, "atol": 1e-10} | tolerance
    torch.testing.assert_close(ours, theirs, **limits)


def quadratic(eigs, seed=3):
    """f with these eigenvalues in random directions, and the matrix."""
    Q, _ = torch.linalg.qr(draw(len(eigs), len(eigs), seed=seed))
    H = Q @ torch.diag(eigs) @ Q.T
    return lambda theta: theta @ H @ theta / 2 + theta.sum(), H


MIXED = torch.cat([torch.linspace(-3, 2, 180).double(), torch.tensor([-9.0, 5, 7, 8])])
SMALL = torch.tensor([-4.0, -1.0, 0.5, 3.0]).double()
ORDER = {
    "largest": lambda e: e.sort(descending=True).values,
    "smallest": lambda e: e.sort().values,
    "magnitude": lambda e: e[e.abs().argsort(descending=True)],
}


def check_extreme_eigenvalues_are_those_of_the_matrix():
    for eigs, tol in ((MIXED, 1e-6), (MIXED, 0), (SMALL, 1e-6), (SMALL[:2], 1e-6)):
        f, H = quadratic(eigs)
        theta = torch.zeros(len(eigs), dtype=torch.float64)
        for which, order in ORDER.items():
            for k in (1, 2, 3, len(eigs))[: 4 if len(eigs) < 9 else 3]:
                if k > len(eigs):
                    continue
                options = {"which": which, "tol": tol}
                pairs = curvature.top_eigenpairs(f, theta, k, **options)
                close(pairs.values, order(eigs)[:k])
                vectors = pairs.vectors
                close(H @ vectors, vectors * pairs.values, atol=3e-5)
                identity = torch.eye(k).double()
                close(vectors.T @ vectors, identity, atol=1e-7)
                alone = curvature.top_eigenvalues(f, theta, k, **options)
                close(alone, pairs.values)
        largest = curvature.top_eigenvalues(f, theta, min(5, len(eigs)))
        close(largest, ORDER["largest"](eigs)[:5])


def check_all_eigenvalues_of_a_large_matrix_are_dense():
    f, _ = quadratic(MIXED)
    theta = torch.zeros(len(MIXED), dtype=torch.float64)
    close(curvature.top_eigenvalues(f, theta, len(MIXED)), ORDER["largest"](MIXED))
    repeated = torch.tensor([2.0] * 5 + [1.0] * 95).double()
    f, _ = quadratic(repeated)
    theta = torch.zeros(100, dtype=torch.float64)
    close(curvature.top_eigenvalues(f, theta, 6), repeated[:6])
    f, _ = quadratic(torch.linspace(0, 1, 129).double())
    rough = torch.zeros(129, dtype=torch.float64)
    assert curvature.top_eigenvalues(f, rough, 1, tol=0.9).item() < 1 - 1e-6
    f, _ = quadratic(torch.linspace(0, 1, 128).double())
    exact = curvature.top_eigenvalues(f, rough[:128], 1, tol=0.9)
    close(exact, torch.ones(1, dtype=torch.float64))


def check_a_linear_loss_has_no_curvature():
    for p in (3, 200):
        pairs = curvature.top_eigenpairs(lambda w: w.sum(), torch.zeros(p), 2)
        close(pairs.values, torch.zeros(2))
        close(pairs.vectors.T @ pairs.vectors, torch.eye(2))


def check_lanczos_is_the_projection_on_a_krylov_space():
    _, H = quadratic(MIXED)
    start = draw(len(MIXED), seed=8)
    found = curvature.lanczos(lambda v: H @ v, 5 * start, 40)
    q = found.q
    assert q.shape == (len(MIXED), 40)
    assert found.beta.shape == (39,)
    close(q.T @ q, torch.eye(40).double(), atol=1e-13)
    close(q.T @ H @ q, found.matrix(), atol=1e-12)
    close(q[:, 0], start / start.norm())
    values, vectors, residuals = found.ritz()
    close((H @ vectors - vectors * values).norm(dim=0), residuals, atol=1e-11)
    close(values[[0, -1]], torch.tensor([-9.0, 8.0]).double(), rtol=1e-6)
    assert residuals[-1] < 1e-4 < residuals[20]


def check_lanczos_ends_where_nothing_is_left():
    eigs = torch.tensor([5.0, 5.0, 1.0, 0.0]).double()
    found = curvature.lanczos(lambda v: eigs * v, torch.ones(4).double(), 100)
    close(found.ritz()[0], torch.tensor([0.0, 1.0, 5.0]).double(), atol=1e-12)
    assert found.rest == 0
    whole = curvature.lanczos(lambda v: SMALL * v, torch.ones(4).double(), 9)
    close(whole.ritz()[0], SMALL)
    nothing = curvature.lanczos(lambda v: 0 * v, torch.ones(3), 3)
    assert nothing.alpha.tolist() == [0]
    one = curvature.lanczos(lambda v: SMALL * v, torch.ones(4).double(), 1)
    close(one.alpha, SMALL.mean()[None])
    close(one.rest, SMALL.std(correction=0).item())


def check_power_iteration_finds_the_largest_magnitude():
    found = curvature.power_iteration(lambda v: SMALL * v, torch.ones(4).double())
    assert found.value == pytest.approx(-4, rel=1e-5)
    assert found.converged
    assert (SMALL * found.vector - found.value * found.vector).norm() <= 4e-3
    close(found.vector.norm().item(), 1.0)
    # the residual falls by 3/4 a product
    rough = curvature.power_iteration(
        lambda v: SMALL * v, torch.ones(4).double(), tol=1e-2
    )
    assert 0 < found.products - rough.products <= 1 + math.log(10) / math.log(4 / 3)
    assert found.products < 35
    short = curvature.power_iteration(
        lambda v: SMALL * v, torch.ones(4).double(), max_iter=3
    )
    assert (short.products, short.converged) == (3, False)
    for unit in (1e-4, 1e4):
        scaled = curvature.power_iteration(
            lambda v, unit=unit: unit * SMALL * v, torch.ones(4).double()
        )
        assert scaled.products == found.products
    tie = torch.tensor([1.0, -1.0])
    found = curvature.power_iteration(lambda v: tie * v, torch.ones(2), max_iter=50)
    assert not found.converged
    found = curvature.power_iteration(lambda v: 0 * v, torch.ones(2))
    assert (found.value, found.products, found.converged) == (0, 1, True)
    calls = []
    curvature.power_iteration(
        lambda v: calls.append(1) or tie * v, torch.ones(2), max_iter=7
    )
    assert len(calls) == 7


def check_sharpness_is_the_largest_eigenvalue_with_its_sign():
    for eigs, top in ((MIXED, 8.0), (SMALL, 3.0), (-SMALL, 4.0), (-SMALL.abs(), -0.5)):
        f, _ = quadratic(eigs)
        theta = torch.zeros(len(eigs), dtype=torch.float64)
        assert curvature.lambda_max(f, theta) == pytest.approx(top, rel=1e-8)
        power = curvature.lambda_max(f, theta, method="power")
        assert power == pytest.approx(top, rel=1e-4)
        fine = curvature.lambda_max(f, theta, method="power", tol=1e-6)
        assert fine == pytest.approx(top, rel=1e-9)
    f, _ = quadratic(torch.linspace(0, 1, 200).double())
    theta = torch.zeros(200, dtype=torch.float64)
    assert curvature.lambda_max(f, theta) == pytest.approx(1, rel=1e-9)
    with pytest.raises(RuntimeError, match=r'in 3 products.*method="lanczos"'):
        curvature.lambda_max(f, theta, method="power", max_iter=3)
    with pytest.raises(RuntimeError, match="eigenvalues reached a residual of 0"):
        curvature.lambda_max(f, theta, max_iter=1, tol=0)


CASES = [
    ([[1.0, 2.0], [2.0, 1.0]], "saddle", (1, 1, 0)),
    ([[2.0, -1.0], [-1.0, 2.0]], "minimum", (2, 0, 0)),
    ([[-2.0, 1.0], [1.0, -2.0]], "maximum", (0, 2, 0)),
    ([[1.0, 1.0], [1.0, 1.0]], "undecided", (1, 0, 1)),
    ([[-1.0, 1.0], [1.0, -1.0]], "undecided", (0, 1, 1)),
    ([[0.0, 0.0], [0.0, 0.0]], "undecided", (0, 0, 2)),
    ([[-3.0, 0.0], [0.0, -2.0]], "maximum", (0, 2, 0)),
    ([3.0, -1.0, 0.0], "saddle", (1, 1, 1)),
    ([3.0, 1.0, 1e-7, 1e-9], "undecided", (3, 0, 1)),
    ([1e-30, 2e-30], "minimum", (2, 0, 0)),
    ([1e30, -1.0], "undecided", (1, 0, 1)),
    ([4.0], "minimum", (1, 0, 0)),
    ([[-4.0]], "maximum", (0, 1, 0)),
]


def check_kinds_follow_the_signs_of_the_eigenvalues():
    for given_as, kind, (up, down, flat) in CASES:
        for H in (given_as, torch.tensor(given_as, dtype=torch.float64)):
            assert curvature.inertia(H) == (up, down, flat), given_as
            found = curvature.classify(H)
            assert found == kind, given_as
            assert isinstance(found, Kind)
            n = up + down + flat
            assert curvature.minimum_ratio(H) == up / n
            assert curvature.negative_share(H) == down / n


def check_the_tolerance_is_relative_and_its_boundary_counts_as_zero():
    for scale in (1.0, 1e-20, 1e20):
        eigs = [8.0 * scale, 2.0 * scale, -4.0 * scale]
        assert curvature.inertia(eigs, 0.5) == (1, 0, 2)
        assert curvature.inertia(eigs, 0.49) == (1, 1, 1)
        assert curvature.inertia(eigs, 0.25) == (1, 1, 1)
        assert curvature.inertia(eigs, 0.24) == (2, 1, 0)
        assert curvature.inertia(eigs, 0) == (2, 1, 0)
        assert curvature.classify(eigs, 0.5) == "undecided"
        assert 3 * curvature.minimum_ratio(eigs, 0.25) == 1
        assert curvature.negative_share(eigs, 0.5) == 0
    assert curvature.inertia([-8.0, 2.0], 0.5) == (0, 1, 1)
    small = torch.tensor([1.0, 1e-4])
    assert curvature.classify(small) == "undecided"  # float32 has seven digits
    assert curvature.classify(small.double()) == "minimum"
    assert curvature.classify(torch.tensor([1.0, 4e-4])) == "minimum"
    assert curvature.classify(torch.tensor([1.0, 3e-4])) == "undecided"
    assert curvature.classify([1.0, 1.6e-8]) == "minimum"
    assert curvature.classify([1.0, 1.4e-8]) == "undecided"
    assert curvature.classify(torch.tensor([2, -1])) == "saddle"


def check_the_escape_is_the_most_negative_direction_downhill():
    u = curvature.escape_direction(surfaces.two_weights, torch.zeros(2).double())
    close(u, torch.full((2,), 0.5**0.5, dtype=torch.float64))
    for near, sign in ((1e-3, 1), (-1e-3, -1)):
        theta = torch.tensor([0.0, near], dtype=torch.float64)
        u = curvature.escape_direction(surfaces.strict_saddle, theta)
        close(u, torch.tensor([0.0, float(sign)], dtype=torch.float64))
    u = curvature.escape_direction(surfaces.strict_saddle, torch.zeros(2))
    close(u, torch.tensor([0.0, 1.0]))
    f, H = quadratic(MIXED)
    start = torch.zeros(len(MIXED), dtype=torch.float64)
    u = curvature.escape_direction(f, start)
    close(H @ u, -9 * u, atol=1e-4)
    close(u.norm().item(), 1.0)
    assert curvature.gradient(f, start) @ u < 0


def check_no_escape_where_nothing_goes_down():
    theta = torch.zeros(2)
    for f in (surfaces.bowl, surfaces.trough, surfaces.quartic):
        with pytest.raises(ValueError, match="there is no way down"):
            curvature.escape_direction(f, theta)

    def shallow(w):
        return 100 * w[0] ** 2 - w[1] ** 2

    for tol in (None, 0, 0.009):
        curvature.escape_direction(shallow, theta, tol=tol)
    with pytest.raises(ValueError, match="a smallest one of -2"):
        curvature.escape_direction(shallow, theta, tol=0.011)

    def barely(w, share):
        return w[0] ** 2 - share * w[1] ** 2

    curvature.escape_direction(lambda w: barely(w, 4e-4), theta)
    with pytest.raises(ValueError, match="no way down"):
        curvature.escape_direction(lambda w: barely(w, 3e-4), theta)


def check_defaults_are_those_of_the_text():
    def default(rule, name):
        return inspect.signature(rule).parameters[name].default

    for rule in (curvature.top_eigenvalues, curvature.top_eigenpairs):
        assert default(rule, "k") == 5
        assert default(rule, "which") == "largest"
        assert default(rule, "tol") == pytest.approx(1e-6)
        assert default(rule, "max_iter") is None
        assert default(rule, "seed") == 0
    assert default(curvature.power_iteration, "tol") == pytest.approx(1e-3)
    assert default(curvature.power_iteration, "max_iter") == 1000
    assert default(curvature.lambda_max, "method") == "lanczos"


def check_starts_are_unit_vectors_of_their_own():
    theta = torch.zeros(500)
    v = _function.draw_start(theta, 0)
    assert (v.dtype, v.shape) == (theta.dtype, theta.shape)
    assert v.norm().item() == pytest.approx(1, rel=1e-6)
    close(v, _function.draw_start(theta, 0))
    other = torch.randn(500, generator=torch.Generator().manual_seed(0)).double()
    for w in (_function.draw_start(theta, 1), other, draw(500)):
        assert abs(v.double() @ w.double() / w.norm()) < 0.2


def check_bad_input_is_refused():
    for call, kind, message in BAD:
        with pytest.raises(kind, match=message):
            call()


def square(theta):
    return theta.square().sum()


two = torch.ones(2)
NAN = torch.tensor([[math.nan, 0.0], [0.0, 1.0]])
BAD = [
    (lambda: curvature.top_eigenvalues(square, two, 3), ValueError, "most the 2 eig"),
    (lambda: curvature.top_eigenvalues(square, two, 0), ValueError, "k: expected"),
    (
        lambda: curvature.top_eigenvalues(square, two, 1, which="LA"),
        ValueError,
        "'largest', 'smallest', 'magnitude', got 'LA'",
    ),
    (lambda: curvature.top_eigenvalues(square, two, 1, tol=1), ValueError, "tol: exp"),
    (lambda: curvature.top_eigenvalues(square, two, 1, tol=-1), ValueError, "tol: exp"),
    (
        lambda: curvature.top_eigenvalues(lambda w: w.sqrt().sum(), -two, 1),
        ValueError,
        "finite gradient at theta",
    ),
    (lambda: curvature.lambda_max(square, two, method="qr"), ValueError, "'power'"),
    (
        lambda: curvature.lambda_max(square, two, method="power", tol=0),
        ValueError,
        "tol: expected",
    ),
    (lambda: curvature.lanczos(square, 0 * two, 2), ValueError, "of length 0"),
    (lambda: curvature.lanczos(square, two / 0, 2), ValueError, "of length inf"),
    (lambda: curvature.lanczos(square, two[None], 2), ValueError, r"shape \(1, 2\)"),
    (lambda: curvature.lanczos(lambda v: v, two, 0), ValueError, "steps: expected"),
    (lambda: curvature.power_iteration(square, 0 * two), ValueError, "other than 0"),
    (lambda: curvature.power_iteration(square, two / 0), ValueError, "finite vector"),
    (lambda: curvature.power_iteration(square, two, max_iter=0), ValueError, "max_it"),
    (lambda: curvature.classify(torch.ones(2, 3)), ValueError, r"got shape \(2, 3\)"),
    (lambda: curvature.classify(torch.ones(2, 2, 2)), ValueError, "one by one"),
    (lambda: curvature.classify([]), ValueError, r"got shape \(0,\)"),
    (lambda: curvature.classify(torch.tensor(1.0)), ValueError, r"got shape \(\)"),
    (lambda: curvature.classify(NAN), ValueError, "got NaN or infinity"),
    (lambda: curvature.classify(two / 0), ValueError, "got NaN or infinity"),
    (lambda: curvature.classify([[1.0, 2], [0, 1]]), ValueError, "differ by 2 from"),
    (lambda: curvature.classify(two.bool()), TypeError, "got torch.bool"),
    (lambda: curvature.classify(two + 1j), TypeError, "got torch.complex64"),
    (lambda: curvature.classify(two, -1), ValueError, "tol: expected"),
    (lambda: curvature.classify(two, 1), ValueError, "tol: expected"),
    (
        lambda: curvature.escape_direction(lambda w: -square(w), two, tol=1),
        ValueError,
        "tol: expected",
    ),
]
EVERYWHERE = ("bad_input_is_refused", "defaults_are_those_of_the_text")
OF_PAGE = {
    "spectrum": (
        "a_linear_loss_has_no_curvature",
        "extreme_eigenvalues_are_those_of_the_matrix",
        "all_eigenvalues_of_a_large_matrix_are_dense",
        "sharpness_is_the_largest_eigenvalue_with_its_sign",
    ),
    "lanczos": (
        "lanczos_ends_where_nothing_is_left",
        "lanczos_is_the_projection_on_a_krylov_space",
    ),
    "sharpness": (
        "power_iteration_finds_the_largest_magnitude",
        "sharpness_is_the_largest_eigenvalue_with_its_sign",
    ),
    "classify": (
        "kinds_follow_the_signs_of_the_eigenvalues",
        "the_tolerance_is_relative_and_its_boundary_counts_as_zero",
    ),
    "escape": (
        "no_escape_where_nothing_goes_down",
        "the_escape_is_the_most_negative_direction_downhill",
    ),
    "_function": ("starts_are_unit_vectors_of_their_own",),
}
CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_spectrum(check):
    check()


# ---- laws


def trained():
    torch.manual_seed(0)
    model = MLP([6, 20, 3], "tanh").double()
    x, y = draw(40, 6), torch.arange(40) % 3
    return curvature.flat_loss(model, x, y)


def test_eigenvalues_of_a_net_are_those_of_its_hessian():
    f, theta = trained()
    assert len(theta) > 128
    eigs = torch.linalg.eigvalsh(curvature.hessian(f, theta))
    close(curvature.top_eigenvalues(f, theta), eigs.flip(0)[:5])
    close(curvature.top_eigenvalues(f, theta, 3, which="smallest"), eigs[:3])
    assert curvature.lambda_max(f, theta) == pytest.approx(eigs[-1].item())
    H = curvature.HessianOperator(f, theta)
    values, _, residuals = curvature.lanczos(
        H, _function.draw_start(theta, 0), 60
    ).ritz()
    close(values[-3:], eigs[-3:])
    assert residuals[-3:].max() < 1e-6


def test_float32_finds_the_same_to_its_resolution():
    f, theta = trained()
    exact = curvature.top_eigenvalues(f, theta)

    def low(w):
        return f(w.double()).to(w.dtype)

    found = curvature.top_eigenvalues(low, theta.float())
    assert found.dtype == torch.float32
    close(found.double(), exact, rtol=1e-4, atol=1e-5)
    found = curvature.top_eigenvalues(low, theta.bfloat16(), 1, tol=1e-2)
    assert found.dtype == torch.bfloat16
    close(found.double(), exact[:1], rtol=0.1, atol=0)


def test_lanczos_needs_fewer_products_than_power_iteration():
    eigs = torch.linspace(0.01, 1, 300).double()
    calls = []

    def apply(v):
        calls.append(1)
        return eigs * v

    start = draw(300)
    power = curvature.power_iteration(apply, start, tol=1e-3)
    values, _, residuals = curvature.lanczos(apply, start, 60).ritz()
    assert residuals[-1] < 1e-3
    assert power.products > 2 * 60
    assert abs(values[-1] - 1) < abs(power.value - 1)


def test_the_seed_decides_the_start_and_little_else():
    f, theta = trained()
    one = [curvature.top_eigenvalues(f, theta, 2, seed=s) for s in (0, 0, 1)]
    assert torch.equal(one[0], one[1])
    close(one[0], one[2])
    before = torch.get_rng_state()
    curvature.lambda_max(f, theta, method="power")
    assert torch.equal(torch.get_rng_state(), before)


@LAW
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.floats(0.01, 100))
def test_kinds_do_not_depend_on_units_or_axes(eigs, unit):
    given_as = torch.tensor(eigs, dtype=torch.float64)
    counts = curvature.inertia(given_as, 1e-6)
    assert sum(counts) == len(eigs)
    assert curvature.inertia(unit * given_as, 1e-6) == counts
    assert curvature.inertia(-given_as, 1e-6) == (counts[1], counts[0], counts[2])
    sizes = given_as.abs() / given_as.abs().max()
    if not bool(((sizes > 1e-8) & (sizes < 1e-5)).any()):
        _, H = quadratic(given_as)
        assert curvature.inertia((H + H.T) / 2, 1e-6) == counts


@LAW
@given(st.integers(0, 10**6))
def test_a_small_step_along_the_escape_lowers_the_loss(seed):
    A, c = draw(6, 6, seed=seed), draw(6, seed=seed + 1)
    H = A + A.T - 4 * torch.eye(6)

    def f(theta):
        return theta @ H @ theta / 2 + (c * theta**3).sum()

    theta = torch.zeros(6, dtype=torch.float64)
    if torch.linalg.eigvalsh(H)[0] > -0.1:
        return
    u = curvature.escape_direction(f, theta)
    assert f(theta + 1e-3 * u) < f(theta)
    assert f(theta - 1e-3 * u) < f(theta)


MUTANTS = [
    ("spectrum", "top_eigenvalues", "tol=tol", "tol=0.9"),
    ("spectrum", "top_eigenvalues", ".values\n", ".values.flip(0)\n"),
    ("spectrum", "top_eigenvalues", "which=which", 'which="largest"'),
    ("spectrum", "top_eigenvalues", "k: int = 5", "k: int = 4"),
    ("spectrum", "top_eigenpairs", "vectors[:, first]", "vectors[first].T"),
    ("spectrum", "top_eigenpairs", "vectors[:, first]", "vectors"),
    ("spectrum", "top_eigenpairs", "[:k]", "[-k:]"),
    ("spectrum", "top_eigenpairs", "or k == p", ""),
    ("spectrum", "top_eigenpairs", "p <= DENSE or", ""),
    ("spectrum", "top_eigenpairs", "> p:", "> p + 5:"),
    ("spectrum", "top_eigenpairs", "> p:", ">= p:"),
    ("spectrum", "top_eigenpairs", "if not bool(H.gradient", "if bool(0 * H.gradient"),
    ("spectrum", "top_eigenpairs", '"maxiter": max_iter', '"maxiter": None'),
    ("spectrum", "top_eigenpairs", 'check_in("which"', '("which"'),
    (
        "spectrum",
        "top_eigenpairs",
        'check_range("tol", tol, 0, 1, open_high=True)',
        "tol",
    ),
    ("spectrum", "_dense", "(rows + rows.mT) / 2", "rows + rows.mT"),
    ("spectrum", "_arpack", "ARPACK[which]", '"LA"'),
    ("spectrum", "_arpack", "if not bool(H(start).any())", "if False"),
    ("spectrum", "_arpack", "except ArpackNoConvergence", "except KeyError"),
    ("spectrum", "_most_extreme", "values.abs()", "values"),
    ("spectrum", "_most_extreme", 'which != "smallest"', "True"),
    ("lanczos", "lanczos", "start / length", "start"),
    ("lanczos", "lanczos", "alpha.append(q[j] @ w)", "alpha.append(w @ w)"),
    ("lanczos", "lanczos", "beta.append(w.norm())", "beta.append(w.norm() ** 2)"),
    ("lanczos", "lanczos", "w / beta[j]", "w"),
    (
        "lanczos",
        "lanczos",
        "_orthogonal(_orthogonal(w, q), q)",
        "_orthogonal(w, q[-1:])",
    ),
    ("lanczos", "lanczos", "apply(q[j])", "apply(q[0])"),
    ("lanczos", "lanczos", "if beta[j] <=", "if beta[j] <"),
    ("lanczos", "lanczos", "if beta[j] <= 10 *", "if beta[j] <= 0 *"),
    ("lanczos", "lanczos", "torch.zeros_like(beta[j])", "torch.ones_like(beta[j])"),
    ("lanczos", "lanczos", "beta[-1].item()", "beta[0].item()"),
    ("lanczos", "lanczos", "dim=1", "dim=0"),
    ("lanczos", "lanczos", "start.ndim != 1 or", ""),
    ("lanczos", "lanczos", "length > 0 and", ""),
    ("lanczos", "lanczos", " and length.isfinite()", ""),
    ("lanczos", "_orthogonal", "w - (Q @ w) @ Q", "w + (Q @ w) @ Q"),
    ("lanczos", "Tridiagonal", "torch.diag(self.beta, -1)", "0"),
    ("lanczos", "Tridiagonal", "self.rest * s[-1]", "self.rest * s[0]"),
    ("lanczos", "Tridiagonal", "self.q @ s", "self.q @ s.T"),
    ("sharpness", "power_iteration", "v @ u  #", "u.norm()  #"),
    ("sharpness", "power_iteration", "v = u / u.norm()", "v = u"),
    ("sharpness", "power_iteration", "tol * value.abs()", "tol"),
    ("sharpness", "power_iteration", "<= tol", "< tol"),
    ("sharpness", "power_iteration", "tol * value.abs()", "tol * value"),
    ("sharpness", "power_iteration", "max_iter + 1", "max_iter"),
    ("sharpness", "power_iteration", "max_iter, False", "max_iter, True"),
    ("sharpness", "power_iteration", "products, True", "products - 1, True"),
    ("sharpness", "power_iteration", "start.norm() > 0 and", ""),
    ("sharpness", "power_iteration", "and start.norm().isfinite()", ""),
    ("sharpness", "lambda_max", "if value >= 0:", "if True:"),
    ("sharpness", "lambda_max", "return value + ", "return "),
    ("sharpness", "lambda_max", "H(v) - value * v", "H(v) + value * v"),
    ("sharpness", "lambda_max", 'method == "lanczos"', "True"),
    ("sharpness", "lambda_max", "1e-3 if tol is None", "1e-1 if tol is None"),
    ("sharpness", "lambda_max", "1e-3 if tol is None", "1e-3 if True"),
    ("sharpness", "lambda_max", "1e-6 if tol is None", "0.5 if tol is None"),
    ("sharpness", "lambda_max", "max_iter=max_iter", "max_iter=None"),
    ("sharpness", "lambda_max", "max_iter or 1000", "1000"),
    ("sharpness", "lambda_max", "theta, 1, tol", 'theta, 1, which="magnitude", tol'),
    ("sharpness", "_converged", "not found.converged", "False"),
    ("classify", "inertia", "eigs > t", "eigs >= t"),
    ("classify", "inertia", "eigs < -t", "eigs <= -t"),
    ("classify", "inertia", "eigs < -t", "eigs < t"),
    ("classify", "inertia", "- positive - negative", "- positive"),
    ("classify", "inertia", "share * eigs.abs().max()", "share"),
    ("classify", "inertia", "eigs.abs().max()", "eigs.max()"),
    ("classify", "inertia", "eigs.abs().max()", "eigs.abs().mean()"),
    ("classify", "inertia", "resolution**0.5", "resolution"),
    ("classify", "classify", "positive and counts.negative", "positive or counts.zero"),
    ("classify", "classify", "if counts.zero:", "if False:"),
    (
        "classify",
        "classify",
        "MINIMUM if counts.positive",
        "MINIMUM if counts.negative",
    ),
    ("classify", "classify", "inertia(H, tol)", "inertia(H)"),
    ("classify", "minimum_ratio", "counts.positive", "(counts.positive + counts.zero)"),
    ("classify", "minimum_ratio", "inertia(H, tol)", "inertia(H)"),
    ("classify", "minimum_ratio", "sum(counts)", "(sum(counts) - counts.zero)"),
    (
        "classify",
        "negative_share",
        "counts.negative",
        "(counts.negative + counts.zero)",
    ),
    ("classify", "negative_share", "inertia(H, tol)", "inertia(H)"),
    ("classify", "negative_share", "sum(counts)", "max(counts)"),
    ("classify", "_eigenvalues", "torch.linalg.eigvalsh(values)", "values.diagonal()"),
    ("classify", "_eigenvalues", "torch.linalg.eigvalsh(values)", "values.flatten()"),
    ("classify", "_eigenvalues", "_check_symmetric(values, resolution.eps)", "pass"),
    ("classify", "_eigenvalues", "if not bool(values.isfinite", "if bool(values.isnan"),
    ("classify", "_eigenvalues", "given.dtype == torch.bool", "False"),
    ("classify", "_eigenvalues", "given.is_complex() or", ""),
    ("classify", "_eigenvalues", "values.numel() == 0 or", ""),
    ("classify", "_check_symmetric", "H - H.mT", "H - H"),
    ("escape", "escape_direction", '"smallest"', '"magnitude"'),
    ("escape", "escape_direction", "-slope.sign()", "slope.sign()"),
    ("escape", "escape_direction", "-slope.sign() * u", "u"),
    ("escape", "escape_direction", "if slope == 0:", "if False:"),
    ("escape", "escape_direction", "slope = -u[", "slope = u["),
    ("escape", "escape_direction", "u.abs().argmax()", "u.abs().argmin()"),
    ("escape", "escape_direction", "-share * scale[0]", "share * scale[0]"),
    ("escape", "escape_direction", "-share * scale[0]", "-share"),
    ("escape", "escape_direction", "eps ** 0.5", "eps"),
    (
        "escape",
        "escape_direction",
        'check_range("tol", tol, 0, 1, open_high=True)',
        "tol",
    ),
    ("escape", "escape_direction", "tol is not None", "False"),
    ("_function", "draw_start", "(v / v.norm())", "v"),
    ("_function", "draw_start", "seed ^ STREAM", "seed"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, function, old, new):
    names = {check.__name__: check for check in CHECKS}
    checks = [names[f"check_{name}"] for name in (*OF_PAGE[page], *EVERYWHERE)]
    assert not survives(page, function, old, new, checks)
