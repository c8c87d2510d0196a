"""Shared memory, worker processes and gradients set by hand, and their mutants.

Processes are forked here instead of started anew: that takes milliseconds, and a
mutant, which no other process could import, is simply inherited.
"""

import importlib
import multiprocessing
import os
import signal
import time
from contextlib import contextmanager
from multiprocessing.connection import wait

import pytest
import torch
from torch import nn

from coursekit import parallel
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.parallel.{name}")
    for name in ("hogwild", "processes", "shards")
}
LIMIT = 60.0
NAP = 8.0  # longer than any patience below, short enough to end by itself
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def forked(monkeypatch):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("processes cannot be forked here")
    context = multiprocessing.get_context("fork")
    for page in (PAGES["processes"], PAGES["hogwild"]):
        monkeypatch.setattr(page, "worker_context", lambda: context)
    monkeypatch.setattr(PAGES["processes"], "GRACE", 0.5)
    yield
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


@contextmanager
def swapped(function, name, other):
    """Replace a name where a function, or a mutant of it, looks it up."""
    scope = function.__globals__
    right, scope[name] = scope[name], other
    try:
        yield
    finally:
        scope[name] = right


# ---- sparse rows


def check_rows_hold_their_nonzeros_and_then_the_first_zeros():
    draw = generator(0)
    dense = torch.randn(7, 5, generator=draw, dtype=torch.float64)
    sparse = dense * (torch.rand(7, 5, generator=draw) < 0.4)
    for x in (dense, sparse, -sparse.abs().float(), torch.zeros(2, 3), sparse[:1]):
        where, values, d = parallel.SparseRows.of(x)
        most = max(1, max(int((row != 0).sum()) for row in x))
        for row, places, numbers in zip(x, where, values, strict=True):
            full = [j for j in range(d) if row[j] != 0]
            empty = [j for j in range(d) if row[j] == 0]
            assert places.tolist() == sorted((full + empty)[:most])
            assert torch.equal(numbers, row[places])
        assert (d, values.dtype) == (x.shape[1], x.dtype)
    for x in (torch.ones(3), torch.ones(2, 2, 2), torch.ones(0, 3), torch.ones(3, 0)):
        with pytest.raises(ValueError, match=r"expected \[examples, features\], got"):
            parallel.SparseRows.of(x)


# ---- Hogwild


def check_one_worker_is_plain_sgd():
    draw = generator(1)
    x = torch.randn(20, 6, generator=draw, dtype=torch.float64) / 3
    y = torch.randn(20, generator=draw, dtype=torch.float64)
    run = parallel.hogwild(x, y, 1, lr=0.3, gradients=50, seed=5, timeout=LIMIT)
    theta = torch.zeros(6).double()
    for r in torch.randint(20, (50,), generator=generator(5)):
        theta = theta - 0.3 * (x[r] @ theta - y[r]) * x[r]
    torch.testing.assert_close(run.theta, theta, rtol=0, atol=1e-12)


def check_workers_divide_the_gradients():
    """One row a coordinate and a full step: what is drawn is met, whoever races."""
    y = torch.arange(1.0, 41.0)
    run = parallel.hogwild(
        torch.eye(40), y, 3, lr=1.0, gradients=30, seed=2, timeout=LIMIT
    )
    drawn = torch.randint(40, (30,), generator=generator(2))
    expected = torch.zeros(40)
    expected[drawn] = y[drawn]
    assert torch.equal(run.theta, expected)
    assert run.seconds > 0
    assert not run.theta.is_shared()


def check_what_the_workers_are_given():
    given = []

    def recorder(function, workers, shared, *, timeout):
        given.append((workers, *shared, timeout))
        return [(3.0, 5.0), (1.0, 4.5), (2.0, 9.0)]

    x = torch.eye(4).requires_grad_()
    with swapped(PAGES["hogwild"].hogwild, "run_processes", recorder):
        seconds = parallel.hogwild(x, torch.ones(4), 3).seconds
    workers, theta, _, _, y, order, P, eta, start, inner, timeout = given[0]
    assert (workers, P, start.parties, eta) == (3, 3, 3, 0.5)
    assert inner == timeout == 120
    drawn = torch.randint(4, (12_000,), generator=generator(0))
    assert torch.equal(order, drawn)
    assert seconds == 8  # from the first start to the last end
    assert all(tensor.is_shared() for tensor in (theta, y, order))


