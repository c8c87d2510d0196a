r"""Show the race of a net that a student initialized beside the chapter's schemes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit.experiments import trainability
from coursekit.experiments.race_scale import Rule, race_scale
from coursekit.labs.live import ACTIVATIONS, Note, curves, explore
from coursekit.labs.reading import read_number

__all__ = ["explore_training", "race"]


def race(
    rule: Rule, activation: str = "relu", depth: int = 20, *, scale: float = 1.0
) -> dict[str, np.ndarray]:
    """Train the student's net and the chapter's.

    Args:
        rule: As in `race_scale`.
        activation: Name of the activation function.
        depth: Number of hidden layers.
        scale: Factor on every standard deviation of the rule.

    Returns:
        As `race_scale`.
    """

    def scaled(shape: tuple[int, int], layer: int, depth: int) -> float:
        return scale * read_number(rule(shape, layer, depth))

    return race_scale(scaled, activation, depth)


def explore_training(rule: Rule) -> Any:
    """Offer activation, depth and scale, and train at the press of a button.

    Args:
        rule: As in `race`.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    def draw(activation: str, depth: int, scale: float) -> Note:
        return picture(race(rule, activation, depth, scale=scale), activation, depth)

    return explore(
        draw,
        button="Train",
        activation=widgets.Dropdown(
            options=ACTIVATIONS, value="relu", description="activation"
        ),
        depth=widgets.IntSlider(value=20, min=4, max=30, description="layers"),
        scale=widgets.FloatSlider(
            value=1.0, min=0.5, max=2.0, step=0.05, description="scale"
        ),
    )


def picture(result: dict[str, np.ndarray], activation: str, depth: int) -> Note:
    """Draw the loss curves of a race.

    Args:
        result: What `race` returned.
        activation: Name of the activation function.
        depth: Number of hidden layers.

    Returns:
        The picture; its text names the final losses.
    """
    updates = result["updates"]
    runs = {k: v for k, v in result.items() if k != "updates"}
    final = ", ".join(f"{k} {_loss(v[-1])}" for k, v in runs.items())
    chance = math.log(10)
    alt = (
        f"{depth} {activation} layers after {updates[-1]} updates, training loss: "
        f"{final}. Guessing gives {chance:.2f}."
    )
    panel = dict(
        lines={k: (updates, v) for k, v in runs.items()},
        title=f"{depth} hidden layers, {activation}, SGD {trainability.LEARNING_RATE}",
        x="update",
        y="training loss",
        level=chance,
    )
    return curves([panel], alt, width=7.0)


def _loss(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "diverged"
