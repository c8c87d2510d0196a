r"""What a late submission costs: the rule, and what follows from it for one student.

With :math:`p` percent for each day or hour begun after the deadline, at most :math:`m`
percent, and :math:`g` minutes that are forgiven, a submission that comes :math:`t`
after the deadline loses the share

.. math::

    s(t) = \min\bigl(p\,\lceil t / u \rceil,\; m\bigr) / 100
    \text{ if } t > g, \text{ else } 0

of the points that it earned.  Grace does not move the deadline: who comes after it is
late from the deadline on.  The penalty is rounded to hundredths and never exceeds the
points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Handed", "Rule", "parse", "shown"]

UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
EXPECTED = (
    "expected none, zero, or a share for each day or hour begun, as in "
    "'10%/day, max 50%, grace 15 min'"
)
CLAUSES = {
    "rate": re.compile(r"(?P<percent>\d+(?:\.\d+)?)\s*%\s*/\s*(?P<unit>day|hour)"),
    "max": re.compile(r"max\s+(?P<most>\d+(?:\.\d+)?)\s*%"),
    "grace": re.compile(r"grace\s+(?P<grace>\d+)\s*min"),
}


@dataclass(frozen=True)
class Rule:
    """Hold what being late costs.

    Args:
        percent: Of the earned points, for each unit begun; 0 to 100.
        unit: ``"day"`` (24 hours) or ``"hour"``.
        most: The most that is taken off, in percent of the earned points.
        grace: Minutes after the deadline that cost nothing.
    """

    percent: float = 0.0
    unit: str = "day"
    most: float = 100.0
    grace: int = 0

    def share(self, late: timedelta) -> float:
        """Say which share of the points is taken off.

        Args:
            late: Time after the deadline; negative before it.

        Returns:
            A number from 0 to 1.
        """
        if late <= timedelta(minutes=self.grace):
            return 0.0
        begun = -(-late // UNITS[self.unit])
        return min(self.percent * begun, self.most) / 100

    def __str__(self) -> str:
        if not self.percent:
            return "none"
        words = [f"{self.percent:g}%/{self.unit}"]
        if self.percent == 100:  # the first unit takes all that can be taken
            words = ["zero"]
        words += [f"max {self.most:g}%"] * (self.most < 100)
        return ", ".join(words + [f"grace {self.grace} min"] * (self.grace > 0))

    def sentence(self) -> str:
        """Tell the rule to those whom it concerns.

        Returns:
            A phrase without a full stop.
        """
        if not self.percent:
            return "nothing is taken off for being late"
        said = f"{self.percent:g} % of the points for each {self.unit} begun"
        if self.percent >= self.most:
            said = f"{self.most:g} % of the points"
        elif self.most < 100:
            said += f", at most {self.most:g} %"
        if self.grace:
            said += f"; the first {self.grace} minutes are forgiven"
        return f"being late costs {said}"


def parse(text: str) -> Rule:
    """Read a rule as it is written on the command line.

    Args:
        text: ``"none"``, ``"zero"``, or clauses with commas between them.

    Returns:
        The rule.

    Raises:
        ValueError: If it cannot be read.

    Example:
        >>> str(parse("10%/day,max 50 %")), parse("zero").sentence()
        ('10%/day, max 50%', 'being late costs 100 % of the points')
    """
    clauses = [clause.strip() for clause in text.lower().split(",")]
    if clauses == ["none"]:
        return Rule()
    found: dict[str, str] = {}
    for clause in clauses:
        clause = "100%/day" if clause == "zero" else clause
        match = next((m for p in CLAUSES.values() if (m := p.fullmatch(clause))), None)
        if match is None or found.keys() & match.groupdict().keys():
            raise ValueError(f"--late got {text!r}, {EXPECTED}.")
        found |= match.groupdict()
    percent, most = float(found.get("percent", 0)), float(found.get("most", 100))
    if not (0 < percent <= 100 and 0 < most <= 100):
        raise ValueError(f"--late got {text!r}, {EXPECTED}.")
    return Rule(percent, found["unit"], most, int(found.get("grace", 0)))


@dataclass(frozen=True)
class Handed:
    """Hold when one submission came, and what it costs.

    Args:
        when: When it came; ``None`` if nobody knows.
        due: When it was due, a longer time that this student was given included.
        rule: What being late costs.
    """

    when: datetime | None
    due: datetime
    rule: Rule

    @property
    def late(self) -> timedelta:
        """Time after the deadline, 0 if it came in time or nobody knows."""
        none = timedelta(0)
        return none if self.when is None else max(self.when - self.due, none)

    @property
    def share(self) -> float:
        """Share of the points that is taken off, from 0 to 1."""
        return self.rule.share(self.late)

    def penalty(self, points: float) -> float:
        """Say how many points are taken off.

        Args:
            points: Points earned.

        Returns:
            Points, in hundredths; never more than there are.
        """
        points = max(points, 0.0)
        if self.share >= 1:
            return points
        return min(points, round(self.share * points, 2))

    def sentence(self, points: float) -> str:
        """Tell when it came, what that costs, and by which rule.

        Args:
            points: Points earned.

        Returns:
            One sentence.
        """
        if self.when is None:
            return (
                "It is not recorded when this came, so nothing is taken off for that."
            )
        came = f"This came on {shown(self.when)}"
        if not self.late:
            return f"{came}, in time: it was due on {shown(self.due)}."
        came += f", {_span(self.late)} after it was due on {shown(self.due)}"
        rule = self.rule.sentence()
        if not self.share:
            return f"{came}; that costs nothing ({rule})."
        share = f"{100 * self.share:g} % of the points, {self.penalty(points):g}"
        return f"{came}; that costs {share} of {points:g} ({rule})."


def shown(when: datetime) -> str:
    """Write a moment with its distance from UTC.

    Args:
        when: The moment, with a time zone.

    Returns:
        Text.

    Example:
        >>> shown(datetime.fromisoformat("2026-11-20T23:59+01:00"))
        '2026-11-20 23:59 (UTC+01:00)'
    """
    return f"{when:%Y-%m-%d %H:%M} ({when.tzinfo})"


def _span(time: timedelta) -> str:
    """Write a span of time in its two largest units.

    Returns:
        ``"1 day 3 h"`` say.
    """
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    words = [f"{days} day{'s' * (days > 1)}"] * (days > 0)
    words += [f"{hours} h"] * (hours > 0)
    words += [f"{minutes} min"] * (minutes > 0)
    return " ".join(words[:2]) or f"{max(seconds, 1)} s"
