r"""Compute the gain an activation needs, by integration.

With :math:`\mathrm{Var}(w) = g^2/n` and :math:`z \sim N(0, \sigma^2)` a layer
keeps the variance of z forward, or that of :math:`\delta` backward, when

.. math::

    q_f &= \mathbb{E}[\phi(z)^2] \qquad (1) \\
    q_b &= \mathbb{E}[\phi'(z)^2] \qquad (2) \\
    g_f &= \sigma / \sqrt{q_f} \qquad (3) \\
    g_b &= 1 / \sqrt{q_b} \qquad (4)

The expectations are the *second moments*, not the variances: an activation
with a mean (ReLU, sigmoid) sends that mean on as well. For ReLU and leaky
ReLU, whose only kink is at zero, both gains agree at every :math:`\sigma`;
for a curved activation they differ and depend on :math:`\sigma`, so no single
number is right.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._validate import check_in, check_positive
from ..layers import ACTIVATIONS
from ..layers import activation as make_activation

__all__ = ["GainRow", "SecondMoments", "gain", "gains_table", "second_moments"]

# The integrand is smooth between these points: the kinks of the piecewise
# linear activations, and the ends, beyond which the Gaussian is below 1e-22.
BREAKS = (-10.0, -1.0, 0.0, 1.0, 10.0)
NODES = 120


class SecondMoments(NamedTuple):
    r"""Hold the two integrals of an activation.

    Attributes:
        forward: :math:`\mathbb{E}[\phi(z)^2]`.
        backward: :math:`\mathbb{E}[\phi'(z)^2]`.
    """

    forward: float
    backward: float


class GainRow(NamedTuple):
    """Hold one line of the table of gains.

    Attributes:
        activation: Its name.
        moments: Both integrals at σ = 1.
        forward: The gain that keeps the forward variance.
        backward: The gain that keeps the backward variance.
        torch: What ``torch.nn.init.calculate_gain`` returns, or None.
    """

    activation: str
    moments: SecondMoments
    forward: float
    backward: float
    torch: float | None


def second_moments(
    activation: str | Callable[[Tensor], Tensor], *, std: float = 1.0
) -> SecondMoments:
    r"""Integrate :math:`\phi^2` and :math:`\phi'^2` against :math:`N(0,\sigma^2)`.

    Args:
        activation: A name known to ``coursekit.models.activation``, or a
            differentiable element-wise function.
        std: The deviation σ of the pre-activation, > 0.

    Returns:
        Both second moments, to about 1e-12 for the named activations.

    Raises:
        ValueError: If the name is unknown or ``std`` is not positive.

    Example:
        >>> forward, backward = second_moments("relu")
        >>> f"{forward:.12f} {backward:.12f}"
        '0.500000000000 0.500000000000'

    Notes:
        Gauss–Legendre on pieces that end at the kinks. Gauss–Hermite, the
        usual choice for Gaussians, takes no notice of them and converges
        slowly where the integrand has a kink or a jump.
    """
    sigma = check_positive("std", std)
    phi = make_activation(activation) if isinstance(activation, str) else activation
    z, weight = _rule(sigma)
    z.requires_grad_(True)
    with torch.enable_grad():
        a = phi(z)
        (slope,) = torch.autograd.grad(a.sum(), z)
    forward = weight @ a.detach().square()  # (1)
    backward = weight @ slope.square()  # (2)
    return SecondMoments(forward.item(), backward.item())


def gain(
    activation: str | Callable[[Tensor], Tensor],
    *,
    direction: str = "forward",
    std: float = 1.0,
) -> float:
    r"""Return the gain g that keeps the variance through an activation.

    Args:
        activation: A name known to ``coursekit.models.activation``, or a
            differentiable element-wise function.
        direction: ``"forward"`` for :math:`g_f`, equation (3), ``"backward"``
            for :math:`g_b`, equation (4).
        std: The deviation σ of the pre-activation, > 0.

    Returns:
        The factor in Std(w) = g/√n.

    Raises:
        ValueError: If a name is unknown, ``std`` is not positive, or the
            activation is zero everywhere (no gain helps).

    Example:
        >>> round(gain("relu") ** 2, 12)
        2.0
        >>> round(gain("tanh"), 3), round(gain("tanh", std=0.01), 3)
        (1.593, 1.0)

    Notes:
        ``torch.nn.init.calculate_gain`` agrees for linear, ReLU and leaky
        ReLU. For tanh it returns 5/3 and for SELU 3/4, constants without a
        derivation in its documentation. 5/3 is none of the integrals here:
        keeping unit variance through tanh needs 1.593, small signals need 1.
        It is a workable choice because any g > 1 gives tanh a stable non-zero
        fixed point; at 5/3 it is :math:`\mathrm{Std}(a) \approx 0.65`. For
        sigmoid torch returns 1, which preserves nothing: here it is 1.85
        forward and 4.72 backward.

    References:
        He, Zhang, Ren, Sun (2015), arXiv 1502.01852, eq. 10 and 14.
        Poole, Lahiri, Raghu, Sohl-Dickstein, Ganguli (2016), Exponential
        expressivity in deep neural networks through transient chaos, arXiv
        1606.05340, eq. 3.
    """
    check_in("direction", direction, ("forward", "backward"))
    q_f, q_b = second_moments(activation, std=std)
    if min(q_f, q_b) <= 0:
        raise ValueError(
            f"activation: expected a function that is not constant, got "
            f"{activation!r}; no gain keeps a signal that it removes"
        )
    if direction == "forward":
        return std / math.sqrt(q_f)  # (3)
    return 1 / math.sqrt(q_b)  # (4)


def gains_table() -> tuple[GainRow, ...]:
    r"""Tabulate the gains of every named activation at σ = 1, beside torch's.

    Returns:
        One row an activation, in the order of ``ACTIVATIONS``.

    Example:
        >>> row = gains_table()[1]
        >>> row.activation, round(row.forward, 3), round(row.torch, 3)
        ('relu', 1.414, 1.414)
    """
    rows = []
    for name in ACTIVATIONS:
        moments = second_moments(name)
        forward, backward = gain(name), gain(name, direction="backward")
        rows.append(GainRow(name, moments, forward, backward, _torch_gain(name)))
    return tuple(rows)


def _rule(sigma: float) -> tuple[Tensor, Tensor]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    ends = sorted({*BREAKS, *(point / sigma for point in BREAKS[1:-1])})
    ends = [point for point in ends if abs(point) <= BREAKS[-1]]
    half = np.diff(ends)[:, None] / 2
    middle = (np.array(ends[1:]) + np.array(ends[:-1]))[:, None] / 2
    u = torch.from_numpy((middle + half * nodes).ravel())
    du = torch.from_numpy((half * weights).ravel())
    density = torch.exp(-u.square() / 2) / math.sqrt(2 * math.pi)
    return sigma * u, du * density


def _torch_gain(name: str) -> float | None:
    torch_name = {"identity": "linear"}.get(name, name)
    try:
        return float(torch.nn.init.calculate_gain(torch_name))  # type: ignore[arg-type]
    except ValueError:
        return None
