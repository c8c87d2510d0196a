r"""Train hundreds of small networks at once: one call, one table of results.

A loop over settings spends most of its time starting operations that are too
small for the machine. Side by side, K models share each operation; models that
differ in learning rate, optimizer, seed, schedule or initialization still fit
into one block (``coursekit.sweep.training`` is the inner loop).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from .._validate import check_count, check_in, check_positive
from .birth import Model, build
from .checkpoint import Checkpoint, digest, fingerprint
from .collect import collect
from .measure import Data, make_probes
from .nets import PATHS, Loss, choose_path
from .plan import Task, block_size, buckets, cut, model_bytes, read_bytes
from .result import Sweep
from .run import Job
from .setting import Setting, read_setting
from .training import Record
from .workers import default_workers, run_here, run_in_processes

__all__ = ["sweep"]

WORDS = {
    "stacked": "stacked layers",
    "vmap": "torch.func.vmap over the model's own code",
    "loop": "one model at a time",
}


def sweep(
    model: Model,
    data: Sequence[Tensor],
    settings: Sequence[Mapping[str, Any]],
    *,
    steps: int | None = None,
    epochs: float | None = None,
    loss: Loss = "cross_entropy",
    probes: Sequence[str] | Mapping[str, Any] = (),
    every: int | None = None,
    until: Mapping[str, float] | None = None,
    workers: int | None = None,
    client: Any = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    memory: str | float | None = None,
    checkpoint: str | Path | None = None,
    path: str = "auto",
    progress: bool = True,
) -> Sweep:
    """Train every setting and return what came of it.

    Args:
        model: A function that makes the module of a setting from its keywords
            (``depth``, ``width``, ...), or a module that all settings start from.
        data: ``(x_train, y_train)`` or ``(x_train, y_train, x_test, y_test)``.
        settings: Dictionaries, e.g. from ``grid``.
        steps: Updates of each run.
        epochs: In place of steps, passes over the training set.
        loss: ``"cross_entropy"``, ``"mse"``, or a function of one model's
            outputs and targets.
        probes: What to measure: names, or name to function.
        every: Updates between measurements; None measures at the end only.
        until: Name of a probe to the value at or below which a run stops.
        workers: Processes; all cores if None, 1 for none but this one.
        client: A ``dask.distributed.Client``, to run the blocks on its cluster.
        device: Where to compute; a GPU is used from this process alone.
        dtype: Of the weights; inputs are converted.
        memory: Bytes a block may take, also as ``"2 GB"``; what fits the cache
            if None.
        checkpoint: A folder that keeps finished blocks. What is found in it is
            not trained again.
        path: ``"auto"``, or ``"stacked"``, ``"vmap"`` or ``"loop"`` to insist.
        progress: Whether to show a bar and say which path was taken.

    Returns:
        The runs, in the order of the settings. After an interruption (Ctrl-C)
        they end where they were.

    Raises:
        ValueError: If a word of a setting is unknown or out of range.
        MemoryError: If not even one model fits into ``memory``.

    Example:
        >>> from coursekit import data, models
        >>> from coursekit.sweep import grid, sweep
        >>> def net(width):
        ...     return models.MLP([64, width, 10])
        >>> runs = sweep(
        ...     net,
        ...     data.digits(),
        ...     grid(width=[16, 32], lr=[0.01, 0.1], seed=range(3)),
        ...     steps=60,
        ...     probes=["test_acc"],
        ...     workers=1,
        ...     progress=False,
        ... )
        >>> len(runs), runs.loss.shape
        (12, (12, 60))
        >>> arms = {"width": 32, "lr": 0.1}, {"width": 32, "lr": 0.01}
        >>> runs.paired("test_acc", *arms).low > 0
        True
    """
    check_in("path", path, ("auto", *PATHS))
    read = [read_setting(row, model) for row in settings]
    place = torch.device(device)
    sets = _data(data, dtype, place)
    numbers = _steps(read, len(sets.x_train), steps, epochs)
    moments = [*range(0, max(numbers), every or max(numbers) + 1)][not every :]
    job = Job(
        model,
        sets,
        read,
        loss,
        make_probes(probes),
        moments=[*moments, max(numbers)],
        until=_until(until, probes),
        dtype=dtype,
        device=place,
    )
    many = 1 if place.type != "cpu" else workers or default_workers()
    return _Run(job, numbers, many, client, memory, checkpoint, progress).go(path)


class _Run:
    """Hold a sweep on its way from settings to results."""

    def __init__(
        self,
        job: Job,
        steps: list[int],
        workers: int,
        client: Any,
        memory: str | float | None,
        checkpoint: str | Path | None,
        progress: bool,
    ) -> None:
        self.job, self.steps, self.workers, self.client = job, steps, workers, client
        self.memory = None if memory is None else read_bytes(memory)
        self.folder = None if checkpoint is None else Checkpoint(checkpoint)
        self.progress = progress
        self.keys: dict[int, str] = {}
        self.records: list[tuple[tuple[int, ...], Record]] = []
        self.notes: list[str] = []

    def go(self, path: str) -> Sweep:
        tasks = [
            task
            for rows in buckets(self.job.settings, self.steps)
            for task in self._tasks(rows, path)
        ]
        total = sum(task.steps * len(task.rows) for task in tasks)
        with tqdm(
            total=total, unit=" updates", unit_scale=True, disable=not self.progress
        ) as bar:
            for note in self.notes if self.progress else ():
                bar.write(f"sweep: {note}")
            self._execute(tasks, bar)
        return collect(self.job, max(self.steps), self.records, self.notes)

    def _tasks(self, rows: list[int], path: str) -> list[Task]:
        job, steps = self.job, self.steps[rows[0]]
        pair = [
            build(job.model, job.settings[row], job.dtype)
            for row in (rows[0], rows[-1])
        ]
        few = job.data.x_train[:6].cpu()
        chosen, reason = choose_path(pair, few) if path == "auto" else (path, "")
        because = f", because {reason}" if reason else ""
        self.notes.append(f"{len(rows)} models: {WORDS[chosen]}{because}")
        rows = self._missing(rows, pair[0])
        batch = job.settings[rows[0]].batch_size if rows else 1
        one = model_bytes(pair[0], batch or len(job.data.x_train), few[0].numel())
        blocks = cut(rows, block_size(one, self.memory), self.workers)
        return [Task(block, chosen, steps) for block in blocks]

    def _missing(self, rows: list[int], model: torch.nn.Module) -> list[int]:
        # what the checkpoint has is taken from it; the rest is to be trained
        if self.folder is None:
            return rows
        sets = self.job.data
        data = digest([sets.x_train, sets.y_train, sets.x_test, sets.y_test])
        for row in rows:
            self.keys[row] = fingerprint(self.job, row, self.steps[row], model, data)
        found = self.folder.load([self.keys[row] for row in rows])
        for row in rows:
            if self.keys[row] in found:
                self.records.append(((row,), found[self.keys[row]]))
        return [row for row in rows if self.keys[row] not in found]

    def _execute(self, tasks: list[Task], bar: Any) -> None:
        if self.client is not None:
            from .cluster import run_on_cluster  # pyright: ignore

            run_on_cluster(self.client, self.job, tasks, self._done, bar.update)
        elif self.workers == 1 or len(tasks) < 2:
            run_here(self.job, tasks, self._done, bar.update)
        else:
            count = min(self.workers, len(tasks))
            run_in_processes(self.job, tasks, count, self._done, bar.update)

    def _done(self, task: Task, record: Record) -> None:
        self.records.append((task.rows, record))
        if self.folder is not None:
            self.folder.save(record, [self.keys[row] for row in task.rows])


def _data(data: Sequence[Tensor], dtype: torch.dtype, device: torch.device) -> Data:
    if len(data) not in (2, 4):
        raise ValueError(
            "data: expected (x_train, y_train) or (x_train, y_train, x_test, y_test), "
            f"got {len(data)} parts"
        )

    def place(value: Any) -> Tensor:
        tensor = torch.as_tensor(value)
        return tensor.to(device, dtype if tensor.is_floating_point() else None)

    sets = Data(*(place(value) for value in data))
    if len(sets.x_train) != len(sets.y_train) or not len(sets.x_train):
        raise ValueError(
            f"data: expected a target for each example, got {len(sets.x_train)} "
            f"examples and {len(sets.y_train)} targets"
        )
    return sets


def _steps(
    settings: Sequence[Setting], n: int, steps: int | None, epochs: float | None
) -> list[int]:
    if not settings:
        raise ValueError("settings: expected at least one, got none")
    if (steps is None) == (epochs is None):
        raise ValueError(
            f"steps, epochs: expected one of them, got {steps} and {epochs}"
        )
    if steps is not None:
        return [check_count("steps", steps)] * len(settings)
    passes = check_positive("epochs", epochs)
    sizes = [s.n_train or n for s in settings]
    return [
        math.ceil(passes * size / min(s.batch_size or size, size))
        for s, size in zip(settings, sizes, strict=True)
    ]


def _until(until: Mapping[str, float] | None, probes: Any) -> dict[str, float]:
    found = dict(until or {})
    for name in found:
        if name not in probes:
            raise ValueError(
                f"until: {name!r} is not measured; add it to probes= and set every="
            )
    return found
