r"""Turn, move or blur the digits, so that training and test disagree.

A model is fitted to one distribution and judged on another. More examples from
the first do not help; examples from the second do. Three ways to disagree:

.. math::

    x'(u) &= x(u) + a\, \xi \qquad (1) \\
    x'(u) &= x(R_{-\alpha}\, u) \qquad (2) \\
    x'(u) &= x(u - s) \qquad (3)

*noise* with standard normal ξ for every pixel, *rotate* by α degrees about the
middle of the image, *shift* by s, a pixels to the left, right, top or bottom; u is a
place in the image, between pixels bilinear, outside of it blank. Afterwards
:math:`x \leftarrow (x - \mu_j)/4.8` with the means of the **clean** training
part, for every part: a deployed model keeps the scaling that it was fitted with.
One constant for all pixels, because a pixel that is blank in training has a
deviation near 0, and divided by it a stroke that is moved there would be huge.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from .._validate import check_in, check_number, check_positive
from ._draw import normal, source, uniform
from .digits import GLOBAL_SCALE, Split, raw_digits

__all__ = ["shifted_digits"]

SIDE = 8
KINDS = ("noise", "rotate", "shift")
PARTS = {"test": (2,), "train": (0,), "both": (0, 2)}


def shifted_digits(
    kind: str = "rotate",
    amount: float = 25.0,
    *,
    part: str = "test",
    seed: int = 0,
    n_train: int = 1400,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Split:
    r"""Return ``digits("global")`` with one part, or both, changed by (1), (2) or (3).

    Args:
        kind: ``"rotate"``, ``"shift"`` or ``"noise"``.
        amount: The angle α in degrees, counter-clockwise; the shift a ≥ 0 in
            pixels of an image 8 pixels wide, its direction drawn for every
            image; the deviation a ≥ 0 of the noise in grey levels of 0 to 16.
            With 0 nothing is changed.
        part: ``"test"`` (mismatch), ``"train"`` or ``"both"`` (another task).
        seed: Decides which images are for training, as in ``digits``, and the
            random directions and noise.
        n_train: Number of training images, 1 to 1796.
        dtype: Floating-point type of the inputs.
        device: Where the tensors are put; None means the CPU.

    Shape:
        as ``digits``: ``[n, 64]`` and ``[n]``.

    Returns:
        The split; images and their order are those of ``digits("global")``.

    Raises:
        ValueError: If an argument is unknown or out of its range.

    Example:
        >>> clean, blurred = shifted_digits(amount=0), shifted_digits("noise", 4.0)
        >>> torch.equal(clean.x_train, blurred.x_train)
        True
        >>> round((blurred.x_test - clean.x_test).std().item() * 4.8, 1)
        4.0

    Notes:
        The noise is not clipped to 0 … 16, so its deviation is the same for
        black and for blank pixels; in scaled units it is ``amount`` / 4.8.

    References:
        Quiñonero-Candela, Sugiyama, Schwaighofer, Lawrence (2009), Dataset
        Shift in Machine Learning, MIT Press.
    """
    check_in("kind", kind, KINDS)
    check_in("part", part, tuple(PARTS))
    size = check_number("amount", amount)
    if kind != "rotate" or not math.isfinite(size):
        check_positive("amount", amount, zero=True)
    parts = [torch.from_numpy(values) for values in raw_digits(seed, n_train)]
    mean, draw = parts[0].mean(0), source(None, seed, "shft")
    for index in PARTS[part]:
        parts[index] = _changed(parts[index], kind, size, draw)
    x_train, x_test = ((parts[i] - mean) / GLOBAL_SCALE for i in (0, 2))
    return Split(
        x_train.to(device, dtype),
        parts[1].to(device),
        x_test.to(device, dtype),
        parts[3].to(device),
    )


def _changed(x: Tensor, kind: str, size: float, draw: torch.Generator) -> Tensor:
    n = len(x)
    if kind == "noise":
        return x + size * normal(draw, *x.shape)  # (1)
    if kind == "rotate":
        cos, sin = math.cos(math.radians(size)), math.sin(math.radians(size))
        rows = [[cos, -sin, 0.0], [sin, cos, 0.0]]
        return _moved(x, torch.tensor(rows, dtype=x.dtype).expand(n, 2, 3))  # (2)
    directions = torch.tensor([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=x.dtype)
    s = size * directions[(4 * uniform(draw, n)).long()]
    ones = torch.eye(2, dtype=x.dtype).expand(n, 2, 2)
    # A place runs from -1 to 1 over the centres of the pixels.
    step = -s[..., None] * 2 / (SIDE - 1)
    return _moved(x, torch.cat((ones, step), dim=2))  # (3)


# Fetches each pixel from the place that an affine map of its own place names.
def _moved(x: Tensor, places: Tensor) -> Tensor:
    images = x.view(-1, 1, SIDE, SIDE)
    grid = functional.affine_grid(places, list(images.shape), align_corners=True)
    return functional.grid_sample(images, grid, align_corners=True).view_as(x)
