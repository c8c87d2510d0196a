r"""Put the records of all blocks into one table, in the order of the settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .result import Sweep
from .run import Job
from .training import Record

__all__ = ["collect"]


def collect(
    job: Job,
    steps: int,
    records: Sequence[tuple[Sequence[int], Record]],
    notes: list[str],
) -> Sweep:
    """Merge records.

    Args:
        job: What all blocks shared.
        steps: The largest number of updates.
        records: Positions of the settings and their record.
        notes: Which path computed which models.

    Returns:
        The sweep; a setting without a record has the status ``"lost"``.
    """
    n = len(job.settings)
    result = Sweep(
        settings=[dict(setting.shown) for setting in job.settings],
        loss=np.full((n, steps), np.nan),
        moments=np.array(job.moments),
        probes={},
        status=["lost"] * n,
        updates=np.zeros(n, dtype=int),
        parameters=[{} for _ in range(n)],
        notes=notes,
    )
    for rows, record in records:
        _enter(result, list(rows), record)
    return result


def _enter(result: Sweep, rows: list[int], record: Record) -> None:
    result.loss[rows, : record.losses.shape[1]] = record.losses.numpy()
    result.updates[rows] = record.updates.numpy()
    for name, values in record.probes.items():
        array = values.numpy()
        if name not in result.probes:
            shape = (len(result.settings), *array.shape[1:])
            result.probes[name] = np.full(shape, np.nan)
        result.probes[name][rows] = array
    tensors = {**record.parameters, **record.buffers}
    for i, row in enumerate(rows):
        result.status[row] = record.status[i]
        result.parameters[row] = {
            name: value[i].numpy() for name, value in tensors.items()
        }
