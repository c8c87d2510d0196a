r"""Show every image a little off its place.

What is seen does not change when the camera moves, so a shifted image is a new
example with the old label. For every image

.. math::

    d &\sim U(-a, a)^2 \qquad (1) \\
    y_o &= x_{o - d} \qquad (2)

with bilinear values between pixels and zeros where the image moved away from;
nothing wraps around to the other side. Small shifts help a net that will meet
shifted images. Large ones move strokes out of the picture, and the capacity
spent on them is missing for the images that occur: one pixel is 12 % of the
width of an 8×8 digit.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count
from ._images import draw_uniform, lead
from .warp import warp

__all__ = ["augment_shift", "shift"]


def shift(
    images: Float[Tensor, "..."], offset: Sequence[float] | Tensor
) -> Float[Tensor, "..."]:
    r"""Move images by a given distance, equation (2).

    Args:
        images: Pixels x.
        offset: d in pixels, (down, right), ``[2]`` or one an image ``[*, 2]``.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        The shifted images.

    Raises:
        ValueError: If a shape does not fit or a number is not finite.

    Example:
        >>> shift(torch.tensor([[1.0, 2.0, 3.0]]), (0, 1))
        tensor([[0., 1., 2.]])
    """
    return warp(images, offset=-torch.as_tensor(offset, dtype=torch.float64))  # (2)


def augment_shift(
    images: Float[Tensor, "..."],
    amount: float = 1.0,
    *,
    whole: bool = False,
    generator: torch.Generator,
) -> Float[Tensor, "..."]:
    r"""Move every image by its own random distance, equations (1) and (2).

    Args:
        images: Pixels x.
        amount: a ≥ 0, in pixels.
        whole: Whether to draw whole pixels, -a to a alike; a is then whole.
        generator: Source of randomness.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        The shifted images; with a = 0 equal to the old ones.

    Raises:
        TypeError: If a fraction of a pixel is asked for with ``whole``.
        ValueError: If the amount is negative or the images are not images.

    Example:
        >>> x = torch.arange(1.0, 4.0).expand(3, 1, 3)
        >>> generator = torch.Generator().manual_seed(0)
        >>> augment_shift(x, 1, whole=True, generator=generator)[:, 0]
        tensor([[0., 0., 0.],
                [0., 0., 0.],
                [2., 3., 0.]])

    References:
        Shorten, Khoshgoftaar (2019), A survey on image data augmentation for
        deep learning, J. Big Data 6:60.
    """
    shape = (*lead(images), 2)
    if whole:
        a = check_count("amount", amount, least=0)
        options = {"generator": generator, "device": generator.device}
        d = torch.randint(-a, a + 1, shape, **options)
    else:
        d = draw_uniform(amount, shape, generator)  # (1)
    return shift(images, d)
