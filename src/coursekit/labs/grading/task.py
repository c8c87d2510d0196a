r"""Grade one submission as a task: plain data in, JSON out, anywhere.

The same function runs in the coordinator, in processes beside it and on a Dask cluster.
A process keeps its zygote and its drawn cases from one task to the next.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import active_children, get_context

import torch

from coursekit.labs import registry
from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.doctor import best
from coursekit.labs.grading.examine import examine
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.outcome import Outcome
from coursekit.labs.grading.pool import Pool
from coursekit.labs.grading.prepared import Prepared
from coursekit.labs.grading.submission import Submission
from coursekit.labs.grading.supply import Supply
from coursekit.labs.registry import Lab

__all__ = ["Task", "executor", "perform", "ready", "release"]

PARENT_DEATH_SIGNAL = 1
TRIES = 3  # of one submission, if the machine takes its workers away
NOTICE_SECONDS = 0.5
LOCK = threading.RLock()  # torch's seed is one a process


@dataclass(frozen=True)
class Task:
    """Hold all that one grading needs.

    Args:
        submission: What was handed in.
        lab: Name of the lab.
        secret: The course's secret; it goes to the graders, never into the sandbox.
        limits: What the submission may use.
        confined: Whether the student's code runs in a sandbox.
        only: Names of the questions to grade; all of the lab if empty.
        draws: The draw of the hidden cases, by question; the first if not named.
        plots: Whether to race what was written for the open task.
    """

    submission: Submission
    lab: str
    secret: bytes
    limits: Limits
    confined: bool = True
    only: tuple[str, ...] = ()
    draws: Mapping[str, int] = field(default_factory=dict)
    plots: bool = False


@dataclass(frozen=True)
class _Tools:
    """What a process keeps from one task to the next of the same kind."""

    kind: tuple
    prepared: list[Prepared]  # none or one
    supply: Pool | Supply

    def cases(self, task: Task) -> Prepared:
        """Give the lab with the cases of a task, drawn at the first time.

        Args:
            task: The task.

        Returns:
            The cases; those of the last draw are forgotten.
        """
        if not self.prepared or self.prepared[0].draws != task.draws:
            lab = registry.lab(task.lab)
            self.prepared[:] = [Prepared(lab, task.secret, task.draws)]
        return self.prepared[0]


HELD: list[_Tools] = []  # none or one


def perform(task: Task) -> str:
    """Grade one submission.

    Args:
        task: The submission and what is to be asked.

    Returns:
        Its `Outcome` as JSON.
    """
    with LOCK:
        lab, tools = registry.lab(task.lab), ready(task)
        if task.only:
            asked_for = tuple(e for e in lab.exercises if e.name in task.only)
            lab = replace(lab, exercises=asked_for, written=())
        return _grade(task, lab, tools).to_json()


def _grade(task: Task, lab: Lab, tools: _Tools) -> Outcome:
    """Grade a submission, and begin anew if something ended the zygote under it.

    Returns:
        The outcome; the last one if that happens each time.
    """
    asked = (task.submission, lab, task.secret, task.limits)
    plots = task.plots and not task.only
    left = TRIES
    while True:
        left -= 1
        outcome = examine(*asked, tools.supply, tools.cases(task), plots)
        killed = any(q.kind == "killed" for q in outcome.questions)
        if not left or not tools.supply.lost(NOTICE_SECONDS if killed else 0.0):
            return outcome


def ready(task: Task) -> _Tools:
    """Have a supply of workers and the cases, those of the last task if they fit.

    Args:
        task: A task of the kind that is to come.

    Returns:
        The tools of this process.
    """
    kind = (task.lab, task.secret, task.confined, os.getpid())
    if not HELD or HELD[0].kind != kind:
        release()
        torch.set_num_threads(1)  # two threads on small tensors cost more than one
        HELD.append(_Tools(kind, [], best(task.limits, task.confined)))
        atexit.register(release)
    return HELD[0]


def release() -> None:
    """End the zygote of this process, if it is its own."""
    for tools in HELD:
        if tools.kind[-1] == os.getpid():
            tools.supply.close()
    HELD.clear()


@contextlib.contextmanager
def executor(workers: int, scheduler: str | None = None) -> Generator[Executor]:
    """Open what the tasks run on.

    Args:
        workers: Processes on this machine.
        scheduler: Address of a Dask scheduler, ``"tcp://host:8786"``; its workers are
            taken in place of processes here.

    Yields:
        An executor of `concurrent.futures`.

    Raises:
        ValueError: If Dask is asked for and not installed, or does not answer.
    """
    if scheduler is None:
        context = get_context("fork")  # torch is imported already
        pool = ProcessPoolExecutor(workers, context, _begin, (os.getpid(),))
        before = active_children()
        try:
            yield pool
        except BaseException:  # Ctrl-C, say: what they have is graded the next time
            for grader in set(active_children()).difference(before):
                grader.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            Cgroup.sweep()  # of those that were killed
        return
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "--scheduler needs Dask: run `pip install 'coursekit[cluster]'`."
        ) from None
    try:
        client = Client(scheduler, timeout=20, set_as_default=False)
    except OSError as error:
        raise ValueError(f"no scheduler answers at {scheduler}: {error}") from None
    with client:
        yield client.get_executor(pure=False, retries=3)


def _begin(coordinator: int) -> None:
    """Leave Ctrl-C to the coordinator, and end when it ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != coordinator:  # it ended before that was said
        os._exit(1)
