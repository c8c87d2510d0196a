r"""Make up for the half of the second moment that ReLU removes (He et al.).

With z symmetric about zero, :math:`\mathbb{E}[\mathrm{relu}(z)^2] =
\mathrm{Var}(z)/2`, and with slope a for z < 0 it is
:math:`(1+a^2)\,\mathrm{Var}(z)/2`. To keep the variance,

.. math::

    \mathrm{Var}(w) = \frac{2}{(1 + a^2)\, n} \qquad (1)

with n = n_in for the forward signal or n = n_out for the backward one. Either
suffices: with fan-in the backward product telescopes to a ratio of widths,
:math:`\prod_l n_{out}^l/n_{in}^l`, that does not grow with depth.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_in, check_number
from .fans import fans, normal, uniform

__all__ = ["he_normal", "he_std", "he_uniform"]


def he_std(
    shape: Sequence[int], *, mode: str = "fan_in", negative_slope: float = 0.0
) -> float:
    r"""Return :math:`\sqrt{2/((1+a^2)\,n)}`.

    Args:
        shape: ``[out, in, *kernel]``.
        mode: ``"fan_in"`` keeps the forward variance, ``"fan_out"`` the
            backward one.
        negative_slope: The slope a of a leaky ReLU for z < 0; 0 is ReLU.

    Returns:
        The standard deviation (not the variance) of one weight.

    Raises:
        ValueError: If the shape has no fans, or the mode is unknown.

    Example:
        >>> he_std((10, 50))
        0.2
    """
    check_in("mode", mode, ("fan_in", "fan_out"))
    a = check_number("negative_slope", negative_slope)
    n = getattr(fans(shape), mode)
    return math.sqrt(2 / ((1 + a**2) * n))  # (1)


def he_normal(
    shape: Sequence[int],
    *,
    mode: str = "fan_in",
    negative_slope: float = 0.0,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim N(0,\ 2/((1+a^2)n))`.

    Args:
        shape: ``[out, in, *kernel]``.
        mode: ``"fan_in"`` or ``"fan_out"``.
        negative_slope: The slope a of a leaky ReLU for z < 0; 0 is ReLU.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights with the variance of equation (1).

    Raises:
        ValueError: If the shape has no fans, or the mode is unknown.

    Example:
        >>> w = he_normal((300, 800), generator=torch.Generator())
        >>> f"{w.std().item():.2f}"
        '0.05'

    Notes:
        ``torch.nn.init.kaiming_normal_`` takes a = 0 as its slope, but its
        default ``nonlinearity="leaky_relu"`` means ReLU only because of that.

    References:
        He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, arXiv
        1502.01852, eq. 10 (forward), 14 (backward), 15 (leaky).
    """
    std = he_std(shape, mode=mode, negative_slope=negative_slope)
    return normal(shape, std, generator, dtype, device)


def he_uniform(
    shape: Sequence[int],
    *,
    mode: str = "fan_in",
    negative_slope: float = 0.0,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim U(\pm\sqrt{6/((1+a^2)n)})`.

    Args:
        shape: ``[out, in, *kernel]``.
        mode: ``"fan_in"`` or ``"fan_out"``.
        negative_slope: The slope a of a leaky ReLU for z < 0; 0 is ReLU.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights with the variance of equation (1): a uniform variable on ±b has
        variance b²/3.

    Raises:
        ValueError: If the shape has no fans, or the mode is unknown.

    Example:
        >>> w = he_uniform((30, 60), generator=torch.Generator())
        >>> bool(w.abs().max() <= 0.1**0.5)
        True

    References:
        He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, arXiv
        1502.01852, eq. 10, 14 and 15.
    """
    bound = math.sqrt(3) * he_std(shape, mode=mode, negative_slope=negative_slope)
    return uniform(shape, bound, generator, dtype, device)
