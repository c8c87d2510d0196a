r"""Spend a fixed number of example-gradients by the student's plan and three others.

Every plan has a batch size and a rate for each update.  All start from the same weights
and see the same number of digits; the fewer examples a batch has, the more updates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits, epoch_order
from coursekit.labs.live import Note, curves, explore
from coursekit.labs.reading import read_number
from coursekit.models import MLP

__all__ = ["BUDGET", "explore_budget", "race_budget"]

BUDGET, WIDTH, RATE, SEEDS, POINTS = 14_000, 32, 0.1, (0, 1, 2), 8
Rate = Callable[[int, int], float]
Run = dict[str, np.ndarray]


def spend(batch_size: int, rate: Rate, seed: int) -> Run:
    """Train one net on the budget.

    Args:
        batch_size: Examples a batch.
        rate: Gives the learning rate of update t of T.
        seed: Seed of weights and order.

    Returns:
        ``"seen"``, examples looked at, and there ``"train"`` and ``"test"`` loss.

    Raises:
        ValueError: If the batch size or a rate cannot be used.
    """
    data = digits()
    n = len(data.x_train)
    if not 1 <= int(batch_size) == batch_size <= n:
        raise ValueError(f"my_batch is {batch_size}, expected a number from 1 to {n}")
    net = init.initialize(MLP([64, WIDTH, WIDTH, 10]), "he_normal", seed=seed)
    parameters, order = list(net.parameters()), torch.Generator().manual_seed(seed)
    T = BUDGET // batch_size
    at = {round(T * k / POINTS) for k in range(POINTS + 1)}
    batches: list[torch.Tensor] = []
    rows = [(0, *_losses(net))]
    for t in range(1, T + 1):
        if not batches:
            order_now = epoch_order(n, generator=order)
            batches = [b for b in order_now.split(batch_size) if len(b) == batch_size]
        batch = batches.pop()
        loss = cross_entropy(net(data.x_train[batch]), data.y_train[batch])
        grads, lr = torch.autograd.grad(loss, parameters), read_number(rate(t, T))
        with torch.no_grad():
            for p, g in zip(parameters, grads, strict=True):
                p -= lr * g
        if t in at:
            rows.append((t * batch_size, *_losses(net)))
    columns = np.array(rows, float).T
    return dict(zip(("seen", "train", "test"), columns, strict=True))


@torch.no_grad()
def _losses(net: MLP) -> tuple[float, float]:
    data = digits()
    pairs = (data.x_train, data.y_train), (data.x_test, data.y_test)
    train, test = (float(cross_entropy(net(x), y)) for x, y in pairs)
    return train, test


def plan(batch_size: int, rate: Rate) -> Run:
    """Spend the budget from every seed.

    Args:
        batch_size: Examples a batch.
        rate: As in `spend`.

    Returns:
        As `spend`, the losses ``[seed, moment]``.
    """
    runs = [spend(batch_size, rate, seed) for seed in SEEDS]
    out = {k: np.stack([run[k] for run in runs]) for k in ("train", "test")}
    return {"seen": runs[0]["seen"], **out}


@cache
def _references() -> dict[str, Run]:
    factor = 256 / 16

    def warm(t: int, T: int) -> float:
        return RATE * factor * min(1.0, 10 * t / T)

    return {
        "B 16": plan(16, lambda t, T: RATE),
        "B 256": plan(256, lambda t, T: RATE),
        "B 256, scaled": plan(256, warm),
    }


def race_budget(batch_size: int, rate: Rate) -> dict[str, Run]:
    """Spend the budget by the student's plan, and by the others once.

    Args:
        batch_size: The student's ``my_batch``.
        rate: The student's ``my_lr``.

    Returns:
        Runs by plan, the student's first as ``"yours"``.
    """
    return {"yours": plan(batch_size, rate), **_references()}


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

    def draw(size: int) -> Note:
        return budget_picture(race_budget(size, rate), size)

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
