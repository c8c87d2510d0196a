r"""Deal every model its own batches.

The order of examples depends on the seed and on the size of the training set
alone: shuffled epochs end to end, a batch may span two of them. Models of one
seed see the same examples in the same order whatever else differs, which is
what makes their comparison a paired one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from .data import as_inputs
from .net import Inputs
from .setting import Setting
from .streams import stream

__all__ = ["Feed", "noisy", "subset"]

Batch = tuple[Inputs, Tensor]
AHEAD = 2**18


def subset(n: int, size: int | None, seed: int) -> Int[Tensor, " size"]:
    """Pick the examples of a training subset; smaller ones lie inside larger ones.

    Args:
        n: Number of examples there are.
        size: How many to take; None for all.
        seed: Seed of the setting.

    Returns:
        Positions of the examples.

    Raises:
        ValueError: If there are not that many.
    """
    if size is None:
        return torch.arange(n)
    if size > n:
        raise ValueError(
            f"n_train: expected at most {n}, the examples there are, got {size}"
        )
    return torch.randperm(n, generator=stream(seed, "subset"))[:size]


def noisy(y: Tensor, share: float, seed: int) -> Tensor:
    """Replace a share of the labels by other classes, drawn uniformly.

    Args:
        y: Classes, ``[n]``.
        share: Probability that a label is replaced.
        seed: Seed of the setting. Larger shares replace the same labels and more.

    Returns:
        New labels; none of the replaced ones is the true one.

    Raises:
        TypeError: If the targets are not classes.
    """
    if share == 0:
        return y
    if y.is_floating_point():
        raise TypeError("label_noise: expected classes as targets, got real numbers")
    draw, classes = stream(seed, "labels"), int(y.max()) + 1
    hit = torch.rand(y.shape, generator=draw) < share
    shift = torch.randint(1, max(2, classes), y.shape, generator=draw)
    return torch.where(hit, (y + shift) % classes, y)


class Feed:
    """Deal batches to K models until the end of time.

    Args:
        x: Training inputs, shared by all; a tensor or a tuple of tensors.
        y: Training targets.
        settings: One a model, all with one batch size and one ``n_train``.
    """

    def __init__(self, x: Any, y: Tensor, settings: Sequence[Setting]) -> None:
        self.x, first = as_inputs(x), settings[0]
        self.pool = torch.stack([subset(len(y), s.n_train, s.seed) for s in settings])
        clean = all(s.label_noise == 0 for s in settings)
        labels = [
            noisy(y.cpu(), s.label_noise, s.seed)
            for s in settings[: 1 if clean else None]
        ]
        self.y, self.clean = torch.stack(labels).to(y.device), clean
        self.n = self.pool.shape[1]
        self.batch_size = min(first.batch_size or self.n, self.n)
        # one generator a seed: models of one seed share what it draws
        self.seeds = [s.seed for s in settings]
        self.streams = {
            seed: stream(seed, "order") for seed in dict.fromkeys(self.seeds)
        }
        self.pending = self.pool[:, :0]
        self.dealt: list[Batch] = []

    def batch(self) -> Batch:
        """Deal the next batch.

        Returns:
            A tuple of inputs, and targets, each ``[models, batch, ...]``.
        """
        if self.batch_size == self.n:
            self.dealt = self.dealt or [self.take(self.pool)]
            return self.dealt[0]
        self.dealt = self.dealt or self._deal(self._ahead())
        return self.dealt.pop(0)

    def _ahead(self) -> int:
        # small batches are looked up several at a time, which saves starting operations
        one = sum(x[0].numel() * x.element_size() for x in self.x)
        return max(1, min(16, AHEAD // (one * self.pool.shape[0] * self.batch_size)))

    def _deal(self, batches: int) -> list[Batch]:
        size = batches * self.batch_size
        while self.pending.shape[1] < size:
            self.pending = torch.cat([self.pending, self._epoch()], 1)
        now, self.pending = self.pending.tensor_split([size], 1)
        x, y = self.take(now.unflatten(1, (batches, -1)).transpose(0, 1))
        each = zip(*(values.unbind() for values in (*x, y)), strict=True)
        return [(tuple(inputs), targets) for *inputs, targets in each]

    def _epoch(self) -> Int[Tensor, "models n"]:
        orders = {
            s: torch.randperm(self.n, generator=g) for s, g in self.streams.items()
        }
        return self.pool.gather(1, torch.stack([orders[seed] for seed in self.seeds]))

    def take(self, rows: Int[Tensor, "*batches models batch"]) -> Batch:
        """Look up each model's examples.

        Args:
            rows: Positions in the training set.

        Returns:
            A tuple of inputs, and targets, each ``[*batches, models, batch, ...]``.
        """
        rows = rows.to(self.y.device)
        flat = rows.flatten()

        def pick(values: Tensor) -> Tensor:
            return values.index_select(0, flat).unflatten(0, rows.shape)

        x = tuple(pick(each) for each in self.x)
        if self.clean:
            return x, pick(self.y[0])
        models = torch.arange(len(self.y), device=rows.device)[:, None]
        return x, self.y[models, rows]

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows."""
        rows = list(rows)
        self.pool, self.pending = self.pool[rows], self.pending[rows]
        self.y = self.y if self.clean else self.y[rows]
        self.seeds = [self.seeds[row] for row in rows]
        self.dealt = [(tuple(v[rows] for v in x), y[rows]) for x, y in self.dealt]
