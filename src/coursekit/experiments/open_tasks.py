r"""The open tasks of the labs as one curve each, in a fraction of a second.

A lab ends with a task without points: a net, a plan, an activation, a rule or a norm of
one's own is raced against the chapter's.  In the notebook the whole race runs; for the
page of feedback only the own curve does, with as few updates as still tell them apart.
The chapter's curves, from the same starts and batches, are the same for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from coursekit.experiments import (
    race_activation,
    race_budget,
    race_depth,
    race_norm,
    race_scale,
)

Curve = tuple[list[float], list[float]]

DEPTH_RATE, NORM_RATE, NORM_SIZES = 0.01, 0.03, (2, 16, 128)
ACTIVATION_STEPS, SCALE_STEPS, NORM_STEPS = 40, 130, 60


def depth(my_net: race_depth.Make) -> Curve:
    """Train a deep net.

    Args:
        my_net: Makes it for a number of linear maps.

    Returns:
        Updates, and the training loss there.
    """
    return _by_update(race_depth.train(my_net, DEPTH_RATE))


def _by_update(losses: np.ndarray) -> Curve:
    return _curve(np.arange(len(losses)) * race_depth.EVERY, losses)


def budget(my_batch: int, my_lr: race_budget.Rate) -> Curve:
    """Spend a number of example-gradients.

    Args:
        my_batch: Examples a batch.
        my_lr: Gives the rate of update t of T.

    Returns:
        Thousands of examples seen, and the training loss there, median of the seeds.
    """
    return _by_example(race_budget.plan(my_batch, my_lr))


def _by_example(run: race_budget.Run) -> Curve:
    return _curve(run["seen"] / 1000, np.median(run["train"], 0))


def activation(my_phi: race_activation.Rule, my_slope: race_activation.Rule) -> Curve:
    """Train a plain net of 32 layers.

    Args:
        my_phi: Its activation.
        my_slope: The derivative.

    Returns:
        Updates, and the training loss there.
    """
    run = race_activation.own(my_phi, my_slope, 1.0, ACTIVATION_STEPS)
    return _by_moment(run)


def _by_moment(run: race_activation.Run) -> Curve:
    return _curve(race_activation.moments(ACTIVATION_STEPS), run["loss"])


def scale(my_std: race_scale.Rule) -> Curve:
    """Train a net of 20 layers.

    Args:
        my_std: Gives the standard deviation of each weight.

    Returns:
        Updates, and the training loss there.
    """
    run = race_scale.race_scale(my_std, schemes=(), steps=SCALE_STEPS)
    return _curve(run["updates"], run["yours"])


def norm(my_norm: race_norm.Rule) -> Curve:
    """Train a net of 8 layers on batches of several sizes.

    Args:
        my_norm: The normalization.

    Returns:
        The logarithm of the batch size to the base 2, and the final training loss.
    """
    ends = [
        race_norm.losses(my_norm, NORM_RATE, size, [0], NORM_STEPS)[0]
        for size in NORM_SIZES
    ]
    return _curve(np.log2(NORM_SIZES), ends)


def _curve(x: Sequence[float] | np.ndarray, y: Iterable[Any]) -> Curve:
    return [float(v) for v in x], [float(v) for v in y]


def _depths() -> dict[str, Curve]:
    runs = race_depth.references(DEPTH_RATE)
    return {name: _by_update(losses) for name, losses in runs.items()}


def _budgets() -> dict[str, Curve]:
    return {name: _by_example(run) for name, run in race_budget.references().items()}


def _activations() -> dict[str, Curve]:
    runs = race_activation.references(ACTIVATION_STEPS)
    return {name: _by_moment(run) for name, run in runs.items()}


def _scales() -> dict[str, Curve]:
    runs = race_scale.race_scale(None, steps=SCALE_STEPS)
    return {n: _curve(runs["updates"], runs[n]) for n in race_scale.SCHEMES}


def _norms() -> dict[str, Curve]:
    return {name: norm(rule) for name, rule in race_norm.REFERENCES.items()}


CHAPTER: dict[str, Callable[[], dict[str, Curve]]] = {
    "depth": _depths,
    "budget": _budgets,
    "activation": _activations,
    "scale": _scales,
    "norm": _norms,
}


def chapter(task: str) -> dict[str, Curve]:
    """Train what the chapter has to set against an open task.

    Args:
        task: Name of a function of this file.

    Returns:
        Curves by name, like that function's.
    """
    return CHAPTER[task]()
