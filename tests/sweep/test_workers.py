"""Kill, interrupt and starve the processes of a sweep: nothing that is done is lost."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models
from coursekit.sweep import grid, interrupt, sweep, team
from coursekit.sweep import serve as serving
from coursekit.sweep import workers as working

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork"
)
LIMIT = 120
X = torch.randn(80, 6, generator=torch.Generator().manual_seed(0))
DATA = (X, torch.randint(4, (80,), generator=torch.Generator().manual_seed(1)))
ROWS = grid(lr=[0.1, 0.3], seed=range(4))
QUIET: dict[str, Any] = {"steps": 30, "progress": False}


def net(width: int = 8) -> nn.Module:
    return models.MLP([6, width, 4])


@pytest.fixture(scope="module")
def alone() -> Any:
    """The same sweep in this process."""
    return sweep(net, DATA, ROWS, workers=1, **QUIET)


def same(runs: Any, other: Any) -> None:
    """Compare two results bit for bit."""
    np.testing.assert_array_equal(runs.loss, other.loss)
    assert runs.status == other.status
    for ours, theirs in zip(runs.parameters, other.parameters, strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value)


def children() -> list[str]:
    """Commands of the processes below this one, zombies included."""
    listed = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "pid=,stat=,comm="],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [line for line in listed.splitlines() if "ps" not in line.split()[2:]]


@pytest.mark.parametrize("workers", [2, 3, 16])
def test_numbers_do_not_depend_on_processes(alone: Any, workers: int) -> None:
    """Two, three, or more than there are blocks: the same bits."""
    same(sweep(net, DATA, ROWS, workers=workers, **QUIET), alone)


def test_nothing_stays_behind() -> None:
    """No process, zombie or shared memory is left."""
    shared = set(os.listdir("/dev/shm")) if Path("/dev/shm").exists() else set()
    before = children()
    sweep(net, DATA, ROWS, workers=2, **QUIET)
    assert children() == before
    if Path("/dev/shm").exists():
        assert set(os.listdir("/dev/shm")) <= shared


def suicidal(folder: Path, times: int, here: int, when: Any) -> Any:
    """A factory whose process kills itself, the first ``times`` times."""

    def make(width: int = 8) -> nn.Module:
        marks = len(list(folder.iterdir()))
        if os.getpid() != here and when(width) and marks < times:
            (folder / str(marks)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return net(width)

    return make


def test_a_killed_worker_loses_nothing(alone: Any, tmp_path: Path) -> None:
    """Kill −9 in the middle: its block is run again, and says the same."""
    make = suicidal(tmp_path, 1, os.getpid(), lambda width: True)
    runs = sweep(make, DATA, ROWS, workers=2, **QUIET)
    assert list(tmp_path.iterdir())
    same(runs, alone)


def test_what_always_kills_is_lost_alone(tmp_path: Path) -> None:
    """A setting that kills each of its processes: all others are done."""
    make = suicidal(tmp_path, 10**6, os.getpid(), lambda width: width == 4)

    def one(width: int = 8, deadly: bool = False) -> nn.Module:
        return make(4 if deadly else width)

    rows = grid(lr=[0.1], seed=range(6)) + grid(lr=[0.1], deadly=True)
    runs = sweep(one, DATA, rows, workers=2, **QUIET)
    assert runs.status == ["done"] * 6 + ["lost"]
    assert runs.updates.tolist() == [30] * 6 + [0]
    assert np.isnan(runs.loss[-1]).all()
    assert runs.parameters[-1] == {}
    sentences = [note for note in runs.notes if note.startswith("lost")]
    assert len(sentences) == 1
    for word in ("deadly=True", "killed by signal 9", "batch_size"):
        assert word in sentences[0]


def test_a_deadly_run_inside_a_block_is_found(tmp_path: Path) -> None:
    """One seed of a block kills: halving finds it, the rest of the block is done."""

    class Deadly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = net()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    here = os.getpid()

    def make() -> nn.Module:
        if torch.initial_seed() == 5 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return Deadly()

    runs = sweep(make, DATA, grid(lr=[0.1], seed=range(8)), workers=2, **QUIET)
    assert runs.status == ["done"] * 5 + ["lost"] + ["done"] * 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_names_its_setting_and_keeps_the_rest(workers: int) -> None:
    """What the factory raises comes back as it is, with a note and what is done."""

    def make(width: int) -> nn.Module:
        if width == 5:
            raise LookupError("no such width")
        return net(width)

    rows = grid(lr=[0.1], width=[4, 5], seed=range(3))
    with pytest.raises(LookupError, match="no such width") as caught:
        sweep(make, DATA, rows, workers=workers, **QUIET)
    assert "sweep: in the setting lr=0.1, width=5, seed=0" in caught.value.__notes__


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_the_middle_keeps_what_is_done(workers: int) -> None:
    """A probe raises in the last bucket: the first one is in ``partial``."""

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        if nets.thetas[0].shape[1] == 5:
            time.sleep(0.5)
            raise ArithmeticError("cannot measure this")
        return torch.zeros(len(nets.thetas[0]))

    rows = grid(lr=[0.1], width=[4, 5], seed=range(2))
    with pytest.raises(ArithmeticError, match="cannot measure") as caught:
        sweep(net, DATA, rows, probes={"mine": probe}, workers=workers, **QUIET)
    partial = caught.value.partial  # type: ignore[attr-defined]
    assert partial.status == ["done", "done", "interrupted", "interrupted"]
    assert any("width=5" in note for note in caught.value.__notes__)
    if workers == 2:
        assert any("in probe" in note for note in caught.value.__notes__)


def test_an_error_that_cannot_be_pickled_comes_back() -> None:
    """An exception with arguments of its own is told in words."""

    class Odd(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(f"{a} and {b}")

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        raise Odd(1, 2)

    with pytest.raises(RuntimeError, match="Odd: 1 and 2"):
        sweep(net, DATA, ROWS, probes={"mine": probe}, workers=2, **QUIET)


def test_a_sys_exit_of_the_user_is_an_error() -> None:
    """A worker does not vanish because the user's code calls exit."""

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        sys.exit(3)

    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        sweep(net, DATA, ROWS, probes={"mine": probe}, workers=2, **QUIET)


