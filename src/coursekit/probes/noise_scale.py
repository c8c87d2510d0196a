r"""Estimate the gradient noise scale from batches of two sizes.

The squared norm of a batch gradient is too large on average, by the variance:
:math:`\mathbb{E}\|g_B\|^2 = \|g\|^2 + \mathrm{tr}\,\Sigma/B`. Two sizes give
two such equations, whose solution is unbiased for both unknowns:

.. math::

    \|g\|^2 &\approx \frac{B_2 \|g_{B_2}\|^2 - B_1 \|g_{B_1}\|^2}{B_2 - B_1}
    \qquad (1) \\
    \mathrm{tr}\,\Sigma &\approx
    \frac{\|g_{B_1}\|^2 - \|g_{B_2}\|^2}{1/B_1 - 1/B_2} \qquad (2) \\
    B_{simple} &= \mathrm{tr}\,\Sigma / \|g\|^2 \qquad (3)

No gradient of single examples is needed: with several workers, the norm on
one of them and the norm after averaging are there anyway. The ratio (3) of
two unbiased estimates is *not* unbiased, and (1) can even be negative; so
average (1) and (2) over many updates before dividing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .._validate import check_count, check_positive

__all__ = ["NoiseScale", "noise_scale"]


class NoiseScale(NamedTuple):
    r"""Hold the estimates.

    Attributes:
        grad_square: :math:`\|g\|^2`, in (loss/parameter)².
        trace: :math:`\mathrm{tr}\,\Sigma`, in the same unit.
        b_simple: :math:`B_{simple}`, in examples; NaN unless
            ``grad_square`` is positive.
    """

    grad_square: float
    trace: float
    b_simple: float


def noise_scale(
    norms_small: Sequence[float] | float,
    norms_big: Sequence[float] | float,
    b_small: int,
    b_big: int,
) -> NoiseScale:
    r"""Return the noise scale from gradient norms of small and of large batches.

    Args:
        norms_small: :math:`\|g_{B_1}\|`, one number or many (not squared).
        norms_big: :math:`\|g_{B_2}\|`, one number or many.
        b_small: :math:`B_1` ≥ 1 examples.
        b_big: :math:`B_2 > B_1` examples.

    Returns:
        The estimates; squares are averaged before anything is divided.

    Raises:
        ValueError: If the sizes are not in order, or a norm is negative,
            missing or not finite.
        TypeError: If a size is not whole or a norm is not a number.

    Example:
        >>> estimate = noise_scale([3.0, 1.0], [2.0, 1.0], 10, 40)  # squares: 5, 2.5
        >>> [round(value, 2) for value in estimate]
        [1.67, 33.33, 20.0]

    Notes:
        The batches are drawn with replacement, or from far more examples than
        they hold. Drawn without replacement from N examples, the same lines
        estimate the population behind these: :math:`\mathrm{tr}\,\Sigma\,
        N/(N-1)` and :math:`\|g\|^2 - \mathrm{tr}\,\Sigma/(N-1)`.

    References:
        McCandlish, Kaplan, Amodei et al. (2018), An empirical model of
        large-batch training, arXiv 1812.06162, appendix A.1.
    """
    B1 = check_count("b_small", b_small)
    B2 = check_count("b_big", b_big, least=B1 + 1, hint="it is the larger batch")
    small = _mean_square("norms_small", norms_small)
    big = _mean_square("norms_big", norms_big)
    square = (B2 * big - B1 * small) / (B2 - B1)  # (1)
    trace = (small - big) / (1 / B1 - 1 / B2)  # (2)
    b_simple = trace / square if square > 0 else float("nan")  # (3)
    return NoiseScale(square, trace, b_simple)


def _mean_square(name: str, norms: Sequence[float] | float) -> float:
    given = [norms] if isinstance(norms, int | float) else list(norms)
    if not given:
        raise ValueError(f"{name}: expected at least one norm, got none")
    values = [check_positive(name, norm, zero=True) for norm in given]
    return sum(value**2 for value in values) / len(values)
