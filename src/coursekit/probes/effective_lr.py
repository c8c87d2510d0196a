r"""Read the learning rate that every single parameter has under an adaptive rule.

.. math::

    \hat v_i &= v_i / (1-\beta_2^t) \qquad (1) \\
    \eta_i &= \eta / (\sqrt{\hat v_i} + \epsilon) \qquad (2)

One rate is set, and thousands are used. Late in training most gradients are
tiny and a few are not, so that the rates spread over orders of magnitude: some
are extremely large, others extremely small. A histogram of them shows what
AdaBound clips, and why.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["effective_lr"]

# Where optimizers keep the mean or sum of squares; a maximum goes first.
SQUARES = ("v_max", "max_exp_avg_sq", "v", "exp_avg_sq", "square_avg", "sum")
UNCORRECTED = ("amsgrad", "adabound")


def effective_lr(optimizer: Optimizer) -> Float[Tensor, " p"]:
    r"""Return the rate of every parameter that has been updated.

    Args:
        optimizer: Adam, AdamW, AMSGrad, RMSProp, AdaGrad, AdaBound, ..., of
            this package or of torch, after at least one step.

    Shape:
        One vector over all parameters with a state, in the optimizer's order.

    Returns:
        :math:`\eta_i`, in parameter/gradient, float64. For AdaBound it is the
        rate before it is clipped: compare with ``optim.adabound.bounds``.

    Raises:
        TypeError: If the optimizer keeps no average of squares, as SGD.
        ValueError: If no step has been taken.

    Example:
        >>> from coursekit.optim import Adam
        >>> theta = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
        >>> optimizer = Adam([theta], lr=0.5)
        >>> (theta * torch.tensor([10.0, 0.1])).sum().backward()
        >>> optimizer.step()
        >>> [round(rate, 3) for rate in effective_lr(optimizer).tolist()]
        [0.05, 5.0]

    Notes:
        (1) applies where the rule corrects its bias: not to AdaGrad and
        RMSProp, nor to the paper's form of AMSGrad and AdaBound. What a rule
        multiplies besides (the rectifier of RAdam, the trust ratio of LAMB,
        AdaGrad's decay of η) is left out. Centred RMSProp subtracts the
        squared mean, here too.

    References:
        Luo, Xiong, Liu, Sun (2019), Adaptive gradient methods with dynamic
        bound of learning rate, arXiv 1902.09843, § 3 and figure 1.
    """
    rates = [
        _rate(optimizer.state[theta], group, _corrects(optimizer, group))
        for group in optimizer.param_groups
        for theta in group["params"]
        if optimizer.state.get(theta)
    ]
    if not rates:
        raise ValueError(
            f"optimizer: expected one that has taken a step, got "
            f"{type(optimizer).__name__} without state; SGD never has one"
        )
    return torch.cat(rates)


def _corrects(optimizer: Optimizer, group: dict[str, Any]) -> bool:
    name = type(optimizer).__name__.lower()
    return "betas" in group and not (
        name in UNCORRECTED and group.get("variant") == "paper"
    )


def _rate(state: dict[str, Any], group: dict[str, Any], corrected: bool) -> Tensor:
    found = [name for name in SQUARES if name in state]
    if not found:
        raise TypeError(
            f"optimizer: expected one that averages squared gradients, got a state "
            f"of {', '.join(state)}; for the others the rate is lr itself"
        )
    v_hat = state[found[0]].detach().double().flatten()
    if corrected:
        v_hat = v_hat / (1 - group["betas"][1] ** float(state["step"]))  # (1)
    mean = state.get("a", state.get("grad_avg"))
    if mean is not None and group.get("centered"):
        v_hat = (v_hat - mean.detach().double().flatten().square()).clamp_min(0)
    return group["lr"] / (v_hat.sqrt() + group["eps"])  # (2)
