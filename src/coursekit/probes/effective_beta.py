r"""Estimate how fast the gradient changes: the smoothness along the gradient.

A function is β-smooth if its gradient changes by at most β times the distance.
Along the one line that gradient descent takes:

.. math::

    \beta_{eff} = \max_\eta
    \frac{\|\nabla L(\theta) - \nabla L(\theta - \eta g)\|}{\|\eta g\|}
    \qquad (1)

This is a lower bound of β, for one direction and a few distances; in a quadratic
it is at most the largest eigenvalue of the Hessian in size. Where β is known,
every step of gradient descent with η below 2/β lowers the loss, and on a quadratic
larger ones diverge. A smaller value therefore speaks for larger steps; a lower
bound of β guarantees none.
"""

import torch

from .gradient_path import GradientPath

__all__ = ["effective_beta"]


def effective_beta(path: GradientPath) -> float:
    r"""Return the largest change of the gradient per distance on a walk.

    Args:
        path: What ``gradient_path`` returned.

    Returns:
        :math:`\beta_{eff}`, in loss/parameter²; infinite if a step diverged.

    Example:
        >>> import torch
        >>> from .gradient_path import GradientPath
        >>> eta, D = torch.tensor([0.1, 0.2]), torch.tensor([0.5, 0.8])
        >>> round(effective_beta(GradientPath(eta, D, D, 1.0, 1.0)), 3)
        5.0

    Notes:
        The maximum is over the distances, not over the training: the paper
        plots one such number for every step of the training. It has a unit,
        and the distances shrink with the gradient: two nets compare fairly
        only where both still train and their losses have the same scale.

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), arXiv 1805.11604, figure 4(c).
    """
    distance = path.steps * path.grad_norm
    beta = (path.differences / distance).max()  # (1)
    return float("inf") if bool(torch.isnan(beta)) else beta.item()
