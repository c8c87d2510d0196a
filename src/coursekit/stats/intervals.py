r"""Estimate a mean over seeds with its interval; a divergence opens it to the line.

Numbers in the code are those of the equations in :mod:`coursekit.stats`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Interval:
    """Hold an estimate with its interval and the number of seeds behind it.

    Example:
        >>> Interval(0.3, 0.1, 0.5, n=5).excludes(0)
        True
    """

    estimate: float
    low: float
    high: float
    n: int
    diverged: int = 0

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2

    def excludes(self, value: float) -> bool:
        """Tell whether a value lies outside the interval.

        Args:
            value: on the scale of the interval.

        Returns:
            False on the boundary, and for every value after a divergence.
        """
        return not self.low <= value <= self.high


def paired_t_interval(differences: ArrayLike, confidence: float = 0.95) -> Interval:
    r"""Estimate the mean of paired differences with Student's t-interval.

    Equations (1) to (3) of the module. With no spread it is the mean alone.

    Args:
        differences: $d_s$, treatment minus control, one a seed.
        confidence: $c$, strictly between 0 and 1.

    Shape:
        differences: ``[seed]``, at least two.

    Returns:
        The mean and its interval; the whole line around nan if a seed diverged.

    Raises:
        ValueError: for fewer than two seeds, more than one axis or $c$ outside (0, 1).

    Example:
        >>> i = paired_t_interval([1.0, 2.0, 3.0])
        >>> round(i.estimate, 3), round(i.low, 3), round(i.high, 3), i.n
        (2.0, -0.484, 4.484, 3)
    """
    d = vector("differences", differences, least=2)
    diverged = _diverged(d)
    if diverged:
        return Interval(math.nan, -math.inf, math.inf, d.size, diverged)
    mean, h = mean_and_half_width(d, confidence)
    return Interval(float(mean), float(mean - h), float(mean + h), d.size)


def bootstrap_interval(
    values: ArrayLike, confidence: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> Interval:
    """Draw the percentile bootstrap interval of a mean, for display only.

    Args:
        values: one a seed.
        confidence: strictly between 0 and 1.
        n_resamples: number of resampled means.
        seed: of the resampling, so that a figure repeats.

    Shape:
        values: ``[seed]``, at least two.

    Returns:
        The mean and the percentiles of resampled means; as ``paired_t_interval``
        after a divergence.

    Raises:
        ValueError: for fewer than two values or a confidence outside (0, 1).

    Example:
        >>> i = bootstrap_interval([1.0, 2.0, 3.0, 4.0])
        >>> i.low < i.estimate < i.high
        True
    """
    import numpy as np

    x = vector("values", values, least=2)
    _check_confidence(confidence)
    diverged = _diverged(x)
    if diverged:
        return Interval(math.nan, -math.inf, math.inf, x.size, diverged)
    picks = np.random.default_rng(seed).integers(x.size, size=(n_resamples, x.size))
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(x[picks].mean(axis=1), tails)
    return Interval(float(x.mean()), float(low), float(high), x.size)


def mean_and_half_width(
    d: NDArray[float64], confidence: float
) -> tuple[NDArray[float64], NDArray[float64]]:
    """Evaluate equations (1) to (3) along the last axis.

    Args:
        d: Paired differences, all finite.
        confidence: $c$, strictly between 0 and 1.

    Shape:
        d: ``[..., seed]``, at least two seeds.

    Returns:
        The mean and the half-width of its interval, each ``[...]``.
    """
    import numpy as np
    from scipy.special import stdtrit

    _check_confidence(confidence)
    n = d.shape[-1]
    mean = d.mean(-1)  # (1)
    deviation = d - mean[..., None]
    sigma = np.sqrt(np.square(deviation).sum(-1) / (n - 1))  # (2)
    # equal differences must give a spread of exactly 0, not of rounding errors
    sigma = np.where(np.ptp(d, axis=-1) > 0, sigma, 0.0)
    return mean, stdtrit(n - 1, (1 + confidence) / 2) * sigma / np.sqrt(n)  # (3)


def vector(name: str, values: ArrayLike, least: int) -> NDArray[float64]:
    """Read one number a seed.

    Args:
        name: Of the argument, for the message.
        values: The numbers.
        least: Smallest number of seeds.

    Returns:
        A vector of floats.

    Raises:
        ValueError: for another number of axes or fewer seeds.
    """
    import numpy as np

    x = np.asarray(values, float)
    if x.ndim != 1 or x.size < least:
        raise ValueError(
            f"got {name} of shape {x.shape}; expected one number a seed and at least "
            f"{least} seeds"
        )
    return x


def _diverged(x: NDArray[float64]) -> int:
    import numpy as np

    return int(x.size - np.isfinite(x).sum())


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(
            f"got confidence {confidence}; expected a share strictly between 0 and 1, "
            "such as 0.95"
        )
