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

__all__ = ["chained"]

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


class _Chain(torch.autograd.Function):
    """Equations (1) and (2) layer by layer, with (3) and (4) as derivative."""

    @staticmethod
    def forward(ctx: Any, plain: Any, kinds: Any, x: Tensor, *thetas: Tensor) -> Tensor:
        """Compute the outputs.

        Args:
            ctx: Keeps the activations.
            plain: Computes the same from ``x`` by operations that are noted.
            kinds: Types of the activations; None for none.
            x: ``[models, batch, in]``.
            *thetas: Weight and bias of each layer, ``[models, ...]``.

        Returns:
            ``[models, batch, out]``.
        """
        kept = [x.mT]
        for kind, W, b in zip(kinds, thetas[::2], thetas[1::2], strict=True):
            z = torch.baddbmm(b.unsqueeze(2), W, kept[-1])  # (1)
            kept.append(ACTIVATIONS[kind][0](z))  # (2)
        ctx.save_for_backward(x, *thetas)
        ctx.plain, ctx.kinds, ctx.kept = plain, kinds, kept
        return kept[-1].mT

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Compute the gradients.

        Args:
            ctx: What was kept.
            *grads: The gradient of the outputs.

        Returns:
            None for what is not a tensor, the gradient of the inputs if wanted, and
            of all parameters.
        """
        (x, *thetas), g = ctx.saved_tensors, grads[0]
        wanted = ctx.needs_input_grad[2]
        if torch.is_grad_enabled():  # it will be differentiated again
            of = [x, *thetas] if wanted else thetas
            found = torch.autograd.grad(ctx.plain(x), of, g, create_graph=True)
            return (None, None, *(() if wanted else (None,)), *found)
        found, delta = [], g.mT
        for l in reversed(range(len(ctx.kinds))):
            a, W = ctx.kept[l : l + 2], thetas[2 * l]
            delta = ACTIVATIONS[ctx.kinds[l]][1](delta, a[1])
            found += [delta.sum(2), torch.bmm(delta, a[0].mT)]  # (3)
            if l or wanted:
                delta = torch.bmm(W.mT, delta)  # (4)
        return None, None, delta.mT if wanted else None, *reversed(found)


def chained(
    layers: Sequence[nn.Module], plain: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """Run linear maps and activations in turn as one operation, where they are that.

    Args:
        layers: The layers.
        plain: Runs them one by one; for everything else.

    Returns:
        Either a function that computes the same in less time, or ``plain``.
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

    def run(x: Tensor) -> Tensor:
        if x.dim() != 3 or any(layer._forward_hooks for layer in layers):
            return plain(x)
        return _Chain.apply(plain, kinds, x, *thetas)  # type: ignore[return-value]

    return run
