r"""Run the blocks of a sweep on all cores, and lose nothing.

Each worker is a fork of this process with one torch thread: it has the data and
the model's factory without copying or pickling, and blocks do not compete for
threads. A worker that dies (killed, out of memory) takes only its block with it,
which is run again. An interruption lets every block stop at its next update and
hand in what it has; a second one ends at once.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType

import torch

from .plan import Task
from .run import Job, run_block
from .training import Record

__all__ = ["default_workers", "run_here", "run_in_processes"]

ATTEMPTS = 3
POLL = 0.1
OnRecord = Callable[[Task, Record], None]
OnTick = Callable[[int], None]


def default_workers() -> int:
    """Count the cores this process may use.

    Returns:
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def interruptible() -> Generator[threading.Event, None, None]:
    """Turn the first interruption into a flag; the second one acts as ever.

    Yields:
        The flag.
    """
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        flag.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)


def run_here(job: Job, tasks: Sequence[Task], done: OnRecord, count: OnTick) -> None:
    """Run the blocks one after the other in this process.

    Args:
        job: What all blocks share.
        tasks: The blocks.
        done: Called with each block and its record.
        count: Called with the number of updates since the last call.
    """
    with interruptible() as stop:
        for task in tasks:
            models = len(task.rows)

            def tick(t: int, models: int = models) -> bool:
                count(models if t else 0)
                return not stop.is_set()

            done(task, run_block(job, task, tick))


# What the forks find in their memory: the job, the tasks, updates made, the flag.
_SHARED: tuple[Job, Sequence[Task], torch.Tensor] | None = None


def _work(number: int) -> bytes:
    assert _SHARED is not None
    job, tasks, shared = _SHARED
    torch.set_num_threads(1)

    def tick(t: int) -> bool:
        shared[number] = t
        return not shared[-1]

    record = run_block(job, tasks[number], tick)
    # plain bytes: torch would pass tensors by files that outlive a killed worker
    return pickle.dumps(record)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_in_processes(
    job: Job, tasks: Sequence[Task], workers: int, done: OnRecord, count: OnTick
) -> list[Task]:
    """Run the blocks in forked processes.

    Args:
        job: What all blocks share.
        tasks: The blocks.
        workers: Number of processes.
        done: Called with each block and its record.
        count: Called with the number of updates since the last call.

    Returns:
        The blocks whose workers died three times.
    """
    global _SHARED
    shared = torch.zeros(len(tasks) + 1, dtype=torch.long).share_memory_()
    _SHARED = (job, tasks, shared)
    sizes = torch.tensor([len(task.rows) for task in tasks])
    counted, left = 0, set(range(len(tasks)))
    try:
        with interruptible() as stop:
            for _ in range(ATTEMPTS):
                for number, raw in _completed(sorted(left), workers):
                    shared[-1] = stop.is_set()
                    total = int((shared[:-1] * sizes).sum())
                    count(max(0, total - counted))
                    counted = max(counted, total)
                    if raw is not None:
                        left.discard(number)
                        done(tasks[number], pickle.loads(raw))
                if not left:
                    break
        return [tasks[number] for number in sorted(left)]
    finally:
        _SHARED = None


def _completed(numbers: list[int], workers: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield each finished block, and (-1, None) whenever nothing has finished."""
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, fork, initializer=_ignore_interrupts) as pool:
        running: dict[Future[bytes], int] = {}
        try:
            for number in numbers:
                running[pool.submit(_work, number)] = number
            while running:
                ended, _ = wait(running, POLL, FIRST_COMPLETED)
                yield -1, None
                for future in ended:
                    number = running.pop(future)
                    if not isinstance(future.exception(), BrokenProcessPool):
                        yield number, future.result()
        except BrokenProcessPool:
            return
