r"""Train with the full batch over a grid of rates: how many of them work?

A large batch leaves few updates, so its rate must be large, and what limits it is the
layer that bears least. LARS gives each layer :math:`l` the rate

.. math::

    \eta\,\zeta_l = \eta\, \frac{\zeta\,\|\theta_l\|}
    {\|g_l\| + \lambda_{wd}\,\|\theta_l\|} \qquad (1)

so that without momentum an update moves every layer by at most the share
:math:`\eta\zeta`. The nets have no biases: their norm starts at zero, where (1) means
nothing, and LARS usually leaves them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from torch import nn

from coursekit.data import digits
from coursekit.models import MLP
from coursekit.schedules import warmup
from coursekit.sweep import grid, sweep

__all__ = ["METHODS", "RATES", "STEPS", "WORKS", "curves", "net", "working"]

STEPS, WIDTH, WORKS = 60, 64, 0.7
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
METHODS = {"sgd": "SGD", "warm": "SGD, warm-up", "lars": "LARS", "lamb": "LAMB"}
WORDS = {
    "sgd": {"optimizer": "sgdm", "momentum": 0.9},
    "warm": {
        "optimizer": "sgdm",
        "momentum": 0.9,
        "schedule": partial(warmup, warmup=20),
    },
    "lars": {"optimizer": "lars", "momentum": 0.9, "trust": 0.1},
    "lamb": {"optimizer": "lamb", "weight_decay": 0.0},
}


def net(depth: int) -> nn.Module:
    """Build a ReLU net without biases, `depth` hidden layers of 64 units.

    Args:
        depth: Number of hidden layers.

    Returns:
        The module; a sweep draws its weights anew.
    """
    return MLP([64, *[WIDTH] * depth, 10], bias=False)


def curves(
    method: str,
    depth: int,
    rates: Sequence[float] = RATES,
    *,
    seeds: Sequence[int] = range(5),
    every: int = 1,
) -> dict[str, np.ndarray]:
    """Make 60 updates with all 1400 digits at each rate, from each seed.

    Args:
        method: One of `METHODS`; SGD and LARS with momentum 0.9, ζ = 0.1.
        depth: Number of hidden layers.
        rates: Global learning rates η.
        seeds: Seeds of the weights, shared by all methods.
        every: Updates between measurements.

    Returns:
        ``train_acc`` and ``train_loss``, each ``[rate, seed, moment]``; NaN where a
        run has diverged.
    """
    x, y, *_ = digits()
    settings = grid(lr=[float(r) for r in rates], seed=list(seeds))
    fixed = {"depth": depth, "init": "he_normal", **WORDS[method]}
    runs = sweep(
        net,
        (x, y),
        [setting | fixed for setting in settings],
        steps=STEPS,
        every=every,
        probes=["train_acc", "train_loss"],
        workers=1,
        progress=False,
    )
    kept = np.isin(runs.moments, np.arange(every, STEPS + 1, every))
    shape = (len(rates), len(list(seeds)), STEPS // every)
    return {name: runs.values(name)[:, kept].reshape(shape) for name in runs.probes}


def working(accuracy: np.ndarray, share: float = WORKS) -> np.ndarray:
    """Count the rates at which a run ends with at least this training accuracy.

    Args:
        accuracy: Final accuracies ``[rate, seed]``; NaN counts as not working.
        share: The accuracy asked for.

    Returns:
        One count a seed.

    Example:
        >>> working(np.array([[0.95, 0.5], [0.99, np.nan]])).tolist()
        [2, 0]
    """
    return (np.nan_to_num(accuracy) >= share).sum(0)
