r"""Divide by the root mean square of all past gradients, for comparison.

.. math::

    v_t &= v_{t-1} + (g_t^2 - v_{t-1}) / t \qquad (1) \\
    \sigma_t &= \sqrt{v_t} \qquad (2) \\
    \Delta_t &= \eta_t\, g_t / (\sigma_t + \epsilon) \qquad (3)

where (1) makes :math:`v_t` the mean of :math:`g_1^2, \dots, g_t^2`. Lecture
notes sometimes call this AdaGrad, but AdaGrad divides by the root of the
*sum*: it is this method with :math:`\eta_t = \eta/\sqrt t`. At a constant rate
the mean form does not let its step decay, and it forgets ever more slowly: the
millionth gradient weighs a millionth.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["RMSMean", "init", "rms_mean", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state without a past, :math:`v_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"v": zeros}``.
    """
    return {"v": torch.zeros_like(theta)}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 1e-2,
    eps: Scalar = 1e-10,
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new mean of squares.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`v_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        eps: ε ≥ 0, in units of the gradient.

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`v_t`.

    Example:
        >>> theta = torch.zeros(1)
        >>> state = init(theta)
        >>> for t, g in enumerate((3.0, 4.0), 1):
        ...     delta, state = update(torch.tensor([g]), state, theta, t, lr=1.0)
        >>> delta  # 4 / sqrt((9 + 16) / 2)
        tensor([1.1314])

    Notes:
        No paper proposes this method; it stands here beside the one that it is
        taken for, ``coursekit.optim.AdaGrad``.
    """
    v = state["v"] + (g.square() - state["v"]) / t  # (1)
    sigma = v.sqrt()  # (2)
    delta = lr * g / (sigma + eps)  # (3)
    return delta, {"v": v}


rms_mean = Rule("rms_mean", init, update)


class RMSMean(RuleOptimizer):
    r"""Run the root-mean-square method as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        eps: ε ≥ 0.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = RMSMean([theta], lr=0.25)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        0.75
    """

    rule = rms_mean

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        eps: float = 1e-10,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "eps": eps}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
