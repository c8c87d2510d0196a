r"""Compute K models by stacked layers: the fast way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .chain import Chain
from .leaf import Each
from .net import Inputs, Net
from .twin import ACTIVATIONS, Twin

__all__ = ["MixedNet", "StackedNet", "recorded"]


class StackedNet(Net):
    """Compute K models by a twin of stacked layers."""

    each = False

    def _hold(self, models: Sequence[nn.Module]) -> None:
        twin = Twin(models, self.generators, each=self.each)
        self.module: Any = twin.module
        self.thetas, self.buffers = twin.parameters, twin.buffers

    def gradient(
        self, x: Inputs, y: Tensor
    ) -> tuple[Float[Tensor, " models"], list[Tensor]]:
        """Compute every model's loss and gradient; of a chain, by its formulas alone.

        Args:
            x: Inputs, each ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            Losses, ``[models]``, and a gradient like each of ``trained``.
        """
        chain = self.module.forward
        if not (isinstance(chain, Chain) and chain.takes(*x) and self._all_of(chain)):
            return super().gradient(x, y)
        with torch.no_grad():
            activations = chain.activations(*x)
        losses, slope = self.objective.slope(activations[-1].mT, y)
        with torch.no_grad():
            _, *grads = chain.gradients(activations, slope, below=False)
        return losses, grads

    def _all_of(self, chain: Chain) -> bool:
        # a layer that stands twice has two parts of one gradient
        return [*map(id, chain.thetas)] == [*map(id, self.trained)]

    def outputs(self, x: Inputs) -> Tensor:
        """Compute every model's outputs.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            ``[models, batch, ...]``.
        """
        return self.module(*x)

    def activations(self, x: Inputs) -> list[Tensor]:
        """Compute what all activation functions put out.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            One tensor ``[models, ...]`` a call of an activation function.
        """
        return recorded(self.module, x)

    def modules(self) -> Iterator[nn.Module]:
        """List the modules that compute the outputs.

        Yields:
            The stacked layers, and the layers within them that run by themselves.
        """
        for module in self.module.modules():
            yield module
            yield from getattr(module, "inner", list)()

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions of the models.
        """
        super().keep(rows)
        for layer in self.module.modules():
            if isinstance(layer, Each):
                layer.keep(rows)


class MixedNet(StackedNet):
    """Compute K models by stacked layers, some of them one after the other."""

    each = True


def recorded(module: nn.Module, x: Sequence[Tensor]) -> list[Tensor]:
    """Return what the activation functions of a module put out.

    Args:
        module: The module whose parts are watched.
        x: Its inputs.

    Returns:
        The outputs, in the order of the calls.
    """
    seen: list[Tensor] = []
    handles = [
        layer.register_forward_hook(partial(_note, seen))
        for layer in module.modules()
        if isinstance(layer, ACTIVATIONS) and not isinstance(layer, nn.Identity)
    ]
    try:
        module(*x)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _note(seen: list[Tensor], layer: nn.Module, args: Any, out: Any) -> None:
    seen.append(out)
