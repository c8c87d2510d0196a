r"""Cut a list of settings into blocks that can be trained side by side.

Models of a block share what a stacked product must share: the architecture, the
batch size, the size of the training set and the number of updates. Everything
else differs freely. Within such a bucket models of one optimizer become
neighbours, and the bucket is cut into blocks small enough for the processor's
cache and numerous enough for its cores.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from .memory import LESS, size
from .setting import Setting

__all__ = ["Task", "block_size", "buckets", "cut", "model_bytes"]

# Measured on 2 MB of second-level and 32 MB of shared third-level cache: up to here
# sharing calls saves more than leaving the cache costs.
CACHE = 48 * 2**20
MOST = 64
UNITS = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


@dataclass(frozen=True)
class Task:
    """Name the settings of one block, and how they are computed.

    Attributes:
        rows: Positions of the settings in the sweep.
        path: ``"stacked"``, ``"vmap"`` or ``"loop"``.
        steps: Number of updates.
        moments: Numbers of updates at which to measure; those of the job if empty.
    """

    rows: tuple[int, ...]
    path: str
    steps: int
    moments: tuple[int, ...] = ()


def bucket(setting: Setting, steps: int) -> tuple[object, ...]:
    """Return what models of one block must share.

    Args:
        setting: The setting.
        steps: Its number of updates.

    Returns:
        A key for a dictionary.
    """
    model = tuple(sorted((name, repr(value)) for name, value in setting.model.items()))
    return (model, setting.batch_size, setting.n_train, steps)


def buckets(settings: Sequence[Setting], steps: Sequence[int]) -> list[list[int]]:
    """Group settings that can be trained side by side.

    Args:
        settings: All settings.
        steps: The number of updates of each.

    Returns:
        Positions of the settings of each bucket, models of one optimizer
        beside each other.
    """
    found: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, (setting, number) in enumerate(zip(settings, steps, strict=True)):
        found[bucket(setting, number)].append(row)
    return [
        sorted(rows, key=lambda r: _neighbours(settings[r])) for rows in found.values()
    ]


def _neighbours(setting: Setting) -> tuple[str, ...]:
    numbers = sorted((name, repr(value)) for name, value in setting.hyper.items())
    around = (setting.clip_norm, setting.clip_value, setting.l2)
    around = (*around, setting.gradient_noise, setting.lookahead)
    return (setting.rule.name, repr(around), repr(numbers), repr(setting.schedule))


def block_size(one: int, memory: int | None) -> int:
    """Choose how many models are trained side by side.

    Args:
        one: Bytes of one model in training.
        memory: Bytes that a block may take; None for what fits a processor's
            cache, from 1 to 64 models.

    Returns:
        At least 1.

    Raises:
        MemoryError: If not even one model fits.

    Example:
        >>> block_size(2**20, None), block_size(2**20, 2**30)
        (48, 1024)
    """
    if memory is None:
        return max(1, min(MOST, CACHE // one))
    if one > memory:
        raise MemoryError(
            f"memory: one model in training takes about {size(one)}, more than the "
            f"{size(memory)} allowed; lower {LESS}, or raise memory="
        )
    return memory // one


def read_bytes(text: str | float) -> int:
    """Read an amount of memory.

    Args:
        text: Bytes, or a number with a unit: ``"500 MB"``.

    Returns:
        Bytes.

    Raises:
        ValueError: If it is neither.

    Example:
        >>> read_bytes("1.5 GB") == 1.5 * 2**30
        True
    """
    number, unit = str(text).strip(), "B"
    for name in sorted(UNITS, key=len, reverse=True):
        if number.upper().endswith(name):
            number, unit = number[: -len(name)], name
            break
    try:
        return round(float(number) * UNITS[unit])
    except ValueError:
        raise ValueError(
            f"memory: expected bytes or a text such as '500 MB', got {text!r}"
        ) from None


def model_bytes(model: nn.Module, examples: int, few: Sequence[Tensor]) -> int:
    """Estimate the memory of one model in training.

    Args:
        model: The model; a copy of it is run.
        examples: Batch size.
        few: Some inputs, each ``[n, ...]``.

    Returns:
        Bytes: parameters, gradient, two averages and two temporaries; and three
        times what is kept for the backward pass, for its gradients and temporaries.

    Example:
        >>> linear = nn.Linear(10, 5, bias=False)
        >>> model_bytes(linear, 32, [torch.zeros(2, 10)]) == 4 * (6 * 50 + 3 * 32 * 10)
        True
    """
    model = copy.deepcopy(model)
    own = {p.data_ptr(): p.numel() * p.element_size() for p in model.parameters()}
    kept: dict[int, int] = {}

    def note(value: Tensor) -> Tensor:
        kept[value.data_ptr()] = value.numel() * value.element_size()
        return value

    hooks = torch.autograd.graph.saved_tensors_hooks(note, lambda value: value)
    with torch.random.fork_rng(devices=[]), hooks:
        outputs = model(*few)  # held, lest memory be given out twice
    alive = sum(size for place, size in kept.items() if place not in own)
    del outputs
    return 6 * sum(own.values()) + 3 * alive * examples // len(few[0])


def cut(rows: Sequence[int], most: int, workers: int) -> list[tuple[int, ...]]:
    """Cut a bucket into blocks of nearly equal size.

    Args:
        rows: Positions of the settings.
        most: Largest block.
        workers: Number of processes that share the blocks.

    Returns:
        The blocks; where there is more than one process, enough for each to
        have as many as the others.

    Example:
        >>> [len(block) for block in cut(range(100), 32, 2)]
        [25, 25, 25, 25]
    """
    blocks = math.ceil(len(rows) / most)
    blocks = min(len(rows), workers * math.ceil(blocks / workers))
    ends = [round(i * len(rows) / blocks) for i in range(blocks + 1)]
    return [tuple(rows[a:b]) for a, b in pairwise(ends)]
