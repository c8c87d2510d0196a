r"""Train nets of growing depth and compare them on their own training data.

A net of L layers can compute what one of fewer layers computes, so for the smallest
training losses of the two classes

.. math:: \min_{F_L} L \le \min_{F_K} L \qquad (K < L). \qquad (1)

What is measured is not the minimum but where training ends. If the deeper net ends
*higher*, the difference is a lower bound on what its optimizer left undone.

Layers are counted as weight matrices: a plain net of 8 layers has seven hidden ones,
a residual net a stem, three blocks of two and a head. Settings of one seed share the
order of batches; plain nets with and without norm share the weights, too.

References:
    He, Zhang, Ren, Sun (2016), Deep residual learning, arXiv 1512.03385, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from coursekit._validate import check_in
from coursekit.data import digits
from coursekit.models import MLP, ResidualMLP
from coursekit.norm import BatchNorm
from coursekit.sweep import Sweep, grid, sweep
from coursekit.sweep.birth import Model

__all__ = ["EPOCHS", "KINDS", "WIDTH", "curves", "final", "finite", "net", "train"]

KINDS = ("plain", "bn", "residual", "residual_bn")
WIDTH, EPOCHS, BATCH_SIZE, MOMENTUM = 32, 8, 64, 0.9


def net(kind: str, layers: int) -> nn.Module:
    """Make a ReLU net for the digits by its architecture and depth.

    Args:
        kind: ``plain``, ``bn`` (batch norm before every activation), ``residual``
            (skips, no norm) or ``residual_bn``.
        layers: Weight matrices, 2 or more; for residual nets even, 4 or more.

    Returns:
        The module, with the weights of torch's generator.

    Example:
        >>> sum(isinstance(m, nn.Linear) for m in net("residual", 20).modules())
        20
    """
    check_in("kind", kind, KINDS)
    norm = BatchNorm if kind.endswith("bn") else None
    if kind.startswith("residual"):
        return ResidualMLP(64, WIDTH, (layers - 2) // 2, 10, norm=norm)
    return MLP([64, *[WIDTH] * (layers - 1), 10], norm=norm)


def train(
    model: Model,
    settings: Sequence[Mapping[str, Any]],
    *,
    epochs: float = EPOCHS,
    every: int | None = None,
    probes: Sequence[str] | Mapping[str, Any] = ("train_loss", "test_loss"),
) -> Sweep:
    """Train on the digits by SGD with momentum 0.9, in float64.

    Args:
        model: What makes the nets, as for `sweep`.
        settings: What differs, as for `sweep`.
        epochs: Passes over the 1400 training digits, in batches of 64.
        every: Updates between measurements; None for the end alone.
        probes: What to measure.

    Returns:
        The runs.
    """
    rule = {"optimizer": "sgdm", "momentum": MOMENTUM, "batch_size": BATCH_SIZE}
    return sweep(
        model,
        digits(),
        [{**rule, **setting} for setting in settings],
        epochs=epochs,
        probes=probes,
        every=every,
        workers=1,
        dtype=torch.float64,
        path="stacked",  # chaotic nets amplify rounding: any order of sums will do
        progress=False,
    )


def finite(values: np.ndarray) -> np.ndarray:
    """Let a diverged run have an infinite loss.

    Args:
        values: Losses, NaN where a run diverged.

    Returns:
        The same with infinity there.
    """
    return np.where(np.isfinite(values), values, np.inf)


def curves(
    kind: str,
    layers: int,
    rates: Sequence[float] = (0.01,),
    *,
    seeds: Sequence[int] = range(5),
    epochs: float = EPOCHS,
    every: int | None = None,
) -> dict[str, np.ndarray]:
    """Train one net a rate and seed, from He's weights.

    Args:
        kind: Architecture, as for `net`.
        layers: Depth, as for `net`.
        rates: Learning rates.
        seeds: Seeds of weights and batches.
        epochs: Passes over the training digits.
        every: Updates between measurements; None for the end alone.

    Returns:
        ``train`` and ``test``: mean cross-entropy on all training and test digits,
        `[rate, seed, moment]`, infinite from where a run diverged; ``moments``.
    """
    words = {"kind": kind, "layers": layers, "init": "he_normal"}
    settings = grid(**words, lr=list(rates), seed=list(seeds))
    runs = train(net, settings, epochs=epochs, every=every)
    shape = (len(rates), len(seeds), len(runs.moments))
    found = {"moments": runs.moments}
    for name in ("train", "test"):
        found[name] = finite(runs.values(f"{name}_loss").reshape(shape))
    return found


def final(
    kind: str, layers: int, rate: float, seeds: Sequence[int], epochs: float = EPOCHS
) -> dict[str, np.ndarray]:
    """Return the final losses of one architecture at one rate.

    Args:
        kind: Architecture.
        layers: Depth.
        rate: Learning rate.
        seeds: Seeds.
        epochs: Passes over the training digits.

    Returns:
        ``train`` and ``test``, each `[seed]`.
    """
    run = curves(kind, layers, [rate], seeds=seeds, epochs=epochs)
    return {name: run[name][0, :, -1] for name in ("train", "test")}
