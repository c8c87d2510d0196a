r"""Train a net that a student initialized beside the chapter's schemes.

The chapter draws weights of standard deviation $g/\sqrt{n_{in}}$ and compares gains
$g$ on digits, by plain SGD, with the same noise and the same batches for every gain.
This file runs that comparison with one more net: its standard deviations come from a
rule of the student's, layer by layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from coursekit.experiments import stacked, stacked_training, trainability
from coursekit.labs.live import ACTIVATIONS, Note, curves, explore
from coursekit.labs.reading import read_number

__all__ = ["explore_training", "race"]

Rule = Callable[[tuple[int, int], int, int], float]
SCHEMES = {"He": math.sqrt(2), "Glorot": 1.0, "PyTorch": math.sqrt(1 / 3)}


def race(
    rule: Rule, activation: str = "relu", depth: int = 20, *, scale: float = 1.0
) -> dict[str, np.ndarray]:
    r"""Train the student's net and the chapter's, on equal noise and batches.

    Args:
        rule: ``rule(shape, layer, depth)`` gives the standard deviation of a weight
            of shape ``[out, in]``; layers count from 1, the last is ``depth + 1``.
        activation: Name of the activation function.
        depth: Number of hidden layers, each 64 units wide.
        scale: Factor on every standard deviation of the rule.

    Returns:
        The training loss by scheme, the student's first as ``"yours"``, and the
        updates it was measured at as ``"updates"``.

    Raises:
        ValueError: If the rule gives a negative or no finite number.
    """
    data = trainability.digits()
    x, y = data.x_train.double(), data.y_train
    gains = [1.0, *SCHEMES.values()]
    widths = [x.shape[1], *[trainability.WIDTH] * depth, 10]
    stack = stacked.draw_stack(widths, gains, [0] * len(gains), activation)
    for layer, weight in enumerate(stack.weights, 1):
        shape = (weight.shape[1], weight.shape[2])
        std = scale * read_number(rule(shape, layer, depth))
        if std < 0:
            raise ValueError(f"my_std gave {std} for layer {layer}, expected ≥ 0")
        weight[0] *= std * math.sqrt(shape[1])
    at = trainability.moments(trainability.total_steps(), 12)
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=stacked_training.sgd(trainability.LEARNING_RATE),
        batch_size=trainability.BATCH_SIZE,
        moments=at,
        seeds=[0] * len(gains),
    )
    probe = slice(trainability.PROBE)
    losses = np.stack([stacked.losses(stack, x[probe], y[probe]).numpy() for _ in run])
    named = dict(zip(["yours", *SCHEMES], losses.T, strict=True))
    return {"updates": np.array(at), **named}


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
