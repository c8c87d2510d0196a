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
from typing import Any

from coursekit._validate import check_in, check_positive

from .palette import DASHES, PALETTE, SERIES

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

    check_in("theme", theme, tuple(PALETTE))
    style = Style(theme, check_positive("width", width))
    token = _ACTIVE.set(style)
    try:
        with mpl.rc_context(rc(style)):
            yield style
    finally:
        _ACTIVE.reset(token)


def rc(style: Style) -> dict[Any, Any]:
    """List matplotlib's settings of a style.

    Args:
        style: Theme and width.

    Returns:
        Settings for ``matplotlib.rc_context``.
    """
    from cycler import cycler

    ink, muted, ground = map(style.colour, ("ink", "muted", "ground"))
    series = cycler(color=[style.colour(role) for role in SERIES])
    return {
        "figure.facecolor": ground,
        "savefig.facecolor": ground,
        "axes.facecolor": ground,
        "figure.dpi": 96,
        "font.family": "DejaVu Sans",
        "font.size": px(TEXT),
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.labelsize": px(TEXT),
        "axes.titlesize": px(TEXT),
        "axes.titlelocation": "left",
        "axes.prop_cycle": series + cycler(linestyle=[dash(k) for k in range(5)]),
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.edgecolor": style.colour("grid"),
        "grid.color": style.colour("grid"),
        "grid.linewidth": px(GRID),
        "xtick.labelsize": px(TEXT),
        "ytick.labelsize": px(TEXT),
        "xtick.labelcolor": muted,
        "ytick.labelcolor": muted,
        "lines.linewidth": px(FOCUS),
        "lines.markersize": 2 * px(MARKER),
        "lines.scale_dashes": False,
        "legend.frameon": False,
        "hatch.color": ink,
        "hatch.linewidth": px(1),
        "image.cmap": "cividis",
        "svg.hashsalt": "coursekit",
        "svg.fonttype": "none",
        **dict.fromkeys(_SPINES, False),
        **dict.fromkeys(_TICKS, 0),
    }


_SPINES = [f"axes.spines.{side}" for side in ("left", "right", "top", "bottom")]
_TICKS = [f"{axis}tick.{kind}.size" for axis in "xy" for kind in ("major", "minor")]
