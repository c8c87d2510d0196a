r"""Run a model's code on the examples of all models as if they were one batch.

Code that counts its axes from the left (``x.flatten(1)``, ``len(x)``) does not
take an axis of models in front. It takes a longer batch, though: the examples of
K models in a row, example by example and model by model. Every layer with
parameters parts them again, and hands each model its own. What has none treats
the examples of a batch alike, and never notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from .leaf import Leaf
from .leaf_free import Flat
from .net import Inputs
from .stacked_net import StackedNet, recorded
from .twin import Twin

__all__ = ["FoldedNet"]


@dataclass
class _Count:
    """Tell all layers how many models there are now."""

    models: int = 0

    def fold(self, x: Tensor) -> Tensor:
        """Join the examples of all models.

        Args:
            x: ``[models, batch, ...]``.

        Returns:
            ``[batch * models, ...]``.
        """
        return x.transpose(0, 1).flatten(0, 1)

    def part(self, x: Tensor) -> Tensor:
        """Give each model its examples.

        Args:
            x: ``[batch * models, ...]``.

        Returns:
            ``[models, batch, ...]``.
        """
        return x.unflatten(0, (-1, self.models)).transpose(0, 1)


class _Folded(nn.Module):
    """Stand for a stacked layer in code that sees one batch."""

    def __init__(self, layer: nn.Module, count: _Count) -> None:
        super().__init__()
        self.layer, self.count = layer, count

    def forward(self, *inputs: Any, **words: Any) -> Any:
        """Part the examples, apply the layer, and join them again.

        Args:
            *inputs: Tensors ``[batch * models, ...]``, or values for all alike.
            **words: Values for all alike.

        Returns:
            ``[batch * models, ...]``.
        """
        parted = [self.count.part(v) if isinstance(v, Tensor) else v for v in inputs]
        return self.count.fold(self.layer(*parted, **words))


class _FoldedTwin(Twin):
    """Replace the layers of K models by stacked layers that part their input."""

    def __init__(self, *args: Any, **words: Any) -> None:
        self.count = _Count()
        super().__init__(*args, **words)

    def _new(self, layers: Sequence[nn.Module]) -> nn.Module:
        made = super()._new(layers)
        if isinstance(made, Flat):
            return layers[0]
        return _Folded(made, self.count) if isinstance(made, Leaf) else made


class FoldedNet(StackedNet):
    """Compute K models by a twin that sees the examples of all as one batch."""

    def _hold(self, models: Sequence[nn.Module]) -> None:
        twin = _FoldedTwin(models, self.generators, each=self.each)
        self.module, self.count = twin.module, twin.count
        self.thetas, self.buffers = twin.parameters, twin.buffers

    def outputs(self, x: Inputs) -> Tensor:
        """Compute every model's outputs.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            ``[models, batch, ...]``.
        """
        return self.count.part(self.module(*self._folded(x)))

    def activations(self, x: Inputs) -> list[Tensor]:
        """Compute what all activation functions put out.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            One tensor ``[models, ...]`` a call of an activation function.
        """
        return [self.count.part(y) for y in recorded(self.module, self._folded(x))]

    def _folded(self, x: Inputs) -> Inputs:
        self.count.models = len(x[0])
        return tuple(self.count.fold(value) for value in x)
