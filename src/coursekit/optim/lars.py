r"""Give every layer the rate that its weights can bear: LARS.

.. math::

    \zeta_t &= \zeta\, \frac{\|\theta_{t-1}\|}
    {\|g_t\| + \lambda_{wd} \|\theta_{t-1}\|} \qquad (1) \\
    m_t &= \mu\, m_{t-1} + \eta_t \zeta_t\,
    (g_t + \lambda_{wd}\, \theta_{t-1}) \qquad (2) \\
    \Delta_t &= m_t \qquad (3)

with :math:`m_0 = 0` and norms over one layer's tensor. An update without
momentum is at most :math:`\eta\zeta\|\theta\|` long: a fixed share of the
layer, however large or small its gradient is. That is what a large batch with
its large rate needs in the first updates. Where either norm is 0,
:math:`\zeta_t = 1`. Biases and the parameters of normalization layers, whose
norm means nothing, usually keep :math:`\zeta_t = 1` as well, in a group with
``adapt=False``.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import RuleOptimizer
from .rule import Rule, Scalar, State

__all__ = ["LARS", "init", "lars", "update"]


def init(theta: Float[Tensor, "*models p"]) -> State:
    r"""Return the state at rest, :math:`m_0 = 0`.

    Args:
        theta: Parameters :math:`\theta_0` of one layer, as a vector.

    Returns:
        The state ``{"m": zeros}``.
    """
    return {"m": torch.zeros_like(theta)}


def update(
    g: Float[Tensor, "*models p"],
    state: State,
    theta: Float[Tensor, "*models p"],
    t: int,
    *,
    lr: Scalar,
    momentum: Scalar = 0.9,
    weight_decay: Scalar = 0.0,
    trust: Scalar = 1e-3,
    adapt: bool = True,
) -> tuple[Float[Tensor, "*models p"], State]:
    r"""Return :math:`\Delta_t` and the new movement :math:`m_t`.

    Args:
        g: Gradient :math:`g_t` of one layer.
        state: :math:`m_{t-1}`.
        theta: Parameters :math:`\theta_{t-1}` of the layer.
        t: Number of the update, from 1; not used.
        lr: Global learning rate η ≥ 0; a pure number, as (1) carries the unit.
        momentum: Coefficient μ in [0, 1).
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0, in loss/parameter².
        trust: ζ > 0, the share of a layer that an update may move.
        adapt: Whether to use (1); otherwise :math:`\zeta_t = 1`.

    Shape:
        the last axis is the layer; leading axes are batched.

    Returns:
        :math:`\Delta_t` and the state with :math:`m_t`.

    Example:
        >>> theta, g = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 100.0])
        >>> update(g, init(theta), theta, 1, lr=1.0, trust=0.1)[0]
        tensor([0.0000, 0.5000])

    Notes:
        Algorithm 1 of the paper leaves ζ out of its line for the local rate;
        equation 6 has it. The paper's global rate falls as :math:`(1-t/T)^2`:
        here that is the schedule's part. PyTorch has no LARS.

    References:
        You, Gitman, Ginsburg (2017), Large batch training of convolutional
        networks, arXiv 1708.03888, eq. 6 and algorithm 1.
    """
    size = torch.linalg.vector_norm(theta, dim=-1, keepdim=True)
    slope = torch.linalg.vector_norm(g, dim=-1, keepdim=True)
    zeta = trust * size / (slope + weight_decay * size)  # (1)
    zeta = torch.where((size > 0) & (slope > 0), zeta, 1.0) if adapt else 1.0
    m = momentum * state["m"] + lr * zeta * (g + weight_decay * theta)  # (2)
    delta = m  # (3)
    return delta, {"m": m}


lars = Rule("lars", init, update, scope="tensor")


class LARS(RuleOptimizer):
    r"""Run LARS as a ``torch.optim.Optimizer``; a layer is one parameter tensor.

    Args:
        params: Parameters or parameter groups.
        lr: Global learning rate η ≥ 0.
        momentum: Coefficient μ in [0, 1).
        weight_decay: Coefficient :math:`\lambda_{wd}` ≥ 0.
        trust: ζ > 0.
        adapt: Whether a layer has a rate of its own; False in a group of biases.
        maximize: Whether to go up the gradient.

    Raises:
        ValueError: If a hyperparameter is out of its range.
        TypeError: If ``adapt`` is neither True nor False.

    Example:
        >>> net = torch.nn.Linear(2, 1)
        >>> groups = [{"params": [net.weight]}, {"params": [net.bias], "adapt": False}]
        >>> optimizer = LARS(groups, lr=1.0)
        >>> [group["adapt"] for group in optimizer.param_groups]
        [True, False]
    """

    rule = lars

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        *,
        trust: float = 1e-3,
        adapt: bool = True,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum, "trust": trust, "adapt": adapt}
        super().__init__(params, hyper, weight_decay=weight_decay, maximize=maximize)
