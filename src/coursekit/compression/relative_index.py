r"""Say where the remaining weights stand by the zeros between them.

The position of one weight among n takes :math:`\log_2 n` bits, often more than
its value. The gap to the weight before it is smaller. For positions
:math:`i_1 < i_2 < \dots` of the weights that are not zero, and
:math:`i_0 = -1`,

.. math::

    g_j &= i_j - i_{j-1} - 1 \qquad (1)

and an entry with b bits can say 0 to :math:`2^b - 1`. A longer gap is bridged
by *fillers*, entries whose weight is zero and which span :math:`2^b` positions
each, themselves included:

.. math::

    f_j &= \lfloor g_j / 2^b \rfloor \text{ fillers},\quad
    \text{then the gap } g_j \bmod 2^b \qquad (2)

Few bits make many fillers, many bits are spent on every entry. At a sparsity
of 90 % the mean gap is 9, and 4 or 5 bits are about right.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .._validate import check_count, check_range

__all__ = ["RelativeIndex", "relative_index"]


class RelativeIndex(NamedTuple):
    r"""Hold the entries of a sparse tensor, flattened.

    Attributes:
        gaps: Zeros skipped before each entry, ``[entries]``.
        kept: Whether the entry is a weight; False marks a filler.
    """

    gaps: Int[Tensor, " entries"]
    kept: Bool[Tensor, " entries"]

    @property
    def positions(self) -> Int[Tensor, " weights"]:
        """Where the weights stand in the flattened tensor."""
        return ((self.gaps + 1).cumsum(0) - 1)[self.kept]


def relative_index(mask: Bool[Tensor, "*shape"], bits: int) -> RelativeIndex:
    r"""Return the gaps of equations (1) and (2).

    Args:
        mask: True where there is a weight.
        bits: b, 1 to 30.

    Returns:
        Gaps below :math:`2^b`, and which entries are weights.

    Raises:
        ValueError: If b is out of its range.
        TypeError: If the mask is not of truth values.

    Example:
        >>> mask = torch.zeros(12, dtype=torch.bool)
        >>> mask[[1, 11]] = True
        >>> relative_index(mask, 2)
        RelativeIndex(gaps=tensor([1, 3, 3, 1]),
                      kept=tensor([ True, False, False,  True]))

    References:
        Han, Mao, Dally (2016), Deep compression, arXiv 1510.00149, section 2
        and figure 2.
    """
    b = check_count("bits", bits)
    check_range("bits", b, 1, 30)
    if mask.dtype != torch.bool:
        raise TypeError(f"mask: expected truth values, got {mask.dtype}; use w != 0")
    i = mask.flatten().nonzero().flatten()
    g = torch.diff(i, prepend=i.new_tensor([-1])) - 1  # (1)
    f = g >> b  # (2)
    last = (f + 1).cumsum(0) - 1
    gaps = g.new_full((int((f + 1).sum()),), 2**b - 1)
    kept = torch.zeros_like(gaps, dtype=torch.bool)
    gaps[last], kept[last] = g - (f << b), True
    return RelativeIndex(gaps, kept)
