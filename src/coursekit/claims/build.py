r"""Build claims from the per-seed numbers of an experiment, one function a rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from coursekit import stats

from .claim import Claim

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


def claim_directional(
    id: str,
    statement: str,
    *,
    treatment: ArrayLike,
    control: ArrayLike,
    direction: stats.Direction,
    unit: str = "",
    items: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
) -> Claim:
    """Claim by rule A that a treatment moves a measurement up or down.

    Args:
        id: of the experiment, such as ``"E-26a"``.
        statement: one sentence that the numbers can refute.
        treatment: measurement of each seed under the treatment.
        control: of the same seeds without it, or one number to compare with.
        direction: ``"less"`` if the treatment is claimed to lower it.
        unit: of the measurement.
        items: curriculum ids that the claim serves.
        seeds: that were run; 0, 1, … if not given.

    Shape:
        treatment, control: ``[seed]``, at least five.

    Returns:
        The claim, judged on ``treatment - control``.

    Raises:
        ValueError: if the arms have different numbers of seeds.
    """
    d = _differences(id, treatment, control)
    verdict = stats.accept_directional(d, direction)
    return _paired(id, statement, verdict, d, unit, items, seeds, direction=direction)


def claim_equivalent(
    id: str,
    statement: str,
    *,
    treatment: ArrayLike,
    control: ArrayLike,
    margin: float,
    unit: str = "",
    items: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
) -> Claim:
    """Claim by rule A that two arms differ by less than a stated margin.

    Args:
        id: of the experiment.
        statement: one sentence that the numbers can refute.
        treatment: measurement of each seed in one arm.
        control: of the same seeds in the other.
        margin: largest difference that does not matter, fixed before the run.
        unit: of the measurement.
        items: curriculum ids that the claim serves.
        seeds: that were run; 0, 1, … if not given.

    Shape:
        treatment, control: ``[seed]``, at least five.

    Returns:
        The claim, judged on the interval of ``treatment - control``.

    Raises:
        ValueError: if the arms have different numbers of seeds.
    """
    d = _differences(id, treatment, control)
    verdict = stats.accept_equivalent(d, margin)
    return _paired(
        id, statement, verdict, d, unit, items, seeds, tolerance=float(margin)
    )


def claim_exact(
    id: str,
    statement: str,
    *,
    measured: ArrayLike,
    expected: float,
    tolerance: float,
    unit: str = "",
    items: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
) -> Claim:
    """Claim by rule X that every seed gives the expected number.

    Args:
        id: of the experiment.
        statement: one sentence that the numbers can refute.
        measured: one number, or one a seed.
        expected: the number that theory gives.
        tolerance: largest deviation accepted, in the same unit.
        unit: of the measurement.
        items: curriculum ids that the claim serves.
        seeds: that were run; 0, 1, … if not given.

    Shape:
        measured: ``[seed]`` or a scalar.

    Returns:
        The claim; its interval is the range of the finite measurements.
    """
    v = _measurements(id, measured)
    return Claim(
        id,
        statement,
        "X",
        stats.accept_exact(v, expected, tolerance),
        _range(v),
        v,
        unit,
        tuple(items),
        _seeds(id, seeds, len(v)),
        expected=float(expected),
        tolerance=float(tolerance),
    )


def claim_reported(
    id: str,
    statement: str,
    *,
    measured: ArrayLike,
    low: float,
    high: float,
    unit: str = "",
    items: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
) -> Claim:
    """Report numbers by rule N without asserting an effect.

    Args:
        id: of the experiment.
        statement: what was looked for, as a sentence.
        measured: one number, or one a seed (paired differences included).
        low: lower end of the band outside which the run is broken.
        high: upper end.
        unit: of the measurement.
        items: curriculum ids that the claim serves.
        seeds: that were run; 0, 1, … if not given.

    Shape:
        measured: ``[seed]`` or a scalar.

    Returns:
        The claim; it is shown as *reported*, or *outside its band*.
    """
    v = _measurements(id, measured)
    return Claim(
        id,
        statement,
        "N",
        stats.accept_reported(v, low, high),
        stats.paired_t_interval(v) if len(v) > 1 else _range(v),
        v,
        unit,
        tuple(items),
        _seeds(id, seeds, len(v)),
        band=(float(low), float(high)),
    )


def _paired(
    id: str,
    statement: str,
    verdict: stats.Verdict,
    d: np.ndarray,
    unit: str,
    items: Sequence[str],
    seeds: Sequence[int] | None,
    **judged: Any,
) -> Claim:
    return Claim(
        id,
        statement,
        "A",
        verdict,
        stats.paired_t_interval(d),
        _floats(d),
        unit,
        tuple(items),
        _seeds(id, seeds, d.size),
        **judged,
    )


def _differences(id: str, treatment: ArrayLike, control: ArrayLike) -> np.ndarray:
    import numpy as np

    a, b = np.asarray(treatment, float), np.asarray(control, float)
    if a.ndim != 1 or b.shape not in {a.shape, ()}:
        raise ValueError(
            f"claim {id}: expected one number a seed in both arms, got shapes "
            f"{a.shape} and {b.shape}"
        )
    # inf - inf is nan: the seed that diverged in both arms counts as diverged
    with np.errstate(invalid="ignore"):
        return a - b


def _range(values: tuple[float, ...]) -> stats.Interval:
    finite = [v for v in values if math.isfinite(v)]
    lost = len(values) - len(finite)
    if not finite:
        return stats.Interval(math.nan, -math.inf, math.inf, len(values), lost)
    mean = math.fsum(finite) / len(finite)
    return stats.Interval(mean, min(finite), max(finite), len(values), lost)


def _measurements(id: str, measured: ArrayLike) -> tuple[float, ...]:
    import numpy as np

    v = np.atleast_1d(np.asarray(measured, float))
    if v.ndim != 1 or not v.size:
        raise ValueError(f"claim {id}: expected one number a seed, got shape {v.shape}")
    return _floats(v)


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _seeds(id: str, seeds: Sequence[int] | None, n: int) -> tuple[int, ...]:
    if seeds is None:
        return tuple(range(n))
    if len(seeds) != n:
        raise ValueError(
            f"claim {id}: expected as many seeds as numbers, got {len(seeds)} and {n}"
        )
    return tuple(int(s) for s in seeds)
