"""Servers, delays and Hogwild's rounds against closed forms and plain NumPy."""

import importlib
import math
import pkgutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import optim, parallel
from coursekit.device import generator

PAGES = {
    page.name: importlib.import_module(f"coursekit.parallel.{page.name}")
    for page in pkgutil.iter_modules(parallel.__path__)
    if page.name != "distributed"
}
LAW = settings(max_examples=25, deadline=None)
START = {"w": torch.tensor([4.0, -2.0]).double(), "b": torch.tensor([[1.0]]).double()}


def bowl(params, worker, k):
    """The gradient of |w|²/2 + 3|b|²/2, shifted by the worker and by its count."""
    assert k < 4000  # a wrong server might never make its updates
    return {
        "w": params["w"] + worker - 0.1 * k,
        "b": 3 * params["b"] + 2 * worker,
    }


def echo(params, worker, k):
    """The gradient of |params|²/2."""
    assert k < 100
    return params


def serve(rule=optim.gd, workers=3, **settings):
    return parallel.ParameterServer(START, rule, workers=workers, **settings)


def same(ours, theirs, **tolerance):
    for name, value in theirs.items():
        tolerance = {"rtol": 0, "atol": 1e-13} | tolerance
        torch.testing.assert_close(ours[name], torch.as_tensor(value), **tolerance)


# ---- the parameter server


def check_a_synchronous_round_is_one_step_of_the_rule_on_the_mean():
    hyper = {"lr": 0.1, "momentum": 0.5}
    run = parallel.run_workers(serve(optim.sgdm, **hyper), bowl, 6, seed=3, jitter=2.0)
    theta = {n: p.numpy() for n, p in START.items()}
    m = {n: 0 * p for n, p in theta.items()}
    for t in range(6):
        same(run.path[t], theta)
        grads = {
            "w": np.mean([theta["w"] + k - 0.1 * t for k in range(3)], 0),
            "b": np.mean([3 * theta["b"] + 2 * k for k in range(3)], 0),
        }
        m = {n: 0.5 * m[n] + 0.1 * grads[n] for n in m}
        theta = {n: theta[n] - m[n] for n in m}
    same(run.path[6], theta)
    assert run.staleness == [0] * 18
    assert run.dropped == 0


def check_the_rule_sees_the_number_of_the_update():
    ours = parallel.run_workers(serve(optim.adam, 1, lr=0.1), bowl, 4).path
    w = START["w"].clone().requires_grad_(True)
    theirs = torch.optim.Adam([w], lr=0.1)
    for k in range(4):
        w.grad = w.detach() - 0.1 * k
        theirs.step()
    same(ours[4], {"w": w.detach()}, atol=1e-9)


