r"""Spend a fixed number of example-gradients by a plan and by three others.

Every plan has a batch size and a rate for each update.  All start from the same weights
and see the same number of digits; the fewer examples a batch has, the more updates.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits, epoch_order
from coursekit.models import MLP

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
        raise ValueError(f"my_batch is {batch_size!r}, expected a number from 1 to {n}")
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
        grads, lr = torch.autograd.grad(loss, parameters), float(rate(t, T))
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
def references() -> dict[str, Run]:
    """Spend the budget by three plans: small batches, large ones, a scaled rate.

    Returns:
        Runs by plan.
    """
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
    return {"yours": plan(batch_size, rate), **references()}
