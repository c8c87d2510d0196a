r"""Divide by the root of the sum of all past squares: AdaGrad.

.. math::

    \eta_t &= \eta / (1 + (t-1)\,\gamma) \qquad (1) \\
    v_t &= v_{t-1} + g_t^2 \qquad (2) \\
    \Delta_t &= \eta_t\, g_t / (\sqrt{v_t} + \epsilon) \qquad (3)

with :math:`v_0 = 0` and, in the paper, no decay of the rate (γ = 0). Every
parameter gets a rate of its own, small where gradients are large. With a
constant gradient the step is :math:`\eta/\sqrt t`: the sum only grows, and
where the gradient is large early and small later, learning all but stops
before it arrives. The rates belong to coordinates: after a rotation of the
parameters the same loss is a different problem.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["AdaGrad", "adagrad", "init", "update"]


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
    lr_decay: Scalar = 0.0,
    initial_accumulator_value: Scalar = 0.0,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new sum of squares.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`v_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        eps: ε ≥ 0, in units of the gradient.
        lr_decay: γ ≥ 0 of (1), an addition of torch's.
        initial_accumulator_value: Another :math:`v_0` ≥ 0, as in torch.
        variant: ``"paper"`` or ``"torch"``, one and the same.

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`v_t`.

    Example:
        >>> theta = torch.zeros(1)
        >>> state = init(theta)
        >>> for t, g in enumerate((3.0, 4.0), 1):
        ...     delta, state = update(torch.tensor([g]), state, theta, t, lr=1.0)
        >>> delta  # 4 / sqrt(9 + 16)
        tensor([0.8000])

    Notes:
        ``torch.optim.Adagrad`` has the paper's diagonal form by default. The
        paper calls ε δ; Keras takes the root of (v + ε) instead.

    References:
        Duchi, Hazan, Singer (2011), Adaptive subgradient methods for online
        learning and stochastic optimization, JMLR 12, 2121–2159, figure 1 with
        diagonal matrices.
    """
    lr = lr / (1 + (t - 1) * lr_decay)  # (1)
    past = state["v"] if t > 1 else state["v"] + initial_accumulator_value
    v = past + g.square()  # (2)
    delta = lr * g / (v.sqrt() + eps)  # (3)
    return delta, {"v": v}


adagrad = Rule("adagrad", init, update, {"variant": ("paper", "torch")})


class AdaGrad(RuleOptimizer):
    r"""Run AdaGrad as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        eps: ε ≥ 0.
        lr_decay: γ ≥ 0.
        initial_accumulator_value: :math:`v_0` ≥ 0.
        variant: ``"paper"`` or ``"torch"`` (the same).
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = AdaGrad([theta], lr=0.25)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        0.75
    """

    rule = adagrad

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        eps: float = 1e-10,
        *,
        lr_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        variant: str = "paper",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {
            "lr": lr,
            "eps": eps,
            "lr_decay": lr_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "variant": variant,
        }
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
