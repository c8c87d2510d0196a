r"""Read a tensor as a batch of images, and draw a number for each image.

Two axes are one grey image ``[H, W]``, three a batch of grey ones, four or more
end in ``[C, H, W]``, and the channels of an image share their fate.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_positive

__all__ = ["as_batch", "draw_uniform", "lead", "per_image"]


def lead(images: Tensor) -> torch.Size:
    r"""Return the axes that count images, after a look at the rest.

    Args:
        images: ``[*, H, W]`` or ``[*, C, H, W]``.

    Returns:
        The shape of what stands for \*.

    Raises:
        TypeError: If they are not a floating-point tensor.
        ValueError: If an axis is missing or empty, or an entry is not finite.

    Example:
        >>> lead(torch.zeros(5, 8, 8)), lead(torch.zeros(5, 3, 8, 8))
        (torch.Size([5]), torch.Size([5]))
    """
    if not (isinstance(images, Tensor) and images.is_floating_point()):
        kind = getattr(images, "dtype", type(images).__name__)
        raise TypeError(
            f"images: expected a floating-point tensor, got {kind}; use .float()"
        )
    if images.ndim < 2 or 0 in images.shape[-2:]:
        raise ValueError(
            f"images: expected [*, H, W] or [*, C, H, W], got {tuple(images.shape)}; "
            "unflatten rows of pixels: x.unflatten(-1, (8, 8))"
        )
    if not bool(images.isfinite().all()):
        raise ValueError("images: expected finite pixels, got NaN or infinity")
    return images.shape[: -2 if images.ndim <= 3 else -3]


def as_batch(images: Tensor) -> Float[Tensor, "B C H W"]:
    r"""Return the same pixels as ``[B, C, H, W]``.

    Args:
        images: ``[*, H, W]`` or ``[*, C, H, W]``.

    Returns:
        A view where possible; B is 1 for a single image.

    Example:
        >>> as_batch(torch.zeros(2, 5, 3, 8, 8)).shape
        torch.Size([10, 3, 8, 8])
    """
    axes = lead(images)
    channels = images.shape[len(axes) : -2] or (1,)
    return images.reshape(axes.numel(), *channels, *images.shape[-2:])


def per_image(
    name: str, values: float | Sequence[Any] | Tensor, axes: Sequence[int], *last: int
) -> Float[Tensor, "B ..."]:
    r"""Return one row of parameters for every image, in float64.

    Args:
        name: The argument's name as the caller wrote it.
        values: One row for all images, or one an image.
        axes: The axes that count images.
        *last: The shape of a row.

    Returns:
        ``[B, *last]``.

    Raises:
        ValueError: If the shapes do not fit or a value is not finite.

    Example:
        >>> per_image("offset", (1, 0), (3,), 2).shape
        torch.Size([3, 2])
    """
    rows = torch.as_tensor(values, dtype=torch.float64)
    shape = (*axes, *last)
    try:
        rows = rows.expand(shape)
    except RuntimeError as error:
        raise ValueError(
            f"{name}: expected shape {last} or {shape}, got {tuple(rows.shape)}"
        ) from error
    if not bool(rows.isfinite().all()):
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return rows.reshape(-1, *last)


def draw_uniform(
    amount: float, shape: Sequence[int], generator: torch.Generator
) -> Float[Tensor, "..."]:
    r"""Draw from U(-amount, amount), in float64 so that every type gets the same.

    Args:
        amount: Half the width of the interval, ≥ 0.
        shape: Shape of the draw.
        generator: Source of randomness.

    Returns:
        Numbers on the generator's device.

    Raises:
        ValueError: If the amount is negative or infinite.

    Example:
        >>> draw_uniform(0.0, (2,), torch.Generator().manual_seed(0))
        tensor([0., 0.], dtype=torch.float64)
    """
    amount = check_positive("amount", amount, zero=True)
    options = {"device": generator.device, "dtype": torch.float64}
    return amount * (2 * torch.rand(tuple(shape), generator=generator, **options) - 1)
