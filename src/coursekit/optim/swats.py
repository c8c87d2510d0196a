r"""Begin as Adam and end as SGD with a rate read off Adam's steps: SWATS.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    p_t &= \eta_t \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}
    \frac{m_t}{\sqrt{v_t} + \epsilon} \qquad (3) \\
    \gamma_t &= p_t^\top p_t / p_t^\top g_t \qquad (4) \\
    \lambda_t &= \beta_2 \lambda_{t-1} + (1-\beta_2)\, \gamma_t \qquad (5) \\
    \Lambda_t &= \lambda_t / (1-\beta_2^t) \qquad (6)

While :math:`\Delta_t = p_t`, (4) is the rate at which SGD's step would have
:math:`p_t` as its projection, and (6) its average over all parameters and
past updates. When the two agree, momentum is set to 0 and SGD goes on with
the last Λ as its rate:

.. math::

    m_t &= \beta_1 m_{t-1} + g_t \qquad (7) \\
    \Delta_t &= (1-\beta_1)\, \Lambda\, m_t \qquad (8)

The published criterion, :math:`|\Lambda_t - \gamma_t| < 10^{-9}` for t > 1,
compares noisy numbers to nine decimals and is hardly ever met; ``"relative"``
asks for agreement within 1 % of Λ from update 500 on. Nothing ensures that Λ
suits SGD for the rest of the run.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .._validate import check_count
from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State
from .switch import judge

__all__ = ["SWATS", "init", "swats", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, in the phase of Adam.

    Args:
        theta: Parameters :math:`\theta_0`, as one vector.

    Returns:
        Zeros ``"m"``, ``"v"``, and with one number a vector ``"lam"`` and
        ``"rate"``: Λ/η once SGD has taken over, 0 before.
    """
    zero = theta.new_zeros((*theta.shape[:-1], 1))
    full = torch.zeros_like(theta)
    return {"m": full, "v": full.clone(), "lam": zero, "rate": zero.clone()}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar = 1e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    eps: Scalar = 1e-8,
    criterion: str = "paper",
    k_min: int | None = None,
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new state.

    Args:
        g: Gradient :math:`g_t` of all parameters.
        state: As made by ``init``.
        theta: Parameters :math:`\theta_{t-1}`; not used.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0 of Adam, in units of the parameter.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        criterion: ``"paper"``, ``"relative"``, or ``"step"`` to switch at
            ``k_min`` in any case, once Λ > 0.
        k_min: First update after which to switch; by default 2, 500 and 1.

    Shape:
        the last axis holds all parameters; leading axes are batched, and each
        of the models switches by itself.

    Returns:
        :math:`\Delta_t` and the state.

    Example:
        >>> theta = torch.tensor([1.0, 2.0])
        >>> state, hyper = init(theta), {"lr": 0.1, "criterion": "step", "k_min": 3}
        >>> for t in range(1, 5):
        ...     delta, state = update(theta, state, theta, t, **hyper)
        ...     theta = theta - delta
        >>> 0.1 * state["rate"]  # the rate that SGD took over
        tensor([0.0713])

    Notes:
        (8) holds Λ as a multiple of η at the switch, so that a schedule of η
        goes on to act; at a constant η it is the paper's. A product
        :math:`p_t^\top g_t = 0` leaves λ as it was. PyTorch has no SWATS.

    References:
        Keskar, Socher (2017), Improving generalization performance by switching
        from Adam to SGD, arXiv 1712.07628, algorithm 1.
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    scale = (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    p = lr * scale * m / (v.sqrt() + eps)  # (3)
    pp, pg = (x.sum(-1, keepdim=True) for x in (p.square(), p * g))  # (4)
    options = {"lr": lr, "beta2": beta2, "criterion": criterion, "k_min": k_min}
    lam, rate, switch = judge(pp, pg, state, t, **options)  # (5), (6)
    buf = beta1 * state["m"] + g  # (7)
    in_sgd = state["rate"] != 0
    delta = torch.where(in_sgd, (1 - beta1) * state["rate"] * lr * buf, p)  # (8)
    m = torch.where(in_sgd, buf, torch.where(switch, 0.0, m))
    v = torch.where(in_sgd, state["v"], v)  # SGD has no use for it
    return delta, {"m": m, "v": v, "lam": lam, "rate": rate}


def _check_k_min(name: str, value: object) -> None:
    if value is not None:
        check_count(name, value)


swats = Rule(
    "swats",
    init,
    update,
    {"criterion": ("paper", "relative", "step")},
    {"k_min": _check_k_min},
    scope="group",
    scalars=("lam", "rate"),
)


class SWATS(RuleOptimizer):
    r"""Run SWATS as a ``torch.optim.Optimizer``.

    All parameters of a group have one Λ and switch together.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0 of Adam.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        criterion: ``"paper"``, ``"relative"`` or ``"step"``.
        k_min: First update after which to switch.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair or ``k_min`` not an integer.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = SWATS([theta], lr=0.25, criterion="relative")
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 4), optimizer.sgd_rates()
        (0.75, [None])
    """

    rule = swats

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        criterion: str = "paper",
        k_min: int | None = None,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps}
        hyper |= {"criterion": criterion, "k_min": k_min}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)

    def sgd_rates(self) -> list[float | None]:
        r"""Return the rate :math:`(1-\beta_1)\Lambda` of every group.

        Returns:
            A number for a group that SGD has taken over, None before.
        """
        found: list[float | None] = []
        for group in self.param_groups:
            states = [self.state[p] for p in group["params"] if self.state.get(p)]
            rate = states[0]["rate"].sum().item() if states else 0.0
            scale = (1 - group["betas"][0]) * group["lr"]
            found.append(scale * rate if rate else None)
        return found
