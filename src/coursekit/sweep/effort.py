r"""Guess how long a sweep takes, to know whether other processes pay."""

from __future__ import annotations

import copy
import time

import torch
from torch import nn

from .data import as_inputs
from .run import Job

__all__ = ["seconds"]

# How much faster than alone a model is in a block; a guess on the safe side.
GAIN = {"stacked": 8.0, "folded": 4.0, "mixed": 4.0, "vmap": 3.0, "loop": 1.0}


def seconds(job: Job, model: nn.Module, batch: int, path: str) -> float:
    """Time one update of one model, roughly.

    Args:
        job: Holds the data.
        model: A model; a copy of it is used.
        batch: Number of examples.
        path: How its block is computed.

    Returns:
        Seconds that an update of one model takes in a block.
    """
    model = copy.deepcopy(model)
    inputs = [x[:batch].cpu() for x in as_inputs(job.data.x_train)]
    with torch.random.fork_rng(devices=[]):
        began = time.perf_counter()
        outputs = model(*inputs)
        outputs.square().mean().backward()
        return (time.perf_counter() - began) / GAIN[path]
