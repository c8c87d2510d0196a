r"""Train nets that differ in their norm, at many batch sizes and learning rates.

Eight hidden layers of 64 units on the digits, plain SGD, a fixed number of updates.
What a net with batch norm is worth depends on which statistics judge it,

.. math::
    \hat x = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}}
    \quad\text{or}\quad
    \hat x = \frac{x - \bar\mu}{\sqrt{\bar\sigma^2 + \epsilon}}, \qquad (1)

those of the test batch at hand or the running averages. Both are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.data import digits
from coursekit.layers import activation as make_activation
from coursekit.models import MLP
from coursekit.sweep import grid, sweep

__all__ = ["GROUPS", "NORMS", "batch_accuracy", "curves", "net"]

DEPTH, WIDTH, GROUPS, JUDGED = 8, 64, 8, 256
NORMS: dict[str, Callable[[int], nn.Module] | None] = {
    "none": None,
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
    "group": lambda width: nn.GroupNorm(GROUPS, width),
}


def net(
    norm: str = "none",
    activation: str = "relu",
    place: str = "before",
    depth: int = DEPTH,
) -> MLP:
    """Build a net with a norm before or after each activation.

    Args:
        norm: A name in ``NORMS``.
        activation: A name known to ``coursekit.layers.activation``.
        place: ``"before"`` or ``"after"`` the activation.
        depth: Number of hidden layers.

    Returns:
        A net from the 64 pixels of a digit to ten classes.

    Raises:
        ValueError: If the place is neither.

    Example:
        >>> list(dict(net("batch", depth=1).named_children()))
        ['linear1', 'norm1', 'act1', 'linear2']
    """
    if place not in ("before", "after"):
        raise ValueError(f"place: expected 'before' or 'after', got {place!r}")
    widths, make = [64, *[WIDTH] * depth, 10], NORMS[norm]
    if make is None or place == "before":
        return MLP(widths, activation, norm=make)
    return MLP(widths, lambda: nn.Sequential(make_activation(activation), make(WIDTH)))


def batch_accuracy(batch_size: int) -> Any:
    """Make a probe of test accuracy by the statistics of test batches.

    Args:
        batch_size: Digits a batch; 256 test digits are judged.

    Returns:
        A probe for ``coursekit.sweep.sweep``.
    """

    def probe(models: Any, feed: Any, data: Any) -> Tensor:
        right = []
        with models.untouched(), torch.no_grad():
            models.train(True)
            for start in range(0, JUDGED, batch_size):
                x = data.x_test[start : start + batch_size]
                y = data.y_test[start : start + batch_size]
                out = models.outputs((x.expand(len(models.thetas[0]), *x.shape),))
                right.append((out.argmax(-1) == y).double())
        return torch.cat(right, -1).mean(-1)

    return probe


def curves(
    norm: str,
    batch_size: int,
    rates: Sequence[float],
    *,
    seeds: Sequence[int] = range(5),
    steps: int = 300,
    every: int = 30,
    init: str = "he_normal",
    activation: str = "relu",
    place: str = "before",
    depth: int = DEPTH,
    judge: Sequence[int] = (),
) -> dict[str, np.ndarray]:
    """Train at each rate from each seed.

    Args:
        norm: A name in ``NORMS``.
        batch_size: Examples an update.
        rates: Learning rates of plain SGD.
        seeds: Seeds of weights and order, shared by all settings.
        steps: Updates.
        every: Updates between measurements; it divides the steps.
        init: Scheme of the weights.
        activation: Its name.
        place: Of the norm, before or after the activation.
        depth: Number of hidden layers.
        judge: Batch sizes whose statistics also judge; that of training if empty.

    Returns:
        ``train_loss``, ``train_acc``, ``test_acc`` (running averages) and
        ``batch_<B>`` (batch statistics), each ``[rate, seed, moment]``.
    """
    probes: dict[str, Any] = {k: k for k in ("train_loss", "train_acc", "test_acc")}
    probes |= {f"batch_{b}": batch_accuracy(b) for b in judge or (batch_size,)}
    fixed = {"batch_size": batch_size, "optimizer": "sgd", "init": init}
    kept = {"norm": norm, "activation": activation, "place": place, "depth": depth}
    settings = grid(lr=[float(r) for r in rates], seed=list(seeds))
    runs = sweep(
        net,
        digits(),
        [setting | fixed | kept for setting in settings],
        steps=steps,
        every=every,
        probes=probes,
        workers=1,
        progress=False,
    )
    shape = (len(rates), len(list(seeds)), -1)
    late = np.isin(runs.moments, np.arange(every, steps + 1, every))
    return {name: runs.values(name)[:, late].reshape(shape) for name in probes}
