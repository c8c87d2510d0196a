r"""Compromise between forward and backward variance (Glorot and Bengio).

Forward, a layer multiplies the variance by :math:`n_{in}\mathrm{Var}(w)`;
backward, by :math:`n_{out}\mathrm{Var}(w)`. Both can be 1 only in a square
layer. The mean of the two conditions gives

.. math::

    \mathrm{Var}(w) = g^2\,\frac{2}{n_{in} + n_{out}} \qquad (1)

The derivation takes the activation to be linear near zero with slope 1
(tanh), so it holds in the linear range only: unit-variance signals leave it
and shrink. ReLU halves :math:`\mathbb{E}[a^2]`, so with g = 1 the signal falls
by :math:`1/\sqrt 2` a layer: use He's scheme there.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_positive
from .fans import fans, normal, uniform

__all__ = ["xavier_normal", "xavier_std", "xavier_uniform"]


def xavier_std(shape: Sequence[int], *, gain: float = 1.0) -> float:
    r"""Return :math:`g\sqrt{2/(n_{in}+n_{out})}`.

    Args:
        shape: ``[out, in, *kernel]``.
        gain: The factor g, ≥ 0.

    Returns:
        The standard deviation (not the variance) of one weight.

    Raises:
        ValueError: If the shape has no fans or the gain is negative.

    Example:
        >>> xavier_std((10, 40))
        0.2
    """
    g = check_positive("gain", gain, zero=True)
    n_in, n_out = fans(shape)
    return g * math.sqrt(2 / (n_in + n_out))  # (1)


def xavier_normal(
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim N(0,\ 2g^2/(n_{in}+n_{out}))`.

    Args:
        shape: ``[out, in, *kernel]``.
        gain: The factor g, ≥ 0.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights with the variance of equation (1).

    Raises:
        ValueError: If the shape has no fans or the gain is negative.

    Example:
        >>> w = xavier_normal((300, 500), generator=torch.Generator())
        >>> f"{w.std().item():.2f}"
        '0.05'

    References:
        Glorot, Bengio (2010), Understanding the difficulty of training deep
        feedforward neural networks, AISTATS, eq. 12.
    """
    std = xavier_std(shape, gain=gain)
    return normal(shape, std, generator, dtype, device)


def xavier_uniform(
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim U(\pm g\sqrt{6/(n_{in}+n_{out})})`.

    Args:
        shape: ``[out, in, *kernel]``.
        gain: The factor g, ≥ 0.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights with the variance of equation (1): a uniform variable on ±b has
        variance b²/3.

    Raises:
        ValueError: If the shape has no fans or the gain is negative.

    Example:
        >>> w = xavier_uniform((30, 30), generator=torch.Generator())
        >>> bool(w.abs().max() <= 0.1**0.5)
        True

    References:
        Glorot, Bengio (2010), Understanding the difficulty of training deep
        feedforward neural networks, AISTATS, eq. 16.
    """
    bound = math.sqrt(3) * xavier_std(shape, gain=gain)
    return uniform(shape, bound, generator, dtype, device)
