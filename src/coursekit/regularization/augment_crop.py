r"""Show a random window of every image.

.. math::

    i &\sim U\{0, \dots, H + 2P - h\},\quad
    j \sim U\{0, \dots, W + 2P - w\} \qquad (1) \\
    y_{ab} &= x_{i+a-P,\ j+b-P} \qquad (2)

with P rows and columns of zeros around the image, a < h and b < w. Pixels are
copied, not interpolated. Two uses are common: a window smaller than the image
without padding, so that the net learns that position does not matter; and the
size of the image itself with some padding, which is a shift by whole pixels.
At prediction one window is used, the central one, or several are averaged. A
window that is too small no longer contains what the label says.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from .._validate import check_count
from ._images import as_batch, lead, per_image

__all__ = ["augment_crop", "crop"]


def crop(
    images: Float[Tensor, "..."],
    corner: Sequence[int] | Int[Tensor, "*images 2"],
    size: int | Sequence[int],
    *,
    padding: int = 0,
) -> Float[Tensor, "..."]:
    r"""Copy a given window, equation (2).

    Args:
        images: Pixels x.
        corner: (i, j), upper left corner of the window in the padded image,
            ``[2]`` or one an image ``[*, 2]``.
        size: (h, w), or one number for a square.
        padding: P ≥ 0.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same with (h, w) for (H, W).

    Returns:
        The windows.

    Raises:
        ValueError: If a window reaches out of the padded image.

    Example:
        >>> crop(torch.arange(9.0).view(3, 3), (1, 0), 2)
        tensor([[3., 4.],
                [6., 7.]])
    """
    axes = lead(images)
    x, (h, w) = _padded(images, size, padding)
    i, j = _whole(per_image("corner", corner, axes, 2)).to(x.device).unbind(-1)
    H, W = x.shape[-2:]
    if bool((i < 0).any() | (j < 0).any() | (i > H - h).any() | (j > W - w).any()):
        raise ValueError(
            f"corner: expected (0, 0) to {(H - h, W - w)}, got another; a window "
            "must lie within the padded image"
        )
    rows = (i[:, None] + torch.arange(h, device=x.device))[:, None, :, None]
    columns = (j[:, None] + torch.arange(w, device=x.device))[:, None, None, :]
    batch = torch.arange(len(x), device=x.device)[:, None, None, None]
    channel = torch.arange(x.shape[1], device=x.device)[:, None, None]
    y = x[batch, channel, rows, columns]  # (2)
    return y.reshape(*images.shape[:-2], h, w)


def augment_crop(
    images: Float[Tensor, "..."],
    size: int | Sequence[int],
    *,
    padding: int = 0,
    generator: torch.Generator,
) -> Float[Tensor, "..."]:
    r"""Copy a random window of every image, equations (1) and (2).

    Args:
        images: Pixels x.
        size: (h, w), or one number for a square.
        padding: P ≥ 0, rows and columns of zeros on each side.
        generator: Source of randomness.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same with (h, w) for (H, W).

    Returns:
        The windows; with the size of the image and P = 0 the images.

    Raises:
        ValueError: If the window is larger than the padded image.

    Example:
        >>> x = torch.arange(9.0).view(3, 3)
        >>> augment_crop(x, 2, generator=torch.Generator().manual_seed(0))
        tensor([[1., 2.],
                [4., 5.]])

    References:
        Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep
        convolutional neural networks, NIPS 25, section 4.1 (windows).
        He, Zhang, Ren, Sun (2016), Deep residual learning, arXiv 1512.03385,
        section 4.2 (32×32 windows with padding 4).
    """
    axes = lead(images)
    x, (h, w) = _padded(images, size, padding)
    H, W = x.shape[-2:]
    options = {"generator": generator, "device": generator.device}
    i = torch.randint(H - h + 1, axes, **options)
    j = torch.randint(W - w + 1, axes, **options)  # (1)
    return crop(images, torch.stack([i, j], -1), (h, w), padding=padding)


def _whole(corner: Tensor) -> Tensor:
    if not bool((corner == corner.round()).all()):
        raise ValueError(
            "corner: expected whole numbers, got fractions of a pixel; "
            "coursekit.regularization.shift interpolates"
        )
    return corner.long()


def _padded(
    images: Tensor, size: int | Sequence[int], padding: int
) -> tuple[Tensor, tuple[int, int]]:
    sides = size if isinstance(size, Sequence) else (size, size)
    h, w = (check_count("size", side) for side in sides)
    P = check_count("padding", padding, least=0)
    x = pad(as_batch(images), (P, P, P, P))
    if h > x.shape[-2] or w > x.shape[-1]:
        raise ValueError(
            f"size: expected at most {tuple(x.shape[-2:])} (image and padding), got "
            f"{(h, w)}; enlarge the padding"
        )
    return x, (h, w)
