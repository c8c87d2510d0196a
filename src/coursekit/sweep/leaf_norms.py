r"""Compute K norm layers in one call.

A norm without its gain and bias treats every example, or every channel, alike.
So one call normalizes the entries of all models, and each model's gain and bias
follow.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from .leaf import Leaf, Stack

__all__ = ["StackedBatchNorm", "StackedChannelNorm", "StackedFeatureNorm"]


class _Affine(Leaf):
    """Hold the gains and biases of K norms.

    Args:
        layers: The K norms.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Module], stack: Stack) -> None:
        super().__init__(layers)
        self.weight: Any = stack([getattr(layer, "weight", None) for layer in layers])
        self.bias: Any = stack([getattr(layer, "bias", None) for layer in layers])
        # without gain and bias; in a tuple, so that it is no part of ours
        bare = copy.copy(layers[0])
        bare._parameters = dict.fromkeys(bare._parameters)
        self.bare = (bare,)

    def scaled(self, y: Tensor, shape: Sequence[int]) -> Tensor:
        """Apply each model's gain and bias.

        Args:
            y: ``[models, batch, ...]``.
            shape: What a gain is seen as, with one axis for each of y's.

        Returns:
            Entries of the same shape.
        """
        if self.weight is not None:
            y = y * self.weight.view(shape)
        return y if self.bias is None else y + self.bias.view(shape)


class StackedFeatureNorm(_Affine):
    """Normalize the last axes of each example: layer norm and its kin.

    Args:
        layers: The K norms.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalize.

        Args:
            x: ``[models, ..., *normalized]``.

        Returns:
            Entries of the same shape.
        """
        sizes = tuple(self.bare[0].normalized_shape)  # pyright: ignore
        between = [1] * (x.dim() - 1 - len(sizes))
        return self.scaled(self.bare[0](x), (len(x), *between, *sizes))


class StackedChannelNorm(_Affine):
    """Normalize within each example and scale its channels: group norm and its kin.

    Args:
        layers: The K norms.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalize.

        Args:
            x: ``[models, batch, channels, ...]``.

        Returns:
            Entries of the same shape.
        """
        y = self.bare[0](x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.scaled(y, (len(x), 1, -1, *[1] * (x.dim() - 3)))


class StackedBatchNorm(Leaf):
    """Normalize each channel of each model over its batch.

    Args:
        layers: The K norms.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[Any], stack: Stack) -> None:
        super().__init__(layers)
        self.momentum: Any = layers[0].momentum
        self.eps: Any = layers[0].eps
        self.weight: Any = stack([layer.weight for layer in layers])
        self.bias: Any = stack([layer.bias for layer in layers])
        self.mean: Any = stack([layer.running_mean for layer in layers])
        self.var: Any = stack([layer.running_var for layer in layers])
        self.count: Any = stack([layer.num_batches_tracked for layer in layers])

    def forward(self, x: Tensor) -> Tensor:
        """Normalize; in training, remember the statistics.

        Args:
            x: ``[models, batch, channels, ...]``.

        Returns:
            Entries of the same shape.
        """
        if self.training and self.count is not None:
            self.count.add_(1)
        # every channel of every model is a channel of its own, and where linear maps
        # leave the examples last in memory, they are its positions
        flat = x.dim() == 3
        merged = x.mT.flatten(0, 1)[None] if flat else x.transpose(0, 1).flatten(1, 2)
        z = F.batch_norm(
            merged,
            *(_flat(value) for value in (self.mean, self.var)),
            *(_flat(value) for value in (self.weight, self.bias)),
            training=self.training or self.mean is None,
            momentum=self.momentum,
            eps=self.eps,
        )
        z = z.unflatten(1, (len(x), -1))
        return z[0].mT if flat else z.transpose(0, 1)


def _flat(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.view(-1)
