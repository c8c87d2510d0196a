r"""Accept, refute or leave open a claim: the rules A, X and N."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from coursekit._validate import check_in

from .intervals import paired_t_interval, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

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

    Raises:
        ValueError: for fewer than five seeds or another direction.

    Example:
        >>> accept_directional([-0.3, -0.2, -0.4, -0.3, -0.1], "less").value
        'holds'
    """
    check_in("direction", direction, ("greater", "less"))
    d = vector("differences", differences, least=LEAST_SEEDS)
    interval = paired_t_interval(d)
    if not interval.excludes(0):
        return Verdict.INCONCLUSIVE
    positive = interval.low > 0
    return Verdict.HOLDS if positive == (direction == "greater") else Verdict.FAILS


def accept_equivalent(differences: ArrayLike, margin: float) -> Verdict:
    r"""Judge by rule A whether paired differences are negligible.

    That no difference was found does not show that there is none. Here the whole
    95 % interval has to lie within $\pm m$ (stricter than two one-sided tests at 5 %,
    which ask it of the 90 % interval).

    Args:
        differences: treatment minus control, one a seed.
        margin: $m > 0$, the largest difference that does not matter.

    Shape:
        differences: ``[seed]``, at least five.

    Returns:
        ``HOLDS`` if the interval lies within the margin, ``FAILS`` if it lies wholly
        outside, else ``INCONCLUSIVE`` (so after any divergence).

    Raises:
        ValueError: for fewer than five seeds, or a margin that is not positive.

    Example:
        >>> accept_equivalent([0.001, -0.002, 0.0, 0.001, -0.001], 0.01).value
        'holds'
    """
    if not (math.isfinite(margin) and margin > 0):
        raise ValueError(f"got a margin of {margin}, expected a positive number")
    d = vector("differences", differences, least=LEAST_SEEDS)
    interval = paired_t_interval(d)
    if -margin <= interval.low and interval.high <= margin:
        return Verdict.HOLDS
    outside = interval.low > margin or interval.high < -margin
    return Verdict.FAILS if outside else Verdict.INCONCLUSIVE


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
