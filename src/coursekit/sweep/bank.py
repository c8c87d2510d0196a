r"""Update the parameters of K models, each by its own rule and hyperparameters.

Neighbouring models of one rule form a group, whose update is one call:

.. math::

    \Delta_t, s_t &= \mathrm{update}(g_t, s_{t-1}, \theta_{t-1}, t) \qquad (1) \\
    \theta_t &= \theta_{t-1} - \Delta_t \qquad (2)

on vectors ``[models, p]``. Models of a group share every number but the rate,
which is a column ``[models, 1]``: a rule may branch on its numbers, none does on
the rate. Where torch has a fused kernel for a rule (``coursekit.optim.engine.fused``),
models of a group share the rate as well, and the kernel stands in for the rule.
Either way a model's numbers do not depend on who shares its block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from ..optim import l2_gradient
from ..optim.engine.batch import Batch
from ..optim.engine.fused import KERNELS, Kernel, kernel_for
from .around import Around
from .setting import Setting

__all__ = ["Bank"]


class Bank:
    """Hold the optimizers of a block; models of one rule should be neighbours.

    Args:
        thetas: Parameters, each ``[models, ...]``; changed in place.
        settings: One a model.
    """

    def __init__(self, thetas: list[Tensor], settings: Sequence[Setting]) -> None:
        self.thetas = thetas
        runs = groupby(settings, key=lambda s: _shared(s, thetas[0].dtype))
        self.groups = [Group(list(run)) for _, run in runs]
        self._deal()

    def _deal(self) -> None:
        # views made once: with a rate a model, cutting would cost more than updating
        self.sizes = [len(group.settings) for group in self.groups]
        thetas = [theta.data for theta in self.thetas]
        for group, *mine in zip(self.groups, *self._cut(thetas), strict=True):
            group.begin(mine)

    def _cut(self, tensors: list[Tensor]) -> list[Sequence[Tensor]]:
        if len(self.sizes) == 1:
            return [[tensor] for tensor in tensors]
        return [tensor.split_with_sizes(self.sizes) for tensor in tensors]

    def step(self, grads: list[Tensor], t: int) -> None:
        """Update all models.

        Args:
            grads: A gradient like each parameter.
            t: Number of the update, from 1.
        """
        with torch.no_grad():
            grads = [g.contiguous() for g in grads]  # as a kernel needs them
            for group, *mine in zip(self.groups, *self._cut(grads), strict=True):
                group.step(mine, t)

    def _rows(self) -> Iterator[tuple[slice, Group]]:
        start = 0
        for group in self.groups:
            yield slice(start, start + len(group.settings)), group
            start += len(group.settings)

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions in the block, in rising order.
        """
        for here, group in list(self._rows()):
            group.keep([r - here.start for r in rows if here.start <= r < here.stop])
        self.groups = [group for group in self.groups if group.settings]
        self._deal()


class Group:
    """Update neighbouring models of one rule that share all numbers but the rate.

    Args:
        settings: One a model.
    """

    def __init__(self, settings: list[Setting]) -> None:
        first = settings[0]
        self.settings, self.rule, self.l2 = settings, first.rule, first.l2
        self.fused = _has_kernel(first)
        self.scheduled = any(setting.schedule is not None for setting in settings)
        self.around = Around(settings)
        self.states: list[dict[str, Tensor]] = []

    def begin(self, thetas: list[Tensor]) -> None:
        """Take parameters over, and forget what was prepared for others.

        Args:
            thetas: Of the group's models, each ``[models, ...]``.
        """
        self.thetas = thetas
        self._batch: Batch | None = None
        self._kernel: Kernel | None = None

    def step(self, grads: list[Tensor], t: int) -> None:
        """Update the group's models.

        Args:
            grads: Their gradients.
            t: Number of the update, from 1.
        """
        thetas = self.thetas
        grads = self.around.before(thetas, grads, t)
        batch = self._prepared(grads, t)
        if self._kernel is None or not self._kernel(batch):
            self._update(thetas, grads, t, batch.hyper)
        self.around.after(thetas, t)

    def _prepared(self, grads: list[Tensor], t: int) -> Batch:
        # what stays the same from update to update is looked at once
        if self._batch is None:
            hyper = {**self.settings[0].hyper, "lr": self._lr(t, self.thetas[0])}
            if self.fused and not self.states:
                self.states = [self.rule.init(theta) for theta in self.thetas]
            self._batch = Batch(self.thetas, grads, self.states, t, hyper, self.l2)
            if self.fused:
                self._kernel = kernel_for(self.rule.name, self._batch)
        batch = self._batch
        batch.gs, batch.t, batch.states = grads, t, self.states
        if self.scheduled:
            batch.hyper["lr"] = self._lr(t, self.thetas[0])
        return batch

    def _update(
        self, thetas: list[Tensor], grads: list[Tensor], t: int, hyper: dict[str, Any]
    ) -> None:
        vectors, gs = self._vectors(thetas), self._vectors(grads)
        self.states = self.states or [self.rule.init(vector) for vector in vectors]
        deltas = []
        for i, (theta, g) in enumerate(zip(vectors, gs, strict=True)):
            g = l2_gradient(g, theta, self.l2) if self.l2 else g
            delta, self.states[i] = self.rule.update(
                g, self.states[i], theta, t, **hyper
            )  # (1)
            deltas.append(delta)
        if len(deltas) < len(thetas):
            deltas = deltas[0].split([theta[0].numel() for theta in thetas], 1)
        for theta, delta in zip(thetas, deltas, strict=True):
            theta.sub_(delta.reshape(theta.shape))  # (2)

    def _vectors(self, tensors: list[Tensor]) -> list[Tensor]:
        # fused states keep the parameters' shapes; an elementwise rule takes any
        if self.fused:
            return tensors
        flat = [x.flatten(1) if x.dim() > 1 else x[:, None] for x in tensors]
        return flat if self.rule.scope == "tensor" else [torch.cat(flat, 1)]

    def _lr(self, t: int, like: Tensor) -> Any:
        rates = [setting.lr(t) for setting in self.settings]
        if self.fused or like.dtype not in EXACT:
            return rates[0]
        return torch.tensor(rates, dtype=like.dtype, device=like.device)[:, None]

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions in the group.
        """
        self.settings = [self.settings[row] for row in rows]
        self.around.keep(rows)
        self.states = [
            {name: value[list(rows)] for name, value in state.items()}
            for state in self.states
        ]


# A rate in a shorter type would be another rate: there it stays a number.
EXACT = {torch.float32, torch.float64}


def _has_kernel(setting: Setting) -> bool:
    # a norm would go over all models: only what works element by element is fused
    return setting.rule.name in KERNELS and setting.rule.scope == "element"


def _shared(setting: Setting, dtype: torch.dtype) -> tuple[Any, ...]:
    """Return what models of one group share.

    Args:
        setting: A model's setting.
        dtype: Of its parameters.

    Returns:
        Values to be compared.
    """
    # a matrix is its own only: to compare its numbers would not give one answer
    hyper = tuple(
        (name, id(value) if isinstance(value, Tensor) else value)
        for name, value in setting.hyper.items()
        if name != "lr"
    )
    words = (setting.rule, hyper, setting.l2, Around.words(setting))
    if _has_kernel(setting) or dtype not in EXACT:
        return (*words, setting.hyper["lr"], setting.schedule)
    return words
