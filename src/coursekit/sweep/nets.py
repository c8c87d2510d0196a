r"""Hold K networks and differentiate all their losses at once.

.. math::

    \mathcal{L} = \sum_k L_k(\theta_k), \qquad
    \frac{\partial \mathcal{L}}{\partial \theta_k}
    = \frac{\partial L_k}{\partial \theta_k} \qquad (1)

No loss depends on another model's parameters, so one backward pass gives every
model its own gradient. There are three ways to the outputs, in the order of
their speed: stacked layers (``coursekit.sweep.twin``), ``torch.func.vmap`` over
the model's own code, and one model after the other. The first that computes
what the models compute is taken.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy, mse_loss

from .leaves import StackedDropout
from .twin import ACTIVATIONS, Twin, agrees

__all__ = ["PATHS", "LoopNet", "MappedNet", "Net", "StackedNet", "choose_path"]

DROPOUT = (nn.Dropout, StackedDropout)

Loss = str | Callable[[Tensor, Tensor], Tensor]


class Net:
    """Hold the parameters of K models, ``[models, ...]``, and their outputs.

    Args:
        models: K modules of one architecture.
        loss: ``"cross_entropy"``, ``"mse"`` or a function of one model's outputs
            and targets.
        generators: One a model, for dropout masks.
        device: Where to compute.

    Attributes:
        names: Of the parameters.
        thetas: The parameters, each ``[models, ...]``.
        buffer_names: Of the buffers.
        buffers: The buffers, each ``[models, ...]``.
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
        self.loss = loss
        self._hold([model.to(device) for model in models], generators)
        self.trained = [theta for theta in self.thetas if theta.requires_grad]

    def _hold(
        self, models: Sequence[nn.Module], generators: Sequence[torch.Generator]
    ) -> None:
        raise NotImplementedError

    def outputs(self, x: Tensor) -> Tensor:
        """Compute every model's outputs, ``[models, batch, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        raise NotImplementedError

    def train(self, mode: bool) -> None:
        """Put all models into training or evaluation mode.

        Args:
            mode: Whether to train.
        """
        raise NotImplementedError

    def gradient(
        self, x: Tensor, y: Tensor
    ) -> tuple[Float[Tensor, " models"], list[Tensor]]:
        """Compute every model's loss and gradient, equation (1).

        Args:
            x: Inputs, ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            Losses, ``[models]``, and a gradient like each of ``trained``.
        """
        losses = per_model(self.loss, self.outputs(x), y)
        grads = torch.autograd.grad(
            losses.sum(), self.trained, allow_unused=True
        )  # (1)
        return losses.detach(), [
            torch.zeros_like(theta) if g is None else g
            for theta, g in zip(self.trained, grads, strict=True)
        ]

    def activations(self, x: Tensor) -> list[Tensor]:
        """Compute the outputs of all activation functions, ``[models, ...]`` each.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            One tensor a call.
        """
        raise NotImplementedError

    @contextmanager
    def untouched(self) -> Generator[None, None, None]:
        """Compute as in training, without dropout, and put the buffers back."""
        held = self._held_buffers()
        before = [buffer.clone() for buffer in held]
        dropout = [m for m in self._modules() if isinstance(m, DROPOUT)]
        for layer in dropout:
            layer.eval()
        try:
            yield
        finally:
            for layer in dropout:
                layer.train()
            for buffer, value in zip(held, before, strict=True):
                buffer.copy_(value)

    def _held_buffers(self) -> list[Tensor]:
        return self.buffers

    def _modules(self) -> Iterator[nn.Module]:
        raise NotImplementedError

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows."""
        for tensor in (*self.thetas, *self.buffers):
            tensor.data = tensor.data[list(rows)]


def per_model(loss: Loss, outputs: Tensor, y: Tensor) -> Float[Tensor, " models"]:
    """Compute each model's mean loss.

    Args:
        loss: A name or a function of one model's outputs and targets.
        outputs: ``[models, batch, ...]``.
        y: Targets.

    Returns:
        One number a model.
    """
    if callable(loss):
        return vmap(loss)(outputs, y)
    if loss == "mse":
        return mse_loss(outputs, y, reduction="none").flatten(1).mean(1)
    # classes before examples: the layout in which stacked layers leave them
    logits = outputs.flatten(1, -2).mT
    return cross_entropy(logits, y.flatten(1), reduction="none").mean(1)


