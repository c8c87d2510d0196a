r"""Differentiate a chain of linear maps and activations by the formulas themselves.

.. math::

    z^l &= W^l a^{l-1} + b^l \qquad (1) \\
    a^l &= \phi(z^l) \qquad (2) \\
    \partial L/\partial W^l &= \delta^l (a^{l-1})^\top, \qquad
    \partial L/\partial b^l = \delta^l 1 \qquad (3) \\
    \delta^{l-1} &= (W^l)^\top \delta^l \odot \phi'(z^{l-1}) \qquad (4)

for columns of examples, :math:`\delta^l = \partial L/\partial z^l`, and
:math:`\phi'(z)` from :math:`\phi(z)`. Automatic differentiation finds the same; but
where the products are small, noting and visiting each operation takes as long as
computing it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .leaves import StackedLinear

__all__ = ["Chain", "chained"]

aten = torch.ops.aten


def _tanh(z: Tensor) -> Tensor:
    # (e^{2z} - 1) / (e^{2z} + 1), exact for small z, too: on a processor torch's own
    # function takes twice as long as that, and longer than the product before it
    if not z.is_cpu or z.dtype not in (torch.float32, torch.float64):
        return z.tanh_()
    e = z.clamp_(-20, 20).mul_(2).expm1_()
    return e.div_(e + 2)


# Computes φ(z) in the place of z; multiplies with φ'(z), known from φ(z).
Activation = tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]
ACTIVATIONS: dict[type[nn.Module] | None, Activation] = {
    None: (lambda z: z, lambda g, a: g),
    nn.ReLU: (torch.relu_, lambda g, a: aten.threshold_backward(g, a, 0)),
    nn.Tanh: (_tanh, aten.tanh_backward),
    nn.Sigmoid: (torch.sigmoid_, aten.sigmoid_backward),
}


class Chain:
    """Hold a chain of layers: equations (1) and (2), and (3) and (4) as derivative.

    Args:
        layers: All its layers.
        maps: Linear maps with biases, all of them trained.
        kinds: Type of the activation after each; None for none.
        plain: Computes the same from inputs by operations that are noted.

    Attributes:
        thetas: Weight and bias of each layer, ``[models, ...]``.
    """

    def __init__(
        self,
        layers: Sequence[nn.Module],
        maps: Sequence[StackedLinear],
        kinds: Sequence[type[nn.Module] | None],
        plain: Callable[[Tensor], Tensor],
    ) -> None:
        self.layers = layers
        self.steps = [ACTIVATIONS[kind] for kind in kinds]
        self.thetas = [theta for layer in maps for theta in (layer.weight, layer.bias)]
        self.plain = plain

    def __call__(self, x: Tensor) -> Tensor:
        """Compute the outputs, as one operation for automatic differentiation.

        Args:
            x: ``[models, batch, in]``, or with further axes.

        Returns:
            ``[models, batch, out]``.
        """
        if not self.takes(x):
            return self.plain(x)
        return _Chained.apply(self, x, *self.thetas)  # type: ignore[return-value]

    def takes(self, x: Tensor) -> bool:
        """Say whether the formulas are for such inputs, and nobody watches the layers.

        Args:
            x: Inputs.

        Returns:
            False if ``plain`` has to be called.
        """
        return x.dim() == 3 and not any(layer._forward_hooks for layer in self.layers)

    def activations(self, x: Tensor) -> list[Tensor]:
        """Compute all layers.

        Args:
            x: ``[models, batch, in]``.

        Returns:
            The inputs, the activations and the outputs, ``[models, width, batch]``.
        """
        found, thetas = [x.mT], self.thetas
        for (phi, _), W, b in zip(self.steps, thetas[::2], thetas[1::2], strict=True):
            z = torch.baddbmm(b.unsqueeze(2), W, found[-1])  # (1)
            found.append(phi(z))  # (2)
        return found

    def gradients(
        self, activations: Sequence[Tensor], g: Tensor, below: bool
    ) -> list[Any]:
        """Compute the gradients.

        Args:
            activations: Of all layers.
            g: The derivative with respect to the outputs, ``[models, batch, out]``.
            below: Whether that of the inputs is wanted, too.

        Returns:
            The gradient of the inputs, or None, and those of ``thetas``.
        """
        found, delta = [], g.mT
        for l in reversed(range(len(self.steps))):
            before, a = activations[l : l + 2]
            delta = self.steps[l][1](delta, a)
            found += [delta.sum(2), torch.bmm(delta, before.mT)]  # (3)
            if l or below:
                delta = torch.bmm(self.thetas[2 * l].mT, delta)  # (4)
        return [delta.mT if below else None, *reversed(found)]


class _Chained(torch.autograd.Function):
    """Let a chain be a part of a larger net, and be differentiated twice."""

    @staticmethod
    def forward(ctx: Any, chain: Chain, x: Tensor, *thetas: Tensor) -> Tensor:
        """Compute the outputs.

        Args:
            ctx: Keeps the activations.
            chain: The chain.
            x: ``[models, batch, in]``.
            *thetas: Those of the chain.

        Returns:
            ``[models, batch, out]``.
        """
        ctx.save_for_backward(x, *thetas)
        ctx.chain, ctx.activations = chain, chain.activations(x)
        return ctx.activations[-1].mT

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Compute the gradients.

        Args:
            ctx: What was kept.
            *grads: The gradient of the outputs.

        Returns:
            None for the chain, and a gradient each, if wanted.
        """
        (x, *thetas), below = ctx.saved_tensors, ctx.needs_input_grad[1]
        if not torch.is_grad_enabled():
            return None, *ctx.chain.gradients(ctx.activations, grads[0], below)
        # it will be differentiated again
        of = [x, *thetas] if below else thetas
        y = ctx.chain.plain(x)
        found = torch.autograd.grad(y, of, grads[0], create_graph=True)
        return None, *(() if below else (None,)), *found


def chained(
    layers: Sequence[nn.Module], plain: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """Run linear maps and activations in turn as one operation, where they are that.

    Args:
        layers: The layers of a sequence.
        plain: Its method, which runs them one by one; for everything else.

    Returns:
        Either a ``Chain``, which computes the same in less time, or ``plain``.
    """
    maps: list[StackedLinear] = []
    kinds: list[type[nn.Module] | None] = []
    for layer in layers:
        if isinstance(layer, StackedLinear):
            maps, kinds = [*maps, layer], [*kinds, None]
        elif type(layer) in ACTIVATIONS and kinds and kinds[-1] is None:
            kinds[-1] = type(layer)
        else:
            return plain
    thetas = [theta for layer in maps for theta in (layer.weight, layer.bias)]
    if len(maps) < 2 or any(p is None or not p.requires_grad for p in thetas):
        return plain
    return Chain(layers, maps, kinds, plain)