def in_daemon(queue: Any) -> None:
    """Run a sweep where processes may not be started."""
    runs = sweep(net, DATA, ROWS, workers=2, **QUIET)
    queue.put(runs.status)


def test_inside_a_worker_of_somebody_else() -> None:
    """A daemon may have no processes: the sweep runs in it."""
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    process = fork.Process(target=in_daemon, args=(queue,), daemon=True)
    process.start()
    process.join(LIMIT)
    assert process.exitcode == 0
    assert queue.get() == ["done"] * 8


def test_small_sweeps_stay_here(monkeypatch: Any) -> None:
    """No process is started for a few updates, unless one insists."""

    def never(*args: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("coursekit.sweep.conduct.run_in_processes", never)
    runs = sweep(net, DATA, ROWS, steps=2, progress=False)
    assert runs.status == ["done"] * 8
    with pytest.raises(AssertionError):
        sweep(net, DATA, ROWS, workers=2, **QUIET)


def test_an_accelerator_forbids_the_fork(monkeypatch: Any) -> None:
    """Beside a GPU, and on macOS, workers are new interpreters."""
    assert working.method() == "fork"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert working.method() == "spawn"
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert working.method() == "spawn"


def test_a_script_that_is_being_read_starts_nothing(monkeypatch: Any) -> None:
    """Without ``__main__`` guard a new interpreter would run the sweep again."""
    process = multiprocessing.current_process()
    monkeypatch.setattr(process, "_inheriting", True, raising=False)
    with pytest.raises(RuntimeError, match="__main__"):
        working.method()


def test_new_interpreters_say_the_same(alone: Any, monkeypatch: Any) -> None:
    """Spawned workers get the job as bytes, local functions included."""
    monkeypatch.setattr("coursekit.sweep.conduct.method", lambda: "spawn")

    def local(width: int = 8) -> nn.Module:
        return net(width)

    # by value, as a notebook's functions are: no worker can import this file
    import cloudpickle

    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        same(sweep(local, DATA, ROWS, workers=2, **QUIET), alone)
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def test_without_workers_it_runs_here_and_says_so(alone: Any, monkeypatch: Any) -> None:
    """What cannot be sent is computed in this process, with one clear note."""
    monkeypatch.setattr("coursekit.sweep.conduct.method", lambda: "spawn")

    class Stubborn:
        def __call__(self, width: int = 8) -> nn.Module:
            return net(width)

        def __reduce__(self) -> Any:
            raise TypeError("this holds a lock")

    runs = sweep(Stubborn(), DATA, ROWS, workers=2, **QUIET)
    same(runs, alone)
    assert any("this holds a lock" in n and "client=" in n for n in runs.notes)


def test_threads_are_put_back() -> None:
    """A sweep computes with one thread, and leaves the user's number."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        seen.append(torch.get_num_threads())
        return torch.zeros(len(nets.thetas[0]))

    try:
        sweep(net, DATA, ROWS, probes={"mine": probe}, workers=1, **QUIET)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def program(mode: str, workers: int, births: Path, said: Path) -> None:
    """What a user runs: blocks that take a minute, each birth leaves a file."""

    def make(width: int = 8) -> nn.Module:
        (births / f"{width}-{os.getpid()}-{time.time_ns()}").touch()
        return net(width)

    def slow(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        time.sleep(0.02)
        return torch.zeros(len(nets.thetas[0]))

    def main() -> None:
        rows = grid(width=[4, 8, 12], lr=[0.1], seed=range(2))
        words: dict[str, Any] = {"steps": 3000, "every": 1, "probes": {"s": slow}}
        kept = births / "kept"
        runs = sweep(
            make, DATA, rows, **words, workers=workers, progress=False, checkpoint=kept
        )
        report = {
            "status": runs.status,
            "updates": runs.updates.tolist(),
            "parameters": [bool(each) for each in runs.parameters],
            "handler": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        }
        said.write_text(json.dumps(report))

    if mode == "thread":
        thread = threading.Thread(target=main)
        thread.start()
        try:
            while thread.is_alive():
                time.sleep(0.05)
        except KeyboardInterrupt as error:
            # what the interpreter does at the end of a main thread
            sys.last_type = type(error)
            threading._shutdown()  # type: ignore[attr-defined]
    else:
        main()


class Program:
    """Run the program above in a session of its own, and look after it."""

    def __init__(self, folder: Path, mode: str, workers: int) -> None:
        self.births, self.said = folder / "births", folder / "said"
        self.births.mkdir()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.setsid()
                signal.signal(signal.SIGINT, signal.default_int_handler)
                program(mode, workers, self.births, self.said)
                code = 0
            except KeyboardInterrupt:
                code = 130
            finally:
                os._exit(code)

    def wait_for_births(self, number: int) -> None:
        """Wait until so many models were made, and then a few updates more."""
        end = time.monotonic() + LIMIT
        while len(list(self.births.glob("*-*"))) < number:
            assert time.monotonic() < end, "nothing was trained"
            time.sleep(0.05)
        time.sleep(0.5)

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal sends it to the whole group."""
        os.killpg(self.pid, signal.SIGINT)

    def wait(self) -> int:
        """Return the exit code."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.killpg(self.pid, signal.SIGKILL)
        raise AssertionError("the program hangs")

    def report(self) -> dict[str, Any]:
        return json.loads(self.said.read_text())

    def left(self) -> list[str]:
        """Processes of the session that are still there, after some seconds."""
        end = time.monotonic() + 10
        while True:
            command = ["ps", "-o", "pid=,stat=", "--sid", str(self.pid)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            # an orphan that has ended stays a zombie where nobody adopts it
            lines = done.stdout.splitlines()
            found = [line for line in lines if not line.split()[1].startswith("Z")]
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.1)


# births before the blocks: two of each bucket for the path, one for the checkpoint
BEFORE = 9


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_hands_in_what_is_done(tmp_path: Path, workers: int) -> None:
    """The blocks at work stop where they are; the others are never built."""
    ours = Program(tmp_path, "main", workers)
    ours.wait_for_births(BEFORE + 1)
    ours.interrupt()
    assert ours.wait() == 0
    report = ours.report()
    assert report["status"] == ["interrupted"] * 6
    begun = [n > 0 for n in report["updates"]]
    assert 0 < sum(begun) < 6
    assert report["parameters"] == begun
    assert report["handler"]
    assert len(list(ours.births.glob("*-*"))) == BEFORE + sum(begun)
    assert not list((ours.births / "kept").glob("*.npz"))
    assert ours.left() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_ctrl_c_ends_at_once(tmp_path: Path, workers: int) -> None:
    """Twice within an update raises KeyboardInterrupt, and no process survives."""
    ours = Program(tmp_path, "main", workers)
    ours.wait_for_births(BEFORE + 1)
    for _ in range(2):
        os.kill(ours.pid, signal.SIGINT)
        time.sleep(0.002)
    assert ours.wait() in ((130,) if not ours.said.exists() else (0,))
    assert ours.left() == []


def test_ctrl_c_ends_a_sweep_in_another_thread(tmp_path: Path) -> None:
    """Ctrl-C ends the main thread; the sweep notices, and hands in what it has."""
    ours = Program(tmp_path, "thread", 2)
    ours.wait_for_births(BEFORE + 1)
    ours.interrupt()
    assert ours.wait() == 0
    assert ours.report()["status"] == ["interrupted"] * 6
    assert ours.left() == []


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """Kill −9 to the parent alone: its workers notice."""
    ours = Program(tmp_path, "main", 2)
    ours.wait_for_births(BEFORE + 1)
    os.kill(ours.pid, signal.SIGKILL)
    assert ours.wait() == -signal.SIGKILL
    assert ours.left() == []


def test_portable_keeps_the_trace() -> None:
    """An exception that goes through a pipe says where it was raised."""
    try:
        raise KeyError("x")
    except KeyError as error:
        sent = serving._portable(error)
    assert isinstance(sent, KeyError)
    assert "test_portable_keeps_the_trace" in sent.__notes__[0]


def check_interruption(function: Any) -> None:
    """The first Ctrl-C is noted, the second raises, and the handler comes back."""
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with function() as wish:
            assert not wish()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            assert wish()
            with pytest.raises(KeyboardInterrupt):
                press()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with function() as wish:
            pass
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with function() as wish:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def test_interruptions_are_noted() -> None:
    check_interruption(interrupt.interruptible)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wish.noted = True", "pass"),
        (
            "wish.noted = True\n        signal.signal(signal.SIGINT, before)",
            "wish.noted = True",
        ),
        (
            "finally:\n        signal.signal(signal.SIGINT, before)",
            "finally:\n        pass",
        ),
        ("before in (signal.SIG_IGN, None)", "before is None"),
    ],
)
def test_mutants_of_interruptions(old: str, new: str, mutate: Any) -> None:
    wrong = mutate(interrupt.interruptible, old, new)
    with pytest.raises((AssertionError, KeyboardInterrupt, pytest.fail.Exception)):
        check_interruption(wrong)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("enter.get(kind, ledger.died)", "enter.get(kind, lambda *_: None)"),
        ("del self.workers[worker.number]", "worker.ready = True"),
        ('"record": ledger.finished', '"record": lambda *_: None'),
    ],
)
def test_mutants_of_the_team(
    old: str, new: str, mutate: Any, monkeypatch: Any, alone: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(team, "Team", mutate(team.Team, old, new))
    with pytest.raises((AssertionError, AttributeError, OSError)):
        test_a_killed_worker_loses_nothing(alone, tmp_path)
    for process in multiprocessing.active_children():
        process.kill()
        process.join(LIMIT)
