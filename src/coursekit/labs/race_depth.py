r"""Show the race of a deep net of the student's against a plain and a residual one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit.experiments.race_depth import (
    EPOCHS,
    EVERY,
    LAYERS,
    MOMENTUM,
    Make,
    race_depth,
)
from coursekit.labs.live import Note, curves, explore

__all__ = ["explore_cure"]


def explore_cure(make: Make) -> Any:
    """Offer the learning rate, and train at the press of a button.

    Args:
        make: The student's ``my_net``.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    rates = [(f"{r:g}", r) for r in (0.001, 0.003, 0.01, 0.03)]
    choice = widgets.SelectionSlider(options=rates, value=0.01, description="rate")

    def draw(rate: float) -> Note:
        return cure_picture(race_depth(make, rate), rate)

    return explore(draw, button="Train", rate=choice)


def cure_picture(result: dict[str, np.ndarray], rate: float) -> Note:
    """Draw the loss curves of a race.

    Args:
        result: What `race_depth` returned.
        rate: The learning rate.

    Returns:
        The picture; its text names the final losses.
    """
    at = np.arange(len(result["yours"])) * EVERY
    final = ", ".join(f"{k} {_told(v[-1])}" for k, v in result.items())
    alt = (
        f"{LAYERS} linear maps, one seed, rate {rate:g}, training loss after {EPOCHS} "
        f"epochs: {final}. Guessing gives {math.log(10):.2f}."
    )
    panel = dict(
        lines={k: (at, np.minimum(v, 10)) for k, v in result.items()},
        title=f"{LAYERS} linear maps, SGD {rate:g}, momentum {MOMENTUM}",
        x="update",
        y="training loss (cut at 10)",
        level=math.log(10),
    )
    return curves([panel], alt, width=7.0)


def _told(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "diverged"
