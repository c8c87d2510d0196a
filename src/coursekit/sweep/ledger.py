r"""Keep the books of a sweep: what waits, what is done, what is lost.

Whoever runs the blocks (this process, workers beside it, a cluster) takes them
from here and says how each ended:

* *finished*: its record goes to the result and to the checkpoint;
* *died*: the process that had it was killed. The block is run again; if that
  kills again, it is cut in half, until what kills stands alone and is lost;
* *failed*: the user's code raised. If memory ran out, the block is cut in half;
  anything else ends the sweep with the setting that caused it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .birth import build
from .memory import LESS, is_out_of_memory
from .plan import Task
from .run import Job
from .training import Record

__all__ = ["Ledger", "halves", "words"]

ATTEMPTS = 2


class Ledger:
    """Hold the blocks of a sweep.

    Args:
        job: What they share.
        tasks: The blocks.
        done: Called with each finished block and its record.
        interrupted: Says whether the user wants an end.

    Attributes:
        waiting: Blocks to be run.
        lost: Blocks that killed their process, and a sentence about each.
        error: What ended the sweep, if anything did.
    """

    def __init__(
        self,
        job: Job,
        tasks: Sequence[Task],
        done: Callable[[Task, Record], None],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.job, self.done, self.interrupted = job, done, interrupted
        self.waiting = deque(tasks)
        self.deaths: Counter[Task] = Counter()
        self.lost: list[tuple[Task, str]] = []
        self.error: BaseException | None = None

    @property
    def stopping(self) -> bool:
        """Whether no further block is to be begun."""
        return self.error is not None or self.interrupted()

    def take(self) -> Task | None:
        """Hand out the next block.

        Returns:
            The block; None if none waits, or the sweep is ending.
        """
        return self.waiting.popleft() if self.waiting and not self.stopping else None

    def finished(self, task: Task, record: Record) -> None:
        """Enter a record.

        Args:
            task: The block.
            record: What came of it.
        """
        self.done(task, record)

    def died(self, task: Task, how: str) -> None:
        """Run a block again whose process was killed, in halves if need be.

        Args:
            task: The block.
            how: How the process ended, e.g. ``"killed by signal 9"``.
        """
        self.deaths[task] += 1
        if self.deaths[task] < ATTEMPTS:
            self.waiting.appendleft(task)
        elif task.rows[1:]:
            self._halve(task, deaths=ATTEMPTS - 1)
        else:
            which = words(self.job, task.rows[0])
            self.lost.append((
                task,
                f"lost: each process that trained {which} died ({how}), most likely "
                f"for lack of memory; lower {LESS}",
            ))

    def failed(self, task: Task, error: BaseException) -> None:
        """Cut a block that ran out of memory; end the sweep for any other error.

        Args:
            task: The block.
            error: What its process raised.
        """
        if not is_out_of_memory(error):
            self.error = self.error or blamed(self.job, task, error)
        elif task.rows[1:]:
            self._halve(task)
        else:
            which = words(self.job, task.rows[0])
            enough = MemoryError(f"memory: not enough to train {which}; lower {LESS}")
            enough.__cause__ = error
            self.error = self.error or enough

    def _halve(self, task: Task, deaths: int = 0) -> None:
        for half in reversed(halves(task)):
            # what has killed as a whole is not tried twice as a half, but alone
            self.deaths[half] = deaths if len(half.rows) > 1 else 0
            self.waiting.appendleft(half)


def halves(task: Task) -> tuple[Task, Task]:
    """Cut a block in two.

    Args:
        task: A block of at least two models.

    Returns:
        The halves, in order.

    Example:
        >>> [half.rows for half in halves(Task((4, 7, 9), "stacked", 10))]
        [(4,), (7, 9)]
    """
    middle = len(task.rows) // 2
    first, second = task.rows[:middle], task.rows[middle:]
    return replace(task, rows=first), replace(task, rows=second)


def words(job: Job, row: int) -> str:
    """Write a setting as its user would.

    Args:
        job: Holds the settings.
        row: Position of one.

    Returns:
        For example ``"lr=0.1, seed=3"``.
    """
    shown = job.settings[row].shown
    text = ", ".join(f"{name}={value!r}" for name, value in shown.items())
    return text or "the only setting"


def blamed(job: Job, task: Task, error: BaseException) -> BaseException:
    """Add to an exception the setting that caused it.

    Args:
        job: What all blocks share.
        task: The block that failed.
        error: What was raised.

    Returns:
        The same exception, with a note.
    """
    guilty = next((row for row in task.rows if _is_born_dead(job, row)), None)
    if guilty is not None or len(task.rows) == 1:
        row = task.rows[0] if guilty is None else guilty
        error.add_note(f"sweep: in the setting {words(job, row)}")
    else:
        common = ", ".join(f"{n}={v!r}" for n, v in _common(job, task).items())
        error.add_note(
            f"sweep: in a block of {len(task.rows)} settings"
            + (f" that share {common}" if common else "")
            + f", the first of which is {words(job, task.rows[0])}"
        )
    return error


def _is_born_dead(job: Job, row: int) -> bool:
    try:
        build(job.model, job.settings[row], job.dtype, job.data.few(2))
    except Exception:  # whatever the user's factory raises
        return True
    return False


def _common(job: Job, task: Task) -> dict[str, Any]:
    rows = [job.settings[row].shown for row in task.rows]
    return {
        name: value
        for name, value in rows[0].items()
        if all(name in row and row[name] == value for row in rows)
    }
