r"""Start all hidden units equal, add a little noise, and watch the copies part.

If two hidden units have equal incoming and equal outgoing weights, they compute the
same activation and receive the same gradient, so gradient descent keeps them equal:
the set of symmetric weights is invariant. It need not be stable. Let :math:`u` be
the difference of the incoming weights of two ReLU units and :math:`v` that of the
outgoing ones. While both units are active on the same examples,

.. math::

    \Delta u = -\eta\, M^\top v, \qquad \Delta v = -\eta\, M u, \qquad
    M = \mathbb{E}[\delta\, x^\top;\ \text{active}] \qquad (1)

with :math:`\delta` the error at the output. The pair grows by the factor
:math:`1+\eta\,\sigma_1(M)` an update, so a difference :math:`\epsilon` becomes
visible after

.. math:: t \approx \frac{\ln(1/\epsilon)}{\eta\,\sigma_1(M)} \qquad (2)

updates. Equal units make a matrix of rank 1; its second singular value measures how
far the copies have parted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training

UNITS, BATCH_SIZE, LEARNING_RATE, PROBE = 16, 64, 0.1, 512
TOLERANCE = 0.01
CENTRE = [8 * row + column for row in range(2, 6) for column in range(2, 6)]
HE = np.inf


def symmetric_stack(
    noises: Sequence[float], seeds: Sequence[int]
) -> stacked.StackedMLP:
    r"""Build 64-16-10 ReLU nets of equal weights plus relative noise.

    Every weight of a layer is :math:`s(1 + \epsilon\,\xi)/4` with
    :math:`s=\sqrt{2/n_{in}}`, He's standard deviation, and :math:`\xi` standard
    normal. The quarter keeps the sum over equal inputs in range.

    Args:
        noises: :math:`\epsilon` of each model; `HE` (infinity) stands for He's
            random weights, without a common part.
        seeds: Seed of each model.

    Returns:
        One net a pair of noise and seed.
    """
    he = [np.sqrt(2.0)] * len(seeds)
    stack = stacked.draw_stack([64, UNITS, 10], he, seeds)
    for layer, weight in enumerate(stack.weights):
        common = np.sqrt(2 / weight.shape[-1]) / 4
        scale = torch.tensor([0.25 * e if e < HE else 1.0 for e in noises])
        shift = torch.tensor([common if e < HE else 0.0 for e in noises])
        stack.weights[layer] = (
            shift.double()[:, None, None] + scale.double()[:, None, None] * weight
        )
    return stack


def breaking(
    noises: Sequence[float],
    *,
    seeds: Sequence[int] = range(5),
    at: Sequence[int],
) -> dict[str, np.ndarray]:
    r"""Train the nets of `symmetric_stack` and record how their units part.

    Args:
        noises: Relative sizes :math:`\epsilon` of the noise.
        seeds: Seeds, shared by all noises.
        at: Updates after which to measure.

    Returns:
        `singular_values` of the first layer's weights `[noise, seed, moment, 16]`,
        `loss` `[noise, seed, moment]` on the first 512 training digits, and
        `weights` `[noise, moment, unit, input]`: the first seed's first layer at
        the sixteen central pixels.
    """
    data = digits()
    x, y = data.x_train.double(), data.y_train
    pairs = [(e, s) for e in noises for s in seeds]
    model_seeds = [s for _, s in pairs]
    stack = symmetric_stack([e for e, _ in pairs], model_seeds)
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=stacked_training.sgd(LEARNING_RATE),
        batch_size=BATCH_SIZE,
        moments=at,
        seeds=model_seeds,
    )
    values, loss, weights = [], [], []
    for _ in run:
        first = stack.weights[0].detach()
        values.append(torch.linalg.svdvals(first).numpy())
        loss.append(stacked.losses(stack, x[:PROBE], y[:PROBE]).numpy())
        weights.append(first[:: len(seeds), :, CENTRE].numpy().copy())
    shape = (len(noises), len(seeds), len(at))
    return {
        "singular_values": np.stack(values, 1).reshape(*shape, UNITS),
        "loss": np.stack(loss, 1).reshape(shape),
        "weights": np.stack(weights, 1),
    }


def numerical_rank(
    singular_values: np.ndarray, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Count the singular values above `tolerance` times the largest.

    Args:
        singular_values: Any leading shape, values along the last axis.
        tolerance: Share of the largest value that counts as not zero.

    Returns:
        Ranks, of the leading shape.

    Example:
        >>> numerical_rank(np.array([[3.0, 2.0, 1e-5], [1.0, 0.0, 0.0]])).tolist()
        [2, 1]
    """
    largest = singular_values.max(-1, keepdims=True)
    return (singular_values > tolerance * largest).sum(-1)


def breaking_time(
    singular_values: np.ndarray, at: Sequence[int], tolerance: float = TOLERANCE
) -> np.ndarray:
    """Find the first moment at which the rank exceeds one; NaN if it never does.

    Args:
        singular_values: `[..., moment, value]`.
        at: Updates made at each moment.
        tolerance: As in `numerical_rank`.

    Returns:
        Updates, of the leading shape.

    Example:
        >>> values = np.array([[1.0, 0.0], [1.0, 0.5]])
        >>> float(breaking_time(values, [0, 7]))
        7.0
    """
    broken = numerical_rank(singular_values, tolerance) > 1
    first = np.asarray(at, float)[broken.argmax(-1)]
    return np.where(broken.any(-1), first, np.nan)
