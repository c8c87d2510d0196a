r"""End a line where its run ended: ✕ where it diverged, an arrow where it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coursekit.figures.style import colour, px

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .curves import Curve


def draw_end(ax: Axes, curve: Curve) -> None:
    """Mark how a line ends early.

    Args:
        ax: The axes, with limits and scales set.
        curve: The line.
    """
    ys = curve.known[1]
    seen = seen_in(ax, ys)
    exits = np.flatnonzero(seen[:-1] & ~seen[1:] & np.isfinite(ys[1:]))
    if exits.size:
        _draw_exit(ax, curve, int(exits[0]))
        return
    lost = np.flatnonzero(np.isinf(np.asarray(curve.ys, float)))
    before = np.flatnonzero(seen[: lost[0]]) if lost.size else lost
    if before.size:
        k = before[-1]
        cross(ax, float(curve.known[0][k]), float(ys[k]), curve.role)


def _draw_exit(ax: Axes, curve: Curve, k: int) -> None:
    xs, ys = curve.known
    low, high = ax.get_ylim()
    up = ys[k + 1] > high
    pair = ax.transData.transform(np.stack([xs[k : k + 2], ys[k : k + 2]], -1))
    edge = ax.transData.transform((xs[k], high if up else low))[1]
    share = (edge - pair[0, 1]) / (pair[1, 1] - pair[0, 1])
    x = ax.transAxes.inverted().transform(pair[0] + share * (pair[1] - pair[0]))[0]
    tip = -6 if up else 6
    ax.plot(
        [x],
        [float(up)],
        transform=ax.transAxes,
        marker=[(-4, tip), (0, 0), (4, tip)],
        markersize=2 * px(6),
        markerfacecolor="none",
        markeredgecolor=colour(curve.role),
        markeredgewidth=px(1.8),
        clip_on=False,
        zorder=4,
    )


def cross(ax: Axes, x: float, y: float, role: str = "ink", radius: float = 4) -> None:
    """Draw the ✕ of a diverged run.

    Args:
        ax: The axes.
        x: Place.
        y: Place.
        role: Role of the palette.
        radius: Half its width in CSS pixels.
    """
    ax.plot(
        [x],
        [y],
        marker="x",
        linestyle="none",
        color=colour(role),
        markersize=2 * px(radius),
        markeredgewidth=px(1.8),
        zorder=4,
        clip_on=False,
    )


def seen_in(ax: Axes, ys: np.ndarray) -> np.ndarray:
    """Tell which values lie within the view.

    Args:
        ax: The axes, with limits set.
        ys: Values; NaN is not seen.

    Returns:
        A mask.
    """
    low, high = sorted(ax.get_ylim())
    air = 1e-9 * (high - low)
    return (ys >= low - air) & (ys <= high + air)
