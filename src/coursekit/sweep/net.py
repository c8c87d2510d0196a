r"""Hold K networks and differentiate all their losses at once.

.. math::

    \mathcal{L} &= \sum_k L_k(\theta_k) \qquad (1) \\
    \frac{\partial \mathcal{L}}{\partial \theta_k}
    &= \frac{\partial L_k}{\partial \theta_k} \qquad (2)

No loss depends on another model's parameters, so one backward pass gives every
model its own gradient, and one product with a vector the product of every
model's Hessian with its own part of the vector.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .derivatives import differentiate, hessian_product
from .objective import Loss, Objective
from .streams import kept_generators

__all__ = ["Inputs", "Net", "stacked_parameters"]

Inputs = tuple[Tensor, ...]


class Net:
    """Hold the parameters of K models, ``[models, ...]``, and their outputs.

    Args:
        models: K modules of one architecture.
        loss: As for ``sweep``.
        generators: One a model, for what it draws in training.
        device: Where to compute.

    Attributes:
        names: Of the parameters.
        thetas: The parameters, each ``[models, ...]``.
        trained: Those of them that are not frozen.
        buffer_names: Of the buffers.
        buffers: The buffers, each ``[models, ...]``.
        objective: Computes the losses.
    """

    thetas: list[Tensor]
    buffers: list[Tensor]

    def __init__(
        self,
        models: Sequence[nn.Module],
        loss: Loss,
        generators: Sequence[torch.Generator],
        device: torch.device,
    ) -> None:
        self.names = [name for name, _ in models[0].named_parameters()]
        self.buffer_names = [name for name, _ in models[0].named_buffers()]
        self.objective, self.generators = Objective(loss), list(generators)
        self._hold([model.to(device) for model in models])
        self.trained = [theta for theta in self.thetas if theta.requires_grad]

    def _hold(self, models: Sequence[nn.Module]) -> None:
        raise NotImplementedError

    def outputs(self, x: Inputs) -> Tensor:
        """Compute every model's outputs.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            ``[models, batch, ...]``.

        Raises:
            NotImplementedError: If the subclass does not say.
        """
        raise NotImplementedError

    def activations(self, x: Inputs) -> list[Tensor]:
        """Compute what all activation functions put out.

        Args:
            x: Inputs, each ``[models, batch, ...]``.

        Returns:
            One tensor ``[models, ...]`` a call of an activation function.

        Raises:
            NotImplementedError: If the subclass does not say.
        """
        raise NotImplementedError

    def modules(self) -> Iterator[nn.Module]:
        """List the modules that compute the outputs.

        Returns:
            All modules, parts included.

        Raises:
            NotImplementedError: If the subclass does not say.
        """
        raise NotImplementedError

    def gradient(
        self, x: Inputs, y: Tensor
    ) -> tuple[Float[Tensor, " models"], list[Tensor]]:
        """Compute every model's loss and gradient, equation (2).

        Args:
            x: Inputs, each ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            Losses, ``[models]``, and a gradient like each of ``trained``.
        """
        outputs = self.outputs(x)
        losses, slope = self.objective.slope(outputs.detach(), y)  # (1)
        return losses, differentiate(outputs, self.trained, slope)  # (2)

    def curvature(self, x: Inputs, y: Tensor, v: Sequence[Tensor]) -> list[Tensor]:
        """Multiply every model's Hessian with a vector of its own.

        Args:
            x: Inputs, each ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.
            v: The vectors, a tensor like each of ``trained``.

        Returns:
            The products, likewise.
        """
        losses = self.objective(self.outputs(x), y)
        return hessian_product(losses.sum(), self.trained, v)

    def train(self, mode: bool) -> None:
        """Put all models into training or evaluation mode.

        Args:
            mode: Whether to train.
        """
        for module in self.modules():
            module.training = mode

    @contextmanager
    def untouched(self) -> Generator[None, None, None]:
        """Put buffers, generators and mode back when the block is left.

        Yields:
            Nothing.
        """
        modes = [(module, module.training) for module in self.modules()]
        drawn = {id(g): g for g in (*self.generators, *kept_generators(self.modules()))}
        states = [(generator, generator.get_state()) for generator in drawn.values()]
        buffers = [(buffer, buffer.clone()) for buffer in self._own_buffers()]
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            for generator, state in states:
                generator.set_state(state)
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)

    def _own_buffers(self) -> Sequence[Tensor]:
        return self.buffers

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows.

        Args:
            rows: Positions of the models.
        """
        for tensor in (*self.thetas, *self.buffers):
            tensor.data = tensor.data[list(rows)]
        # in place, because layers hold this very list
        self.generators[:] = [self.generators[row] for row in rows]


def stacked_parameters(models: Sequence[nn.Module]) -> list[Tensor]:
    """Stack the parameters of K models.

    Args:
        models: The models.

    Returns:
        Parameters ``[models, ...]``, frozen where the first model's are.
    """
    same = zip(*(model.parameters() for model in models), strict=True)
    return [
        nn.Parameter(torch.stack([p.detach() for p in ps]), ps[0].requires_grad)
        for ps in same
    ]
