r"""Put the records of all blocks into one table, in the order of the settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .plan import Task
from .result import Sweep
from .run import Job
from .training import Record

__all__ = ["collect"]


def collect(
    job: Job,
    records: Sequence[tuple[Task, Record]],
    lost: Sequence[Task],
    steps: int,
    notes: Sequence[str],
) -> Sweep:
    """Merge records.

    Runs may differ in their number of updates, in when they were measured and in the
    shape of what was measured (a norm a layer); the rest of the arrays is NaN.

    Args:
        job: What all blocks shared.
        records: Blocks and what came of them.
        lost: Blocks that have no record because they killed their processes.
        steps: The largest number of updates.
        notes: What the user should know.

    Returns:
        The sweep; a setting without a record has the status ``"interrupted"``, or
        ``"lost"``.
    """
    n = len(job.settings)
    result = Sweep(
        settings=[dict(setting.shown) for setting in job.settings],
        loss=np.full((n, steps), np.nan),
        moments=np.array(job.moments, dtype=int),
        probes={
            name: np.full((n, len(job.moments), *_shape(name, records)), np.nan)
            for name in job.probes
        },
        status=["interrupted"] * n,
        updates=np.zeros(n, dtype=int),
        parameters=[{} for _ in range(n)],
        notes=list(notes),
        job=job,
    )
    for task in lost:
        for row in task.rows:
            result.status[row] = "lost"
    for task, record in records:
        _enter(result, task, record)
    return result


def _shape(name: str, records: Sequence[tuple[Task, Record]]) -> tuple[int, ...]:
    # the largest, axis by axis: nets of several depths have norms of several layers
    seen = [r.probes[name].shape[2:] for _, r in records if name in r.probes]
    axes = max((len(shape) for shape in seen), default=0)
    even = [(*shape, *(1,) * (axes - len(shape))) for shape in seen]
    return tuple(map(max, zip(*even, strict=True))) if even else ()


def _enter(result: Sweep, task: Task, record: Record) -> None:
    rows = list(task.rows)
    result.loss[rows, : record.losses.shape[1]] = _array(record.losses)
    result.updates[rows] = _array(record.updates)
    places = np.searchsorted(result.moments, task.moments)
    for name, values in record.probes.items():
        target, array = result.probes[name], _array(values)
        array = array.reshape(*array.shape, *(1,) * (target.ndim - array.ndim))
        inside = tuple(slice(size) for size in array.shape[2:])
        for moment, place in enumerate(places):
            target[rows, place, *inside] = array[:, moment]
    tensors = {**record.parameters, **record.buffers}
    for i, row in enumerate(rows):
        result.status[row] = record.status[i]
        result.parameters[row] = {n: _array(value[i]) for n, value in tensors.items()}


def _array(value: Tensor) -> np.ndarray:
    # NumPy has no bfloat16; the wider type holds the same numbers
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
