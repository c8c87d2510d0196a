r"""Train hundreds of small networks at once: one call, one table of results.

A loop over settings spends most of its time starting operations that are too
small for the machine. Side by side, K models share each operation; models that
differ in learning rate, optimizer, seed, schedule or initialization still fit
into one block (``coursekit.sweep.training`` is the inner loop).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from .._validate import check_count, check_in
from ..device import default_device
from .arguments import read_steps, read_until, when
from .birth import Model
from .conduct import Conduct
from .data import read_data
from .measure import make_probes
from .nets import PATHS, Loss
from .plan import read_bytes
from .result import Sweep
from .run import Job
from .setting import read_setting

__all__ = ["sweep"]


def sweep(
    model: Model,
    data: Sequence[Any],
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
        data: ``(x_train, y_train)`` or ``(x_train, y_train, x_test, y_test)``, arrays
            or tensors. Real numbers take the type of the weights, integers stay.
        settings: Dictionaries, e.g. from ``grid``.
        steps: Updates of each run.
        epochs: In place of steps, passes over the training set. Runs of larger
            batches then make fewer updates, and their arrays end in NaN.
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
        path: ``"auto"``, or ``"stacked"``, ``"folded"``, ``"mixed"``, ``"vmap"`` or
            ``"loop"`` to insist.
        progress: Whether to show a bar and say which path was taken.

    Returns:
        The runs, in the order of the settings. After an interruption (Ctrl-C) they
        end where they were; a second one ends at once.

    Raises:
        ValueError: If a word of a setting is unknown or out of range.
        TypeError: If an argument is of the wrong type.
        MemoryError: If there is not enough, or not even one model fits ``memory``.

    Whatever the model, the loss or a probe raises ends the sweep, with a note which
    setting it was; ``error.partial`` then has the runs that were finished.

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
    place = default_device(device)
    if isinstance(settings, Mapping):
        settings = [settings]
    read = [read_setting(row, model) for row in settings]
    sets = read_data(data, dtype, place)
    numbers = read_steps(read, sets.n, steps, epochs)
    if every is not None:
        check_count("every", every)
    found = make_probes(probes)
    job = Job(
        model,
        sets,
        read,
        loss,
        found,
        moments=sorted({t for number in set(numbers) for t in when(number, every)}),
        until=read_until(until, found, every),
        dtype=dtype,
        device=place,
    )
    conduct = Conduct(
        job,
        numbers,
        every,
        workers=None if workers is None else check_count("workers", workers),
        client=client,
        memory=None if memory is None else read_bytes(memory),
        checkpoint=checkpoint,
        progress=progress,
    )
    return conduct.go(path)
