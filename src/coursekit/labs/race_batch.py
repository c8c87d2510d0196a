r"""Show how the student's plan and three others spend a number of gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from coursekit.experiments.race_budget import BUDGET, SEEDS, Rate, Run, race_budget
from coursekit.labs.live import Note, curves, explore
from coursekit.labs.reading import read_number

__all__ = ["explore_budget"]


def explore_budget(batch_size: int, rate: Rate) -> Any:
    """Offer the batch size, and train at the press of a button.

    Args:
        batch_size: The student's ``my_batch``, where the control starts.
        rate: The student's ``my_lr``.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    number = widgets.BoundedIntText(
        value=batch_size, min=4, max=1400, description="my_batch"
    )

    def read_rate(t: int, T: int) -> float:
        return read_number(rate(t, T))

    def draw(size: int) -> Note:
        return budget_picture(race_budget(size, read_rate), size)

    return explore(draw, button="Train", size=number)


def budget_picture(result: dict[str, Run], size: int) -> Note:
    """Draw training and test loss over the examples that were looked at.

    Args:
        result: What `race_budget` returned.
        size: The student's batch size.

    Returns:
        The picture; its text names both losses at the end with their range.
    """
    told = "; ".join(
        f"{name} {_told(run['train'])} and {_told(run['test'])}"
        for name, run in result.items()
    )
    alt = (
        f"Yours with batches of {size}, {BUDGET // size} updates. Training and test "
        f"loss after {BUDGET} examples, least to most of {len(SEEDS)} seeds: {told}."
    )
    panels = []
    for key, title in (("train", "training loss"), ("test", "test loss")):
        lines = {
            k: (r["seen"] / 1000, np.minimum(np.median(r[key], 0), 10))
            for k, r in result.items()
        }
        axis = dict(x="thousand examples", y=f"{title}, median", log=True)
        panels.append(dict(lines=lines, title=title, level=math.log(10)) | axis)
    return curves(panels, alt)


def _told(losses: np.ndarray) -> str:
    end = losses[:, -1]
    if not np.isfinite(end).all():
        return "diverged"
    return f"{end.min():.3f} to {end.max():.3f}"
