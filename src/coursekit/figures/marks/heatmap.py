r"""Describe ``Heatmap``: a value over two dimensions, or a tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .base import Limits, Mark, Ref, Use


@dataclass(frozen=True, kw_only=True)
class Heatmap(Mark):
    """Draw a value over two dimensions, or a tensor; ✕ where it diverged.

    Args:
        x: Dimension of the columns.
        y: Dimension of the rows; numbers upwards, names downwards.
        z: Field.
        zlog: Whether colours follow the logarithm.
        zlim: Range of the colours; by default all that is stored.
        zlabel: Words at the colour scale.
        show: Format of the cell text, such as ``".2f"``; none if omitted.
        ramp: ``"cividis"`` for magnitudes, ``"signed"`` for values around zero.
        xlabel: Words below; by default the dimension's label.
        ylabel: Words above the axis; by default the dimension's label.
        dots: Field that is 1 where a cell is as good as the best.
        dots_label: What the dot means.
        group: Field that is 1 in the cells to outline together.
        group_label: What the outline means.
        changed: Field that is 1 in the cells to hatch.
        changed_label: What the hatching means.
        pick: Whether pointer and arrows set both dimensions.
        refs: Theory lines, placed between the settings.
    """

    kind: ClassVar[str] = "heatmap"
    x: str
    y: str
    z: str
    zlog: bool = False
    zlim: Limits | None = None
    zlabel: str = ""
    show: str | None = None
    ramp: str = "cividis"
    xlabel: str | None = None
    ylabel: str | None = None
    dots: str | None = None
    dots_label: str = "as good as the best"
    group: str | None = None
    group_label: str = ""
    changed: str | None = None
    changed_label: str = "changed"
    pick: bool = False
    refs: Sequence[Ref] = ()

    def spread(self) -> set[str]:  # ruff: ignore[undocumented-public-method]
        return super().spread() | {self.x, self.y}

    def uses(self) -> Iterator[Use]:  # ruff: ignore[undocumented-public-method]
        axes = frozenset(self.spread())
        masks = (self.dots, self.group, self.changed)
        yield from (Use(n, axes) for n in (self.z, *masks) if n)
        for ref in self.refs:
            yield from ref.uses(axes)

    def picked(self) -> tuple[str, ...]:  # ruff: ignore[undocumented-public-method]
        return (self.x, self.y) if self.pick else ()
