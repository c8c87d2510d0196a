r"""Train one net with batches of several sizes, under two budgets.

An epoch of N examples in batches of B makes

.. math:: M = \lceil N / B \rceil \qquad (1)

updates. Runs of equal *epochs* therefore differ in two things at once: the noise of
their gradients and the number of their updates. Runs of equal *updates* differ in the
noise, and in the data they read. A learning rate that is the same for all sizes, or
the best for each, makes four comparisons of what is often one sentence.

Of the 1400 training digits the first 1000 are trained on and 400 validate, so that a
rate is never chosen by the digits that judge it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.data import digits, updates_per_epoch
from coursekit.models import MLP
from coursekit.sweep import grid, sweep

__all__ = ["BUDGETS", "N", "curves", "data", "moments", "net", "updates"]

N, VALIDATION, EPOCHS, UPDATES = 1000, 400, 15, 1500
BUDGETS = ("epochs", "updates")
Split = tuple[Tensor, Tensor, Tensor, Tensor]


def data() -> Split:
    """Split the digits into 1000 for training and 797 that judge.

    Returns:
        Inputs and classes of the training part; then of 400 digits for validation,
        followed by the 397 of the test part.
    """
    x, y, x_test, y_test = digits()
    return x[:N], y[:N], torch.cat([x[N:], x_test]), torch.cat([y[N:], y_test])


def net() -> nn.Module:
    """Build the net of these experiments, two hidden ReLU layers of 64 units.

    Returns:
        The module; a sweep draws its weights anew.
    """
    return MLP([64, 64, 64, 10])


def updates(budget: str, batch_size: int) -> int:
    """Count the updates of a run.

    Args:
        budget: ``"epochs"`` (15 of them) or ``"updates"`` (1500).
        batch_size: Examples an update.

    Returns:
        Their number, by equation (1) for epochs.

    Example:
        >>> updates("epochs", 8), updates("epochs", 1000), updates("updates", 8)
        (1875, 15, 1500)
    """
    if budget == "updates":
        return UPDATES
    return EPOCHS * updates_per_epoch(N, batch_size)


def _every(budget: str, batch_size: int) -> int:
    return max(1, updates(budget, batch_size) // 120)


def moments(budget: str, batch_size: int, count: int) -> np.ndarray:
    """Space moments along a run: dense at first, where most happens.

    Args:
        budget: What is the same for all batch sizes.
        batch_size: Examples an update.
        count: How many moments; moment k of n lies near the share (k/n)^1.6.

    Returns:
        Numbers of updates, none below 1. A short run repeats its first ones.

    Example:
        >>> moments("epochs", 1000, 4).tolist(), moments("updates", 8, 2).tolist()
        ([2, 5, 9, 15], [492, 1500])
    """
    steps, every = updates(budget, batch_size), _every(budget, batch_size)
    wanted = steps * (np.arange(1, count + 1) / count) ** 1.6
    found = np.maximum(every, every * np.round(wanted / every)).astype(int)
    return np.where(np.arange(count) == count - 1, steps, np.minimum(found, steps))


def _right(part: slice) -> Any:
    def probe(net: Any, feed: Any, data: Any) -> Tensor:
        x, y = data.x_test[part], data.y_test[part]
        with net.untouched(), torch.no_grad():
            net.train(False)
            outputs = net.outputs((x.expand(len(net.thetas[0]), *x.shape),))
        return (outputs.argmax(-1) == y).double().mean(1)

    return probe


PROBES = {
    "train_loss": "train_loss",
    "train_acc": "train_acc",
    "val_acc": _right(slice(VALIDATION)),
    "test_acc": _right(slice(VALIDATION, None)),
}


def curves(
    batch_size: int,
    rates: Sequence[float],
    *,
    budget: str = "epochs",
    seeds: Sequence[int] = range(5),
    count: int = 1,
) -> dict[str, np.ndarray]:
    """Train at each rate from each seed, plain SGD, He's weights.

    Args:
        batch_size: Examples an update.
        rates: Learning rates.
        budget: What is the same for all batch sizes.
        seeds: Seeds of weights and order, shared by all settings.
        count: How many of `moments` to measure at; 1 for the end alone.

    Returns:
        ``train_loss``, ``train_acc``, ``val_acc`` and ``test_acc``, each
        ``[rate, seed, moment]``; NaN where a run has diverged.
    """
    settings = grid(lr=[float(r) for r in rates], seed=list(seeds))
    fixed = {"batch_size": batch_size, "optimizer": "sgd", "init": "he_normal"}
    runs = sweep(
        net,
        data(),
        [setting | fixed for setting in settings],
        steps=updates(budget, batch_size),
        every=None if count == 1 else _every(budget, batch_size),
        probes=PROBES,
        workers=1,
        progress=False,
    )
    kept = np.searchsorted(runs.moments, moments(budget, batch_size, count))
    shape = (len(rates), len(list(seeds)), count)
    return {name: runs.values(name)[:, kept].reshape(shape) for name in PROBES}
