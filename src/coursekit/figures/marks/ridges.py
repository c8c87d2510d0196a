r"""Describe ``Ridges``: one distribution a layer or a moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from .base import Mark, Use


@dataclass(frozen=True, kw_only=True)
class Ridges(Mark):
    """Draw one distribution a layer or a moment, on a shared x.

    Args:
        hist: Field of histograms (encoding ``u8``), bins last.
        over: Dimension of the rows, the first at the bottom.
        bins: Dimension of the bins; its values are their centres.
        xlabel: Words below; by default the label of the bins.
        ylabel: Words above; by default the label of the rows.
        colour: Role of the palette.
        reference: Field along the bins, drawn in grey behind each row.
    """

    kind: ClassVar[str] = "ridges"
    hist: str
    over: str
    bins: str
    xlabel: str | None = None
    ylabel: str | None = None
    colour: str = "blue"
    reference: str | None = None

    def spread(self) -> set[str]:  # ruff: ignore[undocumented-public-method]
        return super().spread() | {self.over, self.bins}

    def uses(self) -> Iterator[Use]:  # ruff: ignore[undocumented-public-method]
        axes = frozenset(self.spread())
        yield from (Use(n, axes) for n in (self.hist, self.reference) if n)
