r"""Train the models of one block side by side.

An update of K models is three lines: deal each its batch, differentiate all
losses, move each by its own rule. Whatever happens to one model stays with it.
A model whose loss is no longer finite leaves the block with the parameters it
had; the others go on, and the block gets cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from jaxtyping import Bool
from torch import Tensor

from .bank import Bank
from .feed import Feed
from .measure import Data, Probe
from .nets import Net

__all__ = ["Block", "Record"]

Tick = Callable[[int], bool]


@dataclass
class Record:
    """Hold what came of the models of a block, in the order of its settings.

    Attributes:
        losses: Loss of each batch before its update, ``[models, steps]``; NaN
            where a model was no longer trained.
        updates: Updates made by each model.
        status: ``"done"``, ``"diverged"``, ``"stopped"`` or ``"interrupted"``.
        probes: Name to values ``[models, moments, ...]``; NaN where not measured.
        parameters: Name to values ``[models, ...]``.
        buffers: Name to values ``[models, ...]``.
    """

    losses: Tensor
    updates: Tensor
    status: list[str]
    probes: dict[str, Tensor] = field(default_factory=dict)
    parameters: dict[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)


class Block:
    """Train models that share an architecture, a batch size and a data set.

    Args:
        net: The networks.
        bank: Their optimizers.
        feed: Their batches.
        data: What probes measure on.
        probes: Name to measurement.
        moments: Numbers of updates at which to measure.
        until: Name of a probe to the value at or below which a model stops.
    """

    def __init__(
        self,
        net: Net,
        bank: Bank,
        feed: Feed,
        data: Data,
        probes: Mapping[str, Probe],
        moments: Sequence[int],
        until: Mapping[str, float],
    ) -> None:
        self.net, self.bank, self.feed, self.data = net, bank, feed, data
        self.probes, self.moments, self.until = probes, list(moments), until
        self.rows = list(range(len(net.thetas[0])))
        # the same rows; as long as nobody has left, a slice is found faster
        self.here: slice | list[int] = slice(None)
        self.made = 0

    def train(self, steps: int, tick: Tick = lambda t: True) -> Record:
        """Make the updates.

        Args:
            steps: Number of updates.
            tick: Called before each update with the number made so far; False
                ends the block.

        Returns:
            The record of every model.
        """
        self.record = self._blank(steps)
        self._measure(0)
        for t in range(1, steps + 1):
            if not self.rows or not tick(t - 1):
                break
            x, y = self.feed.batch()
            losses, grads = self.net.gradient(x, y)
            self.record.losses[self.here, t - 1] = losses.to(self.record.losses)
            if not isfinite(losses.sum()):
                finite = losses.isfinite()
                self._leave(~finite, "diverged")
                grads = [g[finite] for g in grads]
            self.bank.step(grads, t)
            self.made = t
            self._measure(t)
        everyone = torch.ones(len(self.rows), dtype=torch.bool)
        self._leave(everyone, "done" if self.made == steps else "interrupted")
        return self.record

    def _blank(self, steps: int) -> Record:
        models, net = len(self.rows), self.net
        return Record(
            losses=torch.full((models, steps), torch.nan, dtype=net.thetas[0].dtype),
            updates=torch.zeros(models, dtype=torch.long),
            status=[""] * models,
            parameters={
                n: _like(p) for n, p in zip(net.names, net.thetas, strict=True)
            },
            buffers={
                n: _like(b) for n, b in zip(net.buffer_names, net.buffers, strict=True)
            },
        )

    def _leave(self, leaving: Bool[Tensor, " models"], status: str) -> None:
        """Write down how some models ended, and go on without them."""
        gone = [
            row for row, left in zip(self.rows, leaving.tolist(), strict=True) if left
        ]
        if not gone:
            return
        where = leaving.to(self.net.thetas[0].device)
        held = (*self.net.thetas, *self.net.buffers)
        kept = (*self.record.parameters.values(), *self.record.buffers.values())
        for target, value in zip(kept, held, strict=True):
            target[gone] = value.detach()[where].to(target.device)
        for row in gone:
            self.record.status[row] = status
        self.record.updates[gone] = self.made
        stay = (~leaving).nonzero().flatten().tolist()
        self.rows = self.here = [self.rows[i] for i in stay]
        for part in (self.net, self.bank, self.feed):
            part.keep(stay)

    def _measure(self, t: int) -> None:
        if t not in self.moments or not self.rows:
            return
        moment, stop = (
            self.moments.index(t),
            torch.zeros(len(self.rows), dtype=torch.bool),
        )
        for name, probe in self.probes.items():
            value = probe(self.net, self.feed, self.data).detach().cpu()
            if name not in self.record.probes:
                shape = (len(self.record.status), len(self.moments), *value.shape[1:])
                self.record.probes[name] = torch.full(
                    shape, torch.nan, dtype=torch.double
                )
            self.record.probes[name][self.rows, moment] = value.double()
            if name in self.until:
                stop |= value <= self.until[name]
        self._leave(stop, "stopped")


def _like(value: Tensor) -> Tensor:
    return torch.zeros_like(value.detach(), device="cpu")
