r"""Show the race of an activation of the student's through 32 layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit.experiments.race_activation import (
    DEPTH,
    RATE,
    STEPS,
    Rule,
    Run,
    moments,
    race_activation,
)
from coursekit.labs.live import Note, curves, explore

__all__ = ["explore_activation"]


def explore_activation(phi: Rule, slope: Rule) -> Any:
    """Offer the gain, and train at the press of a button.

    Args:
        phi: The student's activation.
        slope: Its derivative.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    def draw(gain: float) -> Note:
        return activation_picture(race_activation(phi, slope, gain), gain)

    slider = widgets.FloatSlider(value=1, min=0.5, max=3, step=0.05, description="gain")
    return explore(draw, button="Train", gain=slider)


def activation_picture(result: dict[str, Run], gain: float) -> Note:
    """Draw δ by layer at the start, and the loss over training.

    Args:
        result: What `race_activation` returned.
        gain: Gain of the student's net.

    Returns:
        The picture; its text names both for every net.
    """
    ratio = {k: r["delta"][0] / r["delta"][-1] for k, r in result.items()}
    told = "; ".join(
        f"{k} {ratio[k]:.2g} and {_loss(r['loss'][-1])}" for k, r in result.items()
    )
    alt = (
        f"32 layers, yours with gain {gain:.2f}. Std(δ) of the first layer over that "
        f"of the last at the start, and training loss after {STEPS} updates: {told}. "
        f"Guessing gives {math.log(10):.2f}."
    )
    left = {
        k: (np.linspace(1, DEPTH, len(r["delta"])), r["delta"])
        for k, r in result.items()
    }
    right = {k: (moments(), r["loss"]) for k, r in result.items()}
    first = dict(lines=left, title="at the start", x="layer", y="Std(δ)", log=True)
    last = dict(lines=right, title=f"SGD {RATE}", x="update", y="training loss")
    return curves([first, last | dict(level=math.log(10))], alt)


def _loss(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "diverged"
