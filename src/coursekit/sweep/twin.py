r"""Make one module that computes K models side by side.

The forward method of a container is run as it is written; only the layers in it
are replaced by stacked ones that take ``[models, batch, ...]``. Code that
counts its axes from the right never notices. Code that counts from the left
might fail, or compute something else without failing; therefore nothing is
believed: ``agrees`` compares outputs and gradients with the models themselves,
in float64, before a twin is used.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .leaves import LEAVES, Flat, StackedDropout

__all__ = ["ACTIVATIONS", "Twin", "agrees"]

ACTIVATIONS = (
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid),
    *(nn.Softplus, nn.Hardtanh, nn.CELU, nn.SELU, nn.Mish, nn.ReLU6),
)
ELEMENTWISE = (*ACTIVATIONS, nn.Identity)


class Twin:
    """Replace the layers of K equal models by stacked layers.

    Args:
        models: K modules of one architecture.
        generators: One a model, for dropout masks.

    Attributes:
        module: Takes ``[models, batch, ...]``.
        parameters: Each ``[models, ...]``, in the order of ``model.parameters()``.
        buffers: Likewise.
    """

    def __init__(
        self, models: Sequence[nn.Module], generators: Sequence[torch.Generator]
    ) -> None:
        self._made: dict[int, Any] = {}
        self._generators = generators
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
        kind, fits = LEAVES.get(type(first), (None, None))
        if kind is not None and fits is not None and fits(first):
            return kind(layers, self._stack)
        if type(first) is nn.Dropout:
            return StackedDropout(first.p, self._generators)
        if first._parameters or first._buffers:
            return Mapped(layers, self._stack)
        if not first._modules:
            return first if isinstance(first, ELEMENTWISE) else Flat(first)
        return self._container(layers)

    def _container(self, layers: Sequence[nn.Module]) -> nn.Module:
        twin = copy.copy(layers[0])
        twin._modules = {
            name: self._twin([layer._modules[name] for layer in layers])  # type: ignore[misc]
            for name, child in layers[0]._modules.items()
            if child is not None
        }
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


class Mapped(nn.Module):
    """Run one layer, whatever it is, for K models by ``torch.func.vmap``.

    Args:
        layers: The K layers.
        stack: Makes one ``[models, ...]`` tensor of K.
    """

    def __init__(self, layers: Sequence[nn.Module], stack: Any) -> None:
        super().__init__()
        first = layers[0]
        # in a list, so that the layer's own parameters are not among ours
        self.layer = [first]
        tensors = [dict(_tensors(layer)) for layer in layers]
        self.stacked = {name: stack([t[name] for t in tensors]) for name in tensors[0]}

    def forward(self, *inputs: Any) -> Any:
        """Map each model's inputs with its own parameters.

        Args:
            inputs: Inputs, each ``[models, ...]``.

        Returns:
            ``[models, ...]``.
        """

        def one(tensors: dict[str, Tensor], *values: Any) -> Any:
            return functional_call(self.layer[0], tensors, values)

        axes = tuple(0 if isinstance(value, Tensor) else None for value in inputs)
        return torch.func.vmap(one, in_dims=(0, *axes))(self.stacked, *inputs)

    def train(self, mode: bool = True) -> Mapped:
        """Put the layer into training or evaluation mode.

        Args:
            mode: Whether to train.

        Returns:
            Itself.
        """
        self.layer[0].train(mode)
        return super().train(mode)


def _tensors(layer: nn.Module) -> list[tuple[str, Tensor]]:
    return [*layer.named_parameters(), *layer.named_buffers()]


def agrees(models: Sequence[nn.Module], x: Tensor) -> str:
    """Compare the twin of two models with the models, in float64.

    Args:
        models: Two modules of one architecture, or more, of which the first and
            the last are taken.
        x: A few inputs, ``[batch, ...]``.

    Returns:
        An empty string where outputs and gradients are equal, else the reason.
    """
    pair = [_quiet(models[0]), _quiet(models[-1])]
    first, second = x[::2], x[1::2]
    n = min(len(first), len(second))
    inputs = torch.stack([first[:n], second[:n]])
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    try:
        twin = Twin(pair, [torch.Generator(), torch.Generator()])
        outputs = twin.module(inputs)
        alone = [model(value) for model, value in zip(pair, inputs, strict=True)]
        ours = _gradients(outputs, twin.parameters)
        theirs = [
            _gradients(y, list(m.parameters()))
            for y, m in zip(alone, pair, strict=True)
        ]
    except Exception as error:  # anything at all: another path will take the model
        return f"{type(error).__name__} in its forward pass ({_line(error)})"
    if not _close(outputs, torch.stack(alone)):
        return "its code counts axes from the left: outputs differ"
    if not all(
        _close(g, torch.stack(pair)) for g, *pair in zip(ours, *theirs, strict=True)
    ):
        return "its code counts axes from the left: gradients differ"
    return ""


def _quiet(model: nn.Module) -> nn.Module:
    model = copy.deepcopy(model).double()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return model


def _gradients(y: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    # squares, because the sum of a softmax or of a norm is constant
    wanted = [p for p in parameters if p.requires_grad]
    found = torch.autograd.grad(y.square().sum(), wanted, allow_unused=True)
    return [
        torch.zeros_like(p) if g is None else g
        for p, g in zip(wanted, found, strict=True)
    ]


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-9)


def _line(error: Exception) -> str:
    return (
        str(error).strip().splitlines()[0][:80] if str(error).strip() else "no message"
    )
