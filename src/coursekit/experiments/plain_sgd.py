r"""Plain SGD, for runs so short that the start of `torch.optim` would show.

At its first step an optimizer of `torch.optim` imports torch's compiler, which takes a
second. The rule is the same, operation by operation, so are the numbers:

.. math:: v \leftarrow \mu v + g \qquad (1) \\
    \theta \leftarrow \theta - \eta v \qquad (2)
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class PlainSGD:
    """Change parameters in place, against their gradients.

    Args:
        parameters: The tensors; one without a gradient is left alone.
        lr: Learning rate η.
        momentum: Coefficient μ.

    Example:
        >>> p = torch.ones(1, requires_grad=True)
        >>> p.square().sum().backward()
        >>> PlainSGD([p], lr=0.25).step()
        >>> p.item()
        0.5
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.0):
        self.parameters = list(parameters)
        self.lr, self.momentum = lr, momentum
        self.velocity: dict[int, Tensor] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Make one update."""
        for k, p in enumerate(self.parameters):
            if p.grad is None:
                continue
            v = p.grad
            if self.momentum:
                if k in self.velocity:
                    self.velocity[k].mul_(self.momentum).add_(v)  # (1)
                else:
                    self.velocity[k] = v.clone()
                v = self.velocity[k]
            p.add_(v, alpha=-self.lr)  # (2)
