r"""Deal submissions out to workers, a few ahead, and give outcomes as they come.

What is dealt out is bounded, so that ten thousand submissions need no more memory than
ten.  A worker that is lost takes nothing with it: what it had is dealt out again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack
from typing import Any

from coursekit.labs.grading.outcome import Outcome
from coursekit.labs.grading.task import Task, executor, perform, release

__all__ = ["outcomes"]

AHEAD = 3  # tasks a worker that wait for it
LOSSES = 5  # executors in a row that may break before we give up


def outcomes(
    tasks: Iterable[tuple[Any, Task]], workers: int = 1, scheduler: str | None = None
) -> Generator[tuple[Any, Outcome]]:
    """Perform tasks and give their outcomes in the order in which they end.

    Args:
        tasks: Pairs of a key and a task; read as they are needed.
        workers: Processes on this machine; with 1, this one does the work.
        scheduler: Address of a Dask scheduler, in place of processes.

    Yields:
        Pairs of a key and an outcome.

    Raises:
        BrokenExecutor: If workers are lost faster than they do any work.
    """
    if workers == 1 and scheduler is None:
        try:
            for key, task in tasks:
                yield key, Outcome.from_json(perform(task))
        finally:
            release()
        return
    crew = _Crew(iter(tasks), workers, scheduler)
    with crew.stack:
        yield from crew.run()


class _Crew:
    """Keep the window of tasks that are dealt out."""

    def __init__(
        self, tasks: Iterator[tuple[Any, Task]], workers: int, scheduler: str | None
    ):
        self.tasks, self.workers, self.scheduler = tasks, workers, scheduler
        self.stack = ExitStack()
        self.out: dict[Future[str], tuple[Any, Task]] = {}
        self.again: list[tuple[Any, Task]] = []
        self.losses = 0
        self.executor = self._open()

    def _open(self) -> Executor:
        return self.stack.enter_context(executor(self.workers, self.scheduler))

    def run(self) -> Iterator[tuple[Any, Outcome]]:
        """Give outcomes until all tasks are done.

        Yields:
            Pairs of a key and an outcome.
        """
        self._deal()
        while self.out:
            done, _ = wait(self.out, return_when=FIRST_COMPLETED)
            for future in done:
                pair = self.out.pop(future)
                try:
                    text = future.result()
                except BrokenExecutor:
                    self.again.append(pair)
                    continue
                self.losses = 0
                yield pair[0], Outcome.from_json(text)
            if self.again and not self.out:
                self._mend()
            self._deal()

    def _deal(self) -> None:
        """Fill the window; what was lost comes first."""
        if self.again and self.out:
            return  # the executor is broken: what is out comes back first
        while len(self.out) < AHEAD * self._width():
            pair = self.again.pop() if self.again else next(self.tasks, None)
            if pair is None:
                return
            self.out[self.executor.submit(perform, pair[1])] = pair

    def _width(self) -> int:
        return max(self.workers, 8) if self.scheduler else self.workers

    def _mend(self) -> None:
        """Open another executor in place of the broken one.

        Raises:
            BrokenExecutor: If this was once too often.
        """
        self.losses += 1
        if self.losses > LOSSES:
            raise BrokenExecutor(f"graders were lost {self.losses} times in a row")
        self.stack.close()
        self.executor = self._open()
