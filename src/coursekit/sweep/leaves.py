r"""Compute K layers of one kind in one call.

A layer of K models takes ``[models, batch, ...]`` and holds its parameters as
``[models, ...]``:

.. math::

    Z_k^\top = W_k X_k^\top + b_k 1^\top \qquad (1)

for all models k is one ``baddbmm``, and a convolution is the same product over
patches. Equation (1) is written for columns because its gradient
:math:`\partial L/\partial W_k` is then born in the layout of :math:`W_k`, which
fused optimizers need and a copy would cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .leaf import Leaf, Stack

__all__ = [
    "StackedConv",
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
    """Apply K convolutions: as groups of one, or as products over patches.

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
        self.edges = cast("tuple[int, ...]", first.padding)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: ``[models, batch, in, *space]``.

        Returns:
            ``[models, batch, out, *space]``; examples before models in memory.
        """
        if self.weight[0, 0].numel() <= SHORT:
            return self._by_patches(x)
        convolve = {1: F.conv1d, 2: F.conv2d}[len(self.kernel)]
        z = convolve(
            x.transpose(0, 1).flatten(1, 2),
            self.weight.flatten(0, 1),
            None if self.bias is None else self.bias.flatten(),
            self.strides,
            self.edges,
            groups=len(x),
        )
        return z.unflatten(1, (len(x), -1)).transpose(0, 1)

    def _by_patches(self, x: Tensor) -> Tensor:
        sides = [side for width in reversed(self.edges) for side in (width, width)]
        x = F.pad(x, sides)
        steps = zip(self.kernel, self.strides, strict=True)
        for axis, (size, stride) in enumerate(steps):
            x = x.unfold(3 + axis, size, stride)
        d = len(self.kernel)
        space = x.shape[3 : 3 + d]
        # one column a patch: [models, in, *kernel, batch, *space]
        x = x.permute(0, 2, *range(3 + d, 3 + 2 * d), 1, *range(3, 3 + d))
        columns = x.reshape(len(x), self.weight[0, 0].numel(), -1)
        z = product(columns.mT, self.weight.flatten(2), self.bias).mT
        return z.unflatten(2, (-1, *space)).transpose(1, 2)


# Grouped convolutions are slow where a patch has few numbers.
SHORT = 16


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
