r"""Judge when SWATS leaves Adam, and at which rate SGD goes on.

.. math::

    \gamma_t &= p_t^\top p_t / p_t^\top g_t \\
    \lambda_t &= \beta_2 \lambda_{t-1} + (1-\beta_2)\, \gamma_t \\
    \Lambda_t &= \lambda_t / (1-\beta_2^t)

:math:`\gamma_t` is the rate at which SGD's step would have Adam's :math:`p_t` as its
projection, and :math:`\Lambda_t` its average over the past. ``coursekit.optim.swats``
says how near to each other they have to be.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .rule import Scalar, State

__all__ = ["judge"]

FIRST = {"paper": 2, "relative": 500, "step": 1}


def judge(
    pp: Float[Tensor, "*models 1"],
    pg: Float[Tensor, "*models 1"],
    state: State,
    t: int,
    *,
    lr: Scalar,
    beta2: Scalar,
    criterion: str,
    k_min: int | None,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Average the rate that SGD would need, and say whether to switch to it.

    Args:
        pp: :math:`p_t^\top p_t`.
        pg: :math:`p_t^\top g_t`.
        state: :math:`\lambda_{t-1}` and, once SGD has taken over, its rate.
        t: Number of the update, from 1.
        lr: Learning rate η of Adam.
        beta2: Decay :math:`\beta_2`.
        criterion: As in ``update``.
        k_min: As in ``update``.

    Shape:
        one number a vector; leading axes are batched.

    Returns:
        :math:`\lambda_t`, the new Λ/η or 0, and whether SGD takes over now.
    """
    gamma = pp / pg
    lam = beta2 * state["lam"] + (1 - beta2) * gamma
    lam = torch.where((pg != 0) & (state["rate"] == 0), lam, state["lam"])
    sgd_lr = lam / (1 - beta2**t)
    now = (pg != 0) & _agree(sgd_lr, gamma, t, criterion, k_min)
    switch = (state["rate"] == 0) & now
    return lam, torch.where(switch, sgd_lr / lr, state["rate"]), switch


def _agree(
    sgd_lr: Tensor, gamma: Tensor, t: int, criterion: str, k_min: int | None
) -> Bool[Tensor, "*models 1"]:
    first = FIRST[criterion] if k_min is None else k_min
    if t < first or (criterion == "paper" and t < 2):
        return torch.zeros_like(gamma, dtype=torch.bool)
    if criterion == "step":
        return sgd_lr > 0
    tolerance = 1e-9 if criterion == "paper" else 0.01 * sgd_lr
    return (sgd_lr - gamma).abs() < tolerance
