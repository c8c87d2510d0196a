r"""Train one block: the unit of work that processes and clusters share.

Everything a block needs is in the job and the positions of its settings, so the
same function runs here, in another process and on another machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import torch

from .bank import Bank
from .birth import Model, build
from .feed import Feed
from .measure import Data, Probe
from .nets import PATHS, Loss
from .plan import Task
from .setting import Setting
from .streams import stream
from .training import Block, Record, Tick

__all__ = ["Job", "run_block"]


@dataclass(frozen=True)
class Job:
    """Hold what all blocks of a sweep share.

    Attributes:
        model: A factory, or a module to copy.
        data: Training and test sets.
        settings: All settings of the sweep.
        loss: A name or a function of one model's outputs and targets.
        probes: Name to measurement.
        moments: Numbers of updates at which to measure.
        until: Name of a probe to the value at or below which a model stops.
        dtype: Of the weights.
        device: Where to compute.
    """

    model: Model
    data: Data
    settings: Sequence[Setting]
    loss: Loss
    probes: Mapping[str, Probe] = field(default_factory=dict)
    moments: Sequence[int] = ()
    until: Mapping[str, float] = field(default_factory=dict)
    dtype: torch.dtype = torch.float32
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


def run_block(job: Job, task: Task, tick: Tick = lambda t: True) -> Record:
    """Train the models of one block.

    Args:
        job: What all blocks share.
        task: The settings of this one.
        tick: Called before each update with the number made so far; False ends
            the block.

    Returns:
        The record, in the order of ``task.rows``.
    """
    _keep_freed_memory()
    settings = [job.settings[row] for row in task.rows]
    models = [build(job.model, s, job.dtype, job.data.few(2)) for s in settings]
    masks = [stream(s.seed, "dropout", device=job.device) for s in settings]
    net = PATHS[task.path](models, job.loss, masks, job.device)
    feed = Feed(job.data.x_train, job.data.y_train, settings)
    bank = Bank(net.trained, settings)
    moments = task.moments or job.moments
    block = Block(net, bank, feed, job.data, job.probes, moments, job.until)
    return block.train(task.steps, tick)


def _keep_freed_memory() -> None:
    # The C library hands large temporaries back to the system, and each update
    # would pay for fresh pages; glibc stops once it has seen 31 MB freed.
    with suppress(RuntimeError):  # where there is not even that much, it is slower
        torch.empty(31 * 2**20, dtype=torch.uint8)
