r"""Decide whether paired runs support a claim, and how surely.

Two settings of an experiment are run from the same seeds: the same initial
weights and, where it makes sense, the same order of batches. What is judged is
the difference $d_s$ of each seed $s$, so that luck common to both arms cancels:

$$\bar d = \frac1n\sum_{s=1}^n d_s \tag{1}$$
$$\hat\sigma^2 = \frac1{n-1}\sum_{s=1}^n (d_s - \bar d)^2 \tag{2}$$
$$h = t_{n-1,\,(1+c)/2}\;\hat\sigma/\sqrt n \tag{3}$$

and $[\bar d - h,\ \bar d + h]$ is the interval of confidence $c = 0.95$.

A claim of the book is accepted by one of three rules.

* **A**, *directional*: the interval lies wholly on the claimed side of zero. Its
  one-sided false positives are 2.5 % for normal differences.
* **X**, *exact*: every number lies within a stated tolerance.
* **N**, *reported*: asserted only to be finite and inside a wide band.

Diverged runs. A seed whose difference is not finite says that the arms differ in
kind, not by how much, and no finite interval covers that. Dropping it would
favour the arm that diverges, so it is kept: the interval becomes the whole line,
rule A answers *inconclusive* and the count stands in ``Interval.diverged``. To
compare arms that diverge, measure something bounded (accuracy, a share of runs).

The bootstrap is offered for display only. As a test its percentile interval is
anti-conservative with few seeds: 8.6 % one-sided false positives at n = 5.

References:
    Student, "The probable error of a mean", Biometrika 6 (1908).
    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from coursekit._validate import check_in

if TYPE_CHECKING:
    from numpy import bool_, float64
    from numpy.typing import ArrayLike, NDArray

Direction = Literal["greater", "less"]

LEAST_SEEDS = 5


class Verdict(StrEnum):
    """Name the three answers a claim can get; the value is the word shown.

    Example:
        >>> Verdict.FAILS.glyph, str(Verdict.FAILS)
        ('◇', 'does not hold here')
    """

    HOLDS = "holds"
    FAILS = "does not hold here"
    INCONCLUSIVE = "inconclusive"

    @property
    def glyph(self) -> str:
        """The mark that stands before the word, so that neither stands alone."""
        return {"holds": "■", "does not hold here": "◇", "inconclusive": "○"}[self]


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

    Example:
        >>> i = paired_t_interval([1.0, 2.0, 3.0])
        >>> round(i.estimate, 3), round(i.low, 3), round(i.high, 3), i.n
        (2.0, -0.484, 4.484, 3)
    """
    d = _vector("differences", differences, least=2)
    diverged = _diverged(d)
    if diverged:
        return Interval(math.nan, -math.inf, math.inf, d.size, diverged)
    mean, h = _mean_and_half_width(d, confidence)
    return Interval(float(mean), float(mean - h), float(mean + h), d.size)


def accept_directional(differences: ArrayLike, direction: Direction) -> Verdict:
    """Judge by rule A whether paired differences have the claimed sign.

    Args:
        differences: treatment minus control, one a seed.
        direction: ``"greater"`` claims a positive mean, ``"less"`` a negative one.

    Shape:
        differences: ``[seed]``, at least five.

    Returns:
        ``HOLDS`` if the 95 % interval lies on the claimed side of zero, ``FAILS``
        if it lies on the other, else ``INCONCLUSIVE`` (so after any divergence).

    Example:
        >>> accept_directional([-0.3, -0.2, -0.4, -0.3, -0.1], "less").value
        'holds'
    """
    check_in("direction", direction, ("greater", "less"))
    d = _vector("differences", differences, least=LEAST_SEEDS)
    interval = paired_t_interval(d)
    if not interval.excludes(0):
        return Verdict.INCONCLUSIVE
    positive = interval.low > 0
    return Verdict.HOLDS if positive == (direction == "greater") else Verdict.FAILS


