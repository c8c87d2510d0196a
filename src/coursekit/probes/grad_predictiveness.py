r"""Measure how well the gradient predicts the gradients ahead.

.. math::

    D_\eta &= \|\nabla L(\theta) - \nabla L(\theta - \eta g)\| \qquad (1) \\
    d_\eta &= D_\eta / \|g\| \qquad (2)

A linear loss has d = 0: its gradient holds everywhere. At d = 1 what has been
added to the gradient is as large as the gradient. The paper plots (1), whose
unit depends on the scale of the loss; (2) compares nets whose gradients have
different sizes, as nets with and without normalization do.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from .gradient_path import GradientPath

__all__ = ["Predictiveness", "grad_predictiveness"]


class Predictiveness(NamedTuple):
    r"""Hold the change of the gradient on the walk; the smaller, the better.

    Attributes:
        absolute: :math:`D_\eta`, one number a step size.
        relative: :math:`d_\eta`, one number a step size.
        largest: The largest :math:`d_\eta`; infinite if a step diverged.
    """

    absolute: Float[Tensor, " steps"]
    relative: Float[Tensor, " steps"]
    largest: float


def grad_predictiveness(path: GradientPath) -> Predictiveness:
    r"""Return the change of the gradient over the step sizes of a walk.

    Args:
        path: What ``gradient_path`` returned.

    Returns:
        Absolute and relative change at every step size.

    Example:
        >>> import torch
        >>> from .gradient_path import GradientPath
        >>> one = torch.ones(2)
        >>> path = GradientPath(one, one, torch.tensor([1.0, 3.0]), 1.0, 2.0)
        >>> grad_predictiveness(path).relative.tolist()
        [0.5, 1.5]

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), arXiv 1805.11604, figure 4(b).
    """
    D = path.differences.nan_to_num(nan=float("inf"), posinf=float("inf"))  # (1)
    d = D / path.grad_norm  # (2)
    return Predictiveness(D, d, d.max().item())
