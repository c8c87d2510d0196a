"""Run a sweep on a real Dask cluster of separate processes, and kill one of them."""

import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models
from coursekit.sweep import grid, sweep
from coursekit.sweep.cluster import cluster_size

distributed = pytest.importorskip("distributed")
cloudpickle = pytest.importorskip("cloudpickle")

X = torch.randn(80, 6, generator=torch.Generator().manual_seed(0))
DATA = (X, torch.randint(4, (80,), generator=torch.Generator().manual_seed(1)))
ROWS = grid(lr=[0.1, 0.3], seed=range(4))
QUIET: dict[str, Any] = {"steps": 30, "progress": False}
LIMIT = "60s"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import dask

    # no worker can import this file: its functions travel by value
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    calm = {
        "distributed.comm.timeouts.connect": LIMIT,
        "distributed.scheduler.allowed-failures": 1,
        "distributed.worker.memory.terminate": False,
        "distributed.worker.memory.pause": False,
    }
    with dask.config.set(calm):
        cluster = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
            silence_logs=50,
        )
        with cluster, distributed.Client(cluster) as client:
            yield client
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def net(width: int = 8) -> nn.Module:
    return models.MLP([6, width, 4])


def same(runs: Any, other: Any) -> None:
    np.testing.assert_array_equal(runs.loss, other.loss)
    assert runs.status == other.status
    for name, values in other.probes.items():
        np.testing.assert_array_equal(runs.probes[name], values)
    for ours, theirs in zip(runs.parameters, other.parameters, strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value)


def test_a_cluster_says_the_same(client: Any) -> None:
    """Bit for bit what this process says, probes and divergence included."""
    rows = [*ROWS, *grid(lr=[1e30], seed=range(2)), *grid(lr=[0.1], width=[5])]
    words = {**QUIET, "probes": ["train_acc", "grad_norm"], "every": 10}
    same(
        sweep(net, DATA, rows, client=client, **words),
        sweep(net, DATA, rows, workers=1, **words),
    )


def test_a_killed_worker_loses_nothing(client: Any, tmp_path: Path) -> None:
    """One of the two processes is killed in the middle of its block."""
    folder, here = str(tmp_path), os.getpid()

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        mark = os.path.join(folder, "killed")
        if os.getpid() != here and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.zeros(len(nets.thetas[0]))

    words = {**QUIET, "probes": {"mine": probe}, "every": 10}
    runs = sweep(net, DATA, ROWS, client=client, **words)
    assert (tmp_path / "killed").exists()
    same(runs, sweep(net, DATA, ROWS, workers=1, **words))


def test_an_error_of_the_user_comes_back(client: Any) -> None:
    """What a probe raises over there is raised here, with the settings."""

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        raise ArithmeticError("cannot measure this")

    with pytest.raises(ArithmeticError, match="cannot measure") as caught:
        sweep(net, DATA, ROWS, probes={"mine": probe}, client=client, **QUIET)
    assert any("lr=0." in note for note in caught.value.__notes__)


def test_ctrl_c_keeps_what_is_done(client: Any, tmp_path: Path) -> None:
    """The first block is finished, the second is cancelled and stops over there."""
    folder = str(tmp_path)

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        if nets.thetas[0].shape[1] == 12:
            time.sleep(0.01)
            with open(os.path.join(folder, "alive"), "a") as file:
                file.write(".")
        return torch.zeros(len(nets.thetas[0]))

    def interrupt() -> None:
        end = time.monotonic() + 60
        while not (tmp_path / "alive").exists() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(1)
        if (tmp_path / "alive").exists():
            os.kill(os.getpid(), signal.SIGINT)

    rows = grid(lr=[0.1], width=[5]) + grid(lr=[0.1], width=[12], seed=range(2))
    thread = threading.Thread(target=interrupt)
    thread.start()
    runs = sweep(
        net, DATA, rows, steps=10_000, every=1, probes={"mine": probe}, client=client,
        progress=False, until={"mine": -1.0},
    )  # fmt: skip
    thread.join(60)
    assert runs.status[1:] == ["interrupted"] * 2
    assert runs.status[0] in ("done", "interrupted")
    time.sleep(1.5)
    size = (tmp_path / "alive").stat().st_size
    time.sleep(1)
    assert (tmp_path / "alive").stat().st_size == size


def test_what_always_kills_is_lost_alone(client: Any) -> None:
    """A block that kills every worker it meets is lost; the others are done."""
    here = os.getpid()

    def make(width: int) -> nn.Module:
        if width == 7 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return net(width)

    rows = grid(lr=[0.1], width=[5, 7])
    runs = sweep(make, DATA, rows, client=client, **QUIET)
    assert runs.status == ["done", "lost"]
    assert any("width=7" in note and "killed" in note for note in runs.notes)


def test_a_clear_error_without_dask(monkeypatch: Any) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install coursekit\[cluster\]"):
        cluster_size(object())


@pytest.mark.parametrize("value", [object(), "tcp://127.0.0.1:8786", 2])
def test_what_is_no_client_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="client: expected a dask"):
        sweep(net, DATA, ROWS, client=value, **QUIET)


def test_partials_and_modules_travel(client: Any) -> None:
    """Factories that are no plain functions."""
    part = functools.partial(net, width=5)
    words = {**QUIET, "loss": functools.partial(nn.functional.cross_entropy)}
    same(
        sweep(part, DATA, ROWS[:2], client=client, **words),
        sweep(part, DATA, ROWS[:2], workers=1, **words),
    )