def check_equal_asynchronous_workers_are_p_minus_1_late():
    """The run is then delayed gradient descent, whose recursion is the oracle."""
    for P in (1, 2, 5):
        server = serve(workers=P, mode="async", lr=0.2)
        run = parallel.run_workers(server, echo, 12)
        assert run.staleness == [*range(P - 1), *[P - 1] * (13 - P)]
        w = [START["w"].numpy()]
        for t in range(12):
            w.append(w[-1] - 0.2 * w[max(0, t - P + 1)])
        same({"w": torch.stack([p["w"] for p in run.path])}, {"w": np.stack(w)})
        delayed = parallel.delayed_gradient_descent(
            START["w"], lambda theta: theta, 0.2, P - 1, 12
        )
        same({"w": delayed}, {"w": np.stack(w)})
        assert run.seconds == [0.0, *[float(1 + t // P) for t in range(12)]]
        assert server.version == 12


def check_unequal_workers_are_as_late_as_they_are_slow():
    """Times and staleness of two workers, worked out by hand."""
    server = serve(workers=2, mode="async", lr=0.1)
    run = parallel.run_workers(server, bowl, 6, speeds=[1.0, 2.5])
    assert [(p.worker, p.read, p.staleness) for p in server.log] == [
        *[(0, 0, 0), (0, 1, 0), (1, 0, 2), (0, 2, 1)],
        *[(0, 4, 0), (0, 5, 0)],
    ]
    assert run.seconds == [0, 1, 2, 2.5, 3, 4, 5]
    assert all(push.used for push in server.log)
    server = serve(workers=2, mode="async", lr=0.1, max_staleness=1)
    run = parallel.run_workers(server, bowl, 6, speeds=[1.0, 2.5])
    assert [(p.worker, p.staleness, p.used) for p in server.log][2] == (1, 2, False)
    assert run.dropped == 2  # the second comes at t = 5, behind the other's
    assert run.staleness == [0] * 6
    server = serve(workers=2, mode="async", lr=0.1, max_staleness=2)
    run = parallel.run_workers(server, bowl, 4, speeds=[1.0, 2.5])
    assert run.staleness == [0, 0, 2, 1]


def check_backup_workers_hide_a_straggler():
    speeds = [1.0, 1.0, 1.0, 3.5]
    slow = serve(workers=4, lr=0.1)
    run = parallel.run_workers(slow, bowl, 4, speeds=speeds)
    assert run.seconds == [0, 3.5, 7, 10.5, 14]
    quick = serve(workers=4, lr=0.1, backup=1)
    run = parallel.run_workers(quick, bowl, 8, speeds=speeds)
    assert run.seconds == [float(t) for t in range(9)]
    late = [push for push in quick.log if push.worker == 3]
    assert [(p.read, p.staleness, p.used) for p in late] == [
        (0, 3, False),
        (3, 4, False),
    ]
    assert run.dropped == 2
    assert run.staleness == [0] * 24
    by_three = parallel.run_workers(serve(workers=3, lr=0.1), bowl, 8)
    same(run.path[8], by_three.path[8])


def check_the_slowest_of_many_takes_the_harmonic_number():
    for P, mean in ((1, 2.0), (4, 1 + 1 + 1 / 2 + 1 / 3 + 1 / 4)):
        server = serve(workers=P, lr=0.0)
        run = parallel.run_workers(server, bowl, 1200, jitter=1.0, seed=1)
        assert run.seconds[-1] / 1200 == pytest.approx(mean, rel=0.05)
        twice = parallel.run_workers(
            serve(workers=P, lr=0.0), bowl, 1200, jitter=1.0, seed=1, speeds=[2.0] * P
        )
        assert twice.seconds[-1] == pytest.approx(2 * run.seconds[-1])


def check_a_run_goes_on_where_it_stopped():
    whole = parallel.run_workers(serve(lr=0.1), bowl, 5)
    server = serve(lr=0.1)
    first = parallel.run_workers(server, bowl, 2)
    again = parallel.run_workers(server, lambda p, w, k: bowl(p, w, k + 2), 3)
    assert len(first.path) == 3
    assert len(again.path) == 4
    assert len(again.staleness) == 9
    same(again.path[-1], whole.path[-1])


def check_a_pull_serves_one_push():
    server = serve(workers=1, mode="async", lr=0.1)
    server.pull(0)
    server.push(0, bowl(START, 0, 0))
    with pytest.raises(ValueError, match="0 pushes without having pulled"):
        server.push(0, bowl(START, 0, 0))


# ---- delay


def check_the_limit_is_where_the_spectral_radius_is_one():
    """E-52: bisection on the companion matrix, built here by NumPy."""
    table = {0: 2, 1: 1, 2: 0.618, 4: 0.347, 8: 0.185, 16: 0.095}
    for tau, rounded in table.items():
        low, high = 0.0, 4.0
        for _ in range(60):
            rate = (low + high) / 2
            polynomial = np.zeros(tau + 2)  # z^(τ+1) - z^τ + rate
            polynomial[0] += 1
            polynomial[1] -= 1
            polynomial[-1] += rate
            stable = np.abs(np.roots(polynomial)).max() < 1
            low, high = (rate, high) if stable else (low, rate)
        for curvature in (1.0, 7.0):
            limit = parallel.largest_stable_lr(tau, curvature)
            assert limit * curvature == pytest.approx(low, rel=1e-9)
            for factor, side in ((0.999, -1), (1.001, 1)):
                A = parallel.companion_matrix(tau, factor * limit, curvature)
                assert np.sign(parallel.spectral_radius(A) - 1) == side
        assert round(parallel.largest_stable_lr(tau, 1.0), 3) == rounded


def check_the_companion_matrix_makes_the_step():
    for tau in (0, 1, 3):
        A = parallel.companion_matrix(tau, 0.3, 2.0)
        start = torch.tensor([1.0, -2.0]).double()
        path = parallel.delayed_gradient_descent(start, lambda x: 2 * x, 0.3, tau, 9)
        assert path.shape == (10, 2)
        u = start.expand(tau + 1, 2)
        for t in range(10):
            torch.testing.assert_close(path[t], u[0], rtol=1e-12, atol=1e-12)
            u = A @ u
    assert torch.equal(path[:1], parallel.delayed_gradient_descent(start, abs, 0, 3, 0))
    still = parallel.companion_matrix(0, 0.0, 2.0)
    assert still.tolist() == [[1.0]]
    matrix = torch.tensor([[0.0, -2.0], [2.0, 0.0]])  # eigenvalues ±2i
    assert parallel.spectral_radius(matrix) == pytest.approx(2)


# ---- Hogwild in rounds


def check_rounds_are_those_of_numpy():
    data = parallel.sparse_regression(30, 12, 4, seed=2)
    x, y = data.x.numpy(), data.y.numpy()
    for P in (1, 3):
        run = parallel.hogwild_sim(
            data.x, data.y, P, lr=0.3, gradients=31, seed=5, records=10
        )
        drawn = torch.randint(30, (31 // P * P,), generator=generator(5)).numpy()
        theta = np.zeros(12)
        for k in drawn.reshape(-1, P):
            stale = theta.copy()
            for r in k:
                theta -= 0.3 * (x[r] @ stale - y[r]) * x[r]
        np.testing.assert_allclose(run.theta, theta, rtol=1e-12)
        last = np.sum((x @ theta - y) ** 2) / np.sum(y**2)
        assert run.error[-1] == pytest.approx(last)
        assert run.error[0] == pytest.approx(1)
        assert run.gradients[0] == 0
        assert run.gradients[-1] == 31 // P * P
        if P == 1:
            assert run.gradients == [*range(0, 31, 3), 31]


def check_sparse_data_do_not_mind_and_dense_data_diverge():
    """E-51, with its numbers."""
    sparse = parallel.sparse_regression()
    dense = parallel.sparse_regression(nonzeros=500)
    assert sparse.x.shape == dense.x.shape == (2000, 500)
    alone = parallel.hogwild_sim(sparse.x, sparse.y, 1)
    together = parallel.hogwild_sim(sparse.x, sparse.y, 32)
    assert 4e-5 < alone.error[-1] < 2e-4
    assert 0.5 < together.error[-1] / alone.error[-1] < 2
    assert len(alone.error) == 101
    omega = parallel.overlap(dense.x)
    for P, diverges in ((4, False), (8, True)):
        assert (0.5 * P * omega > 2) == diverges
        run = parallel.hogwild_sim(dense.x, dense.y, P)
        assert (not run.error[-1] < 1) == diverges
    assert 0.5 * 32 * parallel.overlap(sparse.x) < 2


def check_overlap_is_the_largest_eigenvalue():
    for shape in ((7, 4), (4, 7)):
        x = torch.randn(shape, generator=generator(3), dtype=torch.float64)
        dense = np.linalg.eigvalsh(x.numpy().T @ x.numpy() / len(x))[-1]
        assert parallel.overlap(x) == pytest.approx(dense)


def check_the_data_are_what_they_say():
    data = parallel.sparse_regression(400, 40, 6, seed=1)
    x = data.x
    torch.testing.assert_close(x.norm(dim=1), torch.ones(400).double())
    assert bool(((x != 0).sum(1) == 6).all())
    assert bool((x >= 0).all())
    torch.testing.assert_close(x @ data.theta, data.y)
    counts = (x != 0).double().mean(0)
    assert bool((counts > 0.08).all())  # 0.15 expected of each feature
    default = parallel.sparse_regression(400, 40, 6)
    assert torch.equal(default.x, parallel.sparse_regression(400, 40, 6, seed=0).x)
    runs = [
        parallel.hogwild_sim(x, data.y, 2, gradients=9, **s) for s in ({}, {"seed": 0})
    ]
    assert torch.equal(runs[0].theta, runs[1].theta)
    assert bool(((parallel.sparse_regression(9, 20).x != 0).sum(1) == 5).all())
    other = parallel.sparse_regression(400, 40, 6, seed=2)
    assert not torch.equal(other.x, x)
    either = parallel.sparse_regression(400, 40, 6, seed=1, centred=True)
    torch.testing.assert_close(either.x.abs(), x)
    assert 0.4 < (either.x[either.x != 0] > 0).double().mean() < 0.6
    isotropic = parallel.sparse_regression(2000, 40, 40, centred=True)
    assert parallel.overlap(isotropic.x) < 2 / 40
    assert 1.2 < data.theta.square().mean().sqrt() * 1.25 + 0.1 < 1.8


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_stale(check):
    check()


# ---- laws


@LAW
@given(st.integers(0, 40), st.floats(0.01, 100))
def test_the_limit_falls_with_delay_and_curvature(tau, curvature):
    limit = parallel.largest_stable_lr(tau, curvature)
    assert 0 < limit <= 2 / curvature * (1 + 1e-12)
    assert parallel.largest_stable_lr(tau + 1, curvature) < limit
    assert parallel.largest_stable_lr(tau, 2 * curvature) == pytest.approx(limit / 2)
    if tau > 5:
        assert limit * curvature == pytest.approx(math.pi / (2 * tau + 1), rel=0.01)


@LAW
@given(
    st.lists(st.floats(0.5, 4), min_size=1, max_size=4),
    st.floats(0, 3),
    st.sampled_from(["sync", "async"]),
    st.integers(0, 10**6),
)
def test_a_run_is_repeated_by_its_seed(speeds, jitter, mode, seed):
    runs = [
        parallel.run_workers(
            serve(workers=len(speeds), mode=mode, lr=0.01),
            bowl,
            9,
            speeds=speeds,
            jitter=jitter,
            seed=seed,
        )
        for _ in range(2)
    ]
    assert runs[0].seconds == runs[1].seconds
    assert runs[0].seconds == sorted(runs[0].seconds)
    assert runs[0].staleness == runs[1].staleness
    same(runs[0].path[-1], runs[1].path[-1])
    if mode == "async":
        assert len(runs[0].staleness) == 9
    else:
        assert max(runs[0].staleness) == 0


@LAW
@given(st.permutations(range(4)))
def test_a_round_does_not_depend_on_who_was_first(order):
    server = serve(workers=4, lr=0.1)
    for k in range(4):
        server.pull(k)
    for k in order:
        server.push(k, bowl(START, k, 0))
    reference = serve(workers=4, lr=0.1)
    parallel.run_workers(reference, bowl, 1)
    assert torch.equal(server.params["w"], reference.params["w"])


def test_snapshots_and_inputs_stay_as_they_are():
    before = {n: p.clone() for n, p in START.items()}
    server = serve(workers=1, mode="async", lr=0.1)
    held = server.pull(0)
    server.push(0, bowl(held, 1, 0))
    assert all(torch.equal(held[n], before[n]) for n in before)
    assert all(torch.equal(START[n], before[n]) for n in before)
    assert not torch.equal(server.params["w"], before["w"])


def test_a_waiting_worker_is_told_so():
    server = serve(workers=2, lr=0.1)
    server.pull(0), server.pull(1)
    assert server.push(0, bowl(START, 0, 0))
    assert not server.may_pull(0)
    assert server.may_pull(1)
    server.push(1, bowl(START, 1, 0))
    assert server.may_pull(0)


# ---- bad input

GRADS = {n: torch.zeros_like(p) for n, p in START.items()}
DATA = parallel.sparse_regression(6, 5, 2)


def run(**settings):
    return parallel.run_workers(serve(lr=0.1), bowl, 1, **settings)


BAD = [
    (lambda: serve(mode="both", lr=0.1), "mode: expected one of 'sync', 'async'"),
    (lambda: serve(lr=-0.1), "lr: expected a finite number >= 0, got -0.1"),
    (lambda: serve(workers=0, lr=0.1), "workers: expected an integer >= 1"),
    (lambda: serve(backup=3, lr=0.1), "fewer than 3 workers in mode 'sync', got 3"),
    (lambda: serve(backup=1, mode="async", lr=0.1), "got 1 in mode 'async'"),
    (lambda: serve(backup=-1, lr=0.1), "backup: expected an integer >= 0"),
    (lambda: serve(max_staleness=-1, lr=0.1), "max_staleness: expected an integer"),
    (lambda: serve(lr=0.1).pull(3), "worker: expected a number from 0 to 2, got 3"),
    (lambda: serve(lr=0.1).push(0, GRADS), "0 pushes without having pulled"),
    (lambda: run(speeds=[1.0]), r"speeds: expected one for each of 3 workers"),
    (lambda: run(speeds=[1.0, 0.0, 1.0]), "speeds: expected a finite number > 0"),
    (lambda: run(jitter=-1.0), "jitter: expected a finite number >= 0"),
    (lambda: run(seed=-1), "seed: expected an integer >= 0"),
    (
        lambda: parallel.run_workers(serve(lr=0.1), bowl, -1),
        "updates: expected an integer >= 0",
    ),
    (lambda: parallel.largest_stable_lr(-1, 1.0), "tau: expected an integer >= 0"),
    (lambda: parallel.largest_stable_lr(1, 0.0), "curvature: expected a finite number"),
    (lambda: parallel.companion_matrix(-1, 0.1, 1.0), "tau: expected an integer >= 0"),
    (lambda: parallel.companion_matrix(1, -0.1, 1.0), "lr: expected a finite number"),
    (lambda: parallel.companion_matrix(1, 0.1, math.nan), "curvature: expected a num"),
    (lambda: parallel.spectral_radius(torch.ones(2, 3)), r"got shape \(2, 3\)"),
    (lambda: parallel.spectral_radius(torch.ones(0, 0)), r"got shape \(0, 0\)"),
    (lambda: parallel.spectral_radius(torch.ones(2, 2, 2)), r"got shape \(2, 2, 2\)"),
    (
        lambda: parallel.spectral_radius(torch.tensor([[math.nan, 0.0], [1.0, 1.0]])),
        "finite numbers",
    ),
    (
        lambda: parallel.spectral_radius(torch.full((1, 1), math.inf)),
        "finite numbers",
    ),
    (
        lambda: parallel.delayed_gradient_descent(DATA.y, abs, -1, 0, 1),
        "lr: expected a finite",
    ),
    (
        lambda: parallel.delayed_gradient_descent(DATA.y, abs, 1, -1, 1),
        "tau: expected an integer",
    ),
    (
        lambda: parallel.delayed_gradient_descent(DATA.y, abs, 1, 0, -1),
        "updates: expected an integer",
    ),
    (lambda: parallel.sparse_regression(5, 4, 5), "at most d = 4, got 5"),
    (lambda: parallel.sparse_regression(5, 4, 0), "nonzeros: expected an integer"),
    (lambda: parallel.sparse_regression(0, 4, 1), "n: expected an integer >= 1"),
    (lambda: parallel.overlap(DATA.y), r"\[examples, features\], got \(6,\)"),
    (lambda: parallel.overlap(torch.ones(0, 3)), r"got \(0, 3\)"),
    (lambda: parallel.hogwild_sim(DATA.x, DATA.y, 0), "workers: expected an integer"),
    (lambda: parallel.hogwild_sim(DATA.x, DATA.y, 1, lr=-1), "lr: expected a finite"),
    (lambda: parallel.hogwild_sim(DATA.x, DATA.y[:2], 1), r"got \(6, 5\), \(2,\)"),
    (lambda: parallel.hogwild_sim(DATA.x, DATA.y, 1, records=0), "records: expected"),
    (lambda: parallel.hogwild_sim(DATA.x, DATA.y, 1, gradients=-1), "gradients: exp"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gradients_of_another_shape_or_type_of_rule_are_refused():
    server = serve(lr=0.1)
    server.pull(0)
    with pytest.raises(ValueError, match=r"expected the shapes .*got \{'w': \(2,\)\}"):
        server.push(0, {"w": GRADS["w"]})
    assert server.push(0, GRADS)  # the refused one has not used up the pull
    with pytest.raises(TypeError, match="swats, got 2 tensors"):
        serve(optim.swats, lr=0.1)
    with pytest.raises(TypeError, match="expected parameters for the rule gd, got 0"):
        parallel.ParameterServer({}, optim.gd, workers=1, lr=0.1)
    with pytest.raises(TypeError, match="no such hyperparameter"):
        serve(learning_rate=0.1)


# ---- mutants

SERVER, RUN, SIM = "ParameterServer", "run_workers", "hogwild_sim"
MUTANTS = [
    ("parameter_server", SERVER, "self.version - read", "self.version - read + 1"),
    ("parameter_server", SERVER, "self.version - read", "read"),
    ("parameter_server", SERVER, "self._read.pop(worker)", "self._read[worker]"),
    ("parameter_server", SERVER, "staleness <= limit", "staleness < limit"),
    (
        "parameter_server",
        SERVER,
        'limit = 0 if self.mode == "sync"',
        "limit = 9 if True",
    ),
    ("parameter_server", SERVER, "== self._enough", "> self._enough"),
    ("parameter_server", SERVER, "self.workers - self.backup\n", "self.workers\n"),
    (
        "parameter_server",
        SERVER,
        '1 if self.mode == "async"',
        '2 if self.mode == "async"',
    ),
    ("parameter_server", SERVER, "/ len(workers)", "/ self.workers"),
    ("parameter_server", SERVER, "/ len(workers)", ""),
    ("parameter_server", SERVER, "theta - delta", "theta + delta"),
    (
        "parameter_server",
        SERVER,
        "t, state = self.version + 1",
        "t, state = self.version or 1",
    ),
    ("parameter_server", SERVER, "delta, self.states[name] =", "delta, _ ="),
    ("parameter_server", SERVER, "self._round.clear()", "pass"),
    ("parameter_server", SERVER, "self.version += 1", "self.version += 2"),
    ("parameter_server", SERVER, "worker not in self._round", "True"),
    ("parameter_server", SERVER, 'mode: str = "sync"', 'mode: str = "async"'),
    ("parameter_server", SERVER, "backup: int = 0", "backup: int = 1"),
    (
        "parameter_server",
        SERVER,
        "max_staleness: int | None = None",
        "max_staleness: int | None = 0",
    ),
    ("server_run", "_Clock", "1 + self.c * e", "self.c * e"),
    ("server_run", "_Clock", "1 + self.c * e", "1 + self.c"),
    ("server_run", "_Clock", "self.m[k] * (", "(self.m[k] * 0 + "),
    ("server_run", "_Clock", "(now + d, k)", "(d, k)"),
    (
        "server_run",
        "_Clock",
        "self.held[k] = self.server.pull(k)",
        "self.held.setdefault(k, self.server.pull(k))",
    ),
    ("server_run", "_Clock", "[1.0] * P if", "[2.0] * P if"),
    ("server_run", RUN, "tries[k] += 1", "pass"),
    ("server_run", RUN, "server.version < end", "server.version <= end"),
    ("server_run", RUN, "server.version > before", "True"),
    ("server_run", RUN, "run.seconds.append(now)", "run.seconds.append(now + 1)"),
    ("server_run", RUN, "server.log[first:]", "server.log"),
    ("server_run", RUN, "if push.used]", "]"),
    ("server_run", RUN, "len(pushes) - len(stale)", "len(pushes)"),
    ("server_run", RUN, "jitter: float = 0.0", "jitter: float = 1.0"),
    ("server_run", RUN, "end = server.version +", "end ="),
    ("delayed", "largest_stable_lr", "2 * (2 * tau + 1)", "2 * tau + 1"),
    ("delayed", "largest_stable_lr", "2 * (2 * tau + 1)", "2 * (2 * tau - 1)"),
    ("delayed", "largest_stable_lr", "2 / curvature *", "curvature *"),
    ("delayed", "largest_stable_lr", "2 / curvature *", "1 / curvature *"),
    ("delayed", "largest_stable_lr", "2 / curvature *", "2 *"),
    ("delayed", "largest_stable_lr", "math.sin", "math.cos"),
    ("delayed", "companion_matrix", "A[0, tau] -= rate", "A[0, tau] += rate"),
    ("delayed", "companion_matrix", "A[0, tau] -= rate", "A[0, tau] = -rate"),
    ("delayed", "companion_matrix", "A[0, tau] -= rate", "A[0, 0] -= rate"),
    ("delayed", "companion_matrix", "A[0, 0] += 1", "A[0, tau] += 1"),
    ("delayed", "companion_matrix", "-1)\n", "1)\n"),
    ("delayed", "spectral_radius", ".abs().max()", ".real.max()"),
    ("delayed", "spectral_radius", ".abs().max()", ".abs().min()"),
    ("delayed", "delayed_gradient_descent", "t - tau", "t - tau - 1"),
    ("delayed", "delayed_gradient_descent", "path[t] - eta", "path[t] + eta"),
    (
        "delayed",
        "delayed_gradient_descent",
        "path[t] - eta",
        "path[max(t - tau, 0)] - eta",
    ),
    ("delayed", "delayed_gradient_descent", "path[max(t - tau, 0)]", "path[t]"),
    ("hogwild_sim", SIM, "@ theta - y[k]", "@ theta + y[k]"),
    ("hogwild_sim", SIM, "theta - eta * (e @ x[k])", "theta + eta * (e @ x[k])"),
    ("hogwild_sim", SIM, "theta - eta * (e @ x[k])", "theta - eta / P * (e @ x[k])"),
    ("hogwild_sim", SIM, "// P\n", "\n"),
    ("hogwild_sim", SIM, "(rounds * P,)", "(rounds,)"),
    ("hogwild_sim", SIM, "t % every == 0 or t == rounds", "t % every == 0"),
    ("hogwild_sim", SIM, "(t * P)", "(t)"),
    ("hogwild_sim", SIM, "lr: float = 0.5", "lr: float = 0.2"),
    ("hogwild_sim", SIM, "gradients: int = 12_000", "gradients: int = 6_000"),
    ("hogwild_sim", SIM, "records: int = 100", "records: int = 50"),
    ("hogwild_sim", SIM, "(x @ theta - y).square()", "(x @ theta - y).abs()"),
    ("hogwild_sim", SIM, "y.square().sum()", "y.square().mean()"),
    ("hogwild_sim", SIM, "generator=generator(seed)", "generator=generator(0)"),
    ("hogwild_sim", "overlap", "gram / len(x)", "gram"),
    ("hogwild_sim", "overlap", "[-1]", "[0]"),
    (
        "hogwild_sim",
        "sparse_regression",
        "values if centred else values.abs()",
        "values.abs()",
    ),
    (
        "hogwild_sim",
        "sparse_regression",
        "values if centred else values.abs()",
        "values",
    ),
    ("hogwild_sim", "sparse_regression", "x / x.norm(dim=1, keepdim=True)", "x"),
    ("hogwild_sim", "sparse_regression", "norm(dim=1,", "norm(p=1, dim=1,"),
    (
        "hogwild_sim",
        "sparse_regression",
        ".argsort(1)[:, :nonzeros]",
        ".argsort(1)[:1, :nonzeros].expand(n, -1)",
    ),
    ("hogwild_sim", "sparse_regression", "generator(seed)", "generator(0)"),
    ("hogwild_sim", "sparse_regression", "nonzeros: int = 5", "nonzeros: int = 50"),
    ("hogwild_sim", "sparse_regression", "x @ theta, theta", "2 * x @ theta, theta"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), parallel)
    assert is_killed(CHECKS, right, old, new, places)


def test_the_checks_pass_without_a_mutant():
    for check in CHECKS:
        check()
