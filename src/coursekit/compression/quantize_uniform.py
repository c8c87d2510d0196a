r"""Round weights to a grid of equal steps, so that a few bits say which point.

With b bits there are :math:`2^b` codes, and n steps between the first and the
last. The *affine* grid spans the range R of the weights, made to contain zero:

.. math::

    w_{lo} &= \min(\min_i w_i,\ 0),\quad w_{hi} = \max(\max_i w_i,\ 0)
    \qquad (1) \\
    R &= w_{hi} - w_{lo},\quad n = 2^b - 1 \qquad (2) \\
    z &= \lfloor -w_{lo}\, n/R + \tfrac12 \rfloor \qquad (3)

with codes from 0 to n. The zero point z is whole, so that 0 is on the grid:
pruned weights stay pruned. The *symmetric* grid puts z = 0 and spends one code
less, from -n to n:

.. math::

    R &= \max_i |w_i|,\quad n = 2^{b-1} - 1 \qquad (4)

For both, with the step :math:`\Delta`,

.. math::

    \Delta &= R/n \qquad (5) \\
    c_i &= \mathrm{clip}(\mathrm{round}(w_i\, n/R + z)) \qquad (6) \\
    \hat w_i &= \Delta\, (c_i - z) \qquad (7)

No weight moves by more than :math:`\Delta/2`. But one outlier sets Δ for all:
a weight ten times the others costs them more than three bits. A grid for every
output unit (``axis=0``) contains that damage.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_in, check_range
from ._tensors import check_weights

__all__ = ["Quantized", "quantize_uniform"]


class Quantized(NamedTuple):
    r"""Hold what is stored of the weights.

    Attributes:
        codes: :math:`c_i`, whole numbers in the shape of the weights.
        step: Δ > 0, one for all or one a slice.
        zero: z, whole; the code of 0.
        dtype: Type of the weights.
    """

    codes: Int[Tensor, "*shape"]
    step: Float[Tensor, "..."]
    zero: Float[Tensor, "..."]
    dtype: torch.dtype

    @property
    def values(self) -> Float[Tensor, "*shape"]:
        r"""The rounded weights :math:`\hat w`, equation (7)."""
        w_hat = self.step * (self.codes - self.zero)  # (7)
        return w_hat.to(self.dtype)


def quantize_uniform(
    w: Float[Tensor, "*shape"],
    bits: int,
    *,
    scheme: str = "affine",
    axis: int | None = None,
) -> Quantized:
    r"""Return the codes of equation (6) and their grid.

    Args:
        w: Weights.
        bits: b, 1 to 16; at least 2 for the symmetric grid.
        scheme: ``"affine"`` or ``"symmetric"``.
        axis: Axis along which every slice has a grid of its own (0 for the
            output units of a ``Linear`` or ``Conv``); None is one grid.

    Shape:
        codes as w; step and zero broadcast to it.

    Returns:
        Codes, step and zero point; ``.values`` are the rounded weights.

    Raises:
        ValueError: If an argument is out of its range or a weight not finite.
        TypeError: If the weights are not a floating-point tensor.

    Example:
        >>> quantized = quantize_uniform(torch.tensor([-1.0, 0.0, 0.3, 2.0]), 2)
        >>> quantized.codes, quantized.values
        (tensor([0, 1, 1, 3], dtype=torch.int32), tensor([-1.,  0.,  0.,  2.]))

    Notes:
        The gradient of rounding is zero almost everywhere. Training *with* the
        rounding passes it straight through: ``w + (w_hat - w).detach()``.

    References:
        Jacob et al. (2018), Quantization and training of neural networks for
        efficient integer-arithmetic-only inference, arXiv 1712.05877, eq. 1
        for (7), section 3 for (1) to (3).
        Krishnamoorthi (2018), Quantizing deep convolutional networks for
        efficient inference, arXiv 1806.08342, section 2.2 for (4).
    """
    check_in("scheme", scheme, ("affine", "symmetric"))
    b = check_count("bits", bits, least=1 if scheme == "affine" else 2)
    check_range("bits", b, 1, 16)
    values = check_weights("w", w).double()  # whole codes need all their digits
    if axis is not None:
        check_range("axis", axis, -w.ndim, w.ndim - 1)
    axes = [i for i in range(w.ndim) if axis is None or i != axis % w.ndim]
    low, high = (
        f(values, axes, keepdim=True) if axes else values
        for f in (torch.amin, torch.amax)
    )
    grid = _symmetric if scheme == "symmetric" else _affine
    R, z, least, n = grid(low, high, b)
    step = R / n  # (5)
    # w n/R and not w/step: that is rounded, and would decide ties by chance
    c = (values * n / R + z).round().clamp(least, n)  # (6)
    return Quantized(c.to(torch.int32), step, z, w.dtype)


def _affine(low: Tensor, high: Tensor, b: int) -> tuple[Tensor, Tensor, int, int]:
    low, high = low.clamp(max=0), high.clamp(min=0)  # (1)
    R, n = _positive(high - low), 2**b - 1  # (2)
    z = (-low * n / R + 0.5).floor()  # (3)
    return R, z, 0, n


def _symmetric(low: Tensor, high: Tensor, b: int) -> tuple[Tensor, Tensor, int, int]:
    R, n = _positive(torch.maximum(-low, high)), 2 ** (b - 1) - 1  # (4)
    return R, torch.zeros_like(R), -n, n


def _positive(R: Tensor) -> Tensor:
    # all weights of a slice are zero: any step keeps them
    return torch.where(R > 0, R, torch.ones_like(R))
