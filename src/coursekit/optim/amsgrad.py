r"""Let Adam's denominator only grow: AMSGrad.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    v^{max}_t &= \max(v^{max}_{t-1}, v_t) \qquad (3) \\
    \Delta_t &= \eta_t\, m_t / (\sqrt{v^{max}_t} + \epsilon) \qquad (4)

A rare large gradient is remembered by (3) after Adam has forgotten it, so that
the many small ones that follow cannot outvote it. That repairs Adam's proof of
convergence. As published there is no bias correction. The price is AdaGrad's:
the rate of a parameter never recovers from one outlier; but it follows a
running maximum, not a sum, and need not go to zero. PyTorch keeps Adam's
corrections around the maximum:

.. math::

    \hat m_t &= m_t / (1 - \beta_1^t) \qquad (5) \\
    \hat v_t &= v^{max}_t / (1 - \beta_2^t) \qquad (6) \\
    \Delta_t &= \eta_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon) \qquad (7)

There the denominator can shrink while :math:`1 - \beta_2^t` still grows.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["AMSGrad", "amsgrad", "init", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = v_0 = v^{max}_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros, "v": zeros, "v_max": zeros}``.
    """
    return {name: torch.zeros_like(theta) for name in ("m", "v", "v_max")}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 1e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    eps: Scalar = 1e-8,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new averages.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`m_{t-1}`, :math:`v_{t-1}` and :math:`v^{max}_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        variant: ``"paper"`` for (4), ``"torch"`` for (5) to (7).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t, v^{max}_t`.

    Example:
        >>> theta, g = torch.zeros(1), torch.tensor([5.0])
        >>> update(g, init(theta), theta, 1, lr=1.0)[0]  # 0.1 / sqrt(0.001)
        tensor([3.1623])
        >>> update(g, init(theta), theta, 1, lr=1.0, variant="torch")[0]
        tensor([1.])

    Notes:
        ``torch.optim.Adam(amsgrad=True)`` is ``variant="torch"``. The paper
        divides by the root alone; ε = 0 gives that, and 0/0 for a parameter
        that never had a gradient. Its projection onto a feasible set is left
        to the caller.

    References:
        Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, arXiv
        1904.09237, algorithm 2 for (1) to (4).
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    v_max = torch.maximum(state["v_max"], v)  # (3)
    if variant == "paper":
        delta = lr * m / (v_max.sqrt() + eps)  # (4)
    else:
        m_hat = m / (1 - beta1**t)  # (5)
        v_hat = v_max / (1 - beta2**t)  # (6)
        delta = lr * m_hat / (v_hat.sqrt() + eps)  # (7)
    return delta, {"m": m, "v": v, "v_max": v_max}


amsgrad = Rule("amsgrad", init, update, {"variant": ("paper", "torch")})


class AMSGrad(RuleOptimizer):
    r"""Run AMSGrad as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        variant: ``"paper"`` or ``"torch"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = AMSGrad([theta], lr=0.25, variant="torch")
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        0.75
    """

    rule = amsgrad

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        variant: str = "paper",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "variant": variant}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
