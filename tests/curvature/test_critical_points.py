"""The search for critical points: known surfaces, least squares, a small net."""

import inspect
import math
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch.nn import functional as F

from coursekit import curvature
from coursekit.curvature import SURFACES, Ending, surfaces
from coursekit.models import MLP


def draw(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def close(ours, theirs, **tolerance):
    limits = {"rtol": 1e-9, "atol": 1e-11} | tolerance
    torch.testing.assert_close(ours, theirs, **limits)


def words(found):
    return [str(end) for end in found.endings]


def check_a_step_solves_the_damped_normal_equations():
    B, g = draw(3, 5, 5, seed=1), draw(3, 5)
    H = B + B.mT
    eigs, Q = torch.linalg.eigh(H)
    c = torch.tensor([1e-3, 0.5, 20.0]).double()
    mu = c * eigs.square().max(-1).values
    left = H @ H + mu[:, None, None] * torch.eye(5)
    expected = -torch.linalg.solve(left, (H @ g[..., None])[..., 0])
    close(curvature.lm_step(g, eigs, Q, c), expected)
    for i in range(3):
        close(curvature.lm_step(g[i], eigs[i], Q[i], c[i].item()), expected[i])
    newton = curvature.lm_step(g, eigs, Q, 1e-14)
    close(newton, -torch.linalg.solve(H, g), rtol=1e-6)
    none = curvature.lm_step(g[0], 0 * eigs[0], Q[0], 1.0)
    assert bool((none == 0).all())


def check_all_landmarks_are_found_and_nothing_else():
    for name in ("himmelblau", "three_hump_camel"):
        surface = SURFACES[name]
        starts = 3 * draw(80, 2, seed=2)
        found = curvature.find_critical_points(surface.f, starts)
        found = found.select(found.converged)
        found = found.select(found.distinct())
        assert len(found) == len(surface.landmarks), name
        for point in surface.landmarks:
            gap = (found.theta - torch.tensor(point.theta)).norm(dim=1)
            i = int(gap.argmin())
            assert gap[i] < 1e-6
            one = found[i]
            assert (one.kind, one.converged) == (point.kind, True)
            assert one.loss == pytest.approx(point.value, rel=1e-9, abs=1e-9)
            assert one.grad_norm < 1e-8
            H = curvature.hessian(surface.f, one.theta)
            close(one.eigenvalues, torch.linalg.eigvalsh(H), atol=1e-6)
            eigs = one.eigenvalues
            assert found.minimum_ratio()[i] == (eigs > 0).double().mean()
            assert found.negative_share()[i] == (eigs < 0).double().mean()


def check_one_start_is_one_row():
    starts = 2 * draw(6, 2, seed=3)
    many = curvature.find_critical_points(surfaces.himmelblau, starts, max_iter=9)
    assert words(many).count("unfinished") in range(1, 6)
    for i, start in enumerate(starts):
        one = curvature.find_critical_point(surfaces.himmelblau, start, max_iter=9)
        close(one.theta, many.theta[i])
        assert one.ending is many.endings[i]
        assert (one.kind == "undecided") == (one.ending == "unfinished")
        assert one.loss == pytest.approx(many.loss[i].item())


def check_endings_are_told_in_words():
    one = torch.tensor([[1.0]]).double()

    def end(f, start=one, max_iter=100, **options):
        options["max_iter"] = max_iter
        return words(curvature.find_critical_points(f, start, **options))[0]

    assert end(lambda w: w.square().sum()) == "converged"
    assert end(lambda w: w.square().sum(), max_iter=1) == "unfinished"
    assert end(lambda w: w.square().sum(), max_iter=1, g_tol=1.0) == "converged"
    assert end(lambda w: w.square().sum(), 0 * one, max_iter=1) == "converged"
    assert end(lambda w: w.exp().sum()) == "converged"  # gradient below 1e-8 at −18
    assert end(lambda w: w.exp().sum(), bound=10) == "far"
    assert end(lambda w: w.exp().sum(), g_tol=1e-60, bound=80) == "far"
    assert end(lambda w: w.exp().sum(), g_tol=1e-40, bound=95) == "converged"
    assert end(lambda w: (w + w**3).sum(), max_iter=400) == "stalled"
    assert end(lambda w: w.sum()) == "stalled"
    assert end(lambda w: (1e200 * w + 1e-150 * w**2).sum()) == "stalled"  # overflows
    assert end(lambda w: w.sqrt().sum(), -one) == "broken"
    assert end(lambda w: w.square().sum(), 100 * one) == "far"
    assert end(lambda w: w.square().sum(), 99.9 * one) == "converged"
    mixed = torch.tensor([[1.0], [-1.0], [400.0]]).double()
    found = curvature.find_critical_points(lambda w: (w.sqrt() + w**2).sum(), mixed)
    assert words(found)[1:] == ["broken", "far"]
    mixed = torch.tensor([[-1.0, 1, 1], [1, 1, 1]]).double()
    found = curvature.find_critical_points(lambda w: (w.sqrt() - w).sum(), mixed)
    assert words(found) == ["broken", "converged"]


def check_steps_are_kept_only_if_the_gradient_shrinks():
    seen = [math.inf]
    start = torch.tensor([[-1.2, 1.0]]).double()
    for steps in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 25, 30, 35, 40):
        found = curvature.find_critical_points(
            surfaces.himmelblau, start, max_iter=steps
        )
        seen.append(found.grad_norm.item())
    assert seen == sorted(seen, reverse=True)
    assert seen[7] > 1e-8 > seen[-1]


