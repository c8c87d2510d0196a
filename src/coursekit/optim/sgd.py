r"""Go down the gradient of a mini-batch.

.. math::

    \Delta_t &= \eta_t\, g_t, \qquad g_t = \nabla L_{B_t}(\theta_{t-1}) \qquad (1)

The update is that of gradient descent; what differs is the gradient, an
unbiased estimate of :math:`\nabla L` from the batch :math:`B_t`. Its noise
does not vanish at a minimum: at a fixed rate the parameters go on wandering,
with a spread of order :math:`\sqrt\eta`. So the norm of one batch's gradient
says nothing about having arrived. Stop on a budget or on validation loss, and
let :math:`\eta_t` fall.
"""

from dataclasses import replace

from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .gd import gd

__all__ = ["SGD", "sgd"]

sgd = replace(gd, name="sgd")  # (1)


class SGD(RuleOptimizer):
    r"""Run stochastic gradient descent as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is negative or not finite.

    Example:
        >>> import torch
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = SGD([theta], lr=0.5)
        >>> theta.square().sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        0.0

    Notes:
        ``torch.optim.SGD`` puts momentum, Nesterov's form and weight decay
        behind options of one class; here each is a method with a page.

    References:
        Robbins, Monro (1951), A stochastic approximation method, Annals of
        Mathematical Statistics 22, 400–407.
    """

    rule = sgd

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
