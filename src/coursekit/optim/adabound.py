r"""Clip Adam's rate between bounds that close in on SGD's: AdaBound.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    \eta^l_t &= \eta^* \Bigl(1 - \frac{1}{(1-\beta_2)\,t + 1}\Bigr) \qquad (3) \\
    \eta^u_t &= \eta^* \Bigl(1 + \frac{1}{(1-\beta_2)\,t}\Bigr) \qquad (4) \\
    \hat\eta_t &= \mathrm{clip}(\eta_t / (\sqrt{v_t} + \epsilon),
    \eta^l_t, \eta^u_t) \qquad (5) \\
    \Delta_t &= \hat\eta_t\, m_t / \sqrt t \qquad (6)

The bounds start as if there were none, :math:`(10^{-4}, 100)` for
:math:`\eta^* = 0.1`, and meet at the final rate :math:`\eta^*`: the method
begins as Adam and ends as SGD with momentum. They are made by hand and adapt
to nothing, and late in training η counts for nothing: once the bounds are
close, only :math:`\eta^*` matters. The factor :math:`1/\sqrt t` in (6) is what
the proof needs. The authors' program leaves it out and corrects the bias:

.. math::

    \hat\eta_t &= \mathrm{clip}\Bigl(\eta_t
    \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t} \frac{1}{\sqrt{v_t} + \epsilon},
    \eta^l_t, \eta^u_t\Bigr) \qquad (7) \\
    \Delta_t &= \hat\eta_t\, m_t \qquad (8)
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["AdaBound", "adabound", "bounds", "init", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = v_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros, "v": zeros}``.
    """
    return {"m": torch.zeros_like(theta), "v": torch.zeros_like(theta)}


def bounds(t: int, *, final_lr: Scalar, beta2: Scalar) -> tuple[Scalar, Scalar]:
    r"""Return :math:`\eta^l_t` and :math:`\eta^u_t` of (3) and (4).

    Args:
        t: Number of the update, from 1.
        final_lr: Final rate :math:`\eta^*` > 0.
        beta2: Decay :math:`\beta_2` in [0, 1); it sets the speed as well.

    Returns:
        The lower and the upper bound.

    Example:
        >>> [round(bound, 4) for bound in bounds(1000, final_lr=0.1, beta2=0.999)]
        [0.05, 0.2]
    """
    lower = final_lr * (1 - 1 / ((1 - beta2) * t + 1))  # (3)
    upper = final_lr * (1 + 1 / ((1 - beta2) * t))  # (4)
    return lower, upper


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 1e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    eps: Scalar = 1e-8,
    final_lr: Scalar = 0.1,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new averages.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`m_{t-1}` and :math:`v_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0 of Adam, in units of the parameter.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        final_lr: Final rate :math:`\eta^*` > 0 of SGD, in parameter²/loss.
        variant: ``"paper"`` for (5) and (6), ``"code"`` for (7) and (8).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t`.

    Example:
        >>> theta, g = torch.zeros(2), torch.tensor([1e-9, 1e9])
        >>> delta, state = update(g, init(theta), theta, 1)
        >>> (delta / state["m"]).tolist()  # clipped to both bounds
        [100.09..., 9.99...e-05]

    Notes:
        The paper's (5) has no ε. The authors' program makes the speed
        :math:`1-\beta_2` an argument of its own with the same default, and
        scales :math:`\eta^*` with the schedule of η; here ``final_lr`` stays.
        PyTorch has no AdaBound.

    References:
        Luo, Xiong, Liu, Sun (2019), Adaptive gradient methods with dynamic
        bound of learning rate, arXiv 1902.09843, algorithm 2 for (1), (2), (5),
        (6), § 4 for (3) and (4) with :math:`\eta^* = 0.1`.
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    lower, upper = bounds(t, final_lr=final_lr, beta2=beta2)
    if variant == "paper":
        rate = _clip(lr / (v.sqrt() + eps), lower, upper)  # (5)
        delta = rate * m / t**0.5  # (6)
    else:
        scale = (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        rate = _clip(lr * scale / (v.sqrt() + eps), lower, upper)  # (7)
        delta = rate * m  # (8)
    return delta, {"m": m, "v": v}


def _clip(rate: Tensor, lower: Scalar, upper: Scalar) -> Tensor:
    # torch clamps between two numbers or two tensors, not a mixture.
    if isinstance(lower, Tensor) or isinstance(upper, Tensor):
        low, high = (torch.as_tensor(x).to(rate) for x in (lower, upper))
        return torch.minimum(torch.maximum(rate, low), high)
    return rate.clamp(lower, upper)


adabound = Rule("adabound", init, update, {"variant": ("paper", "code")})


class AdaBound(RuleOptimizer):
    r"""Run AdaBound as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0 of Adam.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        final_lr: Final rate :math:`\eta^*` > 0 of SGD.
        variant: ``"paper"`` or ``"code"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = AdaBound([theta], lr=0.25, variant="code")
        >>> theta.sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        0.75
    """

    rule = adabound

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        final_lr: float = 0.1,
        variant: str = "paper",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps}
        hyper |= {"final_lr": final_lr, "variant": variant}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
