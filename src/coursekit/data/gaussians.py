r"""Draw two overlapping clouds, with or without the points on the wrong side.

.. math::

    x_r &= s_r\, \mu\, u + \xi_r, \quad u = (1, \dots, 1)/\sqrt d \qquad (1)

with the sign s = ±1 of the class and standard normal ξ. The best boundary is the
plane :math:`u^T x = 0`; it is wrong with probability :math:`\Phi(-\mu)`. A point
beyond it carries the label of the other cloud and misleads whoever fits it: the
simplest setting in which *clean examples first* (or only) can help.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_positive
from ._draw import normal, source, uniform

__all__ = ["two_gaussians"]


def two_gaussians(
    n: int,
    d: int = 50,
    *,
    distance: float = 1.0,
    correct_side: bool = False,
    generator: torch.Generator | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]:
    r"""Draw points of equation (1), each class as often as the other.

    Args:
        n: Number of points; the classes alternate.
        d: Number of dimensions.
        distance: μ > 0, from each mean to the best boundary, in deviations.
        correct_side: Whether points on the wrong side of it are left out, that
            is, drawn again until they fall on their own side.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.
        dtype: Floating-point type of x.
        device: Where the tensors are put; None means the CPU.

    Shape:
        ``x [n, d]``, ``y [n]`` (int64, 0 or 1).

    Returns:
        Inputs and labels.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> x, y = two_gaussians(100, correct_side=True)
        >>> torch.equal(x.sum(1) > 0, y == 1)
        True

    Notes:
        A point "drawn again" has a truncated normal distribution along u, which
        is sampled in one go by inverting its distribution function.

    References:
        Bengio, Louradour, Collobert, Weston (2009), Curriculum learning, ICML,
        section 4.1.
    """
    n, d = check_count("n", n), check_count("d", d)
    mu = check_positive("distance", distance)
    draw = source(generator, seed, "gaus")
    y = torch.arange(n, device=draw.device) % 2
    s = 2.0 * y - 1
    xi, u = normal(draw, n, d), torch.full((d,), d**-0.5, dtype=torch.float64)
    u = u.to(xi.device)
    if correct_side:
        wrong = torch.special.ndtr(torch.tensor(-mu, dtype=torch.float64)).item()
        kept = wrong + (1 - wrong) * uniform(draw, n)
        along = s * torch.special.ndtri(kept)
        xi = xi + (along - xi @ u)[:, None] * u
    x = (s * mu)[:, None] * u + xi  # (1)
    return x.to(device, dtype), y.to(device)
