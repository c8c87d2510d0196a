r"""Compute K models one after the other: the way that any module can go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .derivatives import differentiate, hessian_product
from .net import Inputs, Net, stacked_parameters
from .stacked_net import recorded
from .streams import as_global

__all__ = ["LoopNet"]


class LoopNet(Net):
    """Compute K models in a loop; their parameters are views of one stack."""

    def _hold(self, models: Sequence[nn.Module]) -> None:
        self.models = list(models)
        self.thetas = stacked_parameters(models)
        self._share()

    def _share(self) -> None:
        for row, model in enumerate(self.models):
            for theta, parameter in zip(self.thetas, model.parameters(), strict=True):
                parameter.data = theta.data[row]

    @property
    def buffers(self) -> list[Tensor]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Copies of the buffers, each ``[models, ...]``."""
        each = zip(*(model.buffers() for model in self.models), strict=True)
        return [torch.stack(same) for same in each]

    def _own_buffers(self) -> list[Tensor]:
        return [buffer for model in self.models for buffer in model.buffers()]

    def _one(self, k: int, x: Inputs) -> Tensor:
        with as_global(self.generators[k]):
            return self.models[k](*(value[k] for value in x))

    def _loss(self, k: int, x: Inputs, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        own: list[Tensor] = [p for p in self.models[k].parameters() if p.requires_grad]
        return self.objective(self._one(k, x)[None], y[k : k + 1])[0], own

    def outputs(self, x: Inputs) -> Tensor:
        """Compute every model's outputs.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            ``[models, batch, ...]``; not differentiable in ``thetas``.
        """
        return torch.stack([self._one(k, x) for k in range(len(self.models))])

    def gradient(
        self, x: Inputs, y: Tensor
    ) -> tuple[Float[Tensor, " models"], list[Tensor]]:
        """Compute every model's loss and gradient.

        Args:
            x: Inputs, each ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            Losses, ``[models]``, and a gradient like each of ``trained``.
        """
        losses, grads = [], []
        for k in range(len(self.models)):
            loss, own = self._loss(k, x, y)
            losses.append(loss.detach())
            grads.append(differentiate(loss, own))
        stacked = [torch.stack(same) for same in zip(*grads, strict=True)]
        return torch.stack(losses), stacked

    def curvature(self, x: Inputs, y: Tensor, v: Sequence[Tensor]) -> list[Tensor]:
        """Multiply every model's Hessian with a vector of its own.

        Args:
            x: Inputs, each ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.
            v: The vectors, a tensor like each of ``trained``.

        Returns:
            The products, likewise.
        """
        products = []
        for k in range(len(self.models)):
            loss, own = self._loss(k, x, y)
            products.append(hessian_product(loss, own, [each[k] for each in v]))
        return [torch.stack(same) for same in zip(*products, strict=True)]

    def activations(self, x: Inputs) -> list[Tensor]:
        """Compute what all activation functions put out.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            One tensor ``[models, ...]`` a call of an activation function.
        """
        each = []
        for k, model in enumerate(self.models):
            with as_global(self.generators[k]):
                each.append(recorded(model, [value[k] for value in x]))
        return [torch.stack(same) for same in zip(*each, strict=True)]

    def modules(self) -> Iterator[nn.Module]:
        """List the modules that compute the outputs.

        Returns:
            Those of all models.
        """
        return (layer for model in self.models for layer in model.modules())

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions of the models.
        """
        for theta in self.thetas:
            theta.data = theta.data[list(rows)]
        self.models = [self.models[row] for row in rows]
        self.generators[:] = [self.generators[row] for row in rows]
        self._share()
