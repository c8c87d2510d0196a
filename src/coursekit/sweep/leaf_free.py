r"""Compute K layers without parameters in one call.

A layer that treats the examples of a batch alike needs no twin: seen as
``models * batch`` examples it is the layer itself. Dropout treats them alike,
too, but each model's masks are those of its seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .leaf import Leaf

__all__ = ["Flat", "StackedDropout"]


class StackedDropout(Leaf):
    """Drop units of K models, each by masks of its own seed.

    Args:
        layers: The K layers.
        generators: One a model.
    """

    def __init__(
        self, layers: Sequence[nn.Dropout], generators: Sequence[torch.Generator]
    ) -> None:
        super().__init__(layers)
        self.p, self.generators = layers[0].p, generators

    def forward(self, x: Tensor) -> Tensor:
        """Drop.

        Args:
            x: ``[models, batch, ...]``.

        Returns:
            Entries of the same shape.
        """
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        masks = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        for mask, generator in zip(masks, self.generators, strict=True):
            mask.bernoulli_(1 - self.p, generator=generator)
        return x * masks.div_(1 - self.p)


class Flat(Leaf):
    """Apply a layer without parameters to the examples of all models at once.

    Args:
        layers: The K layers; each treats the examples of a batch alike.
    """

    def forward(self, x: Tensor, *rest: Any, **words: Any) -> Tensor:
        """Apply the layer.

        Args:
            x: ``[models, batch, ...]``.
            *rest: Further inputs; tensors of the same first axes are joined, too.
            **words: Keywords for all alike.

        Returns:
            ``[models, batch, ...]``.
        """
        # whichever of the two comes first in memory: no copy
        swap = x.stride(0) < x.stride(1)
        both = x.shape[:2]
        x, *joined = (_joined(value, both, swap) for value in (x, *rest))
        y = self.layers[0](x, *joined, **words)
        if swap:
            return y.unflatten(0, (both[1], both[0])).transpose(0, 1)
        return y.unflatten(0, both)


def _joined(value: Any, both: torch.Size, swap: bool) -> Any:
    if not isinstance(value, Tensor) or value.shape[:2] != both:
        return value
    return (value.transpose(0, 1) if swap else value).flatten(0, 1)