@cache
def reference(name, start, max_iter=300):
    """Levenberg–Marquardt on the gradient, one start, solved as a linear system."""
    f, theta = SURFACES[name].f, torch.tensor(start).double()
    g, H = curvature.gradient(f, theta), curvature.hessian(f, theta)
    c = 1e-3
    for step in range(max_iter):
        if g.norm() < 1e-8:
            return theta, step
        mu = c * torch.linalg.eigvalsh(H).square().max()
        left = H.T @ H + mu * torch.eye(len(theta))
        trial = theta - torch.linalg.solve(left, H.T @ g)
        new = curvature.gradient(f, trial)
        if new.norm() < g.norm():
            theta, g, H, c = trial, new, curvature.hessian(f, trial), c / 5
        else:
            c = c * 2
    return theta, max_iter


def check_the_path_is_that_of_the_textbook():
    for name, start in (
        ("himmelblau", (-1.2, 1.0)),
        ("beale", (0.5, -2.0)),
        ("three_hump_camel", (-3.0, 3.0)),
    ):
        f, theta = SURFACES[name].f, torch.tensor(start).double()
        end, steps = reference(name, start)
        for limit in (3, 8, steps):
            at, _ = reference(name, start, limit)
            ours = curvature.find_critical_point(f, theta, max_iter=limit)
            close(ours.theta, at, rtol=1e-6, atol=1e-6)
        assert ours.converged
        before = curvature.find_critical_point(f, theta, max_iter=steps - 1)
        assert not before.converged
        close(ours.theta, end, rtol=1e-6, atol=1e-6)


def check_distinct_keeps_the_first_of_each_group():
    points = torch.tensor([[0.0, 0], [3, 4], [0, 0.1], [3, 4.2], [0, 0.15]])
    assert curvature.distinct_points(points, 0.12).tolist() == [0, 1, 3, 4]
    assert curvature.distinct_points(points, 0.25).tolist() == [0, 1]
    assert curvature.distinct_points(points, 5.0).tolist() == [0, 3]
    assert curvature.distinct_points(points, 5.2).tolist() == [0]
    assert curvature.distinct_points(points, 4.99).tolist() == [0, 1]
    assert curvature.distinct_points(points[:0], 1.0).tolist() == []


def check_images_under_a_symmetry_have_one_spectrum():
    starts = torch.tensor([[0.1, 0.9], [0.1, -0.9], [0.1, 0.05], [0.1, 0.8]])
    found = curvature.find_critical_points(surfaces.strict_saddle, starts.double())
    assert found.distinct().tolist() == [0, 1, 2]
    assert found.distinct(by="spectrum").tolist() == [0, 2]
    assert found.distinct(5.0).tolist() == [0]
    rows = found.select(torch.tensor([2, 0]))
    assert [str(point.kind) for point in rows] == ["saddle", "minimum"]
    close(rows.theta, found.theta[[2, 0]])
    close(rows.loss, found.loss[[2, 0]])
    close(rows.grad_norm, found.grad_norm[[2, 0]])
    masked = found.select(torch.tensor([False, True, False, False]))
    assert len(masked) == 1
    close(masked.eigenvalues, found.eigenvalues[1:2])


def check_the_tolerance_reaches_the_kinds():
    def f(w):
        return w[0] ** 2 + 1e-3 * w[1] ** 2

    start = torch.ones(1, 2).double()
    for tol, kind, ratio in ((None, "minimum", 1), (1e-2, "undecided", 0.5)):
        found = curvature.find_critical_points(f, start, tol=tol)
        assert found[0].kind == kind
        assert found.minimum_ratio() == [ratio]
        assert found.select(found.converged)[0].kind == kind
        assert curvature.find_critical_point(f, start[0], tol=tol).kind == kind
    found = curvature.find_critical_points(lambda w: -f(w), start, tol=1e-2)
    assert found.negative_share() == [0.5]