def accept_exact(
    value: ArrayLike, expected: ArrayLike, tolerance: float, relative: bool = False
) -> Verdict:
    r"""Judge by rule X whether every number is the expected one.

    $$|v - e| \le \tau \quad\text{or, if relative,}\quad |v - e| \le \tau\,|e|$$

    Args:
        value: $v$, a number or one a seed; nan and infinity fail.
        expected: $e$, finite, of a shape that broadcasts with ``value``.
        tolerance: $\tau \ge 0$.
        relative: measure the tolerance in units of ``expected``.

    Returns:
        ``HOLDS`` or ``FAILS``; an exact rule is never inconclusive.

    Raises:
        ValueError: for no values, or a tolerance or expectation that is not finite
            and, of the tolerance, not negative.

    Example:
        >>> accept_exact([0.71, 0.70], 0.707, 0.05).value
        'holds'
    """
    import numpy as np

    v, e = np.asarray(value, float), np.asarray(expected, float)
    if not v.size:
        raise ValueError("got no values; expected at least one measured number")
    if not (np.isfinite(e).all() and math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(
            f"got expected {e} with tolerance {tolerance}; both must be finite and "
            "the tolerance not negative"
        )
    room = tolerance * np.abs(e) if relative else tolerance
    # nan compares false, so a diverged value fails
    return Verdict.HOLDS if (np.abs(v - e) <= room).all() else Verdict.FAILS


def accept_reported(value: ArrayLike, low: float, high: float) -> Verdict:
    """Judge by rule N that a number is finite and inside a wide band, no more.

    Args:
        value: a number, or one a seed.
        low: lower end of the band; may be minus infinity.
        high: upper end, above ``low``.

    Returns:
        ``HOLDS`` inside the band, ends included, else ``FAILS``. It says that the
        experiment ran as before, not that an effect exists.

    Raises:
        ValueError: for no values or an empty band.

    Example:
        >>> [accept_reported(x, -1, 1).value for x in (0.3, float("nan"))]
        ['holds', 'does not hold here']
    """
    import numpy as np

    v = np.asarray(value, float)
    if not v.size:
        raise ValueError("got no values; expected at least one measured number")
    if not low < high:
        raise ValueError(f"got the band {low} to {high}; expected low < high")
    inside = np.isfinite(v) & (v >= low) & (v <= high)
    return Verdict.HOLDS if inside.all() else Verdict.FAILS


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

    Example:
        >>> i = bootstrap_interval([1.0, 2.0, 3.0, 4.0])
        >>> i.low < i.estimate < i.high
        True
    """
    import numpy as np

    x = _vector("values", values, least=2)
    _check_confidence(confidence)
    diverged = _diverged(x)
    if diverged:
        return Interval(math.nan, -math.inf, math.inf, x.size, diverged)
    picks = np.random.default_rng(seed).integers(x.size, size=(n_resamples, x.size))
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(x[picks].mean(axis=1), tails)
    return Interval(float(x.mean()), float(low), float(high), x.size)


def as_good_as_best(values: ArrayLike, larger_is_better: bool = True) -> NDArray[bool_]:
    """Mark the settings that no paired interval separates from the best one.

    The best is the setting of the best mean. Another is as good if the 95 %
    interval of its paired differences to the best contains zero; overlapping
    ranges of seeds would be a far weaker demand.

    Args:
        values: one measurement for each setting and seed, the same seeds in every
            setting.
        larger_is_better: False for losses.

    Shape:
        values: ``[..., setting, seed]``; each leading index is judged alone.

    Returns:
        Of shape ``[..., setting]``. A setting with a diverged seed is never as
        good as the best; if every setting has one, all are False.

    Raises:
        ValueError: for fewer than two axes or two seeds.

    Example:
        >>> runs = [[0.95, 0.96, 0.94], [0.94, 0.97, 0.94], [0.91, 0.92, 0.91]]
        >>> as_good_as_best(runs).tolist()
        [True, True, False]

    Notes:
        The best mean is partly luck, so the true best is missed less often than
        one in twenty, and equal settings are marked as equal a little too seldom.
    """
    import numpy as np

    v = np.asarray(values, float)
    if v.ndim < 2 or v.shape[-1] < 2 or not v.shape[-2]:
        raise ValueError(
            f"got values of shape {v.shape}; expected [..., setting, seed] with at "
            "least two seeds"
        )
    finite = np.all(np.isfinite(v), axis=-1, keepdims=True)
    score = np.where(finite, v if larger_is_better else -v, 0.0)
    mean_score = np.where(finite, score.mean(-1, keepdims=True), -np.inf)
    best = np.argmax(mean_score, axis=-2, keepdims=True)
    d = score - np.take_along_axis(score, best, axis=-2)
    mean, h = _mean_and_half_width(d, 0.95)
    return finite[..., 0] & (np.abs(mean) <= h)


def _mean_and_half_width(
    d: NDArray[float64], confidence: float
) -> tuple[NDArray[float64], NDArray[float64]]:
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


def _vector(name: str, values: ArrayLike, least: int) -> NDArray[float64]:
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
