r"""Keep part of the last movement: momentum, in its three conventions.

Velocity form, the default, in which the movement itself is remembered:

.. math::

    m_t &= \mu\, m_{t-1} + \eta_t\, g_t \qquad (1) \\
    \Delta_t &= m_t \qquad (2)

PyTorch's form remembers gradients and multiplies by the rate afterwards:

.. math::

    m_t &= \mu\, m_{t-1} + g_t \qquad (3) \\
    \Delta_t &= \eta_t\, m_t \qquad (4)

and the average (EMA) form, the first moment of Adam, weighs them to sum 1:

.. math::

    m_t &= \mu\, m_{t-1} + (1-\mu)\, g_t \qquad (5) \\
    \Delta_t &= \eta_t\, m_t \qquad (6)

all with :math:`m_0 = 0`. At a constant rate the first two are the same method,
and the third is the same with :math:`1-\mu` times the rate. When the rate
falls, PyTorch's form slows at once; the velocity form coasts on for about
:math:`1/(1-\mu)` updates. Momentum can coast through a shallow minimum or a
plateau; nothing guarantees it.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["SGDM", "init", "sgdm", "update"]


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
    convention: str = "velocity",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new :math:`m_t`.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`m_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1; not used.
        lr: Learning rate η ≥ 0, in parameter²/loss.
        momentum: Coefficient μ in [0, 1).
        convention: ``"velocity"`` for (1) and (2), ``"torch"`` for (3) and
            (4), ``"ema"`` for (5) and (6).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t`.

    Example:
        >>> theta = torch.zeros(1)
        >>> state = init(theta)
        >>> for t in (1, 2, 3):
        ...     delta, state = update(1 + theta, state, theta, t, lr=1, momentum=0.5)
        >>> delta
        tensor([1.7500])

    Notes:
        ``torch.optim.SGD(momentum=mu)`` is ``convention="torch"``. With
        ``dampening=mu`` it is the EMA form but for the first update, which
        torch does not damp.

    References:
        Polyak (1964), Some methods of speeding up the convergence of iteration
        methods, USSR Comput. Math. Math. Phys. 4(5), 1–17.
        Sutskever, Martens, Dahl, Hinton (2013), On the importance of
        initialization and momentum in deep learning, ICML, eq. 1 and 2.
    """
    m, mu = state["m"], momentum
    if convention == "velocity":
        m = mu * m + lr * g  # (1)
        delta = m  # (2)
    elif convention == "torch":
        m = mu * m + g  # (3)
        delta = lr * m  # (4)
    else:
        m = mu * m + (1 - mu) * g  # (5)
        delta = lr * m  # (6)
    return delta, {"m": m}


sgdm = Rule("sgdm", init, update, {"convention": ("velocity", "torch", "ema")})


class SGDM(RuleOptimizer):
    r"""Run SGD with momentum as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        momentum: Coefficient μ in [0, 1).
        convention: ``"velocity"``, ``"torch"`` or ``"ema"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = SGDM([theta], lr=0.1, momentum=0.9)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     theta.sum().backward()
        ...     optimizer.step()
        >>> round(theta.item(), 6)
        0.71
    """

    rule = sgdm

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        momentum: float = 0.9,
        *,
        convention: str = "velocity",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum, "convention": convention}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
