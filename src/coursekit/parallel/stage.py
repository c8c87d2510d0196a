r"""Hold a part of a model that knows its neighbours only by what they send.

Let the model be a chain of S stages. Stage s receives the activation of the
stage before and sends its own; on the way back it receives the gradient of the
loss in what it sent and sends that in what it had received:

.. math::

    a^s &= f_s(a^{s-1}, \theta^s) \qquad (1) \\
    \delta^{s-1} &= \Bigl(\frac{\partial a^s}{\partial a^{s-1}}\Bigr)^\top
    \delta^s \qquad (2) \\
    G^s &= \Bigl(\frac{\partial a^s}{\partial \theta^s}\Bigr)^\top
    \delta^s \qquad (3)

with :math:`a^0 = x` and :math:`\delta^S = \partial L / \partial a^S`. No other
number crosses the cut: neither parameters nor their gradients. So the cut may
lie between two devices or two machines, and the gradients are those of the
whole model, by the chain rule.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..probes.quiet import Loss
from .shards import Gradients

__all__ = ["Stage", "loss_signal"]


class _Kept(NamedTuple):
    received: Tensor
    sent: Tensor


class Stage:
    r"""Run a part of a model forward and backward, one message at a time.

    Args:
        part: The part :math:`f_s`; its parameters are shared, not copied.
        device: Where it computes; None leaves it where it is.

    Attributes:
        grads: :math:`G^s` by name, summed over the backward passes so far.

    Example:
        >>> stage = Stage(nn.Linear(2, 1, bias=False))
        >>> a = stage.forward("first", torch.tensor([[1.0, 2.0]]))
        >>> delta = stage.backward("first", torch.tensor([[10.0]]))
        >>> stage.grads["weight"]
        tensor([[10., 20.]])

    References:
        Huang et al. (2019), GPipe, arXiv 1811.06965, section 2.
    """

    def __init__(
        self, part: nn.Module, device: torch.device | str | None = None
    ) -> None:
        self.part = part if device is None else part.to(device)
        self.device = device
        self.params = {n: p for n, p in part.named_parameters() if p.requires_grad}
        self.grads: Gradients = {n: torch.zeros_like(p) for n, p in self.params.items()}
        self.kept: dict[object, _Kept] = {}

    def forward(self, key: object, received: Tensor) -> Tensor:
        r"""Return :math:`a^s` and keep what the way back needs.

        Args:
            key: A name for this pass, e.g. the number of the micro-batch.
            received: :math:`a^{s-1}`.

        Returns:
            The message to the next stage, without a graph.

        Raises:
            ValueError: If a pass of this name has not come back yet.
        """
        if key in self.kept:
            raise ValueError(f"key: expected a new name, got {key!r} a second time")
        a = received.detach().to(self.device)
        if a.is_floating_point():  # indices of an embedding have no gradient
            a.requires_grad_(True)
        buffers = {n: b.clone() for n, b in self.part.named_buffers()}
        with torch.enable_grad():
            out = functional_call(self.part, buffers, (a,))  # (1)
        self.kept[key] = _Kept(a, out)
        return out.detach()

    def backward(self, key: object, delta: Tensor) -> Tensor | None:
        r"""Add to :math:`G^s` and return :math:`\delta^{s-1}`.

        Args:
            key: The name of the forward pass.
            delta: :math:`\delta^s`.

        Returns:
            The message to the stage before; None if it sent indices.

        Raises:
            ValueError: If no forward pass has this name.
        """
        if key not in self.kept:
            raise ValueError(
                f"key: expected one of {list(self.kept)}, got {key!r}; backward comes "
                "after the forward pass of the same name, once"
            )
        a, out = self.kept.pop(key)
        wanted = [*([a] if a.requires_grad else []), *self.params.values()]
        if not wanted or not out.requires_grad:
            return torch.zeros_like(a) if a.requires_grad else None
        results = torch.autograd.grad(
            out, wanted, delta.to(out), allow_unused=True, materialize_grads=True
        )
        back = results[0] if a.requires_grad else None  # (2)
        for name, G in zip(
            self.params, results[len(wanted) - len(self.params) :], strict=True
        ):
            self.grads[name] = self.grads[name] + G  # (3)
        return back


def loss_signal(output: Tensor, y: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    r"""Return :math:`\delta^S = \partial L/\partial a^S`, where the way back begins.

    Args:
        output: :math:`a^S`, what the last stage sent.
        y: Targets.
        loss: ``loss(output, y)``, a scalar.

    Returns:
        :math:`\delta^S` and L.

    Raises:
        ValueError: If the loss is not a scalar.

    Example:
        >>> loss_signal(torch.tensor([3.0]), None, lambda o, y: (o**2).sum())
        (tensor([6.]), tensor(9.))
    """
    leaf = output.detach().requires_grad_(True)
    with torch.enable_grad():
        value = loss(leaf, y if y is None else y.to(leaf.device))
    if value.ndim:
        raise ValueError(
            f"loss: expected a scalar, got shape {tuple(value.shape)}; take the mean "
            "over the batch"
        )
    return torch.autograd.grad(value, leaf)[0], value.detach()
