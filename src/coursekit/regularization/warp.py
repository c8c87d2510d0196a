r"""Move the pixels of an image along an affine map, between pixels bilinearly.

For every pixel o = (row, column) of the *output* one asks where it comes from,
because asking where an input pixel goes would leave holes. With the centre
:math:`c = ((H-1)/2, (W-1)/2)`,

.. math::

    s &= A\,(o - c) + c + t \qquad (1) \\
    k &= \lfloor s \rfloor,\quad f = s - k \qquad (2) \\
    y_o &= \textstyle\sum_{a, b \in \{0,1\}}
    w_a(f_1)\, w_b(f_2)\ x_{k + (a, b)} \qquad (3)

with the weights :math:`w_1(f) = f` and :math:`w_0(f) = 1 - f`: the nearer of two
neighbours counts more. Outside of the image x = 0.

A and t are *inverse* to what is seen: t = (1, 0) fetches from the row below, so
the picture moves *up*. Everything is in pixels, never in the [-1, 1] of
``grid_sample``. There a rotation of an image that is not square also shears
it, and whole-pixel shifts are off by rounding; here whole numbers stay whole,
and the identity, whole shifts and quarter turns are exact.

Interpolation blurs: half a pixel averages two neighbours, and on 8×8 digits
that is a change of the data as well.
"""

from collections.abc import Sequence
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._images import as_batch, lead, per_image

__all__ = ["warp"]

IDENTITY = ((1.0, 0.0), (0.0, 1.0))


def warp(
    images: Float[Tensor, "..."],
    matrix: Sequence[Sequence[float]] | Tensor = IDENTITY,
    offset: Sequence[float] | Tensor = (0.0, 0.0),
) -> Float[Tensor, "..."]:
    r"""Return y of equation (3).

    Args:
        images: Pixels x. Three axes are a batch of grey images.
        matrix: A, ``[2, 2]`` for all images or ``[*, 2, 2]``, in the order
            (row, column).
        offset: t in pixels, ``[2]`` for all images or ``[*, 2]``.

    Shape:
        ``[*, H, W]`` or ``[*, C, H, W]`` to the same.

    Returns:
        New images, in the type and on the device of the old ones. Gradients
        flow to the pixels.

    Raises:
        TypeError: If the images are not a floating-point tensor.
        ValueError: If a shape does not fit or a number is not finite.

    Example:
        >>> warp(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), offset=(1, 0))
        tensor([[3., 4.],
                [0., 0.]])
        >>> warp(torch.tensor([[1.0, 2.0, 3.0]]), offset=(0, 0.25))
        tensor([[1.2500, 2.2500, 2.2500]])

    Notes:
        The geometry is that of ``torch.nn.functional.grid_sample`` with
        ``align_corners=False`` and ``padding_mode="zeros"``, where the edge of
        the image, not the centre of its last pixel, is at ±1.

    References:
        Jaderberg et al. (2015), Spatial transformer networks, arXiv
        1506.02025, eq. 1 for (1), eq. 5 for (3).
    """
    axes = lead(images)
    x = as_batch(images)
    A = per_image("matrix", matrix, axes, 2, 2).to(x.device)
    t = per_image("offset", offset, axes, 2).to(x.device)
    s = _sources(A, t, x.shape[-2], x.shape[-1])
    k = s.floor()
    f = (s - k).to(x.dtype)  # (2)
    y = torch.zeros_like(x)
    for corner in product((0, 1), repeat=2):
        a = k.new_tensor(corner)
        w = torch.where(a > 0, f, 1 - f).prod(-1)
        y = y + w[:, None] * _pixels(x, (k + a).long())  # (3)
    return y.reshape(images.shape)


def _sources(A: Tensor, t: Tensor, H: int, W: int) -> Float[Tensor, "B H W 2"]:
    options = {"dtype": torch.float64, "device": A.device}
    rows, columns = torch.arange(H, **options), torch.arange(W, **options)
    o = torch.cartesian_prod(rows, columns).view(H, W, 2)
    c = torch.tensor([(H - 1) / 2, (W - 1) / 2], **options)
    # products and sums one by one: a fused multiply-add may round whole numbers
    moved = (A[:, None, None] * (o - c)[None, ..., None, :]).sum(-1)
    return moved + c + t[:, None, None]  # (1)


def _pixels(
    x: Float[Tensor, "B C H W"], at: Int[Tensor, "B H W 2"]
) -> Float[Tensor, "B C H W"]:
    B, C, H, W = x.shape
    row, column = at.unbind(-1)
    inside = (row >= 0) & (row < H) & (column >= 0) & (column < W)
    flat = row.clamp(0, H - 1) * W + column.clamp(0, W - 1)
    index = flat.view(B, 1, H * W).expand(B, C, H * W)
    return x.reshape(B, C, H * W).gather(2, index).view(x.shape) * inside[:, None]