def check_hogwild_refuses():
    x, y = torch.eye(2), torch.ones(2)
    with pytest.raises(ValueError, match="each of 2 rows"):
        parallel.hogwild(x, torch.ones(3), 1)
    with pytest.raises(ValueError, match="each of 2 rows"):
        parallel.hogwild(x, torch.ones(2, 1), 1)
    with pytest.raises(ValueError, match="lr: expected a finite number >= 0"):
        parallel.hogwild(x, y, 1, lr=-0.1)
    still = parallel.hogwild(x, y, 1, lr=0.0, gradients=3, timeout=LIMIT)
    none = parallel.hogwild(x, y, 1, gradients=0, timeout=LIMIT)
    assert still.theta.tolist() == none.theta.tolist() == [0, 0]


# ---- processes


def report(rank, first, second):
    return rank, first, second, os.environ.get("SHARE"), torch.get_num_threads()


def fail_in_turn(rank):
    time.sleep(0.1 * rank)
    raise ValueError(f"no such thing as {rank}")


def some_fail(rank):
    if rank == 1:
        raise KeyError("lost")
    time.sleep(NAP)


def some_die(rank):
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def some_sleep(rank):
    if rank != 1:
        time.sleep(NAP)


def last_first(readers, patience):
    """Wait until all can be read, then offer the last one alone."""
    while len(ready := wait(readers, patience)) < len(readers):
        time.sleep(0.01)
    return ready[-1:]


def run(function, workers, *args, **options):
    return parallel.run_processes(function, workers, args, **options)


def check_results_come_in_order_of_the_ranks():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with swapped(PAGES["processes"]._collect, "wait", last_first):
            env = {"env": lambda rank: {"SHARE": f"s{rank}"}}
            results = run(report, 3, "a", 7, timeout=LIMIT, **env)
    finally:
        torch.set_num_threads(threads)
    assert results == [(k, "a", 7, f"s{k}", 1) for k in range(3)]
    assert "SHARE" not in os.environ


def check_every_failure_is_told_in_order():
    with pytest.raises(parallel.WorkerLost) as error:
        run(fail_in_turn, 2, timeout=LIMIT)
    one, two = str(error.value).split("; worker 1 ")
    assert one.startswith("worker 0 raised an error:\nTraceback")
    assert "no such thing as 0" in one
    assert two.startswith("raised an error:")
    assert "no such thing as 1" in two


def check_the_others_are_stopped():
    with pytest.raises(parallel.WorkerLost) as error:
        run(some_fail, 3, timeout=LIMIT)
    assert "worker 1 raised an error" in str(error.value)
    assert "worker 0" not in str(error.value)
    assert "gave no result" not in str(error.value)
    assert multiprocessing.active_children() == []


def check_a_death_has_its_exit_code():
    message = r"^worker 1 died without a result \(exit code -9\)$"
    with pytest.raises(parallel.WorkerLost, match=message):
        run(some_die, 2, timeout=LIMIT)


def check_the_late_are_named():
    with pytest.raises(parallel.WorkerLost) as error:
        run(some_sleep, 3, timeout=1.5)
    late = "gave no result within 1.5 s"
    assert str(error.value) == f"worker 0 {late}; worker 2 {late}"
    assert multiprocessing.active_children() == []


# ---- gradients by hand


def check_gradients_are_set_as_copies_of_the_parameters_type():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).double()
    model[0].bias.requires_grad_(False)
    model[1].bias.grad = torch.ones(1).double()
    grads = {n: torch.full_like(p, 2.5) for n, p in model.named_parameters()}
    del grads["0.bias"]
    grads["1.weight"] = grads["1.weight"].float()
    parallel.set_grads(model, grads)
    assert model[0].bias.grad is None
    for name, given in grads.items():
        p = model.get_parameter(name)
        assert p.grad.dtype == torch.float64
        assert torch.equal(p.grad, given.double())
        given.zero_()
        assert p.grad.min() > 2


def check_foreign_gradients_are_refused():
    model = nn.Linear(2, 3)
    grads = {"weight": torch.ones(3, 2), "bias": torch.ones(3)}
    for wrong in ({"weight": grads["weight"]}, grads | {"other": torch.ones(1)}):
        with pytest.raises(ValueError, match="they belong to another model"):
            parallel.set_grads(model, wrong)
    with pytest.raises(ValueError, match=r"expected shape \(3, 2\), got \(2, 3\)"):
        parallel.set_grads(model, grads | {"weight": torch.ones(2, 3)})
    with pytest.raises(ValueError, match="requires_grad_"):
        parallel.set_grads(model.requires_grad_(False), grads)


