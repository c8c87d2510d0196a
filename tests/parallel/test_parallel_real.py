"""Real processes: torchrun, gloo on loopback, shared memory, and workers that die.

Each start of processes has a time limit of its own, so none of these can hang. The
mutants run on threads instead, over a stand-in for ``torch.distributed``.
"""

import importlib
import os
import pkgutil
import queue
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch.nn.functional import cross_entropy

from coursekit import parallel
from coursekit.device import generator
from coursekit.models import MLP
from coursekit.optim import sgdm
from coursekit.parallel import WorkerLost, distributed, hogwild

PAGES = {
    page.name: importlib.import_module(f"coursekit.parallel.distributed.{page.name}")
    for page in pkgutil.iter_modules(distributed.__path__)
    if page.name != "__main__"
}
LIMIT = 60.0


def torchrun(*arguments, processes=2):
    """Start the check module as a user would."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *(f"--nproc-per-node={processes}", "-m", "coursekit.parallel.distributed"),
    ]
    quiet = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | quiet,
        check=False,
    )


def test_torchrun_agrees_with_one_process():
    result = torchrun("--timeout", "120")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("2 processes over gloo")
    differences = {}
    for line in lines[1:]:
        verdict, words, value = re.fullmatch(r"(\w+) +(.*\S) +(\S+)", line).groups()
        assert verdict == "ok"
        differences[words] = float(value)
    assert len(differences) == 7
    wrong = "DistributedDataParallel, unequal shards: differs"
    assert differences.pop(wrong) > 1e-3
    assert max(differences.values()) < 1e-12


def test_torchrun_ends_with_an_error_when_a_worker_is_killed():
    result = torchrun("--lose", "1", "--timeout", "20")
    assert result.returncode != 0
    assert "Signal 9 (SIGKILL)" in result.stderr
    assert "parameter server" not in result.stdout


# ---- processes started by us, as a notebook would


def three_steps():
    """Data-parallel training in which only rank 0 has the right start."""
    with distributed.process_group(LIMIT) as rank:
        torch.manual_seed(rank)
        model = MLP([5, 4, 3]).double()
        distributed.broadcast_model(model)
        x = torch.randn(9, 5, generator=generator(1), dtype=torch.float64)
        y = torch.randint(3, (9,), generator=generator(2))
        rows = slice(0, 2) if rank == 0 else slice(2, 9)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        for _ in range(3):
            grads = distributed.data_parallel_step(model, x[rows], y[rows])
            parallel.set_grads(model, grads)
            optimizer.step()
        return model.state_dict()


def test_launched_processes_keep_equal_parameters():
    first, second = distributed.launch(three_steps, 2, timeout=LIMIT)
    torch.manual_seed(0)
    model = MLP([5, 4, 3]).double()
    x = torch.randn(9, 5, generator=generator(1), dtype=torch.float64)
    y = torch.randint(3, (9,), generator=generator(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()
        optimizer.step()
    for name, value in model.state_dict().items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-12)


def lose_a_peer():
    """Rank 1 dies; rank 0 says what it sees."""
    with distributed.process_group(LIMIT) as rank:
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        distributed.average_gradients({"w": torch.ones(1)}, 1)


def wait_for_a_peer():
    """Rank 1 never answers."""
    with distributed.process_group(1.0) as rank:
        if rank == 1:
            time.sleep(LIMIT)
        distributed.average_gradients({"w": torch.ones(1)}, 1)


@pytest.mark.parametrize("function", [lose_a_peer, wait_for_a_peer])
def test_a_lost_worker_is_an_error_and_no_hang(function):
    start = time.monotonic()
    with pytest.raises(WorkerLost) as error:
        distributed.launch(function, 2, timeout=LIMIT)
    text = str(error.value)
    assert "WorkerLost: rank 0: another process died or did not answer" in text
    if function is lose_a_peer:
        assert "worker 1 died without a result (exit code -9)" in text
    assert time.monotonic() - start < LIMIT  # a limit, not a measurement


def fail(rank):
    if rank == 1:
        raise ValueError("no such thing")
    time.sleep(LIMIT)


def die(rank):
    if rank == 0:
        os._exit(3)


def sleep(rank):
    time.sleep(LIMIT)


@pytest.mark.parametrize(
    ("function", "timeout", "message"),
    [
        (fail, LIMIT, r"worker 1 raised an error:\n(.*\n)*ValueError: no such thing"),
        (die, LIMIT, r"worker 0 died without a result \(exit code 3\)"),
        (sleep, 1.0, "worker 0 gave no result within 1 s; worker 1 gave no result"),
    ],
)
def test_a_failed_process_is_named_and_the_others_are_stopped(
    function, timeout, message
):
    with pytest.raises(WorkerLost, match=message):
        parallel.run_processes(function, 2, timeout=timeout)


def pid_of(rank):
    return os.getpid(), torch.get_num_threads()


def test_no_process_stays_behind():
    results = parallel.run_processes(pid_of, 2)
    for pid, threads in results:
        assert threads == 1
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_program_outside_of_a_group_is_told_how_to_start(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with (
        pytest.raises(RuntimeError, match=r"'RANK'.*torch.distributed.run"),
        distributed.process_group(),
    ):
        pass


# ---- real Hogwild


def test_one_worker_is_plain_sgd_and_two_converge_on_sparse_data():
    data = parallel.sparse_regression(400, 60, 3, seed=1)
    alone = hogwild(data.x, data.y, 1, gradients=500, seed=2, timeout=LIMIT)
    drawn = torch.randint(400, (500,), generator=generator(2))
    theta = torch.zeros(60).double()
    for r in drawn:
        theta = theta - 0.5 * (data.x[r] @ theta - data.y[r]) * data.x[r]
    torch.testing.assert_close(alone.theta, theta, rtol=0, atol=1e-12)
    assert alone.seconds > 0
    rows = parallel.SparseRows.of(data.x)
    both = hogwild(rows, data.y, 2, gradients=20_000, timeout=LIMIT)
    error = (data.x @ both.theta - data.y).square().sum() / data.y.square().sum()
    assert error < 1e-4


def test_rows_are_those_of_the_matrix():
    x = torch.tensor([[0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 5.0]])
    where, values, d = parallel.SparseRows.of(x)
    assert d == 4
    assert where.shape == (2, 2)
    back = torch.zeros(2, 4).scatter_(1, where, values)
    assert torch.equal(back, x)


BAD = [
    (lambda: parallel.SparseRows.of(torch.ones(3)), r"\[examples, features\]"),
    (lambda: hogwild(torch.ones(2, 2), torch.ones(3), 1), "each of 2 rows"),
    (lambda: hogwild(torch.ones(2, 2), torch.ones(2), 0), "workers: expected"),
    (lambda: hogwild(torch.ones(2, 2), torch.ones(2), 1, lr=-1), "lr: expected"),
    (
        lambda: hogwild(torch.ones(2, 2), torch.ones(2), 1, gradients=-1),
        "gradients: expected",
    ),
    (lambda: parallel.run_processes(pid_of, 0), "workers: expected an integer >= 1"),
    (lambda: parallel.run_processes(pid_of, 1, timeout=0), "timeout: expected"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- the same code on threads, for the mutants


class Threads:
    """Stand in for ``torch.distributed``: a thread a rank, queues between them."""

    def __init__(self, ranks, patience=10):
        self.patience = patience
        self.ranks, self.local = ranks, threading.local()
        self.boxes = {(a, b): queue.Queue() for a in range(ranks) for b in range(ranks)}
        self.any = [queue.Queue() for _ in range(ranks)]
        self.barrier, self.parts = threading.Barrier(ranks, timeout=patience), {}

    def get_rank(self):
        return self.local.rank

    def get_world_size(self):
        return self.ranks

    def send(self, tensor, to):
        self.boxes[self.get_rank(), to].put(tensor.clone())
        self.any[to].put(self.get_rank())

    def recv(self, tensor, source=None):
        if source is None:
            source = self.any[self.get_rank()].get(timeout=self.patience)
        sent = self.boxes[source, self.get_rank()].get(timeout=self.patience)
        assert sent.shape == tensor.shape
        assert sent.dtype == tensor.dtype
        tensor.copy_(sent)
        return source

    def all_reduce(self, tensor):
        self.parts[self.get_rank()] = tensor.clone()
        self.barrier.wait()
        tensor.copy_(sum(self.parts[k] for k in range(self.ranks)))
        self.barrier.wait()

    def broadcast(self, tensor, source):
        self.parts[self.get_rank()] = tensor.clone()
        self.barrier.wait()
        tensor.copy_(self.parts[source])
        self.barrier.wait()

    def run(self, function):
        results, errors = {}, []

        def work(rank):
            self.local.rank = rank
            try:
                results[rank] = function(rank)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(self.ranks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(3 * self.patience)
        assert not errors, errors
        return [results[k] for k in range(self.ranks)]


@pytest.fixture
def ranks(monkeypatch):
    def start(number, function):
        threads = Threads(number)
        for page in PAGES.values():
            if hasattr(page, "dist"):
                monkeypatch.setattr(page, "dist", threads)
        return threads.run(function)

    return start


def problem():
    model = MLP([5, 6, 4, 3], "tanh").double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator(1), dtype=p.dtype))
    x = torch.randn(10, 5, generator=generator(2), dtype=torch.float64)
    y = torch.randint(3, (10,), generator=generator(3))
    full, _ = parallel.mean_loss_gradient(model, x, y, cross_entropy)
    return model, x, y, full


def near(ours, theirs):
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-12)


def check_all_reduce(ranks):
    model, x, y, full = problem()
    rows = [slice(0, 1), slice(1, 4), slice(4, 10)]
    for grads in ranks(
        3, lambda k: distributed.data_parallel_step(model, x[rows[k]], y[rows[k]])
    ):
        assert list(grads) == list(full)
        near(grads, full)
    mixed = {"a": torch.ones(2, 1), "b": torch.ones(1).double()}
    for n, expected in (((1, 3), 2.5), ((0, 3), 3.0)):
        for out in ranks(
            2,
            lambda k, n=n: distributed.average_gradients(
                {name: t * (2 * k + 1) for name, t in mixed.items()}, n[k]
            ),
        ):
            assert out["a"].tolist() == [[expected]] * 2
            assert out["a"].dtype == torch.float32
            assert out["b"].dtype == torch.float64


def check_broadcast(ranks):
    def receive(k, source):
        model = torch.nn.BatchNorm1d(2)
        model.weight.data.fill_(float(k))
        model.running_mean.fill_(float(10 + k))
        distributed.broadcast_model(model, *([source] if source else []))
        return model.weight.tolist() + model.running_mean.tolist()

    for source in (0, 2):
        for got in ranks(3, lambda k, s=source: receive(k, s)):
            assert got == [source, source, 10 + source, 10 + source]


def check_split(ranks):
    model, x, y, full = problem()
    cuts = {2: [0, 2, 5], 3: [0, 1, 4, 5]}
    parts = list(model.named_children())
    for P, edges in cuts.items():
        for M in (1, 3, 10):

            def stage(k, edges=edges, M=M):
                part = torch.nn.Sequential()
                for name, layer in parts[edges[k] : edges[k + 1]]:
                    part.add_module(name, layer)
                return distributed.split_step(part, x, y, micro_batches=M)

            together = {n: g for out in ranks(P, stage) for n, g in out.items()}
            assert list(together) == list(full)
            near(together, full)


def check_messages_keep_type_and_shape(ranks):
    sent = [
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.tensor(5),
        torch.zeros(0, 4),
        torch.arange(6).reshape(1, 2, 3).mT,
    ]

    def exchange(k):
        if k == 0:
            for tensor in sent:
                PAGES["pipeline"].send(tensor, 1)
            return []
        return [PAGES["pipeline"].receive(0) for _ in sent]

    for ours, theirs in zip(ranks(2, exchange)[1], sent, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def check_server(ranks):
    start = {"w": torch.tensor([1.0, 2.0]).double(), "b": torch.ones(1, 1).double()}

    def gradient(params, worker, k):
        assert k < 50
        return {"b": params["b"] + worker, "w": params["w"] - 0.1 * k}

    for mode in ("sync", "async"):
        for P in (1, 2):

            def new(mode=mode, P=P):
                return parallel.ParameterServer(
                    start, sgdm, workers=P, mode=mode, lr=0.1, momentum=0.5
                )

            def rank(k, new=new):
                if k == 0:
                    return distributed.serve(new(), 5)
                return distributed.work(lambda p, t: gradient(p, k - 1, t), start)

            server, *workers = ranks(P + 1, rank)
            assert server.version == 5
            for last in workers:
                near(last, server.params)
            if mode == "sync" or P == 1:
                near(server.params, parallel.run_workers(new(), gradient, 5).path[-1])
            assert sum(push.used for push in server.log) == (
                5 * P if mode == "sync" else 5
            )


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_messages(ranks, check):
    check(ranks)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda k: distributed.average_gradients({"w": torch.ones(1)}, 0),
            "an example in some process",
        ),
        (
            lambda k: distributed.split_step(
                MLP([5, 3]), torch.ones(2, 5), torch.zeros(2).long(), micro_batches=3
            ),
            "at most 2 examples, got 3",
        ),
        (lambda k: PAGES["pipeline"].send(torch.ones(1).bool(), 0), "got torch.bool"),
        (
            lambda k: distributed.serve(
                parallel.ParameterServer({"w": torch.ones(1)}, sgdm, workers=2, lr=0.1),
                1,
            ),
            "workers=0, one for each other process, got 2",
        ),
    ],
)
def test_bad_messages_are_refused_in_words(ranks, call, message):
    with pytest.raises(AssertionError, match=message):
        ranks(1, call)


MUTANTS = [
    ("all_reduce", "average_gradients", "n / total.item()", "1 / 3"),
    ("all_reduce", "average_gradients", "n / total.item()", "n"),
    ("all_reduce", "average_gradients", "dist.all_reduce(vector)", "pass"),
    ("all_reduce", "average_gradients", "dist.all_reduce(total)", "pass"),
    ("all_reduce", "data_parallel_step", "average_gradients(grads, n)", "grads"),
    ("all_reduce", "data_parallel_step", "(grads, n)", "(grads, 1)"),
    ("all_reduce", "broadcast_model", "source)", "0)"),
    ("all_reduce", "broadcast_model", "*model.buffers())", ")"),
    ("all_reduce", "broadcast_model", "source: int = 0", "source: int = 1"),
    ("all_reduce", "unpack", ".to(tensor.dtype)", ""),
    ("all_reduce", "unpack", "view(tensor.shape)", "flatten()"),
    ("pipeline", "split_step", "len(xs[m]) / n * ", ""),
    ("pipeline", "split_step", "reversed(range(M))", "range(M)[:1]"),
    ("pipeline", "split_step", "ys[m]", "ys[0]"),
    ("pipeline", "split_step", "xs[m] if rank == 0 else", "xs[0] if rank == 0 else"),
    ("pipeline", "split_step", "send(back, rank - 1)", "send(-back, rank - 1)"),
    ("pipeline", "split_step", "send(back, rank - 1)", "send(back, 0)"),
    ("pipeline", "split_step", "if rank > 0 and", "if rank > 1 and"),
    ("pipeline", "receive", "shape[:ndim]", "shape"),
    ("pipeline", "receive", "dtype=TYPES[kind]", "dtype=torch.float64"),
    ("pipeline", "send", ".contiguous()", ".contiguous() * 2"),
    ("server", "serve", "k = dist.recv(message) - 1", "k = dist.recv(message)"),
    ("server", "serve", "server.version < end", "server.version <= end"),
    ("server", "serve", "waiting.remove(k)", "pass"),
    ("server", "serve", "range(len(at_work))", "range(0)"),
    ("server", "serve", "_answer(server, k, STOP)", "_answer(server, k, GO_ON)"),
    ("server", "work", "name in like}", "name in grads}"),
    ("server", "work", "== STOP", "!= STOP"),
    ("server", "work", "grads = gradient(params, k)", "grads = gradient(params, 0)"),
    ("server", "_answer", "else server.params", "else server.pull(9)"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(
    mutate, monkeypatch, ranks, page, function, old, new
):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    # a mutant has its own names: it must speak over the threads as well
    for where in (*PAGES.values(), distributed):
        if callable(getattr(where, function, None)):
            monkeypatch.setattr(where, function, wrong)

    def start(number, work):
        threads = Threads(number, patience=0.3)
        for page in PAGES.values():
            if hasattr(page, "dist"):
                monkeypatch.setattr(page, "dist", threads)
        monkeypatch.setitem(wrong.__globals__, "dist", threads)
        return threads.run(work)

    assert not survives(start)


def survives(start):
    try:
        for check in CHECKS:
            check(start)
    except (Exception, pytest.fail.Exception):
        return False
    return True


def test_the_checks_pass_without_a_mutant(ranks):
    assert survives(ranks)
