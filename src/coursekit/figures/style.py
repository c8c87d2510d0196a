r"""Give matplotlib the looks of the book, in light and in dark.

Inside :func:`use_style` every figure has the palette's ground, inks and series, text
of 12 CSS pixels and no frame. Sizes are stated in CSS pixels, at 96 to the inch, so
that a line of 2.2 px is the same line on the page and on paper. A drawing function
asks for its axes with :func:`coursekit.figures.panels`, which puts them side by side
on a wide page and below each other on a narrow one, so that text never shrinks.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursekit._validate import check_count, check_in, check_positive

from .layout import RIGHT, place, tight_grid
from .palette import DASHES, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW, TWO_COLUMNS = 760, 340, 600
FOCUS, CONTEXT, GRID, REFERENCE = 2.2, 1.2, 1.0, 1.2
TEXT, HEADING = 12, 13
MARKER = 4.0
BAND_OPACITY = 0.2
# matplotlib's own shapes for the palette's ● ■ ▲ ◆ ▼
SHAPES = dict(zip("●■▲◆▼", "os^Dv", strict=True))


@dataclass(frozen=True)
class Style:
    """Hold the theme and the width in CSS pixels that are being drawn."""

    theme: str = "light"
    width: float = WIDE

    def colour(self, role: str) -> str:
        """Give the colour of a role in this theme.

        Args:
            role: A key of the palette, or a colour as it is.

        Returns:
            ``#RRGGBB``.
        """
        return PALETTE[self.theme].get(role, role)


_LIGHT = Style()
_ACTIVE: ContextVar[Style] = ContextVar("style", default=_LIGHT)


def px(length: float) -> float:
    """Turn CSS pixels into matplotlib's points.

    Args:
        length: In pixels.

    Returns:
        In points.

    Example:
        >>> px(12)
        9.0
    """
    return 0.75 * length


def dash(k: int | tuple[int, ...]) -> Any:
    """Give a dash as matplotlib takes it.

    Args:
        k: Number of a series, or lengths in pixels.

    Returns:
        ``"-"`` if solid, else offset and lengths in points.
    """
    lengths = DASHES[k % len(DASHES)] if isinstance(k, int) else k
    return (0, tuple(px(n) for n in lengths)) if lengths else "-"


def colour(role: str) -> str:
    """Give the colour of a role in the theme being drawn.

    Args:
        role: A key of the palette, such as ``"ink"``, or a colour as it is.

    Returns:
        ``#RRGGBB``.

    Example:
        >>> with use_style("dark"):
        ...     colour("ink")
        '#CED6DD'
    """
    return _ACTIVE.get().colour(role)


def active() -> Style:
    """Return the style being drawn, light and wide outside :func:`use_style`.

    Returns:
        The style.
    """
    return _ACTIVE.get()


@contextmanager
def use_style(theme: str = "light", width: float = WIDE) -> Generator[Style]:
    """Draw in the looks of the book until the block ends.

    Args:
        theme: ``"light"`` or ``"dark"``.
        width: Of the page, in CSS pixels.

    Yields:
        The style.

    Example:
        >>> with use_style("dark") as style:
        ...     style.colour("ground")
        '#121212'
    """
    import matplotlib as mpl

    from .settings import rc

    check_in("theme", theme, tuple(PALETTE))
    style = Style(theme, check_positive("width", width))
    token = _ACTIVE.set(style)
    try:
        with mpl.rc_context(rc(style)):
            yield style
    finally:
        _ACTIVE.reset(token)


def panels(
    n: int = 1,
    *,
    height: float = 300,
    columns: int | None = None,
    right: float = RIGHT,
) -> tuple[Figure, list[Axes]]:
    """Make a figure with a row of panels, or a column where the page is narrow.

    Args:
        n: Number of panels.
        height: Of each, in CSS pixels, names of the axes included.
        columns: Side by side on a wide page; at most two if omitted, and half as many
            below 600 px.
        right: Room beside each plot in CSS pixels; names at line ends take what they
            need by themselves.

    Returns:
        The figure and its axes in reading order.
    """
    from matplotlib.figure import Figure

    check_count("n", n)
    columns = min(n, columns or 2)
    if active().width < TWO_COLUMNS:
        columns = max(1, columns // 2)
    rows = -(-n // columns)
    figure = Figure(figsize=(active().width / 96, rows * height / 96))
    cells = tight_grid(figure, rows, columns)
    axes = [figure.add_subplot(cells[divmod(k, columns)]) for k in range(n)]
    for ax in axes:
        place(ax, right=right)
    return figure, axes