CHECKS = {
    "hogwild": [
        check_rows_hold_their_nonzeros_and_then_the_first_zeros,
        check_one_worker_is_plain_sgd,
        check_workers_divide_the_gradients,
        check_what_the_workers_are_given,
        check_hogwild_refuses,
    ],
    "processes": [
        check_results_come_in_order_of_the_ranks,
        check_every_failure_is_told_in_order,
        check_the_others_are_stopped,
        check_a_death_has_its_exit_code,
        check_the_late_are_named,
    ],
    "shards": [
        check_gradients_are_set_as_copies_of_the_parameters_type,
        check_foreign_gradients_are_refused,
    ],
}


@pytest.mark.parametrize("check", [check for page in CHECKS.values() for check in page])
def test_shared(check):
    check()


MUTANTS = [
    ("hogwild", "SparseRows", "max(1, int(", "max(0, int("),
    ("hogwild", "SparseRows", ".sum(1).max()", ".sum(1).min()"),
    ("hogwild", "SparseRows", ".sum(1).max()", ".sum(1).max() + 1"),
    ("hogwild", "SparseRows", ".sort(1).values", ""),
    ("hogwild", "SparseRows", "descending=True", "descending=False"),
    ("hogwild", "SparseRows", "x.gather(1, where), x.shape[1]", "x, x.shape[1]"),
    ("hogwild", "SparseRows", "x.shape[1])", "x.shape[0])"),
    ("hogwild", "SparseRows", "x.ndim != 2 or", ""),
    ("hogwild", "hogwild", "lr: float = 0.5", "lr: float = 0.1"),
    ("hogwild", "hogwild", "int = 12_000", "int = 10_000"),
    ("hogwild", "hogwild", "seed: int = 0", "seed: int = 1"),
    ("hogwild", "hogwild", "generator(seed)", "generator(0)"),
    ("hogwild", "hogwild", "torch.zeros(rows.d", "torch.ones(rows.d"),
    ("hogwild", "hogwild", "max(end", "min(end"),
    ("hogwild", "hogwild", "min(begin", "max(begin"),
    ("hogwild", "hogwild", "theta.clone(), seconds", "theta, seconds"),
    ("hogwild", "hogwild", "Barrier(P)", "Barrier(1)"),
    ("hogwild", "_race", "order[rank::P]", "order[::P]"),
    ("hogwild", "_race", "order[rank::P]", "order[: len(order) // P]"),
    ("hogwild", "_race", "- y[r]", "+ y[r]"),
    ("hogwild", "_race", "theta[J] -=", "theta[J] +="),
    ("hogwild", "_race", "eta * e * x_J", "eta * x_J"),
    ("hogwild", "_race", "eta * e * x_J", "e * x_J"),
    ("processes", "run_processes", "function, rank, tuple", "function, 0, tuple"),
    ("processes", "run_processes", "tuple(args), env", "(), env"),
    ("processes", "run_processes", "env(rank))", "env(0))"),
    ("processes", "run_processes", "_reap(processes, patience)", "pass"),
    ("processes", "_work", "function(rank, *args)", "function(rank)"),
    ("processes", "_work", "os.environ.update(env)", "pass"),
    ("processes", "_work", "torch.set_num_threads(1)", "pass"),
    ("processes", "_work", "outcome = (False,", "outcome = (True,"),
    ("processes", "_collect", "rank in range(len(readers))", "rank in results"),
    ("processes", "_collect", "sorted(failures)", "sorted(failures)[:1]"),
    ("processes", "_collect", "time.monotonic() + GRACE)", "0)"),
    ("processes", "_collect", "if not failures else {}", "if failures else {}"),
    ("processes", "_collect", " if not failures else {}", ""),
    ("processes", "_read", "value if fine else", "value if not fine else"),
    ("processes", "_read", "process.exitcode", "process.pid"),
    ("processes", "_reap", "if process.is_alive()", "if not process.is_alive()"),
    ("shards", "set_grads", "copy=True", "copy=False"),
    ("shards", "set_grads", ".to(param, copy=True)", ".clone()"),
    ("shards", "set_grads", "set(params) != set(grads)", "set(params) - set(grads)"),
    ("shards", "set_grads", "param.shape != grads[name].shape", "False"),
    (
        "shards",
        "set_grads",
        "params = trainable(model)",
        "params = dict(model.named_parameters())",
    ),
]


def survives(page):
    try:
        for check in CHECKS[page]:
            check()
    except (Exception, pytest.fail.Exception):
        return False
    return True


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, name, old, new):
    right = getattr(PAGES[page], name)
    wrong = mutate(right, old, new)
    for where in (*PAGES.values(), parallel):
        if vars(where).get(name) is right:
            monkeypatch.setattr(where, name, wrong)
    assert not survives(page)
