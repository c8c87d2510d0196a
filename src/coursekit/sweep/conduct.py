r"""Conduct a sweep from its settings to its result.

Settings become buckets, buckets find their path and what the checkpoint has of
them, what is left is cut into blocks, and the blocks are run where that pays: in
this process, in workers beside it, or on a cluster. However it ends, everything
that was finished is in the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .arguments import when
from .birth import build
from .checkpoint import Checkpoint
from .cluster import cluster_size, run_on_cluster
from .collect import collect
from .effort import seconds
from .interrupt import Interruption, interruptible
from .ledger import Ledger, blamed
from .memory import check_memory
from .nets import choose_path
from .plan import Task, block_size, buckets, cut, model_bytes
from .progress import Progress
from .result import Sweep
from .run import Job
from .serve import NoWorkersError
from .team import run_in_processes
from .training import Record
from .workers import PAYS, default_workers, method, run_here

__all__ = ["Conduct"]

WORDS = {
    "stacked": "stacked layers",
    "folded": "stacked layers in code that sees one long batch",
    "mixed": "stacked layers, some of them model by model",
    "vmap": "torch.func.vmap over the model's own code",
    "loop": "one model at a time",
}
# A path is tried on real batches, up to a size.
FEW, MANY = 6, 64


class Conduct:
    """Hold a sweep on its way from settings to results.

    Args:
        job: What all runs share.
        steps: Updates of each setting.
        every: Updates between measurements.
        workers: Processes; None for all cores.
        client: A Dask cluster, or None.
        memory: Bytes a block may take, or None.
        checkpoint: A folder, or None.
        progress: Whether to show anything.
    """

    def __init__(
        self,
        job: Job,
        steps: Sequence[int],
        every: int | None,
        *,
        workers: int | None,
        client: Any,
        memory: int | None,
        checkpoint: str | Path | None,
        progress: bool,
    ) -> None:
        self.job, self.steps, self.every = job, steps, every
        self.how = method() if job.device.type == "cpu" else None
        self.client, self.memory = client, memory
        # nobody said where to run, so that the time it takes decides
        self.chooses = workers is None and client is None and self.how is not None
        self.workers = 1 if self.how is None else workers or default_workers()
        self.size = self.workers if client is None else cluster_size(client)
        self.folder = None if checkpoint is None else Checkpoint(checkpoint, job)
        self.show = progress
        self.effort = 0.0
        self.records: list[tuple[Task, Record]] = []
        self.notes: list[str] = []
        self.paths: Counter[str] = Counter()

    def go(self, path: str) -> Sweep:
        """Run the sweep.

        Args:
            path: ``"auto"`` or the one to take.

        Returns:
            The result.

        Raises:
            BaseException: What ended the sweep, with the finished runs as
                ``partial``.
        """
        rows = buckets(self.job.settings, self.steps)
        tasks = [task for bucket in rows for task in self._tasks(bucket, path)]
        self.notes = [f"{n} models: {text}" for text, n in self.paths.items()]
        if self.records:
            self.notes.append(f"{len(self.records)} of them are in the checkpoint")
        bar = Progress(sum(task.steps * len(task.rows) for task in tasks), self.show)
        try:
            for note in self.notes:
                bar.say(note)
            with interruptible() as wish:
                ledger = Ledger(self.job, tasks, self._done, wish)
                self._run(ledger, bar, wish)
            for _, sentence in ledger.lost:
                self._note(sentence, bar)
        finally:
            bar.close()
        result = collect(
            self.job,
            self.records,
            [task for task, _ in ledger.lost],
            max(self.steps),
            self.notes,
        )
        if ledger.error is not None:
            ledger.error.partial = result  # type: ignore[attr-defined]
            raise ledger.error
        return result

    def _tasks(self, rows: list[int], path: str) -> list[Task]:
        job, steps = self.job, self.steps[rows[0]]
        first = Task((rows[0], rows[-1]), path, steps)
        batch = job.settings[rows[0]].batch_size or job.data.n
        few = job.data.few(2 * max(FEW, min(batch, MANY)))
        try:
            pair = [
                build(job.model, job.settings[r], job.dtype, few) for r in first.rows
            ]
            chosen, reason = choose_path(pair, few) if path == "auto" else (path, "")
        except Exception as error:  # whatever the user's code raises
            raise blamed(job, first, error) from None
        because = f", because {reason}" if reason else ""
        self.paths[f"{WORDS.get(chosen, chosen)}{because}"] += len(rows)
        one = model_bytes(pair[0], batch, few)
        most = block_size(one, self.memory)
        check_memory(self.memory, one, self.workers, job.device)
        # cut before anything is left out: the same blocks compute the same bits
        moments = when(steps, self.every)
        blocks = cut(rows, most, self.size)
        whole = (Task(block, chosen, steps, moments) for block in blocks)
        left = [task for task in map(self._missing, whole) if task.rows]
        if left and self.chooses:
            updates = steps * sum(len(task.rows) for task in left)
            self.effort += updates * seconds(job, pair[0], batch, chosen)
        return left

    def _missing(self, task: Task) -> Task:
        if self.folder is None:
            return task
        known, rest = self.folder.found(task)
        self.records += known
        return rest

    def _run(self, ledger: Ledger, bar: Progress, wish: Interruption) -> None:
        try:
            if self.client is not None:
                run_on_cluster(self.client, self.job, ledger, bar)
            elif self._processes(len(ledger.waiting)) == 1:
                run_here(self.job, ledger, bar)
            else:
                self._in_processes(ledger, bar)
        except KeyboardInterrupt:
            # not noted before: it came to a thread that is not the main one
            if wish.noted:
                raise
            wish.noted = True

    def _processes(self, blocks: int) -> int:
        if self.how is None or (self.chooses and self.effort < PAYS[self.how]):
            return 1
        return min(self.workers, max(1, blocks))

    def _in_processes(self, ledger: Ledger, bar: Progress) -> None:
        count = self._processes(len(ledger.waiting))
        try:
            run_in_processes(self.job, ledger, bar, count, str(self.how))
        except NoWorkersError as error:
            hint = "for other cores use client=, a Dask cluster on this machine"
            self._note(
                f"in this process alone, no worker starts ({error}); {hint}", bar
            )
            run_here(self.job, ledger, bar)

    def _done(self, task: Task, record: Record) -> None:
        self.records.append((task, record))
        if self.folder is not None:
            self.folder.save(task, record)

    def _note(self, text: str, bar: Progress) -> None:
        self.notes.append(text)
        bar.say(text)
