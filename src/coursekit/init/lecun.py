r"""Scale weights by the fan-in, so that a linear unit keeps the variance.

For :math:`z = \sum_{i=1}^{n_{in}} w_i a_i` with independent weights of mean
zero, :math:`\mathrm{Var}(z) = n_{in}\,\mathrm{Var}(w)\,\mathbb{E}[a^2]`, so

.. math::

    \mathrm{Var}(w) = \frac{g^2}{n_{in}} \qquad (1)

keeps the scale when :math:`g^2\,\mathbb{E}[\phi(z)^2] = \mathrm{Var}(z)`; for
a linear unit g = 1, LeCun's choice. torch's default U(±1/√n_in) has
:math:`g = 1/\sqrt 3`: it shrinks even a linear signal by .577 a layer.

Two confusions are common. N(0, ·) takes the *variance*, so LeCun's is
N(0, 1/n_in), of *standard deviation* 1/√n_in. And 1/n_in is not Xavier's
2/(n_in + n_out).
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_positive
from .fans import fans, normal, uniform

__all__ = ["lecun_normal", "lecun_uniform", "scaled_normal", "standard_uniform"]


def scaled_normal(
    shape: Sequence[int],
    gain: float,
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim N(0,\ g^2/n_{in})`.

    Args:
        shape: ``[out, in, *kernel]``.
        gain: The factor g, ≥ 0: 1 is LeCun's scheme, √2 is He's.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights of standard deviation :math:`g/\sqrt{n_{in}}`.

    Raises:
        ValueError: If the shape has no fans or the gain is negative.

    Example:
        >>> w = scaled_normal((200, 400), 3.0, generator=torch.Generator())
        >>> f"{w.std().item():.2f}"
        '0.15'
    """
    g = check_positive("gain", gain, zero=True)
    std = g / math.sqrt(fans(shape).fan_in)  # (1)
    return normal(shape, std, generator, dtype, device)


def lecun_normal(
    shape: Sequence[int],
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim N(0,\ 1/n_{in})`.

    Args:
        shape: ``[out, in, *kernel]``.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights of standard deviation :math:`1/\sqrt{n_{in}}`.

    Raises:
        ValueError: If the shape has no fans.

    Example:
        >>> w = lecun_normal((200, 400), generator=torch.Generator())
        >>> f"{w.std().item():.3f}"
        '0.050'

    Notes:
        ``torch.nn.init`` has no scheme of this name; it is
        ``kaiming_normal_(w, nonlinearity="linear")``.

    References:
        LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, § 4.6, eq. 16.
    """
    return scaled_normal(shape, 1.0, generator=generator, dtype=dtype, device=device)


def lecun_uniform(
    shape: Sequence[int],
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim U(\pm\sqrt{3/n_{in}})`, of variance 1/n_in.

    Args:
        shape: ``[out, in, *kernel]``.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights of standard deviation :math:`1/\sqrt{n_{in}}`.

    Raises:
        ValueError: If the shape has no fans.

    Example:
        >>> w = lecun_uniform((200, 300), generator=torch.Generator())
        >>> bool(w.abs().max() <= 0.1)
        True

    References:
        LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, § 4.6, eq. 16.
    """
    bound = math.sqrt(3 / fans(shape).fan_in)  # (1)
    return uniform(shape, bound, generator, dtype, device)


def standard_uniform(
    shape: Sequence[int],
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw :math:`w \sim U(\pm 1/\sqrt{n_{in}})`, torch's default.

    Args:
        shape: ``[out, in, *kernel]``.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights of standard deviation :math:`1/\sqrt{3 n_{in}}`.

    Raises:
        ValueError: If the shape has no fans.

    Example:
        >>> w = standard_uniform((200, 400), generator=torch.Generator())
        >>> bool(w.abs().max() <= 0.05)
        True

    Notes:
        Glorot & Bengio call it the standard initialization (their eq. 1). A
        ``torch.nn.Linear`` is born with it: its ``reset_parameters`` calls
        ``kaiming_uniform_(a=√5)``, whose gain √(2/(1+5)) = 1/√3 cancels the √3
        of the uniform bound.

    References:
        Glorot, Bengio (2010), Understanding the difficulty of training deep
        feedforward neural networks, AISTATS, eq. 1.
    """
    bound = 1 / math.sqrt(fans(shape).fan_in)
    return uniform(shape, bound, generator, dtype, device)
