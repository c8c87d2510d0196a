r"""Hold a claim of the book as a value: numbers, interval, rule and verdict.

A claim is built from the per-seed numbers of an experiment by one of three
functions, named after the rules of ``coursekit.stats``. The verdict is decided
here, on full precision; ``to_json`` rounds everything to what the interval
supports, and the text and the table row are made from that record alone. So the
row on the page, the machine-readable entry beside it and the book's page of
claims cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from coursekit import stats

from . import render
from .rounding import resolution, round_to

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Rule = Literal["A", "X", "N"]

MIME = "application/vnd.coursekit.claim+json"


@dataclass(frozen=True)
class Claim:
    """Hold what one experiment says about one statement.

    ``differences`` are the numbers judged, one a seed: paired differences under
    rule A, measurements under X and N. ``interval`` is their t-interval under A and
    N and their range under X.

    Example:
        >>> claim = claim_directional(
        ...     "E-0", "Half a loss is lower than the loss", unit="nats",
        ...     treatment=[0.5, 0.6, 0.55, 0.5, 0.6],
        ...     control=[1.0, 1.2, 1.1, 1.0, 1.2], direction="less")
        >>> print(claim)
        ■ E-0 holds: Half a loss is lower than the loss
          −0.550 nats [−0.612, −0.488]
          mean paired difference and 95 % interval, 5 seeds · rule A: less than zero
    """

    id: str
    statement: str
    rule: Rule
    verdict: stats.Verdict
    interval: stats.Interval
    differences: tuple[float, ...]
    unit: str = ""
    items: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    direction: stats.Direction | None = None
    expected: float | None = None
    tolerance: float | None = None
    band: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Round the claim to what its interval supports, in plain JSON values.

        Returns:
            The record that is shown, stored and compared; diverged seeds are None.
        """
        unit = self._resolution()
        i = self.interval
        return {
            "schema": 1,
            "id": self.id,
            "statement": self.statement,
            "rule": self.rule,
            "verdict": self.verdict.value,
            "items": list(self.items),
            "unit": self.unit,
            "estimate": round_to(i.estimate, unit),
            "low": round_to(i.low, unit),
            "high": round_to(i.high, unit),
            "values": [round_to(d, unit) for d in self.differences],
            "n": i.n,
            "diverged": i.diverged,
            "seeds": list(self.seeds),
            "resolution": unit,
            "direction": self.direction,
            "expected": self.expected,
            "tolerance": self.tolerance,
            "band": self.band and [_plain(end) for end in self.band],
        }

    def _resolution(self) -> float:
        if self.tolerance:
            return resolution(self.tolerance / 2, 0.0)
        i = self.interval
        size = max((abs(e) for e in (i.low, i.high) if math.isfinite(e)), default=0.0)
        return resolution(i.half_width, size)

    def __str__(self) -> str:
        return render.text(self.to_json())

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        record = self.to_json()
        return mimebundle(record)


def mimebundle(record: dict[str, Any]) -> dict[str, Any]:
    """Make everything that a notebook stores of a claim from its record.

    Args:
        record: as ``Claim.to_json`` gives it.

    Returns:
        Text, table row and the record itself, by MIME type.
    """
    return {
        "text/plain": render.text(record),
        "text/html": render.table([record]),
        MIME: record,
    }


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
    import numpy as np

    a, b = np.asarray(treatment, float), np.asarray(control, float)
    if a.ndim != 1 or b.shape not in {a.shape, ()}:
        raise ValueError(
            f"claim {id}: expected one number a seed in both arms, got shapes "
            f"{a.shape} and {b.shape}"
        )
    # inf - inf is nan: the seed that diverged in both arms counts as diverged
    with np.errstate(invalid="ignore"):
        d = a - b
    verdict = stats.accept_directional(d, direction)
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
        direction=direction,
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


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