def _note(seen: list[Tensor], layer: nn.Module, args: Any, out: Any) -> None:
    seen.append(out)


def recorded(module: nn.Module, call: Callable[[], Any]) -> list[Tensor]:
    """Return what the activation functions of a module put out during a call.

    Args:
        module: The module whose parts are watched.
        call: Runs it.

    Returns:
        The outputs, in the order of the calls.
    """
    seen: list[Tensor] = []
    handles = [
        layer.register_forward_hook(partial(_note, seen))
        for layer in module.modules()
        if isinstance(layer, ACTIVATIONS)
    ]
    try:
        call()
    finally:
        for handle in handles:
            handle.remove()
    return seen


class StackedNet(Net):
    """Compute K models by stacked layers."""

    def _hold(
        self, models: Sequence[nn.Module], generators: Sequence[torch.Generator]
    ) -> None:
        twin = Twin(models, generators)
        self.module, self.thetas, self.buffers = (
            twin.module,
            twin.parameters,
            twin.buffers,
        )

    def outputs(self, x: Tensor) -> Tensor:
        """Compute every model's outputs, ``[models, batch, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        return self.module(x)

    def train(self, mode: bool) -> None:
        """Put all models into training or evaluation mode.

        Args:
            mode: Whether to train.
        """
        self.module.train(mode)

    def activations(self, x: Tensor) -> list[Tensor]:
        """Compute the outputs of all activation functions, ``[models, ...]`` each.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            One tensor a call.
        """
        return recorded(self.module, lambda: self.module(x))

    def _modules(self) -> Iterator[nn.Module]:
        return self.module.modules()

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows."""
        super().keep(rows)
        for layer in self.module.modules():
            if isinstance(layer, StackedDropout):
                layer.keep(rows)


