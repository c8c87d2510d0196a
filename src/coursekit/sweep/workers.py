r"""Decide who runs the blocks of a sweep, and run them in this process if nobody else.

On Linux a worker is a fork of this process. Elsewhere, and where an accelerator's
driver would not survive the fork, it is a new interpreter, which takes seconds to
start and needs a job that can be pickled. A sweep that takes less than a worker
costs stays here.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import torch

from .ledger import Ledger
from .progress import Progress
from .run import Job, run_block

__all__ = ["PAYS", "default_workers", "method", "one_thread", "run_here"]

# Seconds that a sweep must take, on one core, for workers to pay.
PAYS = {"fork": 0.5, "spawn": 10.0}


def default_workers() -> int:
    """Count the cores this process may use.

    Returns:
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def method() -> str | None:
    """Choose how workers are started.

    Returns:
        ``"fork"``; ``"spawn"`` where a fork is unknown or unsafe (macOS, Windows, a
        process that may hold an accelerator); None inside a worker of somebody,
        which may have no processes of its own.

    Raises:
        RuntimeError: If a new interpreter is still reading the script it belongs to.
    """
    process = multiprocessing.current_process()
    if getattr(process, "_inheriting", False):
        raise RuntimeError(
            "sweep: expected to be called by a script, got called while a worker "
            "reads it; put the call under if __name__ == '__main__':"
        )
    if process.daemon:
        return None
    known = multiprocessing.get_all_start_methods()
    accelerated = torch.cuda.is_available() or torch.backends.mps.is_available()
    if "fork" in known and sys.platform != "darwin" and not accelerated:
        return "fork"
    return "spawn"


@contextmanager
def one_thread() -> Generator[None, None, None]:
    """Let torch use one thread, as every worker does, so that all compute alike.

    Yields:
        Nothing.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_here(job: Job, ledger: Ledger, progress: Progress) -> None:
    """Run the blocks one after the other in this process.

    Args:
        job: What all blocks share.
        ledger: The blocks.
        progress: Hears of every update.
    """
    with one_thread():
        while (task := ledger.take()) is not None:
            tick = progress.ticker(task, lambda: not ledger.interrupted())
            try:
                record = run_block(job, task, tick)
            except Exception as error:  # the user's code may raise anything
                progress.end(task, finished=False)
                ledger.failed(task, error)
            else:
                progress.end(task)
                ledger.finished(task, record)
