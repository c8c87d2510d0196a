r"""Show every image turned by a few degrees.

Handwriting leans one way or the other, so a small turn keeps the label. For
every image

.. math::

    \varphi &\sim U(-a, a) \qquad (1) \\
    A &= \begin{pmatrix} \cos\varphi & \sin\varphi \\
    -\sin\varphi & \cos\varphi \end{pmatrix} \qquad (2)

turns it about its centre, counter-clockwise as one sees it; (2) is the inverse
turn in the order (row, column), with rows counted downwards. Corners that turn
out of the picture are lost and zeros come in. A large angle changes the label:
6 turned by 180° is 9.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ._images import draw_uniform, lead
from .warp import warp

__all__ = ["augment_rotate", "rotate"]


def rotate(
    images: Float[Tensor, "..."], angle: float | Sequence[float] | Tensor
) -> Float[Tensor, "..."]:
    r"""Turn images by a given angle, equation (2).

    Args:
        images: Pixels x.
        angle: φ in degrees, counter-clockwise, one number or one an image.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        The turned images; quarter turns of square images are exact.

    Raises:
        ValueError: If a shape does not fit or a number is not finite.

    Example:
        >>> rotate(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 90)
        tensor([[2., 4.],
                [1., 3.]])
    """
    phi = torch.as_tensor(angle, dtype=torch.float64) * (math.pi / 180)
    # the cosine of 90° comes out as 6e-17, and a quarter turn should be exact
    cos, sin = phi.cos().round(decimals=15), phi.sin().round(decimals=15)
    A = torch.stack([cos, sin, -sin, cos], -1).unflatten(-1, (2, 2))  # (2)
    return warp(images, A)


def augment_rotate(
    images: Float[Tensor, "..."],
    amount: float = 10.0,
    *,
    generator: torch.Generator,
) -> Float[Tensor, "..."]:
    r"""Turn every image by its own random angle, equations (1) and (2).

    Args:
        images: Pixels x.
        amount: a ≥ 0, in degrees.
        generator: Source of randomness.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        The turned images; with a = 0 equal to the old ones.

    Raises:
        ValueError: If the amount is negative or the images are not images.

    Example:
        >>> x = torch.eye(3)
        >>> generator = torch.Generator().manual_seed(0)
        >>> augment_rotate(x, 10, generator=generator).round(decimals=2)
        tensor([[0.7000, 0.0100, 0.0000],
                [0.1700, 1.0000, 0.1700],
                [0.0000, 0.0100, 0.7000]])

    References:
        Shorten, Khoshgoftaar (2019), A survey on image data augmentation for
        deep learning, J. Big Data 6:60.
    """
    phi = draw_uniform(amount, lead(images), generator)  # (1)
    return rotate(images, phi)
