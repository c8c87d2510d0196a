r"""Show every image a little nearer or farther.

For every image, with the largest magnification :math:`1 + a`,

.. math::

    \ln u &\sim U(-\ln(1+a),\ \ln(1+a)) \qquad (1) \\
    A &= I / u \qquad (2)

magnifies it about its centre by u. The logarithm makes twice as large as likely
as half as large; a uniform u would enlarge more often than it shrinks. A
magnified image loses its border, a shrunk one gets a border of zeros, and one
shrunk below a half skips pixels, because only four neighbours are read.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_positive
from ._images import draw_uniform, lead
from .warp import warp

__all__ = ["augment_scale", "rescale"]


def rescale(
    images: Float[Tensor, "..."], factor: float | Sequence[float] | Tensor
) -> Float[Tensor, "..."]:
    r"""Magnify images by a given factor, equation (2).

    Args:
        images: Pixels x.
        factor: u > 0, one number or one an image.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same: the canvas stays.

    Returns:
        The magnified images.

    Raises:
        ValueError: If a factor is not above zero or not finite, or a shape
            does not fit.

    Example:
        >>> rescale(torch.tensor([[0.0, 8.0, 0.0]]), 2)
        tensor([[4., 8., 4.]])
    """
    u = torch.as_tensor(factor, dtype=torch.float64)
    if not bool((u > 0).all()):
        raise ValueError(f"factor: expected numbers > 0, got {factor!r}")
    A = torch.eye(2).to(u) / u[..., None, None]  # (2)
    return warp(images, A)


def augment_scale(
    images: Float[Tensor, "..."],
    amount: float = 0.2,
    *,
    generator: torch.Generator,
) -> Float[Tensor, "..."]:
    r"""Magnify every image by its own random factor, equations (1) and (2).

    Args:
        images: Pixels x.
        amount: a ≥ 0: the factor lies between 1/(1 + a) and 1 + a.
        generator: Source of randomness.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        The magnified images; with a = 0 equal to the old ones.

    Raises:
        ValueError: If the amount is negative or the images are not images.

    Example:
        >>> x = torch.tensor([[0.0, 8.0, 0.0]]).expand(2, 1, 3)
        >>> generator = torch.Generator().manual_seed(0)
        >>> augment_scale(x, 1.0, generator=generator)[:, 0]
        tensor([[3.8304, 8.0000, 3.8304],
                [2.0025, 8.0000, 2.0025]])

    References:
        Shorten, Khoshgoftaar (2019), A survey on image data augmentation for
        deep learning, J. Big Data 6:60.
    """
    a = math.log1p(check_positive("amount", amount, zero=True))
    log_u = draw_uniform(a, lead(images), generator)  # (1)
    return rescale(images, log_u.exp())
