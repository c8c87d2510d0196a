r"""List matplotlib's settings of a style."""

from __future__ import annotations

from typing import Any

from .palette import SERIES
from .style import FOCUS, GRID, MARKER, TEXT, Style, dash, px


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
