r"""Run the blocks of a sweep on a Dask cluster, with the same function as here.

The job is sent to every worker once, a block is a task of a few numbers. A worker
that is lost takes nothing with it: the scheduler gives its blocks to others. A block
that kills every worker it meets is cut in half, as on this machine.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from .ledger import Ledger
from .plan import Task
from .progress import Progress
from .run import Job, run_block
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
    sent = client.scatter(job, broadcast=True, hash=False)
    try:
        while not ledger.stopping:
            if sent.status in ("cancelled", "lost", "error"):
                sent = client.scatter(job, broadcast=True, hash=False)
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


def _enter(future: Any, task: Task, ledger: Ledger, progress: Progress) -> None:
    from distributed import KilledWorker

    progress.end(task, finished=future.status == "finished")
    if future.status == "cancelled":
        ledger.died(task, "its worker was lost together with the data")
        return
    error = future.exception()
    if error is None:
        ledger.finished(task, future.result())
    elif isinstance(error, KilledWorker):
        ledger.died(task, "its workers were killed")
    else:
        ledger.failed(task, error)


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
