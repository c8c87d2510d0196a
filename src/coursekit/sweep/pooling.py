r"""Take the larger of neighbours: max pooling that halves every axis of places.

.. math::

    y_i = \max(x_{2i}, x_{2i+1}) \qquad (1)

one axis after the other, last one first. Where two are equal the gradient goes to
the first, so that four equal places send it where ``torch.nn.MaxPool2d`` sends it.
torch's pooling visits its windows one by one; here whole slices are compared.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .leaf import Leaf

__all__ = ["StackedMaxPool", "halves"]


class _Larger(torch.autograd.Function):
    """Equation (1) along an axis, counted from the right, with its derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int) -> Tensor:
        """Compare even places with odd ones.

        Args:
            ctx: Keeps which was larger.
            x: Any entries.
            axis: Below zero.

        Returns:
            Half as many along the axis.
        """
        first, second = _pairs(x, axis)
        ctx.save_for_backward(second > first)
        ctx.axis, ctx.shape = axis, x.shape
        return torch.maximum(first, second)  # (1)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Send the gradient where the larger came from.

        Args:
            ctx: What was kept.
            *grads: The gradient of the larger ones.

        Returns:
            The gradient of the entries; None for the axis.
        """
        (later,), g = ctx.saved_tensors, grads[0]
        axis, to_second = ctx.axis, g * later
        both = torch.stack([g - to_second, to_second], axis).flatten(axis - 1, axis)
        if ctx.shape[axis] % 2:
            both = F.pad(both, [0, 0] * (-axis - 1) + [0, 1])
        return both, None


def _pairs(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    pairs = x.narrow(axis, 0, x.shape[axis] // 2 * 2).unflatten(axis, (-1, 2))
    return pairs.select(axis, 0), pairs.select(axis, 1)


class StackedMaxPool(Leaf):
    """Pool the places of all models' examples.

    Args:
        layers: The K layers.
        stack: Not used: there is nothing to stack.
    """

    def __init__(self, layers: Any, stack: Any) -> None:
        super().__init__(layers)
        self.axes = 1 if isinstance(layers[0], nn.MaxPool1d) else 2

    def forward(self, x: Tensor) -> Tensor:
        """Halve every axis of places.

        Args:
            x: ``[models, batch, channels, *places]``.

        Returns:
            ``[models, batch, channels, *places]``, half as many.
        """
        # whichever of the two comes first in memory stays there
        swap = x.stride(0) < x.stride(1)
        x = x.transpose(0, 1) if swap else x
        for axis in range(1, self.axes + 1):
            x = _Larger.apply(x, -axis)  # pyright: ignore
        return x.transpose(0, 1) if swap else x


def halves(layer: Any) -> bool:
    """Say whether a pooling layer takes windows of two, side by side.

    Args:
        layer: A pooling layer of torch.

    Returns:
        Whether ``StackedMaxPool`` may stand for it.
    """
    number = {"kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1}
    plain = not (layer.ceil_mode or layer.return_indices)
    return plain and all(
        {*_each(getattr(layer, name))} == {value} for name, value in number.items()
    )


def _each(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)
