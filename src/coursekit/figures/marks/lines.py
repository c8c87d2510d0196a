r"""Describe ``Lines``: curves, families of curves and scatters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .base import Limits, Mark, Ref, Use


@dataclass(frozen=True)
class Series:
    """Name one curve among several of a panel.

    Args:
        y: Field.
        label: What stands at the end of the line.
        colour: Role of the palette; by default the next of the series.
        dash: ``"solid"``, ``"dashed"`` (test, theory …) or a number of the palette.
        band: Two fields to shade between; by default ``y_lo`` and ``y_hi``, if stored.
        points: Whether to draw markers in place of a line.
    """

    y: str
    label: str = ""
    colour: str | None = None
    dash: str | int | None = None
    band: tuple[str, str] | None = None
    points: bool = False


@dataclass(frozen=True, kw_only=True)
class Lines(Mark):
    """Draw y(x) with seed bands, or a scatter of points.

    Args:
        x: Dimension, or field over the same dimension as ``y``.
        y: Field, :class:`Series`, or several of them.
        along: Dimension that the lines run along, if ``x`` does not say it.
        over: Dimension that makes a family of lines, the state's one in focus.
        cursor: Dimension whose present setting a vertical line marks.
        xlog: Whether x is logarithmic; by default as the dimension says.
        ylog: Whether y is logarithmic.
        xlim: Range of x; by default all that is stored.
        ylim: Range of y; by default all that is stored.
        xlabel: Words below; by default the dimension's label.
        ylabel: Words above the axis.
        refs: Theory lines.
        points: Whether to draw markers in place of lines.
        pick: Whether the pointer sets the dimension that the lines run along.
        labels: Whether names stand at the line ends.
        lead: Words before the label of the line in focus, such as ``"B = "``.
        band: Whether to shade the range of the seeds, where stored.
    """

    kind: ClassVar[str] = "lines"
    x: str
    y: str | Series | Sequence[str | Series]
    along: str | None = None
    over: str | None = None
    cursor: str | None = None
    xlog: bool | None = None
    ylog: bool = False
    xlim: Limits | None = None
    ylim: Limits | None = None
    xlabel: str | None = None
    ylabel: str = ""
    refs: Sequence[Ref] = ()
    points: bool = False
    pick: bool = False
    labels: bool = True
    lead: str = ""
    band: bool = True

    @property
    def axis(self) -> str:
        """Dimension that the lines run along."""
        return self.along or self.cursor or self.x

    @property
    def series(self) -> tuple[Series, ...]:
        """All curves, as :class:`Series`."""
        many = [self.y] if isinstance(self.y, (str, Series)) else list(self.y)
        return tuple(Series(s) if isinstance(s, str) else s for s in many)

    def spread(self) -> set[str]:  # ruff: ignore[undocumented-public-method]
        return super().spread() | {self.axis} | ({self.over} if self.over else set())

    def uses(self) -> Iterator[Use]:  # ruff: ignore[undocumented-public-method]
        axes = frozenset(self.spread())
        names = [s.y for s in self.series] + ([] if self.x == self.axis else [self.x])
        names += [b for s in self.series for b in s.band or ()]
        yield from (Use(n, axes) for n in names)
        for ref in self.refs:
            yield from ref.uses(axes)

    def picked(self) -> tuple[str, ...]:  # ruff: ignore[undocumented-public-method]
        return (self.axis,) if self.pick else ()
