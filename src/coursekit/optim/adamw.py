r"""Shrink the weights beside Adam's update, not through it: AdamW.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    \hat m_t &= m_t / (1 - \beta_1^t) \qquad (3) \\
    \hat v_t &= v_t / (1 - \beta_2^t) \qquad (4) \\
    \Delta_t &= \eta_t\, \bigl(\hat m_t / (\sqrt{\hat v_t} + \epsilon)
    + \lambda_{wd}\, \theta_{t-1}\bigr) \qquad (5)

An L2 penalty would enter :math:`g_t`, and with it (1) and (2): weights with
large gradients would then be shrunk least. Here every weight is shrunk by the
same factor :math:`1 - \eta_t\lambda_{wd}` an update. The decay follows the
rate: halve η and the weights shrink half as fast, so that the two have to be
tuned together after all.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["AdamW", "adamw", "init", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = v_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros, "v": zeros}``.
    """
    return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 1e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 1e-2,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new averages.

    Args:
        g: Gradient :math:`g_t` of the loss without a penalty.
        state: :math:`m_{t-1}` and :math:`v_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0, in 1/parameter.
        variant: ``"paper"`` or ``"torch"``, one and the same.

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t`.

    Example:
        >>> theta = torch.tensor([2.0, 20.0])
        >>> delta, _ = update(
        ...     0 * theta, init(theta), theta, 1, lr=0.1, weight_decay=0.5
        ... )
        >>> theta - delta  # both times 1 - 0.1 * 0.5
        tensor([ 1.9000, 19.0000])

    Notes:
        In the paper the decay is the schedule times λ, without the rate α that
        multiplies Adam's part: its λ is :math:`\eta\lambda_{wd}` here. PyTorch
        and this package, in both variants, multiply the decay by the rate.

    References:
        Loshchilov, Hutter (2019), Decoupled weight decay regularization, arXiv
        1711.05101, algorithm 2.
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    m_hat = m / (1 - beta1**t)  # (3)
    v_hat = v / (1 - beta2**t)  # (4)
    delta = lr * (m_hat / (v_hat.sqrt() + eps) + weight_decay * theta)  # (5)
    return delta, {"m": m, "v": v}


adamw = Rule("adamw", init, update, {"variant": ("paper", "torch")})


class AdamW(RuleOptimizer):
    r"""Run AdamW as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0.
        variant: ``"paper"`` or ``"torch"`` (the same).
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = AdamW([theta], lr=0.25, weight_decay=0.0)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        0.75
    """

    rule = adamw

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        variant: str = "paper",
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "variant": variant}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
