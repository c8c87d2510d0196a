r"""Show the race of a normalization of the student's over batch sizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit.experiments import race_norm as races
from coursekit.labs.live import Note, curves, explore

__all__ = ["explore_norm"]


def explore_norm(rule: races.Rule) -> Any:
    """Offer the learning rate, and train at the press of a button.

    Args:
        rule: The student's normalization.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    rates = [(f"{r:g}", r) for r in (0.01, 0.03, 0.1, 0.3)]
    choice = widgets.SelectionSlider(options=rates, value=0.03, description="rate")

    def draw(rate: float) -> Note:
        return norm_picture(races.race_norm(rule, rate), rate)

    return explore(draw, button="Train", rate=choice)


def norm_picture(result: dict[str, np.ndarray], rate: float) -> Note:
    """Draw the final loss over the batch size.

    Args:
        result: What `races.race_norm` returned.
        rate: Learning rate.

    Returns:
        The picture; its text names the losses at both ends, with their range.
    """
    ends = {0: races.SIZES[0], -1: races.SIZES[-1]}
    told = ". ".join(
        f"Batches of {size}: "
        + ", ".join(f"{name} {_range(loss[i])}" for name, loss in result.items())
        for i, size in ends.items()
    )
    alt = (
        f"Training loss after {races.STEPS} updates of rate {rate:g}, least to most of "
        f"{len(races.SEEDS)} seeds. {told}. Guessing gives {math.log(10):.2f}."
    )
    lines = {k: (np.log2(races.SIZES), np.median(v, axis=1)) for k, v in result.items()}
    panel = dict(
        lines=lines,
        title=f"{races.DEPTH} layers, {races.STEPS} updates, "
        f"median of {len(races.SEEDS)} seeds",
        x="log₂ of the batch size",
        y="training loss",
        level=math.log(10),
    )
    return curves([panel], alt, width=7.0)


def _range(losses: np.ndarray) -> str:
    if not np.isfinite(losses).all():
        return "diverged"
    return f"{losses.min():.2f} to {losses.max():.2f}"