def check_bad_input_is_refused():
    for call, kind, message in BAD:
        with pytest.raises(kind, match=message):
            call()


two = torch.ones(2).double()
BAD = [
    (
        lambda: curvature.find_critical_points(surfaces.bowl, two),
        ValueError,
        r"starts \[n, p\], got shape \(2,\)",
    ),
    (
        lambda: curvature.find_critical_point(surfaces.bowl, two[None]),
        ValueError,
        r"a vector \[p\]",
    ),
    (
        lambda: curvature.find_critical_points(surfaces.bowl, two[None] / 0),
        ValueError,
        "expected finite parameters",
    ),
    (
        lambda: curvature.find_critical_points(surfaces.bowl, two[None][:0]),
        ValueError,
        "without any",
    ),
    (
        lambda: curvature.find_critical_point(surfaces.bowl, two, g_tol=0),
        ValueError,
        "g_tol: expected",
    ),
    (
        lambda: curvature.find_critical_point(surfaces.bowl, two, bound=-1),
        ValueError,
        "bound: expected",
    ),
    (
        lambda: curvature.find_critical_point(surfaces.bowl, two, max_iter=0),
        ValueError,
        "max_iter: expected",
    ),
    (
        lambda: curvature.find_critical_point(lambda w: w, two),
        ValueError,
        "expected a scalar",
    ),
    (lambda: curvature.distinct_points(two[None], 0), ValueError, "tol: expected"),
    (
        lambda: curvature.find_critical_points(surfaces.bowl, two[None]).distinct(
            by="loss"
        ),
        ValueError,
        "'theta', 'spectrum'",
    ),
]
CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_critical_points(check):
    check()


def test_higher_critical_points_of_a_net_have_more_ways_down():
    """The set-up of E-4 with fewer starts and steps."""
    x = draw(40, 2)
    y = torch.sin(2 * x[:, :1]) * x[:, 1:]
    model = MLP([2, 2, 1], "tanh").double()
    f, theta = curvature.flat_loss(model, x, y, F.mse_loss)
    assert len(theta) == 9
    starts = draw(120, 9, seed=1)
    steps = torch.arange(120) % 200
    for t in range(200):
        moved = starts - 0.1 * curvature.gradient(f, starts)
        starts = torch.where((steps > t)[:, None], moved, starts)
    found = curvature.find_critical_points(f, starts, max_iter=100)
    found = found.select(found.converged)
    assert len(found.distinct(by="spectrum")) >= 10
    assert found.grad_norm.max() < 1e-8
    assert found.theta.norm(dim=1).max() < 100
    assert spearmanr(found.loss, found.minimum_ratio()).statistic < -0.5
    assert spearmanr(found.loss, found.negative_share()).statistic > 0.3


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_a_quadratic_is_solved_from_anywhere(seed, p):
    B, b, start = draw(p, p, seed=seed), draw(p, seed=seed + 1), draw(p, seed=seed + 2)
    H = B + B.T + 0.1 * torch.eye(p)
    if torch.linalg.cond(H) > 1e4:
        return
    found = curvature.find_critical_point(
        lambda w: w @ H @ w / 2 + b @ w, start, bound=1e6
    )
    assert found.ending is Ending.CONVERGED
    close(found.theta, -torch.linalg.solve(H, b), rtol=1e-4, atol=1e-4)
    assert found.kind == curvature.classify(H)


def test_starts_are_left_alone():
    start = draw(3, 2)
    before = start.clone()
    curvature.find_critical_points(surfaces.himmelblau, start, max_iter=3)
    assert torch.equal(start, before)


