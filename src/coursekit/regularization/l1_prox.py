r"""Set weights that are not worth their L1 penalty to exactly zero.

A gradient step on :math:`L + \lambda_{L1} \sum_i |\theta_i|` subtracts
:math:`\eta\lambda_{L1}\,\mathrm{sign}(\theta_i)`, the same amount from a weight
of 1 and of 0.0001. At a constant rate a small weight is therefore thrown past
zero and back again, forever, and practically none is ever *equal* to zero. The
proximal step asks instead where the penalty and the distance from θ balance,

.. math::

    \mathrm{prox}(\theta) = \arg\min_u\ \tfrac12 (u - \theta)^2 + \vartheta |u|
    = \mathrm{sign}(\theta)\, \max(|\theta| - \vartheta,\ 0)

which is the *soft threshold*: what lies within :math:`\vartheta` of zero
becomes zero, the rest moves towards it by :math:`\vartheta`. The same in one
subtraction, in which θ - θ is an exact zero:

.. math::

    \mathrm{prox}(\theta) &= \theta - \mathrm{clip}(\theta, -\vartheta, \vartheta)
    \qquad (1)

A proximal step follows any update of the loss *without* the penalty:

.. math::

    \theta_t &= \mathrm{prox}(\theta_{t-1} - \Delta_t),
    \quad \vartheta = \eta_t \lambda_{L1} \qquad (2)

The threshold carries the rate: with a threshold that stays while the rate
falls, the penalty wins in the end and the weights vanish. The penalty that
made the zeros has also shrunk all other weights; fit those once more without
it if their size matters.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_number, check_positive

__all__ = ["l1_prox", "l1_subgradient", "proximal_step"]


def l1_prox(
    theta: Float[Tensor, "..."], threshold: float | Tensor
) -> Float[Tensor, "..."]:
    r"""Return the soft threshold of equation (1).

    Args:
        theta: Weights θ.
        threshold: :math:`\vartheta` ≥ 0, in units of the weights; a tensor
            has one for each entry or broadcasts.

    Shape:
        any, to the same.

    Returns:
        New weights; zero wherever :math:`|\theta| \le \vartheta`.

    Raises:
        ValueError: If a threshold is negative or NaN.
        TypeError: If the weights are not a floating-point tensor.

    Example:
        >>> l1_prox(torch.tensor([-3.0, -0.5, 0.0, 1.0, 1.5]), 1.0)
        tensor([-2.0000,  0.0000,  0.0000,  0.0000,  0.5000])

    Notes:
        ``torch.nn.functional.softshrink`` is the same function for one
        threshold. *Hard* thresholding keeps the survivors at their size.

    References:
        Parikh, Boyd (2014), Proximal algorithms, Foundations and Trends in
        Optimization 1, section 6.5.2.
        Tibshirani (1996), Regression shrinkage and selection via the lasso,
        JRSS B 58, section 2.2 (orthonormal design).
    """
    if not (isinstance(theta, Tensor) and theta.is_floating_point()):
        kind = getattr(theta, "dtype", type(theta).__name__)
        raise TypeError(f"theta: expected a floating-point tensor, got {kind}")
    if not isinstance(threshold, Tensor):
        number = check_number("threshold", threshold)
        threshold = torch.tensor(number, dtype=torch.float64)
    if not bool((threshold >= 0).all()):
        raise ValueError(
            f"threshold: expected numbers >= 0, got {float(threshold.min())}"
        )
    bound = threshold.to(theta)
    return theta - theta.clamp(-bound, bound)  # (1)


def l1_subgradient(theta: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    r"""Return the sign of every weight, for contrast with the proximal step.

    Args:
        theta: Weights θ.

    Shape:
        any, to the same.

    Returns:
        A subgradient of :math:`\sum_i |\theta_i|`: of the interval [-1, 1] of
        slopes at zero the 0.

    Example:
        >>> theta = torch.tensor([0.003])
        >>> for _ in range(4):  # η·λ = 0.002, no gradient of the loss
        ...     theta = theta - 0.002 * l1_subgradient(theta)
        ...     print(f"{theta.item():.3f}", end=" ")
        0.001 -0.001 0.001 -0.001

    References:
        Tibshirani (1996), Regression shrinkage and selection via the lasso,
        JRSS B 58.
    """
    return theta.sign()


@torch.no_grad()
def proximal_step(
    params: Tensor | Iterable[Tensor], *, lr: float, weight: float
) -> None:
    r"""Shrink parameters in place after ``optimizer.step()``, equation (2).

    Args:
        params: The penalized parameters; usually weights without biases.
        lr: The rate :math:`\eta_t` of the step just made.
        weight: :math:`\lambda_{L1}` ≥ 0, in loss/parameter.

    Raises:
        ValueError: If the rate or the weight is negative or infinite.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0, 0.01]))
        >>> optimizer = torch.optim.SGD([theta], lr=0.1)
        >>> (0.0 * theta).sum().backward()
        >>> optimizer.step()
        >>> proximal_step([theta], lr=0.1, weight=0.5)
        >>> theta.tolist()
        [0.949999988079071, 0.0]

    Notes:
        After SGD this is proximal gradient descent (ISTA on a full batch). An
        adaptive rule has a rate for each weight, and the exact proximal step
        would divide the threshold by √v as well; with the one rate it is
        *decoupled* from the gradients, as the decay of AdamW is.

    References:
        Parikh, Boyd (2014), Proximal algorithms, Foundations and Trends in
        Optimization 1, section 4.2.
    """
    eta = check_positive("lr", lr, zero=True)
    threshold = eta * check_positive("weight", weight, zero=True)
    for theta in [params] if isinstance(params, Tensor) else params:
        theta.copy_(l1_prox(theta, threshold))  # (2)
