r"""Describe ``Dots``: categories with values, seeds, intervals and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .base import Limits, Mark, Number, Ref, Use, scalars


@dataclass(frozen=True, kw_only=True)
class Dots(Mark):
    """Draw categories with a value, per-seed dots, an interval or a bar.

    Args:
        over: Dimension of the categories, the first on top.
        value: Field.
        seeds: Field with one more dimension, a dot for each.
        seed_dim: That dimension.
        low: Field of the lower end of the interval.
        high: Field of its upper end.
        verdict: Field with 0 holds, 1 does not hold here, 2 inconclusive.
        bar: Whether a bar grows from zero.
        zero: Whether to draw the zero line.
        xlog: Whether x is logarithmic.
        xlim: Range of x; by default all that is stored.
        xlabel: Words below.
        show: Format of the value beside its dot; none if omitted.
        empty: What a category without a value says.
        shade: Range to shade: two numbers or scalar fields.
        shade_label: What the shaded range means.
        refs: Vertical theory lines.
        pick: Whether pointer and arrows set the category.
    """

    kind: ClassVar[str] = "dots"
    over: str
    value: str
    seeds: str | None = None
    seed_dim: str | None = None
    low: str | None = None
    high: str | None = None
    verdict: str | None = None
    bar: bool = False
    zero: bool = False
    xlog: bool = False
    xlim: Limits | None = None
    xlabel: str = ""
    show: str | None = None
    empty: str = "not measured"
    shade: tuple[Number | str, Number | str] | None = None
    shade_label: str = ""
    refs: Sequence[Ref] = ()
    pick: bool = False

    def spread(self) -> set[str]:  # ruff: ignore[undocumented-public-method]
        return super().spread() | {d for d in (self.over, self.seed_dim) if d}

    def uses(self) -> Iterator[Use]:  # ruff: ignore[undocumented-public-method]
        axes = frozenset(self.spread())
        names = (self.value, self.seeds, self.low, self.high, self.verdict)
        yield from (Use(n, axes) for n in names if n)
        yield from scalars(*(self.shade or ()))
        for ref in self.refs:
            yield from ref.uses(axes)

    def picked(self) -> tuple[str, ...]:  # ruff: ignore[undocumented-public-method]
        return (self.over,) if self.pick else ()
