r"""Hold a loss that is a function of a model alone: its data stand still.

Whoever measures the curvature of a loss needs the same loss at every call, not that of
the next batch.  ``Fit`` keeps a set of examples; ``Bowl`` needs none and has a Hessian
that is known beforehand.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

__all__ = ["Bowl", "Fit"]


class Fit(nn.Module):
    r"""Return the mean cross-entropy of a model on kept examples, times a factor.

    Args:
        x: Inputs ``[n, *]``.
        y: Labels ``[n]``.
        factor: What the loss is multiplied by; -1 turns hills into valleys.

    Example:
        >>> loss = Fit(torch.zeros(4, 2), torch.zeros(4, dtype=torch.long))
        >>> round(loss(nn.Linear(2, 3, bias=False)).item(), 4)  # ln 3
        1.0986
    """

    x: Tensor
    y: Tensor

    def __init__(self, x: Tensor, y: Tensor, factor: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("x", x)
        self.register_buffer("y", y)
        self.factor = factor

    def forward(self, model: nn.Module) -> Tensor:
        """Return the loss.

        Args:
            model: Any classifier of these inputs.

        Returns:
            A scalar with its graph.
        """
        return self.factor * cross_entropy(model(self.x), self.y)


class Bowl(nn.Module):
    r"""Return :math:`\tfrac12 \theta^\top H \theta` of a model's parameters θ.

    Args:
        hessian: H, symmetric.

    Shape:
        ``[p, p]`` with p the number of the model's parameters.

    Example:
        >>> model = nn.Linear(2, 1, bias=False)
        >>> _ = nn.init.ones_(model.weight)
        >>> Bowl(torch.tensor([[2.0, 0.0], [0.0, -4.0]]))(model).item()
        -1.0
    """

    hessian: Tensor

    def __init__(self, hessian: Float[Tensor, "p p"]) -> None:
        super().__init__()
        self.register_buffer("hessian", hessian)

    def forward(self, model: nn.Module) -> Tensor:
        """Return the loss.

        Args:
            model: Any module with p parameters.

        Returns:
            A scalar with its graph.
        """
        theta = torch.cat([p.flatten() for p in model.parameters()])
        return theta @ (self.hessian @ theta) / 2
