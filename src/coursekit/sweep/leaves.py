r"""Compute K layers of one kind in one call.

A layer of K models takes ``[models, batch, ...]`` and holds its parameters as
``[models, ...]``:

.. math::

    Z_k^\top = W_k X_k^\top + b_k 1^\top \qquad (1)

for all models k is one ``baddbmm``, and a convolution is the same product over
patches. Equation (1) is written for columns because its gradient
:math:`\partial L/\partial W_k` is then born in the layout of :math:`W_k`, which
fused optimizers need and a copy would cost. What has no parameters needs no twin:
seen as ``models * batch`` examples it is the layer itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .leaf import Leaf, Stack

__all__ = [
    "Flat",
    "StackedConv",
    "StackedDropout",
    "StackedEmbedding",
    "StackedLinear",
]


class StackedLinear(Leaf):
    """Apply K linear maps, equation (1).

    Args:
        layers: The K layers.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Linear], stack: Stack) -> None:
        super().__init__(layers)
        self.weight = stack([layer.weight for layer in layers])
        self.bias = stack([layer.bias for layer in layers])

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis.

        Args:
            x: ``[models, ..., in]``.

        Returns:
            ``[models, ..., out]``.
        """
        if x.dim() == 3:
            return product(x, self.weight, self.bias)
        rows = x.flatten(1, -2)
        return product(rows, self.weight, self.bias).unflatten(1, x.shape[1:-1])


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Multiply K matrices of rows with K weights, and add K biases.

    Args:
        x: Rows, ``[models, rows, in]``.
        weight: ``[models, out, in]``.
        bias: ``[models, out]`` or None.

    Returns:
        ``[models, rows, out]``.
    """
    if bias is None:
        return torch.bmm(weight, x.mT).mT
    return torch.baddbmm(bias.unsqueeze(2), weight, x.mT).mT  # (1)


class StackedConv(Leaf):
    """Apply K convolutions as products over patches.

    Args:
        layers: The K layers, without groups and dilation.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Conv1d | nn.Conv2d], stack: Stack) -> None:
        super().__init__(layers)
        first = layers[0]
        self.weight = stack([layer.weight for layer in layers])
        self.bias = stack([layer.bias for layer in layers])
        self.kernel, self.strides = first.kernel_size, first.stride
        padding = cast("tuple[int, ...]", first.padding)
        self.edges = [side for width in reversed(padding) for side in (width, width)]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: ``[models, batch, in, *space]``.

        Returns:
            ``[models, batch, out, *space]``.
        """
        x = F.pad(x, self.edges) if any(self.edges) else x
        steps = zip(self.kernel, self.strides, strict=True)
        for axis, (size, stride) in enumerate(steps):
            x = x.unfold(3 + axis, size, stride)
        d = len(self.kernel)
        space = x.shape[3 : 3 + d]
        # channels and taps last: each patch is one row of the product
        patches = x.movedim(2, 2 + d).reshape(len(x), x.shape[1] * space.numel(), -1)
        z = product(patches, self.weight.flatten(2), self.bias)
        return z.unflatten(1, (-1, *space)).movedim(-1, 2)


class StackedEmbedding(Leaf):
    """Look indices up in K tables.

    Args:
        layers: The K tables.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Embedding], stack: Stack) -> None:
        super().__init__(layers)
        self.weight = stack([layer.weight for layer in layers])

    def forward(self, indices: Tensor) -> Tensor:
        """Look up.

        Args:
            indices: ``[models, ...]``, or of one axis, for all models alike.

        Returns:
            ``[models, ..., width]``.
        """
        models, size, _ = self.weight.shape
        if indices.dim() == 1:
            # positions: one list for all, spread so that it adds to examples
            return self.weight[:, None, indices]
        first = torch.arange(models, device=indices.device) * size
        shifted = indices + first.view(-1, *[1] * (indices.dim() - 1))
        return F.embedding(shifted, self.weight.flatten(0, 1))


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
        joined = [_joined(value, x.shape[:2]) for value in rest]
        y = self.layers[0](x.flatten(0, 1), *joined, **words)
        return y.unflatten(0, x.shape[:2])


def _joined(value: Any, both: torch.Size) -> Any:
    stacked = isinstance(value, Tensor) and value.shape[:2] == both
    return value.flatten(0, 1) if stacked else value
