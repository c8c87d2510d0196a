r"""Measure how much the loss varies along the gradient.

.. math::

    R = \max_\eta L(\theta - \eta g) - \min_\eta L(\theta - \eta g) \qquad (1)

A small range over step sizes that differ by a factor of eight says that
neither the smallest is a waste nor the largest a disaster: the learning rate
need not be right to the digit. A plain deep net overshoots, and its loss at
the far end is many times that at the near one. A net that is stuck has a
small range as well: compare nets that train.
"""

from typing import NamedTuple

from .gradient_path import GradientPath

__all__ = ["LossRange", "loss_range"]


class LossRange(NamedTuple):
    r"""Hold the extremes of the loss on the walk.

    Attributes:
        low: Smallest loss.
        high: Largest loss; infinite if a step diverged.
        width: R of equation (1).
    """

    low: float
    high: float
    width: float


def loss_range(path: GradientPath) -> LossRange:
    r"""Return the range of the loss over the step sizes of a walk.

    Args:
        path: What ``gradient_path`` returned; its starting point is not part
            of the range.

    Returns:
        Lowest and highest loss and their difference, in the loss's unit. A
        NaN on the way counts as an infinite loss.

    Example:
        >>> import torch
        >>> from .gradient_path import GradientPath
        >>> losses = torch.tensor([0.5, 0.2, 0.9])
        >>> path = GradientPath(torch.ones(3), losses, torch.ones(3), 1.0, 1.0)
        >>> round(loss_range(path).width, 3)
        0.7

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), arXiv 1805.11604, figure 4(a).
    """
    losses = path.losses.nan_to_num(nan=float("inf"), posinf=float("inf"))
    low, high = losses.min().item(), losses.max().item()
    width = high - low if low < float("inf") else float("inf")  # (1)
    return LossRange(low, high, width)
