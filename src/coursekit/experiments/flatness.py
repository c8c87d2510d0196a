r"""Compare the curvature where small and full batches arrive at the same training loss.

Two minima can be compared only at equal training loss: a run stopped earlier stands in
another place. So every run is trained until the loss on its training set is 0.1, and
then the largest eigenvalue of the Hessian on that set is taken.

Curvature belongs to the weights and not to the function. In a ReLU net, for α > 0,

.. math:: (W^1, b^1, W^2) \to (\alpha W^1, \alpha b^1, W^2/\alpha) \qquad (1)

changes no output, since :math:`\mathrm{relu}(\alpha z) = \alpha\,\mathrm{relu}(z)`,
and multiplies the block of the Hessian that belongs to :math:`W^2` by α², that of
:math:`W^1` by α⁻² (Dinh et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from coursekit.data import digits
from coursekit.models import MLP
from coursekit.sweep import grid, sweep

__all__ = ["ARMS", "TARGET", "N", "arrive", "net", "rescale"]

N, TARGET = 256, 0.1
ARMS: dict[str, dict[str, Any]] = {
    "small": {"batch_size": 8, "lr": 0.05},
    "full": {"batch_size": N, "lr": 0.05},
    "full, 8η": {"batch_size": N, "lr": 0.4},
}


def net() -> nn.Module:
    """Build a ReLU net with two hidden layers of 64 units.

    Returns:
        The module; a sweep draws its weights anew.
    """
    return MLP([64, 64, 64, 10])


def arrive(
    arm: Mapping[str, Any], noise: float, seeds: Sequence[int], *, steps: int = 4000
) -> dict[str, np.ndarray]:
    """Train on 256 digits until the training loss is 0.1; measure there.

    Args:
        arm: Batch size and rate, as in `ARMS`.
        noise: Share of training labels that are replaced.
        seeds: Seeds of weights, order and noise, shared by all arms.
        steps: Updates at most.

    Returns:
        ``sharpness`` (λ_max on all 256), ``test_acc``, ``train_loss`` and ``updates``,
        one number a seed; NaN where the loss was not reached.
    """
    x, y, x_test, y_test = digits()
    runs = sweep(
        net,
        (x[:N], y[:N], x_test, y_test),
        grid(
            **arm,
            seed=list(seeds),
            label_noise=float(noise),
            init="he_normal",
            optimizer="sgd",
        ),
        steps=steps,
        every=4,
        until={"train_loss": TARGET},
        probes=["train_loss", "test_acc"],
        workers=1,
        progress=False,
    )
    found = {name: runs.final(name) for name in ("train_loss", "test_acc")}
    there = found["train_loss"] <= TARGET
    found["updates"] = runs.updates.astype(float)
    found["sharpness"] = _sharpness(runs, noise, list(seeds))
    return {name: np.where(there, values, np.nan) for name, values in found.items()}


def _sharpness(runs: Any, noise: float, seeds: list[int]) -> np.ndarray:
    from coursekit.curvature import flat_loss, lambda_max
    from coursekit.sweep.feed import noisy

    x, y, *_ = digits()
    values = []
    for row, seed in enumerate(seeds):
        f, theta = flat_loss(runs.model(row), x[:N], noisy(y[:N], noise, seed))
        values.append(lambda_max(f, theta, tol=1e-3))
    return np.array(values)


def rescale(model: MLP, alpha: float) -> MLP:
    """Return a net of the same outputs and another curvature, equation (1).

    Args:
        model: A ReLU net; its first two linear maps are rescaled in a copy.
        alpha: α > 0.

    Returns:
        The copy.

    Raises:
        ValueError: If α is not positive: relu(αz) = α relu(z) needs that.
    """
    if not alpha > 0:
        raise ValueError(f"alpha: expected a positive number, got {alpha}")
    twin = deepcopy(model)
    with torch.no_grad():
        first, second = (m for m in list(twin)[:3] if isinstance(m, nn.Linear))
        first.weight.mul_(alpha)
        first.bias.mul_(alpha)
        second.weight.div_(alpha)
    return twin
