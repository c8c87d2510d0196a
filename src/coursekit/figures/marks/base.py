r"""State what every mark has in common, and the reference lines of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

Number = float | int
Limits = tuple[float, float]


class Use(NamedTuple):
    """State that a mark reads a field and spreads it over some dimensions.

    A scalar use may name a dimension too: the setting itself is the number.
    """

    field: str
    axes: frozenset[str] = frozenset()
    scalar: bool = False


def scalars(*values: Number | str | None) -> Iterator[Use]:
    """List those of some numbers that are looked up by name.

    Args:
        *values: Numbers, names, or None.

    Yields:
        A scalar use for each name.
    """
    yield from (Use(v, scalar=True) for v in values if isinstance(v, str))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Hold what all panels share.

    Args:
        alt: Finding that the panel shows; by default axes and the figure's ``alt``.
        title: Short heading above the panel.
        facet: Dimension of which each setting gets a small panel, on shared axes.
        linked: Dimensions whose setting under pointer or focus other panels mark.
        height: Height in CSS pixels.
        wide: Whether the panel takes a whole row.
    """

    kind: ClassVar[str] = ""
    alt: str = ""
    title: str = ""
    facet: str | None = None
    linked: str | Sequence[str] = ()
    height: int = 300
    wide: bool = False

    def spread(self) -> set[str]:
        """Name the dimensions that the mark itself runs over.

        Returns:
            Their names.
        """
        return {self.facet} if self.facet else set()

    def uses(self) -> Iterator[Use]:
        """List the fields that the mark reads.

        Yields:
            Each field with the dimensions it is spread over.
        """
        yield from ()

    def picked(self) -> tuple[str, ...]:
        """Name the dimensions that a pointer can set in this panel.

        Returns:
            Their names; each also needs a native control.
        """
        return ()


@dataclass(frozen=True)
class Ref:
    """Draw a reference: dashed and grey, because it is theory, not measurement.

    Args:
        label: Words at the line.
        x: Where a vertical line stands: a number or a scalar field.
        y: Where a horizontal line stands: a number or a scalar field.
        curve: Field along the x axis.
    """

    label: str = ""
    x: Number | str | None = None
    y: Number | str | None = None
    curve: str | None = None

    def uses(self, axes: frozenset[str]) -> Iterator[Use]:
        """List the fields that the reference reads.

        Args:
            axes: Dimensions that its panel is spread over.

        Yields:
            Each field.
        """
        yield from scalars(self.x, self.y)
        if self.curve:
            yield Use(self.curve, axes)
