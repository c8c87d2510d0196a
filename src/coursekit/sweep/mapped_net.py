r"""Compute K models by ``torch.func.vmap`` over the code of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from .net import Inputs, Net, stacked_parameters
from .stacked_net import recorded

__all__ = ["MappedNet"]


class MappedNet(Net):
    """Compute K models by mapping the first one's code over all parameters."""

    def _hold(self, models: Sequence[nn.Module]) -> None:
        self.module = models[0]
        self.thetas = stacked_parameters(models)
        same = zip(*(model.buffers() for model in models), strict=True)
        self.buffers = [torch.stack(buffers) for buffers in same]

    def _tensors(self) -> dict[str, Tensor]:
        names = (*self.names, *self.buffer_names)
        return dict(zip(names, (*self.thetas, *self.buffers), strict=True))

    def outputs(self, x: Inputs) -> Tensor:
        """Compute every model's outputs.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            ``[models, batch, ...]``.
        """
        return vmap(partial(functional_call, self.module))(self._tensors(), x)

    def activations(self, x: Inputs) -> list[Tensor]:
        """Compute what all activation functions put out, one model after the other.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            One tensor ``[models, ...]`` a call of an activation function.
        """
        each = []
        for k in range(len(x[0])):
            tensors = {n: t.detach()[k] for n, t in self._tensors().items()}
            own = _Bound(self.module, tensors)
            each.append(recorded(own, [value[k] for value in x]))
        return [torch.stack(same) for same in zip(*each, strict=True)]

    def modules(self) -> Iterator[nn.Module]:
        """List the modules that compute the outputs.

        Returns:
            Those of the first model.
        """
        return self.module.modules()


class _Bound(nn.Module):
    def __init__(self, module: nn.Module, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.module, self.tensors = module, tensors

    def forward(self, *x: Tensor) -> Tensor:
        return functional_call(self.module, self.tensors, x)
