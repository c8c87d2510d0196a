r"""Start worker processes, collect what they return, and leave none behind.

A worker is a function in a process of its own. The caller waits for all
results; if one worker dies or takes too long, the others are stopped and the
error says which one it was, and how it ended. Nothing waits for ever.
"""

import multiprocessing
import os
import pickle
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from .._validate import check_count, check_positive

__all__ = ["WorkerLost", "run_processes", "worker_context"]

GRACE = 2.0  # seconds in which the others may still say what they saw


class WorkerLost(RuntimeError):
    """Tell that a worker process died or did not answer in time."""


def worker_context() -> Any:
    r"""Choose how processes start: from a small server that has loaded torch once.

    Returns:
        A ``multiprocessing`` context. A copy of the caller's process (fork)
        would be quicker still, but a copy of one that has threads can hang.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["coursekit.parallel"])
    return context


def run_processes(
    function: Callable[..., Any],
    workers: int,
    args: Sequence[Any] = (),
    *,
    timeout: float = 120.0,
    env: Callable[[int], dict[str, str]] = lambda rank: {},
) -> list[Any]:
    r"""Call ``function(rank, *args)`` in P processes and return P results.

    Args:
        function: A function that can be imported: of a module, not of a
            notebook's cell. What it returns must be picklable.
        workers: P ≥ 1.
        args: Further arguments; tensors in shared memory stay shared.
        timeout: Seconds > 0 that all of it may take.
        env: Environment variables of a worker, by its rank.

    Returns:
        Results by rank. Every process has ended.

    Raises:
        WorkerLost: If a process died, raised an error or took too long.
        ValueError: If an argument is out of its range.

    Example:
        >>> import operator
        >>> run_processes(operator.add, 2, [10])
        [10, 11]
    """
    check_count("workers", workers)
    deadline = time.monotonic() + check_positive("timeout", timeout)
    context = worker_context()
    processes, readers, patience = [], [], 0.0
    try:
        for rank in range(workers):
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(
                target=_work,
                args=(writer, function, rank, tuple(args), env(rank)),
                daemon=True,
            )
            process.start()
            writer.close()
            processes.append(process)
            readers.append(reader)
        results = _collect(processes, readers, deadline, timeout)
        patience = GRACE
        return results
    finally:
        _reap(processes, patience)
        for reader in readers:
            reader.close()


def _work(
    writer: Connection,
    function: Callable[..., Any],
    rank: int,
    args: tuple[Any, ...],
    env: dict[str, str],
) -> None:
    import torch

    os.environ.update(env)
    torch.set_num_threads(1)
    try:
        outcome = (True, function(rank, *args))
    except BaseException:
        outcome = (False, traceback.format_exc())
    # bytes, not tensors: a shared tensor would die with this process
    writer.send_bytes(pickle.dumps(outcome))
    writer.close()


def _collect(
    processes: list[BaseProcess],
    readers: list[Connection],
    deadline: float,
    timeout: float,
) -> list[Any]:
    results: dict[int, Any] = {}
    failures: dict[int, str] = {}
    open_ = dict(enumerate(readers))
    while open_:
        ready = wait(list(open_.values()), max(0.0, deadline - time.monotonic()))
        if not ready:
            late = f"gave no result within {timeout:g} s"
            failures.update(dict.fromkeys(open_, late) if not failures else {})
            break
        for rank in [rank for rank, reader in open_.items() if reader in ready]:
            fine, value = _read(open_.pop(rank), processes[rank])
            (results if fine else failures)[rank] = value
        if failures:
            deadline = min(deadline, time.monotonic() + GRACE)
    if failures:
        ends = (f"worker {rank} {failures[rank]}" for rank in sorted(failures))
        raise WorkerLost("; ".join(ends))
    return [results[rank] for rank in range(len(readers))]


def _read(reader: Connection, process: BaseProcess) -> tuple[bool, Any]:
    try:
        fine, value = pickle.loads(reader.recv_bytes())
    except EOFError:
        process.join(GRACE)
        return False, f"died without a result (exit code {process.exitcode})"
    return fine, value if fine else f"raised an error:\n{value}"


def _reap(processes: list[BaseProcess], patience: float) -> None:
    for process in processes:
        process.join(patience)
    for stop in (BaseProcess.terminate, BaseProcess.kill):
        for process in processes:
            if process.is_alive():
                stop(process)
                process.join(GRACE)
    for process in processes:
        process.close()
