r"""Say what a stacked layer is, and run layers that have no stacked form.

``Mapped`` runs one layer for all models by ``torch.func.vmap``; ``Each`` runs the
models' layers one after the other, and so takes anything: layers that draw at
random, keep a state of their own or look at their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .guard import Guard
from .streams import as_global

__all__ = ["Each", "Leaf", "Mapped", "Stack"]

Stack = Callable[[Sequence[Tensor | None]], Any]


class Leaf(nn.Module):
    """Stand for K layers; whatever is not a tensor is read from the first.

    Args:
        layers: The K layers.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        # in a tuple, so that their parameters are not among ours
        self.layers = tuple(layers)
        self.training = layers[0].training

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            value = getattr(self.__dict__.get("layers", (None,))[0], name)
            if isinstance(value, Tensor | nn.Module):
                raise
            return value


class _Whole(Leaf):
    """Hold everything in K layers as tensors ``[models, ...]``."""

    def __init__(self, layers: Sequence[nn.Module], stack: Stack) -> None:
        super().__init__(layers)
        named = [[*lay.named_parameters(), *lay.named_buffers()] for lay in layers]
        rows = [dict(each) for each in named]
        self.stacked = {name: stack([row[name] for row in rows]) for name in rows[0]}

    def __getattr__(self, name: str) -> Any:
        stacked = self.__dict__.get("stacked", {})
        return stacked[name] if name in stacked else super().__getattr__(name)

    def inner(self) -> list[nn.Module]:
        """List the modules in it that have a mode and generators of their own.

        Returns:
            The modules that compute.
        """
        return [part for layer in self.layers for part in layer.modules()]


class Mapped(_Whole):
    """Run one layer, whatever it is, for K models by ``torch.func.vmap``.

    Args:
        layers: The K layers.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def forward(self, *inputs: Any, **words: Any) -> Any:
        """Map each model's inputs with its own parameters.

        Args:
            *inputs: Tensors ``[models, ...]``, or values for all alike.
            **words: Likewise.

        Returns:
            What the layer returns, ``[models, ...]``.
        """

        def one(tensors: dict[str, Tensor], values: Any, named: Any) -> Any:
            return functional_call(self.layers[0], tensors, values, named)

        axes = tuple(_axis(value) for value in inputs)
        named = {name: _axis(value) for name, value in words.items()}
        mapped = torch.func.vmap(
            one, in_dims=({n: 0 for n in self.stacked}, axes, named)
        )
        return mapped(self.stacked, inputs, words)


def _axis(value: Any) -> int | None:
    return 0 if isinstance(value, Tensor) else None


class Each(_Whole):
    """Run the layers of K models one after the other.

    Args:
        layers: The K layers.
        stack: Makes one ``[models, ...]`` tensor of K.
        generators: One a model, lent to the layers as torch's global one.
    """

    def __init__(
        self,
        layers: Sequence[nn.Module],
        stack: Stack,
        generators: Sequence[torch.Generator],
    ) -> None:
        super().__init__(layers, stack)
        self.generators = generators

    def forward(self, *inputs: Any, **words: Any) -> Any:
        """Run each model's layer on its inputs.

        Args:
            *inputs: Tensors ``[models, ...]``, or values for all alike.
            **words: Likewise.

        Returns:
            What the layers return, stacked.
        """
        results = []
        with Guard.off():
            for k, (layer, draw) in enumerate(
                zip(self.layers, self.generators, strict=True)
            ):
                tensors = {name: value[k] for name, value in self.stacked.items()}
                mine = tuple(_part(value, k) for value in inputs)
                named = {name: _part(value, k) for name, value in words.items()}
                with as_global(draw):
                    results.append(functional_call(layer, tensors, mine, named))
        return _together(results)

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions of the models.
        """
        self.layers = tuple(self.layers[row] for row in rows)


def _part(value: Any, k: int) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_part(each, k) for each in value)
    # as the layer alone would get it: what it draws may follow the layout
    return value[k].contiguous() if isinstance(value, Tensor) else value


def _together(results: Sequence[Any]) -> Any:
    if isinstance(results[0], tuple | list):
        each = zip(*results, strict=True)
        return type(results[0])(_together(same) for same in each)
    return torch.stack(list(results)) if isinstance(results[0], Tensor) else results[0]
