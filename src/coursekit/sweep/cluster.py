r"""Run the blocks of a sweep on a Dask cluster, with the same function as here.

The job is sent to the scheduler once, a block is a task of a few numbers. Workers
pass the job on among themselves; one that is lost takes nothing with it, because
the scheduler can make the job anew and gives its blocks to others. A block that
kills every worker it meets is cut in half, as on this machine.
"""

from __future__ import annotations

import pickle
import threading
import time
import warnings
from concurrent.futures import CancelledError
from typing import Any

from .ledger import Ledger
from .plan import Task
from .progress import Progress
from .run import Job, run_block
from .serve import packed
from .training import Record
from .workers import one_thread

__all__ = ["cluster_size", "run_on_cluster"]

POLL = 0.05
# A process computes one block at a time, whatever its number of threads: models are
# born under torch's one global seed.
ONE = threading.Lock()


def cluster_size(client: Any) -> int:
    """Count the processes of a cluster.

    Args:
        client: A ``dask.distributed.Client``.

    Returns:
        At least 1.

    Raises:
        ImportError: If Dask is not installed.
        TypeError: If it is no such client, or an asynchronous one.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "client: Dask is not installed; pip install coursekit[cluster]"
        ) from error
    if not isinstance(client, Client) or client.asynchronous:
        raise TypeError(
            f"client: expected a dask.distributed.Client, got {client!r}; try "
            "Client(n_workers=2, threads_per_worker=1)"
        )
    threads: Any = client.nthreads()
    return max(1, len(threads))


def run_on_cluster(client: Any, job: Job, ledger: Ledger, progress: Progress) -> None:
    """Run the blocks as tasks of a cluster.

    Args:
        client: A ``dask.distributed.Client``.
        job: What all blocks share.
        ledger: The blocks.
        progress: Hears of ended blocks.
    """
    running: dict[Any, Task] = {}
    sent = _send(client, job)
    try:
        while not ledger.stopping:
            while (task := ledger.take()) is not None:
                future = client.submit(compute, sent, task, pure=False)
                running[future] = task
            if not running:
                return
            time.sleep(POLL)
            for future in [future for future in running if future.done()]:
                _enter(future, running.pop(future), ledger, progress)
    finally:
        client.cancel(list(running), force=True)


def _send(client: Any, job: Job) -> Any:
    with warnings.catch_warnings():
        # scattered data would be lost with its workers; what a task makes is not
        warnings.filterwarnings("ignore", message="Sending large graph")
        return client.submit(pickle.loads, packed(job), pure=False)


def _enter(future: Any, task: Task, ledger: Ledger, progress: Progress) -> None:
    from distributed import KilledWorker

    try:
        record = future.result()
    except (KilledWorker, CancelledError) as error:
        progress.end(task, finished=False)
        ledger.died(task, f"its workers were killed, {type(error).__name__}")
    except Exception as error:  # the user's code may raise anything
        progress.end(task, finished=False)
        ledger.failed(task, error)
    else:
        progress.end(task)
        ledger.finished(task, record)


def compute(job: Job, task: Task) -> Record:
    """Train a block; what a worker of the cluster does.

    Args:
        job: What all blocks share.
        task: The block.

    Returns:
        Its record.
    """
    from distributed import get_worker

    worker = get_worker()
    tasks, key = worker.state.tasks, worker.get_current_task()

    def tick(t: int) -> bool:
        # a task that runs cannot be taken away, but it can be marked
        return key in tasks and tasks[key].state == "executing"

    with ONE, one_thread():
        return run_block(job, task, tick)
