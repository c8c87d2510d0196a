r"""Compute K layers of one kind in one call.

A layer of K models takes ``[models, batch, ...]`` and holds its parameters as
``[models, ...]``:

.. math::

    Z_k^\top = W_k X_k^\top + b_k 1^\top \qquad (1)

for all models k is one ``baddbmm``, a convolution is the same product over
patches, and a norm normalizes each model's values and then applies each
model's scale. Equation (1) is written for columns because its gradient
:math:`\partial L/\partial W_k` is then born in the layout of :math:`W_k`, which
fused optimizers need and a copy would cost. What has no parameters needs no twin:
seen as ``models * batch`` examples it is the layer itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["LEAVES", "Flat", "Stack", "StackedDropout"]

Stack = Callable[[Sequence[Tensor | None]], Any]


class StackedLinear(nn.Module):
    """Apply K linear maps, equation (1).

    Args:
        layers: The K layers.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Linear], stack: Stack) -> None:
        super().__init__()
        self.weight = stack([layer.weight for layer in layers])
        self.bias = stack([layer.bias for layer in layers])

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[models, ..., in]`` to ``[models, ..., out]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        rows = x.flatten(1, -2) if x.dim() > 3 else x
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


class StackedConv(nn.Module):
    """Apply K convolutions as products over patches.

    Args:
        layers: The K layers, without groups and dilation.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Conv1d | nn.Conv2d], stack: Stack) -> None:
        super().__init__()
        first = layers[0]
        self.weight = stack([layer.weight for layer in layers])
        self.bias = stack([layer.bias for layer in layers])
        self.kernel, self.stride = first.kernel_size, first.stride
        padding = cast("tuple[int, ...]", first.padding)
        self.edges = [side for width in reversed(padding) for side in (width, width)]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[models, batch, in, *space]`` to ``[models, batch, out, *space]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        x = F.pad(x, self.edges) if any(self.edges) else x
        for axis, (size, stride) in enumerate(
            zip(self.kernel, self.stride, strict=True)
        ):
            x = x.unfold(3 + axis, size, stride)
        d = len(self.kernel)
        space = x.shape[3 : 3 + d]
        # channels and taps last: each patch is one row of the product
        patches = x.movedim(2, 2 + d).reshape(len(x), x.shape[1] * space.numel(), -1)
        z = product(patches, self.weight.flatten(2), self.bias)
        return z.unflatten(1, (-1, *space)).movedim(-1, 2)


class StackedEmbedding(nn.Module):
    """Look tokens up in K tables.

    Args:
        layers: The K tables.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Embedding], stack: Stack) -> None:
        super().__init__()
        self.weight = stack([layer.weight for layer in layers])

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``[models, ...]`` numbers to ``[models, ..., width]``.

        Args:
            tokens: Numbers of tokens.

        Returns:
            ``[models, ...]``.
        """
        models, size, _ = self.weight.shape
        first = torch.arange(models, device=tokens.device) * size
        shifted = tokens + first.view(-1, *[1] * (tokens.dim() - 1))
        return F.embedding(shifted, self.weight.flatten(0, 1))


class StackedLayerNorm(nn.Module):
    """Normalize the features of each example, then scale by model.

    Args:
        layers: The K norms.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.LayerNorm], stack: Stack) -> None:
        super().__init__()
        self.shape, self.eps = layers[0].normalized_shape, layers[0].eps
        self.weight = stack([layer.weight for layer in layers])
        self.bias = stack([layer.bias for layer in layers])

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape ``[models, ..., *normalized]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        x = F.layer_norm(x, self.shape, eps=self.eps)
        between = x.dim() - 1 - len(self.shape)
        for factor, combine in ((self.weight, torch.mul), (self.bias, torch.add)):
            if factor is not None:
                x = combine(x, factor.view(len(x), *[1] * between, *self.shape))
        return x


class StackedBatchNorm(nn.Module):
    """Normalize each channel of each model over its batch.

    Args:
        layers: The K norms.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.BatchNorm1d], stack: Stack) -> None:
        super().__init__()
        self.momentum: Any = layers[0].momentum
        self.eps = layers[0].eps
        self.weight: Any
        self.bias: Any
        self.running_mean: Any
        self.running_var: Any
        self.num_batches_tracked: Any
        names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        for name in names:
            setattr(self, name, stack([getattr(layer, name) for layer in layers]))

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape ``[models, batch, channels, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        # every channel of every model is a channel of its own
        merged = x.transpose(0, 1).flatten(1, 2)
        use_batch = self.training or self.running_mean is None
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        z = F.batch_norm(
            merged,
            *(_flat(value) for value in (self.running_mean, self.running_var)),
            *(_flat(value) for value in (self.weight, self.bias)),
            training=use_batch,
            momentum=self.momentum,
            eps=self.eps,
        )
        return z.unflatten(1, (len(x), -1)).transpose(0, 1)


def _flat(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.view(-1)


class StackedDropout(nn.Module):
    """Drop units of K models, each by masks of its own seed.

    Args:
        p: Probability of dropping a unit.
        generators: One a model.
    """

    def __init__(self, p: float, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.p, self.generators = p, list(generators)

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows."""
        self.generators = [self.generators[row] for row in rows]

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape ``[models, batch, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        if not self.training or self.p == 0:
            return x
        draws = [torch.rand(x.shape[1:], generator=g) for g in self.generators]
        mask = (torch.stack(draws) >= self.p).to(x)
        return x * mask / (1 - self.p)


class Flat(nn.Module):
    """Apply a layer without parameters to the examples of all models at once.

    Args:
        layer: Any module that treats the examples of a batch alike.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, *rest: Any, **words: Any) -> Tensor:
        """Map ``[models, batch, ...]`` to ``[models, batch, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.
            rest: Other inputs.
            words: Keywords, for all alike.

        Returns:
            ``[models, ...]``.
        """
        rest = tuple(_joined(value, len(x)) for value in rest)
        y = self.layer(x.flatten(0, 1), *rest, **words)
        return y.unflatten(0, x.shape[:2])


def _joined(value: Any, models: int) -> Any:
    stacked = isinstance(value, Tensor) and value.dim() > 1 and len(value) == models
    return value.flatten(0, 1) if stacked else value


def _plain_conv(layer: nn.Module) -> bool:
    return (
        isinstance(layer, nn.Conv1d | nn.Conv2d)
        and layer.groups == 1
        and set(layer.dilation) == {1}
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )


def _momentum_norm(layer: nn.Module) -> bool:
    return (
        isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
        and layer.momentum is not None
    )


def _any(layer: nn.Module) -> bool:
    return True


# Type of the layer: its twin, and what the layer must be for the twin to be equal.
LEAVES: dict[type[nn.Module], tuple[Callable[..., nn.Module], Callable[..., bool]]] = {
    nn.Linear: (StackedLinear, _any),
    nn.Conv1d: (StackedConv, _plain_conv),
    nn.Conv2d: (StackedConv, _plain_conv),
    nn.Embedding: (
        StackedEmbedding,
        lambda layer: layer.padding_idx is None and layer.max_norm is None,
    ),
    nn.LayerNorm: (StackedLayerNorm, _any),
    nn.BatchNorm1d: (StackedBatchNorm, _momentum_norm),
    nn.BatchNorm2d: (StackedBatchNorm, _momentum_norm),
}
