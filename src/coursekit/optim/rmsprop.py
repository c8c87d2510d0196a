r"""Divide by the root of a forgetting mean of squares: RMSProp.

.. math::

    v_t &= \alpha\, v_{t-1} + (1-\alpha)\, g_t^2 \qquad (1) \\
    \sigma_t &= \sqrt{v_t} \qquad (2) \\
    \Delta_t &= \eta_t\, g_t / (\sigma_t + \epsilon) \qquad (3)

Old squares fade with a memory of about :math:`1/(1-\alpha)` updates, so that
the step does not die as AdaGrad's does. What :math:`v_0` is decides the first
step: from :math:`v_0 = g_1^2` it is :math:`\eta\,\mathrm{sign}(g_1)`; from
:math:`v_0 = 0`, as in libraries, it is :math:`\eta/\sqrt{1-\alpha}`, ten times
larger for α = 0.99, since nothing corrects the bias.

PyTorch adds two options: :math:`\sigma` about the mean gradient, and momentum.

.. math::

    a_t &= \alpha\, a_{t-1} + (1-\alpha)\, g_t \qquad (4) \\
    \sigma_t &= \sqrt{v_t - a_t^2} \qquad (5) \\
    m_t &= \mu\, m_{t-1} + g_t / (\sigma_t + \epsilon) \qquad (6) \\
    \Delta_t &= \eta_t\, m_t \qquad (7)
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["RMSProp", "init", "rmsprop", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state without a past; the first update may replace it.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"v": zeros}``; options add ``"a"`` and ``"m"``.
    """
    return {"v": torch.zeros_like(theta)}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 1e-2,
    alpha: Scalar = 0.99,
    eps: Scalar = 1e-8,
    init: str = "g0",
    momentum: Scalar = 0.0,
    centered: bool = False,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new averages.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`v_{t-1}`, and :math:`a_{t-1}, m_{t-1}` where used.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        alpha: Decay α in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        init: ``"g0"`` for :math:`v_0 = g_1^2`, ``"zero"`` for 0.
        momentum: Coefficient μ in [0, 1) of (6).
        centered: Whether to use (4) and (5).
        variant: ``"paper"``, or ``"torch"`` for ``init="zero"`` whatever
            ``init`` says.

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`v_t`.

    Example:
        >>> theta, g = torch.zeros(2), torch.tensor([5.0, -0.01])
        >>> for first in ("g0", "zero"):
        ...     state = {"v": torch.zeros(2)}
        ...     print(update(g, state, theta, 1, lr=1.0, eps=0.0, init=first)[0])
        tensor([ 1., -1.])
        tensor([ 10.0000, -10.0000])

    Notes:
        The lecture that introduced the method gives (1) with α = 0.9 and
        (2), but neither :math:`v_0` nor ε. ``torch.optim.RMSprop`` starts from
        0. In (5), rounding may make the difference negative: here it is then 0,
        in torch the result is NaN.

    References:
        Tieleman, Hinton (2012), Lecture 6.5: rmsprop, Coursera: Neural networks
        for machine learning, for (1) and (2).
        Graves (2013), Generating sequences with recurrent neural networks,
        arXiv 1308.0850, eq. 38 to 45, for (4) to (7) with ε inside the root.
    """
    from_gradient = t == 1 and init == "g0" and variant == "paper"
    past = g.square() if from_gradient else state["v"]
    v = alpha * past + (1 - alpha) * g.square()  # (1)
    new = {"v": v}
    sigma = v.sqrt()  # (2)
    delta = lr * g / (sigma + eps)  # (3)
    if centered:
        a = alpha * state.get("a", 0.0) + (1 - alpha) * g  # (4)
        sigma = (v - a.square()).clamp_min(0).sqrt()  # (5)
        new["a"] = a
    if centered or isinstance(momentum, Tensor) or momentum > 0:
        m = momentum * state.get("m", 0.0) + g / (sigma + eps)  # (6)
        delta = lr * m  # (7)
        new["m"] = m
    return delta, new


CHOICES = {"init": ("g0", "zero"), "variant": ("paper", "torch")}
rmsprop = Rule("rmsprop", init, update, CHOICES)


class RMSProp(RuleOptimizer):
    r"""Run RMSProp as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        alpha: Decay α in [0, 1).
        eps: ε ≥ 0.
        init: ``"g0"`` or ``"zero"``.
        momentum: Coefficient μ in [0, 1).
        centered: Whether σ is about the mean gradient.
        variant: ``"paper"`` or ``"torch"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = RMSProp([theta], lr=0.25)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        0.75
    """

    rule = rmsprop

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        *,
        init: str = "g0",
        momentum: float = 0.0,
        centered: bool = False,
        variant: str = "paper",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "alpha": alpha, "eps": eps, "init": init}
        hyper |= {"momentum": momentum, "centered": centered, "variant": variant}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
