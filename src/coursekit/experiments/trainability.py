r"""Train ReLU and tanh nets over gains and depths: which gains still learn?

Weights are drawn with standard deviation :math:`g/\sqrt{n_{in}}`. One hidden ReLU
layer multiplies the mean square of the signal by :math:`g^2/2`, so
:math:`L` of them multiply it by

.. math:: (g^2/2)^L = e^{L \ln (g^2/2)}. \qquad (1)

A net that tolerates a total factor between :math:`e^{-c}` and :math:`e^{c}`
therefore works for :math:`|\ln g - \ln\sqrt 2| \le c/(2L)`: a band whose width
falls as 1/depth. This file measures it, by default with plain SGD without momentum,
so that no optimizer repairs what the initialization broke.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training

EPOCHS, BATCH_SIZE, LEARNING_RATE, WIDTH = 12, 64, 0.01, 64
PROBE = 512


def moments(steps: int, count: int = 30) -> list[int]:
    r"""Space `count` moments as :math:`k^{1.6}` from 0 to `steps`, dense early on.

    Args:
        steps: The last moment.
        count: How many moments.

    Returns:
        Increasing numbers of updates.

    Example:
        >>> moments(262, 5)
        [0, 29, 87, 166, 262]
    """
    share = np.linspace(0, 1, count) ** 1.6
    return [int(np.ceil(s * steps)) if s < 1 else steps for s in share]


def total_steps(n: int = 1400) -> int:
    """Count the updates in `EPOCHS` epochs of `n` examples.

    Args:
        n: Number of examples.

    Returns:
        Whole updates of `BATCH_SIZE` examples.
    """
    return EPOCHS * n // BATCH_SIZE


def training_curves(
    gains: Sequence[float],
    depth: int,
    *,
    activation: str = "relu",
    seeds: Sequence[int] = range(5),
    at: Sequence[int] | None = None,
    optimizer: stacked_training.Optimizer | None = None,
) -> np.ndarray:
    r"""Train one net a gain and seed; return its training loss over time.

    Args:
        gains: Gains g to compare; every layer, output included, has
            :math:`\mathrm{std}(W)=g/\sqrt{n_{in}}`.
        depth: Number of hidden layers, each 64 units wide.
        activation: Name of the activation function.
        seeds: Seeds, shared by all gains (paired).
        at: Updates after which to measure; `moments(total_steps())` if None.
        optimizer: `stacked_training.sgd(lr)` or `.adam(lr)`; SGD at rate 0.01 if
            None.

    Returns:
        Array `[gain, seed, moment]`: mean cross-entropy on the first 512 training
        digits. NaN or inf marks a run that diverged.
    """
    at = moments(total_steps()) if at is None else at
    data = digits()
    x, y = data.x_train.double(), data.y_train
    pairs = [(g, s) for g in gains for s in seeds]
    model_gains, model_seeds = [g for g, _ in pairs], [s for _, s in pairs]
    widths = [x.shape[1], *[WIDTH] * depth, 10]
    stack = stacked.draw_stack(widths, model_gains, model_seeds, activation)
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=optimizer or stacked_training.sgd(LEARNING_RATE),
        batch_size=BATCH_SIZE,
        moments=at,
        seeds=model_seeds,
    )
    curves = [stacked.losses(stack, x[:PROBE], y[:PROBE]).numpy() for _ in run]
    return np.stack(curves, -1).reshape(len(gains), len(seeds), len(at))
