r"""Describe ``Surface``: iso-lines with paths, points, arrows, a start to drag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .base import Limits, Mark, Number, Use, scalars


@dataclass(frozen=True)
class Path:
    """Draw a walk on a surface; it stops where it leaves the view, with its number.

    Args:
        x: Field along the cursor's dimension.
        y: Field along the same.
        label: Words at the end.
        colour: Role of the palette.
    """

    x: str
    y: str
    label: str = ""
    colour: str = "blue"


@dataclass(frozen=True)
class Point:
    """Mark a place on a surface.

    Args:
        x: A number or a scalar field.
        y: A number or a scalar field.
        label: Words beside it.
    """

    x: Number | str
    y: Number | str
    label: str = ""


@dataclass(frozen=True)
class Arrow:
    """Draw an arrow on a surface, from one place to another.

    Args:
        x: Start: a number or a scalar field.
        y: Start: a number or a scalar field.
        to_x: End: a number or a scalar field.
        to_y: End: a number or a scalar field.
        label: Words at its head.
        colour: Role of the palette.
    """

    x: Number | str
    y: Number | str
    to_x: Number | str
    to_y: Number | str
    label: str = ""
    colour: str = "vermillion"


@dataclass(frozen=True, kw_only=True)
class Surface(Mark):
    """Draw iso-lines of a field, with paths, points, arrows and a draggable start.

    Args:
        field: Stored field over two dimensions (y, x), or None for the model's own.
        x: Dimension of the columns of a stored field.
        y: Dimension of its rows.
        xlim: Range of x; needed for a model's field.
        ylim: Range of y; needed for a model's field.
        xlabel: Words below.
        ylabel: Words above the axis.
        levels: Number of iso-lines, denser towards the minimum.
        path: One :class:`Path` or several.
        cursor: Dimension that the paths run along; they end at the shown moment.
        points: Marked places.
        arrows: Arrows.
        start: Two continuous dimensions that the pointer drags.
        start_label: Words at the handle.
        slice: Dimension or field with an angle in degrees; draws a line through
            ``start``.
    """

    kind: ClassVar[str] = "surface"
    field: str | None = None
    x: str | None = None
    y: str | None = None
    xlim: Limits | None = None
    ylim: Limits | None = None
    xlabel: str = ""
    ylabel: str = ""
    levels: int = 9
    path: Path | Sequence[Path] = ()
    cursor: str | None = None
    points: Sequence[Point] = ()
    arrows: Sequence[Arrow] = ()
    start: tuple[str, str] | None = None
    start_label: str = "start: drag"
    slice: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All paths."""
        return (self.path,) if isinstance(self.path, Path) else tuple(self.path)

    def spread(self) -> set[str]:  # ruff: ignore[undocumented-public-method]
        return super().spread() | {d for d in (self.x, self.y, self.cursor) if d}

    def uses(self) -> Iterator[Use]:  # ruff: ignore[undocumented-public-method]
        axes = frozenset(self.spread())
        if self.field:
            yield Use(self.field, axes)
        yield from (Use(n, axes) for p in self.paths for n in (p.x, p.y))
        yield from scalars(self.slice, *(v for p in self.points for v in (p.x, p.y)))
        for arrow in self.arrows:
            yield from scalars(arrow.x, arrow.y, arrow.to_x, arrow.to_y)

    def picked(self) -> tuple[str, ...]:  # ruff: ignore[undocumented-public-method]
        return tuple(self.start or ())
