r"""Hold a claim of the book as a value: numbers, interval, rule and verdict.

A claim is built from the per-seed numbers of an experiment by one of four
functions, named after the rules of ``coursekit.stats``. The verdict is decided
here, on full precision; ``to_json`` rounds everything to what the interval
supports, and the text and the table row are made from that record alone. So the
row on the page, the machine-readable entry beside it and the book's page of
claims cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from coursekit import stats

from .render import table
from .rounding import resolution, round_to
from .words import text

Rule = Literal["A", "X", "N"]
MIME = "application/vnd.coursekit.claim+json"


@dataclass(frozen=True)
class Claim:
    """Hold what one experiment says about one statement.

    ``differences`` are the numbers judged, one a seed: paired differences under
    rule A, measurements under X and N. ``interval`` is their t-interval under A and
    N and their range under X.

    Example:
        >>> from coursekit.claims import claim_directional
        >>> claim = claim_directional(
        ...     "E-0", "Half a loss is lower than the loss", unit="nats",
        ...     treatment=[0.5, 0.6, 0.55, 0.5, 0.6],
        ...     control=[1.0, 1.2, 1.1, 1.0, 1.2], direction="less")
        >>> print(claim)
        ■ E-0 holds: Half a loss is lower than the loss
          −0.550 [−0.612, −0.488] nats
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
        if self._counts():
            return 1.0
        if self.tolerance:
            return resolution(self.tolerance / 2, 0.0)
        i = self.interval
        size = max((abs(e) for e in (i.low, i.high) if math.isfinite(e)), default=0.0)
        return resolution(i.half_width, size)

    def _counts(self) -> bool:
        numbers = (*self.differences, self.expected)
        return self.rule == "X" and all(n is not None and n % 1 == 0 for n in numbers)

    def __str__(self) -> str:
        return text(self.to_json())

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, Any]:
        return mimebundle(self.to_json())


def mimebundle(record: dict[str, Any]) -> dict[str, Any]:
    """Make everything that a notebook stores of a claim from its record.

    Args:
        record: as ``Claim.to_json`` gives it.

    Returns:
        Text, table row and the record itself, by MIME type.
    """
    return {
        "text/plain": text(record),
        "text/html": table([record]),
        MIME: record,
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
