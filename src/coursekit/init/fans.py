r"""Count the inputs and outputs of a layer, and draw weights of a given scale.

A unit of a linear layer sums over :math:`n_{in}` inputs, and each input feeds
:math:`n_{out}` units. In a convolution a unit sums over the channels *and*
the places of the kernel, so for weights ``[out, in, *kernel]``

.. math::

    n_{in}  &= \mathrm{in} \times |\mathrm{kernel}| \qquad (1) \\
    n_{out} &= \mathrm{out} \times |\mathrm{kernel}| \qquad (2)

Forgetting the kernel makes the weights of a 3×3 convolution three times too
large in standard deviation.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .._validate import check_count

__all__ = ["Fans", "fans"]


class Fans(NamedTuple):
    r"""Hold the two fans of a layer.

    Attributes:
        fan_in: :math:`n_{in}`, the terms in one unit's sum.
        fan_out: :math:`n_{out}`, the units that one input reaches.
    """

    fan_in: int
    fan_out: int


def fans(shape: Sequence[int]) -> Fans:
    r"""Return :math:`(n_{in}, n_{out})` of a weight of this shape.

    Args:
        shape: ``[out, in]`` or ``[out, in, *kernel]``; a tensor's ``.shape``
            will do. All sizes are at least 1.

    Returns:
        Both fans as integers.

    Raises:
        ValueError: If the shape has fewer than two axes or an empty one.
        TypeError: If a size is not an integer.

    Example:
        >>> fans((10, 64))
        Fans(fan_in=64, fan_out=10)
        >>> fans((16, 3, 5, 5))
        Fans(fan_in=75, fan_out=400)

    Notes:
        A stride s lets an input reach about :math:`n_{out}/s^2` places only,
        and a grouped convolution only the outputs of its group. Equation (2),
        like torch's, counts neither; :math:`n_{in}` is exact in both cases.
    """
    sizes = [check_count(f"shape[{i}]", size) for i, size in enumerate(shape)]
    if len(sizes) < 2:
        raise ValueError(
            f"shape: expected [out, in, *kernel], got {tuple(sizes)}; a vector (a "
            "bias or a norm's weight) has no fans, set it to a constant"
        )
    out, in_, *kernel = sizes
    n_in = in_ * math.prod(kernel)  # (1)
    n_out = out * math.prod(kernel)  # (2)
    return Fans(n_in, n_out)


def normal(
    shape: Sequence[int],
    std: float,
    generator: torch.Generator,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> Tensor:
    """Draw from N(0, std²) on the generator's device, then move.

    Args:
        shape: Shape of the result.
        std: Standard deviation, ≥ 0.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        A new tensor.

    Example:
        >>> normal((2, 2), 0.0, torch.Generator(), None, None).abs().sum().item()
        0.0
    """
    draw = torch.randn(
        tuple(shape), generator=generator, dtype=dtype, device=generator.device
    )
    return (std * draw).to(device or generator.device)


def uniform(
    shape: Sequence[int],
    bound: float,
    generator: torch.Generator,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> Tensor:
    r"""Draw from U(-bound, bound), whose deviation is bound/√3.

    Args:
        shape: Shape of the result.
        bound: Half the width of the interval, ≥ 0.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        A new tensor.

    Example:
        >>> bool((uniform((9, 9), 2.0, torch.Generator(), None, None).abs() <= 2).all())
        True
    """
    draw = torch.rand(
        tuple(shape), generator=generator, dtype=dtype, device=generator.device
    )
    return (bound * (2 * draw - 1)).to(device or generator.device)
