r"""Shrink the weights beside the movement of momentum: SGDW.

.. math::

    m_t &= \mu\, m_{t-1} + \eta_t\, g_t \qquad (1) \\
    \Delta_t &= m_t + \eta_t\, \lambda_{wd}\, \theta_{t-1} \qquad (2)

with :math:`m_0 = 0`. Without momentum this is SGD with an L2 penalty. With
momentum the penalty would be remembered and act :math:`1/(1-\mu)` times; here
every weight is shrunk by :math:`1 - \eta_t\lambda_{wd}` an update, whatever μ
is. The points of rest are the same for an L2 coefficient of
:math:`(1-\mu)\lambda_{wd}`; the ways there differ.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["SGDW", "init", "sgdw", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros}``.
    """
    return {"m": torch.zeros_like(theta)}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar,
    momentum: Scalar = 0.9,
    weight_decay: Scalar = 1e-2,
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new movement :math:`m_t`.

    Args:
        g: Gradient :math:`g_t` of the loss without a penalty.
        state: :math:`m_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`.
        t: Number of the update, from 1; not used.
        lr: Learning rate η ≥ 0, in parameter²/loss.
        momentum: Coefficient μ in [0, 1); 0 is SGDW without momentum.
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0, in loss/parameter².

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t`.

    Example:
        >>> theta = torch.tensor([2.0])
        >>> delta, _ = update(
        ...     0 * theta, init(theta), theta, 1, lr=0.1, weight_decay=0.5
        ... )
        >>> theta - delta
        tensor([1.9000])

    Notes:
        In the paper the decay is the schedule times λ, without the rate; here
        it is multiplied by the rate, as PyTorch does in AdamW. PyTorch has no
        SGDW: ``torch.optim.SGD(weight_decay=...)`` is the L2 penalty.

    References:
        Loshchilov, Hutter (2019), Decoupled weight decay regularization, arXiv
        1711.05101, algorithm 1.
    """
    m = momentum * state["m"] + lr * g  # (1)
    delta = m + lr * weight_decay * theta  # (2)
    return delta, {"m": m}


sgdw = Rule("sgdw", init, update)


class SGDW(RuleOptimizer):
    r"""Run SGDW, with momentum, as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        momentum: Coefficient μ in [0, 1).
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([2.0]))
        >>> optimizer = SGDW([theta], lr=0.1, weight_decay=0.5)
        >>> theta.sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        1.8
    """

    rule = sgdw

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
