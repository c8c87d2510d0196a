r"""Add to the loss what large weights cost.

.. math::

    R_2 &= \tfrac{\lambda_{L2}}{2}\, \textstyle\sum_i \theta_i^2 \qquad (1) \\
    R_1 &= \lambda_{L1}\, \textstyle\sum_i |\theta_i| \qquad (2)

The slope of (1) is :math:`\lambda_{L2}\theta_i`: it pulls in proportion to the
weight, so that large weights give way and small ones are left nearly alone.
The slope of (2) is :math:`\lambda_{L1}\,\mathrm{sign}(\theta_i)`: the same pull
on every weight, enough to hold a useless one at zero.

Two things are commonly confused. *L2 is weight decay for plain SGD only*: there a
step on :math:`L + R_2` multiplies the weights by :math:`1 - \eta\lambda_{L2}`
before it follows the loss. Momentum remembers the penalty, which then acts
:math:`1/(1-\mu)` times, and an adaptive rule divides its slope by
:math:`\sqrt{v}` with the rest of the gradient (``coursekit.optim.AdamW``
decouples them). *Descending* :math:`L + R_1` *gives no zeros*: the slope jumps
from -1 to 1 at zero, and the weights hover around it (``l1_prox``).
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_positive

__all__ = ["l1_penalty", "l2_penalty"]


def l2_penalty(
    params: Tensor | Iterable[Tensor], weight: float = 1.0
) -> Float[Tensor, ""]:
    r"""Return half the sum of squares of all parameters, times ``weight``.

    Args:
        params: θ, one tensor or several, e.g. ``model.parameters()``; biases
            and gains of norm layers are usually left out.
        weight: :math:`\lambda_{L2}` ≥ 0, in loss/parameter².

    Shape:
        any tensors to a scalar.

    Returns:
        :math:`R_2` of equation (1), to be added to the loss.

    Raises:
        ValueError: If there are no parameters or the weight is negative.
        TypeError: If a parameter is not a floating-point tensor.

    Example:
        >>> l2_penalty([torch.tensor([3.0, 0.0]), torch.tensor(4.0)], 0.1)
        tensor(1.2500)

    Notes:
        With the ½ the gradient is :math:`\lambda_{L2}\theta`, which is what
        ``weight_decay`` adds in ``torch.optim.SGD`` and ``Adam``. Texts that
        leave the ½ out mean twice our weight.

    References:
        Krogh, Hertz (1992), A simple weight decay can improve generalization,
        NIPS 4, section 1.
    """
    weight = check_positive("weight", weight, zero=True)
    thetas = _tensors(params)
    R = weight / 2 * sum(_wide(theta).square().sum() for theta in thetas)  # (1)
    return torch.as_tensor(R).to(thetas[0].dtype)


def l1_penalty(
    params: Tensor | Iterable[Tensor], weight: float = 1.0
) -> Float[Tensor, ""]:
    r"""Return the sum of absolute values of all parameters, times ``weight``.

    Args:
        params: θ, one tensor or several.
        weight: :math:`\lambda_{L1}` ≥ 0, in loss/parameter.

    Shape:
        any tensors to a scalar.

    Returns:
        :math:`R_1` of equation (2). Its gradient is a subgradient, 0 at 0.

    Raises:
        ValueError: If there are no parameters or the weight is negative.
        TypeError: If a parameter is not a floating-point tensor.

    Example:
        >>> l1_penalty(torch.tensor([3.0, -4.0]), 0.1)
        tensor(0.7000)

    References:
        Tibshirani (1996), Regression shrinkage and selection via the lasso,
        JRSS B 58, eq. 1 in its Lagrangian form.
    """
    weight = check_positive("weight", weight, zero=True)
    thetas = _tensors(params)
    R = weight * sum(_wide(theta).abs().sum() for theta in thetas)  # (2)
    return torch.as_tensor(R).to(thetas[0].dtype)


def _tensors(params: Tensor | Iterable[Tensor]) -> list[Tensor]:
    thetas = [params] if isinstance(params, Tensor) else list(params)
    if not thetas:
        raise ValueError(
            "params: expected at least one tensor, got none; a generator such as "
            "model.parameters() can be read only once"
        )
    for theta in thetas:
        if not (isinstance(theta, Tensor) and theta.is_floating_point()):
            kind = getattr(theta, "dtype", type(theta).__name__)
            raise TypeError(f"params: expected floating-point tensors, got {kind}")
    return thetas


def _wide(theta: Tensor) -> Tensor:
    # a sum of many small squares stands still in bfloat16 and overflows in float16
    return theta.to(torch.promote_types(theta.dtype, torch.float32))
