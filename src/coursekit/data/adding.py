r"""Draw the adding problem: remember two numbers of a long row and add them.

A sequence has two channels, a number u and a mark m. Two places are marked, one
in each half; the target is the sum of the numbers there:

.. math::

    y_r &= \textstyle\sum_t m_{r,t}\, u_{r,t} \qquad (1)

with u uniform on [0, 1). A model that ignores its input can do no better than
to answer 1, at a squared error of 1/6. A recurrent net must carry the first
number over the rest of the row, which is where vanishing gradients show; a
sequence has its own length, which is where batch statistics over time steps
break down (the last steps see only the few longest sequences).
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .._validate import check_count
from ._draw import source, uniform

__all__ = ["AddingProblem", "adding_problem"]


class AddingProblem(NamedTuple):
    """Hold padded sequences, their sums and their lengths.

    Attributes:
        x: Number and mark of every step, 0 behind the end, ``[n, max_len, 2]``.
        y: Sums of the two marked numbers, ``[n]``.
        lengths: Number of steps of each sequence, ``[n]``.
    """

    x: Float[Tensor, "n T 2"]
    y: Float[Tensor, " n"]
    lengths: Int[Tensor, " n"]

    @property
    def mask(self) -> Bool[Tensor, "n T"]:
        """True where a step belongs to its sequence."""
        steps = torch.arange(self.x.shape[1], device=self.lengths.device)
        return steps < self.lengths[:, None]


def adding_problem(
    n: int,
    *,
    min_len: int = 8,
    max_len: int = 24,
    generator: torch.Generator | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> AddingProblem:
    r"""Draw n sequences with lengths uniform on ``min_len`` … ``max_len``.

    Args:
        n: Number of sequences.
        min_len: Shortest length, at least 2.
        max_len: Longest length and the length of the padded rows.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.
        dtype: Floating-point type of x and y.
        device: Where the tensors are put; None means the CPU.

    Shape:
        ``x [n, max_len, 2]``, ``y [n]``, ``lengths [n]`` (int64).

    Returns:
        Sequences, sums and lengths.

    Raises:
        ValueError: If a count is out of its range.

    Example:
        >>> x, y, lengths = adding_problem(100)
        >>> x.shape, bool((x[..., 1].sum(1) == 2).all())
        (torch.Size([100, 24, 2]), True)
        >>> torch.allclose(x.prod(-1).sum(1), y)
        True

    Notes:
        Hochreiter and Schmidhuber draw u from [−1, 1], mark one of the first
        ten steps and one of the first half, set the first and last mark to −1
        and the target to ½ + sum/4. This is the plainer form of later papers.

    References:
        Hochreiter, Schmidhuber (1997), Long short-term memory, Neural
        Computation 9(8), experiment 4.
        Le, Jaitly, Hinton (2015), A simple way to initialize recurrent networks
        of rectified linear units, arXiv 1504.00941, section 4.1.
    """
    n, low = check_count("n", n), check_count("min_len", min_len, least=2)
    high = check_count("max_len", max_len, least=low, hint="min_len is the shortest")
    draw = source(generator, seed, "add")
    lengths = low + (uniform(draw, n) * (high - low + 1)).long()
    half = lengths // 2
    first = (uniform(draw, n) * half).long()
    second = half + (uniform(draw, n) * (lengths - half)).long()
    steps = torch.arange(high, device=draw.device)
    u = uniform(draw, n, high).where(steps < lengths[:, None], 0)
    m = ((steps == first[:, None]) | (steps == second[:, None])).double()
    y = (m * u).sum(1)  # (1)
    x = torch.stack((u, m), dim=2).to(device, dtype)
    return AddingProblem(x, y.to(device, dtype), lengths.to(device))
