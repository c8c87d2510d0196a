r"""Take the gradient where momentum is about to carry the parameters.

Nesterov's method looks ahead by the coming momentum step:

.. math::

    g_t &= \nabla L(\theta_{t-1} - \mu\, m_{t-1}) \qquad (1) \\
    m_t &= \mu\, m_{t-1} + \eta_t\, g_t \qquad (2) \\
    \theta_t &= \theta_{t-1} - m_t \qquad (3)

An optimizer is given the gradient at the parameters it holds, not elsewhere.
So let it hold the look-ahead point :math:`\theta'_t = \theta_t - \mu m_t`.
Then :math:`g_t = \nabla L(\theta'_{t-1})`, and from (2) and (3)

.. math::

    m_t &= \mu\, m_{t-1} + \eta_t\, g_t \qquad (4) \\
    \Delta_t &= \mu\, m_t + \eta_t\, g_t \qquad (5)

with :math:`\theta'_t = \theta'_{t-1} - \Delta_t`. PyTorch's form again
multiplies by the rate last, which differs only when the rate varies:

.. math::

    m_t &= \mu\, m_{t-1} + g_t \qquad (6) \\
    \Delta_t &= \eta_t\, (\mu\, m_t + g_t) \qquad (7)

The network that training leaves behind is the one at :math:`\theta'`; the
point of (3) is :math:`\theta_T = \theta'_T + \mu m_T`, and near a minimum
both agree. On noisy gradients the acceleration is not guaranteed.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["NAG", "init", "nag", "nag_look_ahead", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = 0`; there :math:`\theta'_0 = \theta_0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros}``.
    """
    return {"m": torch.zeros_like(theta)}


def nag_look_ahead(
    gradient: Callable[[Tensor], Tensor],
    theta: Float[Tensor, "*models p"],
    m: Float[Tensor, "*models p"],
    *,
    lr: Scalar,
    momentum: Scalar = 0.9,
) -> tuple[Float[Tensor, "*models p"], Float[Tensor, "*models p"]]:
    r"""Take one step of the look-ahead form, equations (1) to (3).

    Args:
        gradient: The function :math:`\nabla L`.
        theta: Parameters :math:`\theta_{t-1}`.
        m: Movement :math:`m_{t-1}`; zeros at the start.
        lr: Learning rate η ≥ 0, in parameter²/loss.
        momentum: Coefficient μ in [0, 1).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\theta_t` and :math:`m_t`.

    Example:
        >>> theta, m = torch.tensor([1.0]), torch.tensor([0.5])
        >>> nag_look_ahead(lambda at: 2 * at, theta, m, lr=0.25, momentum=0.5)
        (tensor([0.3750]), tensor([0.6250]))

    References:
        Sutskever, Martens, Dahl, Hinton (2013), ICML, eq. 3 and 4.
    """
    mu = momentum
    g = gradient(theta - mu * m)  # (1)
    m = mu * m + lr * g  # (2)
    theta = theta - m  # (3)
    return theta, m


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar,
    momentum: Scalar = 0.9,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` of the form with one gradient at :math:`\theta'`.

    Args:
        g: Gradient :math:`g_t` at the parameters held, :math:`\theta'_{t-1}`.
        state: :math:`m_{t-1}`.
        theta: :math:`\theta'_{t-1}`; not used.
        t: Number of the update, from 1; not used.
        lr: Learning rate η ≥ 0, in parameter²/loss.
        momentum: Coefficient μ in [0, 1).
        variant: ``"paper"`` for (4) and (5), ``"torch"`` for (6) and (7).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t`.

    Example:
        >>> theta = torch.tensor([1.0])
        >>> delta, _ = update(2 * theta, init(theta), theta, 1, lr=0.25, momentum=0.5)
        >>> delta
        tensor([0.7500])

    Notes:
        ``variant="torch"`` is ``torch.optim.SGD(momentum=mu, nesterov=True)``.
        Where μ itself varies, the exact change of variable uses the coming
        coefficient, :math:`\theta'_t = \theta_t - \mu_{t+1} m_t`; (5), like
        torch, uses the present one.

    References:
        Nesterov (1983), A method for solving the convex programming problem
        with convergence rate O(1/k²), Dokl. Akad. Nauk SSSR 269, 543–547.
        Bengio, Boulanger-Lewandowski, Pascanu (2013), Advances in optimizing
        recurrent networks, arXiv 1212.0901, § 3.5 (change of variable).
    """
    m, mu = state["m"], momentum
    if variant == "paper":
        m = mu * m + lr * g  # (4)
        delta = mu * m + lr * g  # (5)
    else:
        m = mu * m + g  # (6)
        delta = lr * (mu * m + g)  # (7)
    return delta, {"m": m}


nag = Rule("nag", init, update, {"variant": ("paper", "torch")})


class NAG(RuleOptimizer):
    r"""Run Nesterov's method as a ``torch.optim.Optimizer``.

    The parameters it holds are the look-ahead points :math:`\theta'`.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        momentum: Coefficient μ in [0, 1).
        variant: ``"paper"`` or ``"torch"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = NAG([theta], lr=0.25, momentum=0.5)
        >>> theta.square().sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        0.25
    """

    rule = nag

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        momentum: float = 0.9,
        *,
        variant: str = "paper",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum, "variant": variant}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
