r"""Trust Adam's denominator only as far as its sample is long: RAdam.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    \hat m_t &= m_t / (1 - \beta_1^t) \qquad (3) \\
    \rho_\infty &= 2 / (1-\beta_2) - 1 \qquad (4) \\
    \rho_t &= \rho_\infty - 2 t \beta_2^t / (1-\beta_2^t) \qquad (5) \\
    r_t &= \sqrt{\frac{(\rho_t-4)(\rho_t-2)\,\rho_\infty}
    {(\rho_\infty-4)(\rho_\infty-2)\,\rho_t}} \qquad (6)

:math:`\rho_t` is the length of the sample behind :math:`v_t`. The variance of
:math:`1/\sqrt{v_t}` has an approximation only for :math:`\rho_t > 4`, that is
from t = 5 for the usual :math:`\beta_2`, and :math:`r_t` undoes its excess:

.. math::

    \Delta_t &= \eta_t\, r_t\, \hat m_t \frac{\sqrt{1-\beta_2^t}}
    {\sqrt{v_t} + \epsilon} \quad\text{if } \rho_t > 4 \qquad (7) \\
    \Delta_t &= \eta_t\, \hat m_t \quad\text{otherwise} \qquad (8)

The first updates are thus SGD with momentum at Adam's rate, which is usually
tiny for it, and :math:`r_t` grows from 0.017 to 1 like a warm-up. With
:math:`\beta_2 \le 0.6`, :math:`\rho_t` never passes 4 and (7) is never used.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["RAdam", "init", "radam", "rectifier", "update"]

THRESHOLD = {"paper": 4.0, "torch": 5.0}


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = v_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros, "v": zeros}``.
    """
    return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}


def rectifier(t: int, beta2: Scalar, *, threshold: float = 4.0) -> Scalar:
    r"""Return :math:`r_t`, or 0 where :math:`\rho_t` does not pass the threshold.

    Args:
        t: Number of the update, from 1.
        beta2: Decay :math:`\beta_2` in [0, 1).
        threshold: 4 in the paper, 5 in torch; at least 4.

    Returns:
        A number, or a tensor where ``beta2`` is one.

    Example:
        >>> [round(rectifier(t, 0.999), 4) for t in (4, 5, 100, 1000)]
        [0, 0.0173, 0.2153, 0.6453]
    """
    rho_inf = 2 / (1 - beta2) - 1  # (4)
    rho_t = rho_inf - 2 * t * beta2**t / (1 - beta2**t)  # (5)
    usable = rho_t > threshold
    if isinstance(usable, Tensor):
        rho_t, rho_inf = (torch.where(usable, x, 5.0) for x in (rho_t, rho_inf))
    elif not usable:
        return 0
    above, below = (rho_t - 4) * (rho_t - 2), (rho_inf - 4) * (rho_inf - 2)
    rect = (above * rho_inf / (below * rho_t)) ** 0.5  # (6)
    return rect * usable


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
        state: :math:`m_{t-1}` and :math:`v_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        variant: ``"paper"`` as above, ``"torch"`` with 5 in the place of 4.

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t`.

    Example:
        >>> theta, g = torch.zeros(1), torch.tensor([5.0])
        >>> state = init(theta)
        >>> for t in range(1, 6):
        ...     delta, state = update(g, state, theta, t, lr=1.0)
        ...     print(f"{delta.item():.4f}", end=" ")
        5.0000 5.0000 5.0000 5.0000 0.0173

    Notes:
        ``torch.optim.RAdam`` waits for :math:`\rho_t > 5`, one update longer.
        The paper's (7) has no ε; torch adds it where it stands here.

    References:
        Liu, Jiang, He, Chen, Liu, Gao, Han (2020), On the variance of the
        adaptive learning rate and beyond, arXiv 1908.03265, algorithm 2.
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    m_hat = m / (1 - beta1**t)  # (3)
    rect = rectifier(t, beta2, threshold=THRESHOLD[variant])
    if isinstance(rect, Tensor) or rect > 0:
        correction = (1 - beta2**t) ** 0.5
        delta = lr * rect * m_hat * correction / (v.sqrt() + eps)  # (7)
        if isinstance(rect, Tensor):
            delta = torch.where(rect > 0, delta, lr * m_hat)
    else:
        delta = lr * m_hat  # (8)
    return delta, {"m": m, "v": v}


radam = Rule("radam", init, update, {"variant": ("paper", "torch")})


class RAdam(RuleOptimizer):
    r"""Run RAdam as a ``torch.optim.Optimizer``.

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
        >>> optimizer = RAdam([theta], lr=0.25)
        >>> (2 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        0.5
    """

    rule = radam

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
