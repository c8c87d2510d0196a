r"""Divide an average of the gradient by an average of its size.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    \hat m_t &= m_t / (1 - \beta_1^t) \qquad (3) \\
    \hat v_t &= v_t / (1 - \beta_2^t) \qquad (4) \\
    \Delta_t &= \eta_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon) \qquad (5)

with :math:`m_0 = v_0 = 0`. Divisions (3) and (4) correct the bias towards
that zero: without them the first update would be
:math:`(1-\beta_1)/\sqrt{1-\beta_2} \approx 3.2` times the rate instead of 1.
The paper also gives a cheaper order of the same operations, which TensorFlow
adopted and which changes the meaning of :math:`\epsilon`:

.. math::

    \Delta_t &= \eta_t \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}\,
    \frac{m_t}{\sqrt{v_t} + \hat\epsilon} \qquad (6)

that is, (5) with :math:`\epsilon = \hat\epsilon/\sqrt{1-\beta_2^t}`: 32 times
larger in the first update. The size of a gradient counts for little: a rare
large one is scaled down to the size of frequent small ones, which can then
win although they sum to less, so that convergence can fail even on a convex
problem (Reddi et al. 2018).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["Adam", "adam", "init", "update"]


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
        variant: ``"paper"`` or ``"torch"`` for (1) to (5), ``"eps_hat"`` for
            (6) in place of (3) to (5).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t`.

    Example:
        >>> theta = torch.zeros(2)
        >>> g = torch.tensor([5.0, -0.01])
        >>> delta, _ = update(g, init(theta), theta, 1, lr=0.1, eps=0.0)
        >>> delta
        tensor([ 0.1000, -0.1000])

    Notes:
        ``torch.optim.Adam`` computes (1) to (5) in another order, so
        ``"paper"`` and ``"torch"`` are one and the same here; they agree with
        it to rounding. ``"eps_hat"`` is Keras's and TensorFlow's form.

    References:
        Kingma, Ba (2015), Adam: a method for stochastic optimization, arXiv
        1412.6980, algorithm 1 for (1) to (5), end of § 2 for (6).
        Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, arXiv
        1904.09237.
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    m_hat = m / (1 - beta1**t)  # (3)
    v_hat = v / (1 - beta2**t)  # (4)
    delta = lr * m_hat / (v_hat.sqrt() + eps)  # (5)
    if variant == "eps_hat":
        scale = (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        delta = lr * scale * m / (v.sqrt() + eps)  # (6)
    return delta, {"m": m, "v": v}


adam = Rule("adam", init, update, {"variant": ("paper", "torch", "eps_hat")})


class Adam(RuleOptimizer):
    r"""Run Adam as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        variant: ``"paper"``, ``"torch"`` (the same) or ``"eps_hat"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adam([theta], lr=0.25)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        0.75
    """

    rule = adam

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
