r"""Look ahead inside Adam's numerator: NAdam.

The coefficient of momentum rises by a schedule, with ψ = 0.004:

.. math::

    \mu_t &= \beta_1 (1 - \tfrac12\, 0.96^{t\psi}) \qquad (1) \\
    \mu_{t+1} &= \beta_1 (1 - \tfrac12\, 0.96^{(t+1)\psi}) \qquad (2) \\
    \pi_t &= \pi_{t-1}\, \mu_t, \quad \pi_0 = 1 \qquad (3) \\
    m_t &= \mu_t m_{t-1} + (1-\mu_t)\, g_t \qquad (4) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (5) \\
    \hat m_t &= \frac{\mu_{t+1}\, m_t}{1 - \pi_t \mu_{t+1}}
    + \frac{(1-\mu_t)\, g_t}{1 - \pi_t} \qquad (6) \\
    \hat v_t &= v_t / (1 - \beta_2^t) \qquad (7) \\
    \Delta_t &= \eta_t\, \hat m_t / (\sqrt{\hat v_t} + \epsilon) \qquad (8)

In (6) the momentum of the *next* update takes the place of the present one,
as in Nesterov's method. With a constant :math:`\mu_t = \beta_1` it reads
:math:`\beta_1 m_t/(1-\beta_1^{t+1}) + (1-\beta_1) g_t/(1-\beta_1^t)`, where
Adam has :math:`\beta_1 m_{t-1}/(1-\beta_1^t)` in the first term. What the look
ahead buys on a noisy gradient is small: most runs gain less from it than from
a better rate.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["NAdam", "init", "nadam", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = v_0 = 0` and :math:`\pi_0 = 1`.

    Args:
        theta: Parameters :math:`\theta_0`.

    Returns:
        The state ``{"m": zeros, "v": zeros, "mu_product": ones}``, the last
        with one number a vector.
    """
    one = theta.new_ones((*theta.shape[:-1], 1))
    return {
        "m": torch.zeros_like(theta),
        "v": torch.zeros_like(theta),
        "mu_product": one,
    }


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 2e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    eps: Scalar = 1e-8,
    momentum_decay: Scalar = 4e-3,
    variant: str = "paper",
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new averages.

    Args:
        g: Gradient :math:`g_t`.
        state: :math:`m_{t-1}`, :math:`v_{t-1}` and :math:`\pi_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0, in units of the parameter.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        momentum_decay: ψ ≥ 0 of (1); 10⁹ makes :math:`\mu_t = \beta_1`, and 0
            makes it :math:`\beta_1/2`.
        variant: ``"paper"`` as above, ``"torch"`` with :math:`\beta_1` in the
            place of :math:`\mu_t` in (4).

    Shape:
        any; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t, \pi_t`.

    Example:
        >>> theta, g = torch.zeros(1), torch.tensor([5.0])
        >>> delta, _ = update(g, init(theta), theta, 1, lr=1.0, momentum_decay=1e9)
        >>> delta  # 0.9 * 0.1 / (1 - 0.9**2) + 1
        tensor([1.4737])

    Notes:
        ``torch.optim.NAdam`` schedules (6) but not (4), so that its weights do
        not quite sum to 1; it also keeps :math:`\pi_t` in the default dtype,
        which ``"torch"`` repeats. The paper prints a factor :math:`\beta_2` in
        (7), which no program has and which hardly matters.

    References:
        Dozat (2016), Incorporating Nesterov momentum into Adam, ICLR workshop,
        algorithm 2 for (3) to (8); the schedule of (1) is from its report.
    """
    beta1, beta2 = betas
    psi, pi = momentum_decay, state["mu_product"]
    if variant == "torch":
        pi = pi.to(torch.get_default_dtype())
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * psi))  # (1)
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * psi))  # (2)
    pi = (pi * mu).to(theta.dtype)  # (3)
    decay = mu if variant == "paper" else beta1
    m = decay * state["m"] + (1 - decay) * g  # (4)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (5)
    m_hat = mu_next / (1 - pi * mu_next) * m + (1 - mu) / (1 - pi) * g  # (6)
    v_hat = v / (1 - beta2**t)  # (7)
    delta = lr * m_hat / (v_hat.sqrt() + eps)  # (8)
    return delta, {"m": m, "v": v, "mu_product": pi}


CHOICES = {"variant": ("paper", "torch")}
nadam = Rule("nadam", init, update, CHOICES, scalars=("mu_product",))


class NAdam(RuleOptimizer):
    r"""Run NAdam as a ``torch.optim.Optimizer``.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        momentum_decay: ψ ≥ 0.
        variant: ``"paper"`` or ``"torch"``.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = NAdam([theta], lr=0.25, momentum_decay=1e9)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 4)
        0.6316
    """

    rule = nadam

    def __init__(
        self,
        params: ParamsT,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        momentum_decay: float = 4e-3,
        variant: str = "paper",
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps}
        hyper |= {"momentum_decay": momentum_decay, "variant": variant}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