class MappedNet(Net):
    """Compute K models by ``vmap`` over their own code."""

    def _hold(
        self, models: Sequence[nn.Module], generators: Sequence[torch.Generator]
    ) -> None:
        self.module = models[0]
        self.thetas = [
            nn.Parameter(torch.stack([p.detach() for p in same]), same[0].requires_grad)
            for same in zip(*(model.parameters() for model in models), strict=True)
        ]
        self.buffers = [
            torch.stack(same)
            for same in zip(*(model.buffers() for model in models), strict=True)
        ]

    def outputs(self, x: Tensor) -> Tensor:
        """Compute every model's outputs, ``[models, batch, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        parameters = dict(zip(self.names, self.thetas, strict=True))
        buffers = dict(zip(self.buffer_names, self.buffers, strict=True))

        def one(tensors: dict[str, Tensor], value: Tensor) -> Tensor:
            return functional_call(self.module, tensors, (value,))

        return vmap(one)({**parameters, **buffers}, x)

    def train(self, mode: bool) -> None:
        """Put all models into training or evaluation mode.

        Args:
            mode: Whether to train.
        """
        self.module.train(mode)

    def activations(self, x: Tensor) -> list[Tensor]:
        """Compute the outputs of all activation functions, ``[models, ...]`` each.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            One tensor a call.
        """
        names = [*self.names, *self.buffer_names]
        held = [*self.thetas, *self.buffers]
        each = []
        for row, value in enumerate(x):
            tensors = {n: t.detach()[row] for n, t in zip(names, held, strict=True)}
            call = partial(functional_call, self.module, tensors, (value,))
            each.append(recorded(self.module, call))
        return [torch.stack(same) for same in zip(*each, strict=True)]

    def _modules(self) -> Iterator[nn.Module]:
        return self.module.modules()


class LoopNet(Net):
    """Compute K models one after the other; any module will do."""

    def _hold(
        self, models: Sequence[nn.Module], generators: Sequence[torch.Generator]
    ) -> None:
        self.models = list(models)
        same = zip(*(model.parameters() for model in models), strict=True)
        self.thetas = [
            nn.Parameter(torch.stack([p.detach() for p in ps]), ps[0].requires_grad)
            for ps in same
        ]
        self._share()

    def _share(self) -> None:
        # each model's parameters are views of the stack, so a step moves both
        for row, model in enumerate(self.models):
            for theta, parameter in zip(self.thetas, model.parameters(), strict=True):
                parameter.data = theta.data[row]

    @property
    def buffers(self) -> list[Tensor]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Copies of the buffers, each ``[models, ...]``."""
        each = zip(*(model.buffers() for model in self.models), strict=True)
        return [torch.stack(same) for same in each]

    def outputs(self, x: Tensor) -> Tensor:
        """Compute every model's outputs, ``[models, batch, ...]``.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            ``[models, ...]``.
        """
        return torch.stack([m(value) for m, value in zip(self.models, x, strict=True)])

    def train(self, mode: bool) -> None:
        """Put all models into training or evaluation mode.

        Args:
            mode: Whether to train.
        """
        for model in self.models:
            model.train(mode)

    def gradient(
        self, x: Tensor, y: Tensor
    ) -> tuple[Float[Tensor, " models"], list[Tensor]]:
        """Compute every model's loss and gradient, one model at a time.

        Args:
            x: Inputs, ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            Losses, ``[models]``, and a gradient like each of ``trained``.
        """
        losses, grads = [], []
        for model, value, target in zip(self.models, x, y, strict=True):
            wanted = [p for p in model.parameters() if p.requires_grad]
            loss = per_model(self.loss, model(value)[None], target[None])[0]
            losses.append(loss.detach())
            found = torch.autograd.grad(loss, wanted, allow_unused=True)
            grads.append([
                torch.zeros_like(p) if g is None else g
                for p, g in zip(wanted, found, strict=True)
            ])
        stacked = [torch.stack(same) for same in zip(*grads, strict=True)]
        return torch.stack(losses), stacked

    def activations(self, x: Tensor) -> list[Tensor]:
        """Compute the outputs of all activation functions, ``[models, ...]`` each.

        Args:
            x: Inputs, ``[models, batch, ...]``.

        Returns:
            One tensor a call.
        """
        each = [
            recorded(model, partial(model, value))
            for model, value in zip(self.models, x, strict=True)
        ]
        return [torch.stack(same) for same in zip(*each, strict=True)]

    def _held_buffers(self) -> list[Tensor]:
        return [buffer for model in self.models for buffer in model.buffers()]

    def _modules(self) -> Iterator[nn.Module]:
        return (layer for model in self.models for layer in model.modules())

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all models but those of the given rows."""
        for theta in self.thetas:
            theta.data = theta.data[list(rows)]
        self.models = [self.models[row] for row in rows]
        self._share()


PATHS: dict[str, type[Net]] = {
    "stacked": StackedNet,
    "vmap": MappedNet,
    "loop": LoopNet,
}


def choose_path(models: Sequence[nn.Module], x: Tensor) -> tuple[str, str]:
    """Find the fastest path that computes what the models compute.

    Args:
        models: The models of one architecture, at least one.
        x: A few inputs, ``[batch, ...]``.

    Returns:
        A name in ``PATHS`` and the reason why no faster one was taken, which is
        empty for the first.
    """
    reason = agrees(models, x)
    if not reason:
        return "stacked", ""
    mapped = _mapped_reason(models, x)
    if not mapped:
        return "vmap", reason
    return "loop", f"{reason}; vmap: {mapped}"


def _mapped_reason(models: Sequence[nn.Module], x: Tensor) -> str:
    if any(isinstance(layer, nn.Dropout) for layer in models[0].modules()):
        return "its dropout masks cannot be drawn by seed"
    pair = [copy.deepcopy(model) for model in (models[0], models[-1])]
    inputs = torch.stack([x, x])
    try:
        net = MappedNet(copy.deepcopy(pair), "mse", [], x.device)
        outputs = net.outputs(inputs)
        outputs.square().sum().backward()
        alone = torch.stack([model(x) for model in pair])
    except Exception as error:  # anything at all: the loop takes any module
        return type(error).__name__
    return (
        "" if torch.allclose(outputs, alone, rtol=1e-3, atol=1e-4) else "outputs differ"
    )
