r"""Make one module that computes K models side by side.

The forward method of a container is run as it is written; only the layers in it
are replaced by stacked ones that take ``[models, batch, ...]``. Code that
counts its axes from the right never notices. Code that counts from the left
might fail, or compute something else without failing; therefore nothing is
believed: ``coursekit.sweep.agree`` compares before a twin is used.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import norm
from ..layers import ACTIVATIONS as NAMED
from .chain import chained
from .leaf import Each, Leaf, Mapped
from .leaf_free import Flat, StackedDropout
from .leaf_norms import StackedBatchNorm, StackedChannelNorm, StackedFeatureNorm
from .leaves import StackedConv, StackedEmbedding, StackedLinear
from .pooling import StackedMaxPool, halves

__all__ = ["ACTIVATIONS", "Twin"]

ACTIVATIONS = (
    *(kind for kind in NAMED.values() if isinstance(kind, type)),
    *(nn.CELU, nn.Mish, nn.ReLU6, nn.Hardswish, nn.LogSigmoid, nn.Softsign),
)
HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def _any(layer: Any) -> bool:
    return True


def _plain_conv(layer: Any) -> bool:
    zeros = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return zeros and layer.groups == 1 and set(layer.dilation) == {1}


def _plain_table(layer: Any) -> bool:
    return layer.padding_idx is None and layer.max_norm is None


def _fixed_momentum(layer: Any) -> bool:
    return layer.momentum is not None


def _without_buffers(layer: Any) -> bool:
    return not any(True for _ in layer.buffers())


# Type of the layer: its twin, and what the layer must be for the twin to be equal.
LEAVES: dict[type[nn.Module], tuple[Callable[..., nn.Module], Callable[..., bool]]] = {
    nn.Linear: (StackedLinear, _any),
    **dict.fromkeys((nn.Conv1d, nn.Conv2d), (StackedConv, _plain_conv)),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d), (StackedMaxPool, halves)),
    nn.Embedding: (StackedEmbedding, _plain_table),
    **dict.fromkeys(
        (
            *(nn.LayerNorm, nn.RMSNorm, norm.LayerNorm, norm.RMSNorm),
            *(norm.VarianceOnlyLayerNorm, norm.SimpleLayerNorm),
        ),
        (StackedFeatureNorm, _any),
    ),
    **dict.fromkeys(
        (nn.GroupNorm, norm.GroupNorm, norm.InstanceNorm, norm.PositionalNorm),
        (StackedChannelNorm, _without_buffers),
    ),
    **dict.fromkeys(
        (nn.BatchNorm1d, nn.BatchNorm2d, norm.BatchNorm),
        (StackedBatchNorm, _fixed_momentum),
    ),
}


class Twin:
    """Replace the layers of K equal models by stacked layers.

    Args:
        models: K modules of one architecture.
        generators: One a model, for what it draws in training.
        each: Whether layers without a stacked form run one after the other
            rather than by ``vmap``.

    Attributes:
        module: Takes ``[models, batch, ...]``.
        parameters: Each ``[models, ...]``, in the order of ``model.parameters()``.
        buffers: Likewise.
        alone: Types of the layers that run one after the other.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        generators: Sequence[torch.Generator],
        *,
        each: bool = False,
    ) -> None:
        self._made: dict[int, Any] = {}
        self._generators, self._each = generators, each
        self.alone: list[str] = []
        self.module = self._twin(models)
        first = models[0]
        self.parameters = [self._made[id(p)] for p in first.parameters()]
        self.buffers = [self._made[id(b)] for b in first.buffers()]

    def _twin(self, layers: Sequence[nn.Module]) -> nn.Module:
        first = layers[0]
        if id(first) not in self._made:
            self._made[id(first)] = self._new(layers)
        return self._made[id(first)]

    def _new(self, layers: Sequence[nn.Module]) -> nn.Module:
        first = layers[0]
        kind, fits = LEAVES.get(type(first), (Leaf, _any))
        if "forward" in vars(first) or any(getattr(first, name) for name in HOOKS):
            return self._whole(layers)
        if kind is not Leaf and fits(first):
            return kind(layers, self._stack)
        if type(first) is nn.Dropout and not first.inplace:
            return StackedDropout(layers, self._generators)  # type: ignore[arg-type]
        if isinstance(first, ACTIVATIONS):
            return first
        if first._parameters or first._buffers or not first._modules:
            return self._whole(layers)
        return self._container(layers)

    def _whole(self, layers: Sequence[nn.Module]) -> nn.Module:
        first = layers[0]
        empty = not any(True for _ in (*first.parameters(), *first.buffers()))
        if _draws(first) or (self._each and not (empty and _of_torch(first))):
            self.alone.append(type(first).__name__)
            return Each(layers, self._stack, self._generators)
        if empty and _of_torch(first):
            return Flat(layers)
        return Mapped(layers, self._stack)

    def _container(self, layers: Sequence[nn.Module]) -> nn.Module:
        twin = copy.copy(layers[0])
        twin._modules = {
            name: None
            if child is None
            else self._twin([layer._modules[name] for layer in layers])  # type: ignore[misc]
            for name, child in layers[0]._modules.items()
        }
        if type(twin).forward is nn.Sequential.forward:
            plain = twin.forward
            twin.forward = chained([*twin._modules.values()], plain)  # type: ignore[assignment, arg-type]
        return twin

    def _stack(self, tensors: Sequence[Tensor | None]) -> Any:
        first = tensors[0]
        if first is None:
            return None
        if id(first) not in self._made:
            stacked = torch.stack([t.detach() for t in tensors])  # type: ignore[union-attr]
            if isinstance(first, nn.Parameter):
                stacked = nn.Parameter(stacked, requires_grad=first.requires_grad)
            self._made[id(first)] = stacked
        return self._made[id(first)]


def _of_torch(layer: nn.Module) -> bool:
    hooked = any(getattr(layer, name) for name in HOOKS) or "forward" in vars(layer)
    return type(layer).__module__.startswith("torch.nn.modules.") and not hooked


def _draws(layer: nn.Module) -> bool:
    """Say whether a layer is known to draw random numbers.

    Args:
        layer: Any module.

    Returns:
        False also where it does so unannounced: ``vmap`` will refuse that.
    """
    kinds = (nn.modules.dropout._DropoutNd, nn.RReLU)
    return any(
        isinstance(part, kinds)
        or any(isinstance(value, torch.Generator) for value in vars(part).values())
        or (hasattr(part, "generator") and hasattr(part, "p"))
        for part in layer.modules()
    )
