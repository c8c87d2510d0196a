r"""Scale Adam's update to the size of the layer: LAMB.

.. math::

    m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t \qquad (1) \\
    v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \qquad (2) \\
    \hat m_t &= m_t / (1 - \beta_1^t) \qquad (3) \\
    \hat v_t &= v_t / (1 - \beta_2^t) \qquad (4) \\
    r_t &= \hat m_t / (\sqrt{\hat v_t} + \epsilon)
    + \lambda_{wd}\, \theta_{t-1} \qquad (5) \\
    \Delta_t &= \eta_t\, \frac{\|\theta_{t-1}\|}{\|r_t\|}\, r_t \qquad (6)

with norms over one layer's tensor: every update moves a layer by exactly the
share η of its norm. Where either norm is 0 the ratio in (6) is 1. As in LARS,
biases and the parameters of normalization layers can be left out of it, in a
group with ``adapt=False``. A layer that has arrived is moved as far as one
that has not: the rate has to fall.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["LAMB", "init", "lamb", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = v_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0` of one layer, as a vector.

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
    eps: Scalar = 1e-6,
    weight_decay: Scalar = 1e-2,
    adapt: bool = True,
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new averages.

    Args:
        g: Gradient :math:`g_t` of one layer.
        state: :math:`m_{t-1}` and :math:`v_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}` of the layer.
        t: Number of the update, from 1.
        lr: Learning rate η ≥ 0: the share of a layer that an update moves.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0, in units of the gradient.
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0, in 1/parameter.
        adapt: Whether to use the ratio of norms; otherwise it is 1.

    Shape:
        the last axis is the layer; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t, v_t`.

    Example:
        >>> theta, g = torch.tensor([3.0, 4.0]), torch.tensor([0.1, -100.0])
        >>> delta, _ = update(g, init(theta), theta, 1, lr=0.1, weight_decay=0.0)
        >>> round(delta.norm().item(), 6)  # 0.1 of the layer's 5
        0.5

    Notes:
        The paper's :math:`\phi(\|\theta\|)`, which may bound the norm, is the
        identity here. Early versions of the paper have no (3) and (4). PyTorch
        has no LAMB.

    References:
        You, Li, Reddi, Hseu, Kumar, Bhojanapalli, Song, Demmel, Keutzer, Hsieh
        (2020), Large batch optimization for deep learning: training BERT in 76
        minutes, arXiv 1904.00962, algorithm 2.
    """
    beta1, beta2 = betas
    m = beta1 * state["m"] + (1 - beta1) * g  # (1)
    v = beta2 * state["v"] + (1 - beta2) * g.square()  # (2)
    m_hat = m / (1 - beta1**t)  # (3)
    v_hat = v / (1 - beta2**t)  # (4)
    r = m_hat / (v_hat.sqrt() + eps) + weight_decay * theta  # (5)
    delta = lr * (_ratio(theta, r) if adapt else 1.0) * r  # (6)
    return delta, {"m": m, "v": v}


def _ratio(theta: Tensor, r: Tensor) -> Tensor:
    size = torch.linalg.vector_norm(theta, dim=-1, keepdim=True)
    length = torch.linalg.vector_norm(r, dim=-1, keepdim=True)
    return torch.where((size > 0) & (length > 0), size / length, 1.0)


lamb = Rule("lamb", init, update, scope="tensor")


class LAMB(RuleOptimizer):
    r"""Run LAMB as a ``torch.optim.Optimizer``; a layer is one parameter tensor.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate η ≥ 0.
        betas: Decays :math:`\beta_1, \beta_2` in [0, 1).
        eps: ε ≥ 0.
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0.
        adapt: Whether the ratio of norms is used; False in a group of biases.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``betas`` is not a pair or ``adapt`` not True or False.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([2.0]))
        >>> optimizer = LAMB([theta], lr=0.25, weight_decay=0.0)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> round(theta.item(), 6)
        1.5
    """

    rule = lamb

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
        *,
        adapt: bool = True,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "adapt": adapt}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