def test_defaults_are_those_of_the_text():
    for rule in (curvature.find_critical_point, curvature.find_critical_points):
        defaults = [
            inspect.signature(rule).parameters[name].default
            for name in ("g_tol", "bound", "max_iter")
        ]
        assert np.allclose(defaults, [1e-8, 100, 500], rtol=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_searches_agree_across_devices():
    starts = 2 * draw(20, 2)
    here = curvature.find_critical_points(surfaces.himmelblau, starts)
    there = curvature.find_critical_points(surfaces.himmelblau, starts.cuda())
    assert there.theta.is_cuda
    both = here.converged & there.converged
    assert both.sum() > 10
    picked = there.select(both)
    close(picked.theta.cpu(), here.select(both).theta, rtol=1e-6, atol=1e-6)
    assert len(there.distinct()) > 1


MUTANTS = [
    ("critical", "lm_step", "eigs.square().amax", "eigs.abs().amax"),
    ("critical", "lm_step", "square().amax(", "square().amin("),
    ("critical", "lm_step", "eigs / (", "1 / ("),
    ("critical", "lm_step", "eigs / (", "eigs.abs() / ("),
    ("critical", "lm_step", "(eigs.square() + nu)", "(eigs.square() - nu)"),
    ("critical", "lm_step", "return -(", "return ("),
    ("critical", "lm_step", "Q.mT @ g", "Q @ g"),
    ("critical", "lm_step", ".clamp_min(torch.finfo(g.dtype).tiny)", ""),
    ("critical", "find_critical_point", '"tol": tol', '"tol": None'),
    ("critical", "find_critical_point", '"bound": bound', '"bound": 1e9'),
    ("critical", "find_critical_point", '"g_tol": g_tol', '"g_tol": 1e-3'),
    ("critical", "find_critical_point", '"max_iter": max_iter', '"max_iter": 50'),
    ("critical", "find_critical_points", "FIRST)", "1.0)"),
    ("critical", "find_critical_points", "if theta.ndim != 2", "if False"),
    ("critical", "find_critical_points", "vmap(f)(state.theta)", "vmap(f)(theta)"),
    (
        "critical",
        "find_critical_points",
        "state.eigs, endings, tol",
        "state.eigs, endings",
    ),
    ("critical", "find_critical_points", '("max_iter", max_iter)', '("max_iter", 300)'),
    ("critical", "_measure", "torch.where(usable[:, None, None], H, 0)", "H"),
    ("critical", "_advance", ".norm(dim=-1) < g", ".norm(dim=-1) > 0 * g"),
    ("critical", "_advance", "c / DOWN", "c"),
    ("critical", "_advance", "c * UP", "c"),
    ("critical", "_advance", "c / DOWN, c * UP", "c * UP, c / DOWN"),
    ("critical", "_advance", "theta + torch", "theta - torch"),
    ("critical", "_advance", "torch.where(step.isfinite(), step, 0)", "step"),
    ("critical", "_advance", "f, trial[better]", "f, theta[better]"),
    ("critical", "_advance", "[:, 0][better]", "[:, 0][: int(better.sum())]"),
    ("critical", "_advance", "new.c[runs] = c", "pass"),
    ("critical", "_endings", "state.c > LAST", "state.c > FIRST"),
    ("critical", "_endings", "state.c > LAST", "state.c > 1e300"),
    ("critical", "_endings", "size < g_tol", "size < 10 * g_tol"),
    ("critical", "_endings", "distance >= bound", "distance > bound"),
    ("critical", "_endings", "distance >= bound", "distance >= 100 * bound"),
    ("critical", "_endings", "~size.isfinite()", "size.isinf()"),
    ("found", "distinct_points", "> tol", ">= tol"),
    ("found", "distinct_points", "apart.all()", "apart.any()"),
    ("found", "distinct_points", "points[kept]", "points[kept[-1:]]"),
    ("found", "distinct_points", "norm(dim=-1)", "abs().amax(-1)"),
    ("found", "CriticalPoints", 'if by == "theta"', 'if by != "theta"'),
    (
        "found",
        "CriticalPoints",
        "[self.loss[:, None], self.eig",
        "[self.theta, self.eig",
    ),
    ("found", "CriticalPoints", "if there else Kind.UNDECIDED", ""),
    ("found", "CriticalPoints", "classify(eigs, self.tol)", "classify(eigs)"),
    ("found", "CriticalPoints", "minimum_ratio(eigs, self.tol)", "minimum_ratio(eigs)"),
    (
        "found",
        "CriticalPoints",
        "negative_share(eigs, self.tol)",
        "negative_share(eigs)",
    ),
    ("found", "CriticalPoints", "self.loss[at],", "self.loss,"),
    ("found", "CriticalPoints", "self.grad_norm[at],", "self.loss[at],"),
    (
        "found",
        "CriticalPoints",
        "rows.tolist()),\n            self.tol",
        "rows.tolist())",
    ),
    ("found", "CriticalPoints", "rows.dtype == torch.bool", "False"),
    ("found", "CriticalPoints", "tol: float = 1e-4", "tol: float = 10.0"),
    ("found", "CriticalPoint", "is Ending.CONVERGED", "is Ending.FAR"),
]
# from quick to slow, so that a mutant dies early
ORDER = [
    check_a_step_solves_the_damped_normal_equations,
    check_distinct_keeps_the_first_of_each_group,
    check_bad_input_is_refused,
    check_the_path_is_that_of_the_textbook,
    check_one_start_is_one_row,
    check_images_under_a_symmetry_have_one_spectrum,
    check_the_tolerance_reaches_the_kinds,
    check_endings_are_told_in_words,
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(survives, page, function, old, new):
    checks = [*ORDER, *(check for check in CHECKS if check not in ORDER)]
    assert not survives(page, function, old, new, checks)
