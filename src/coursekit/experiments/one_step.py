r"""Expect what one step of SGD gains, as a function of rate and batch size.

To second order in η, with a batch gradient of mean g and covariance Σ/B,

.. math::

    \mathbb{E}\,L(\theta - \eta g_B) &\approx L - \eta\,\|g\|^2
    + \tfrac{\eta^2}{2}\Bigl(g^\top H g + \frac{\mathrm{tr}(H\Sigma)}{B}\Bigr)
    \qquad (1) \\
    \eta^*(B) &= \frac{\eta_{max}}{1 + B_{noise}/B}, \qquad
    \eta_{max} = \frac{\|g\|^2}{g^\top H g} \qquad (2) \\
    \Delta L^*(B) &= \frac{\Delta L_{max}}{1 + B_{noise}/B}, \qquad
    \Delta L_{max} = \tfrac12\,\eta_{max}\,\|g\|^2 \qquad (3) \\
    B_{noise} &= \frac{\mathrm{tr}(H\Sigma)}{g^\top H g} \qquad (4)

as McCandlish et al. (2018) have it, equations 2.5 to 2.8. `gain` measures the left
side of (1), by drawing batches with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.curvature import HessianOperator, flat_loss
from coursekit.experiments import batch_budget
from coursekit.probes import per_example_grads

__all__ = ["NoiseScale", "gain", "noise_scale", "predicted_gain"]


class NoiseScale(NamedTuple):
    """Hold the four numbers of equations (2) to (4), and the simple scale.

    Attributes:
        rate: η_max, the best rate without noise.
        decrease: ΔL_max, what it gains.
        noise: B_noise, in examples.
        simple: tr Σ / ‖g‖², the scale if H were a multiple of the identity.
    """

    rate: float
    decrease: float
    noise: float
    simple: float


def _rows(model: nn.Module) -> Tensor:
    x, y, *_ = batch_budget.data()
    return torch.cat(list(per_example_grads(model, x, y)))


def noise_scale(model: nn.Module, probes: int = 100, seed: int = 0) -> NoiseScale:
    r"""Measure the scales of a net on its 1000 training digits.

    Args:
        model: The net, at fixed weights.
        probes: Examples by which :math:`\mathrm{tr}(H\Sigma)` is estimated.
        seed: Decides which.

    Returns:
        The four numbers.
    """
    x, y, *_ = batch_budget.data()
    H = HessianOperator(*flat_loss(model, x, y))
    rows = _rows(model)
    g = rows.mean(0)
    curvature, square = float(g @ H(g)), float(g @ g)
    rng = np.random.default_rng(seed)
    chosen = rows[rng.choice(len(rows), probes, replace=False)] - g
    noise = float(np.mean([float(d @ H(d)) for d in chosen]))
    trace = float((rows - g).square().sum(1).mean())
    rate = square / curvature
    return NoiseScale(rate, rate * square / 2, noise / curvature, trace / square)


def predicted_gain(scale: NoiseScale, rate: np.ndarray, size: float) -> np.ndarray:
    """Return the expected decrease of the loss by equation (1).

    Args:
        scale: What `noise_scale` found.
        rate: Learning rates.
        size: Batch size B.

    Returns:
        One number a rate; negative where the step harms.

    Example:
        >>> scale = NoiseScale(rate=1.0, decrease=0.5, noise=8.0, simple=8.0)
        >>> float(predicted_gain(scale, np.array(0.5), 8))
        0.25
    """
    share = rate / scale.rate
    return scale.decrease * (2 * share - share**2 * (1 + scale.noise / size))


def gain(
    model: nn.Module,
    rates: Sequence[float],
    sizes: Sequence[int],
    *,
    draws: int = 40,
    seed: int = 0,
) -> np.ndarray:
    """Measure the mean decrease of the loss over drawn batches.

    Args:
        model: The net; its weights are put back.
        rates: Learning rates.
        sizes: Batch sizes.
        draws: Batches of each size.
        seed: Decides which.

    Returns:
        Decrease of the loss on all 1000 digits, ``[size, rate]``.
    """
    x, y, *_ = batch_budget.data()
    f, theta = flat_loss(model, x, y)
    rows, rng = _rows(model), np.random.default_rng(seed)
    found = np.zeros((len(sizes), len(rates)))
    with torch.no_grad():
        start = float(f(theta))
        for k, size in enumerate(sizes):
            for _ in range(draws):
                g = rows[rng.integers(len(rows), size=size)].mean(0)
                found[k] += [start - float(f(theta - lr * g)) for lr in rates]
    return found / draws
