r"""Define two-dimensional losses with one obstacle each that training meets.

A valley with steep walls, a barrier between two wells, a hump on the way down, a
plateau, a cliff. Each takes points :math:`\theta = (x, y)` on the last axis and batches
over the axes before it. The table ``surfaces.SURFACES`` lists critical points and a box
to draw of each.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count, check_positive
from ._points import split_xy

__all__ = ["cliff", "double_well", "humped_bowl", "narrow_valley", "plateau"]


def narrow_valley(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a valley on whose walls a step jumps to and fro for ever.

    .. math:: L &= \ln\cosh(10x) + 0.001\, y^2

    Away from the floor the slope across is ±10 however far the wall is, so a fixed
    step ends in an orbit between both walls: the loss stands still and the gradient
    does not vanish.

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> narrow_valley(torch.tensor([[0.0, 0.0], [100.0, 0.0]]))
        tensor([  0.0000, 999.3068])
    """
    x, y = split_xy(theta)
    # not |z| + log1p(e^-2|z|): its second derivative at 0 comes out as 0, not 1
    log_cosh = torch.logaddexp(10 * x, -10 * x) - math.log(2)
    return log_cosh + 0.001 * y.square()


def double_well(
    theta: Float[Tensor, "*batch 2"], *, barrier: float = 1.0
) -> Float[Tensor, "*batch"]:
    r"""Return two equal wells at x = ±1 with a barrier of height h between them.

    .. math:: L &= h\,(x^2 - 1)^2 + \tfrac12 y^2

    Args:
        theta: Points ``[*, 2]``.
        barrier: The height h > 0.

    Returns:
        Values ``[*]``.

    Example:
        >>> double_well(torch.tensor([[-1.0, 0.0], [0.0, 0.0]]), barrier=3.0)
        tensor([0., 3.])
    """
    h = check_positive("barrier", barrier)
    x, y = split_xy(theta)
    return h * (x.square() - 1).square() + y.square() / 2


def humped_bowl(
    theta: Float[Tensor, "*batch 2"], *, height: float = 2.0
) -> Float[Tensor, "*batch"]:
    r"""Return a round bowl with a hump in the way, which momentum may roll over.

    .. math::

        L &= \tfrac12 (x^2 + y^2)
        + h \exp\Bigl(-\frac{(x-2)^2}{2 \cdot 0.3^2}\Bigr)

    Up to h = 1.13 the hump only slows a descent along the x-axis; above that there
    is a second minimum behind it.

    Args:
        theta: Points ``[*, 2]``.
        height: The height h ≥ 0 of the hump.

    Returns:
        Values ``[*]``.

    Example:
        >>> humped_bowl(torch.tensor([[2.0, 0.0], [4.0, 0.0]]))
        tensor([4., 8.])
    """
    h = check_positive("height", height, zero=True)
    x, y = split_xy(theta)
    hump = torch.exp(-(x - 2).square() / (2 * 0.3**2))
    return (x.square() + y.square()) / 2 + h * hump


def plateau(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a dip in a plane: far away the loss is almost 1 and almost flat.

    .. math:: L &= r^2 / (1 + r^2), \quad r^2 = x^2 + y^2

    At a distance of 10 the gradient is 0.002, although the minimum is far.

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> plateau(torch.tensor([[0.0, 0.0], [1.0, 0.0], [6.0, 8.0]]))
        tensor([0.0000, 0.5000, 0.9901])
    """
    x, y = split_xy(theta)
    r2 = x.square() + y.square()
    return r2 / (1 + r2)


def cliff(
    theta: Float[Tensor, "*batch 2"], *, length: int = 50
) -> Float[Tensor, "*batch"]:
    r"""Return the loss of one recurrent unit after T steps, with a wall in it.

    .. math::

        h_t &= w\,\sigma(h_{t-1}) + b, \quad h_0 = \tfrac12 \qquad (1) \\
        L &= (\sigma(h_T) - 0.7)^2 \qquad (2)

    Where a small change of (w, b) sends the unit to another fixed point the loss
    jumps: on the line w = 5 the gradient reaches 6,800 near b = −2.61 and is below 0.2
    a tenth to either side.

    Args:
        theta: Weight and bias (w, b), ``[*, 2]``.
        length: Number of steps T ≥ 1; the longer, the steeper.

    Returns:
        Values ``[*]``.

    Example:
        >>> cliff(torch.tensor([[5.0, -2.65], [5.0, -2.55]]))
        tensor([0.3502, 0.0186])

    References:
        Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural
        networks, arXiv 1211.5063, section 2.3.
    """
    steps = check_count("length", length)
    w, b = split_xy(theta)
    h = torch.full_like(w, 0.5)
    for _ in range(steps):
        h = w * h.sigmoid() + b  # (1)
    return (h.sigmoid() - 0.7).square()  # (2)
