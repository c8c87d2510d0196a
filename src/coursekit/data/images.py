r"""Turn stored bytes into a split of images, scaled with training statistics.

.. math::

    x \leftarrow \frac{x - \mu_c}{\sigma_c}

with the mean and deviation of each channel c over the pixels of all training images
that are used: one constant for all places, so that no blank pixel is blown up. Images
are picked before they become floating-point numbers, which take four times the memory.
"""

import numpy as np
import torch
from torch import Tensor

from .._validate import check_count
from ._draw import source
from .digits import Split

__all__ = ["image_split"]

Part = tuple[np.ndarray, np.ndarray]


def image_split(
    train: Part,
    test: Part,
    *,
    n_train: int | None,
    n_test: int | None,
    flatten: bool,
    seed: int,
    dtype: torch.dtype,
    device: torch.device | str | None,
) -> Split:
    r"""Pick images of both parts and scale them.

    Args:
        train: Images ``[n, channels, height, width]`` and labels ``[n]``, uint8.
        test: The same for the test part.
        n_train: Number of training images, picked by the seed; None takes all, in
            their order.
        n_test: Number of test images.
        flatten: Whether an image becomes one row.
        seed: Decides which are picked.
        dtype: Floating-point type of the images.
        device: Where the tensors are put.

    Returns:
        The split.

    Raises:
        ValueError: If more images are asked for than there are.
    """
    draw = source(None, seed, "imgs")
    x, y = _picked(train, n_train, "n_train", draw)
    x_test, y_test = _picked(test, n_test, "n_test", draw)
    images = [part.to(dtype) for part in (x, x_test)]
    axes = (0, 2, 3)
    mean = images[0].double().mean(axes, keepdim=True).to(dtype)
    std = images[0].double().std(axes, correction=0, keepdim=True).to(dtype)
    for part in images:
        part.sub_(mean).div_(std)
    x, x_test = (part.flatten(1) if flatten else part for part in images)
    return Split(x.to(device), y.to(device), x_test.to(device), y_test.to(device))


def _picked(
    part: Part, n: int | None, name: str, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    x, y = (torch.from_numpy(values) for values in part)
    if n is not None:
        if check_count(name, n) > len(y):
            raise ValueError(f"{name}: expected at most {len(y)}, got {n}")
        order = torch.randperm(len(y), generator=draw)[:n]
        x, y = x[order], y[order]
    return x, y.long()
