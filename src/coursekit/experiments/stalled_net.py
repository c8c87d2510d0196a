r"""Take deep nets that have stalled and try what helps.

The nets are those of `depth`: plain, many layers, at a rate that is good for them. Each
is taken as its training left it and trained on with one thing changed. Measured is the
training loss, and on the way there the full gradient: with rate :math:`\eta` and
momentum :math:`\mu` a run along a steady slope would gain, to first order,

.. math:: \frac{\eta}{1-\mu}\, \|\nabla L\|^2 \qquad (1)

an update. A run that gains far less while its gradient is large overshoots.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.experiments import depth
from coursekit.sweep import grid
from coursekit.sweep.data import Data
from coursekit.sweep.feed import Feed
from coursekit.sweep.net import Net
from coursekit.sweep.signals import grad_norm

__all__ = ["EVERY", "again", "full_gradient", "stalled"]

EVERY = 8


def full_gradient(net: Net, feed: Feed, data: Data) -> Tensor:
    """Measure the norm of the gradient over the first 256 training digits.

    Args:
        net: The models of a block.
        feed: Their training examples.
        data: All data.

    Returns:
        One norm a model, over all its parameters.
    """
    return grad_norm(net, feed, data).square().sum(-1).sqrt()


def stalled(
    seeds: Sequence[int], layers: int = 56, rate: float = 0.01
) -> tuple[list[nn.Module], dict[str, np.ndarray]]:
    """Train plain nets for eight epochs.

    Args:
        seeds: Seeds of weights and batches.
        layers: Depth.
        rate: Learning rate.

    Returns:
        The nets at the end; ``train``, ``test`` (losses) and ``gradient`` (its norm),
        each `[seed, moment]`, and ``moments``.
    """
    words = {"kind": "plain", "layers": layers, "init": "he_normal", "lr": rate}
    probes: dict[str, object] = {n: n for n in ("train_loss", "test_loss")}
    probes["gradient"] = full_gradient
    settings = grid(**words, seed=list(seeds))
    runs = depth.train(depth.net, settings, every=EVERY, probes=probes)
    nets = [runs.model(row) for row in range(len(seeds))]
    names = {"train": "train_loss", "test": "test_loss", "gradient": "gradient"}
    found = {name: depth.finite(runs.values(probe)) for name, probe in names.items()}
    return nets, found | {"moments": runs.moments}


def again(
    nets: Sequence[nn.Module],
    rate: float,
    *,
    noise: float = 0.0,
    epochs: float = depth.EPOCHS,
) -> np.ndarray:
    """Train stalled nets on, with new batches and momentum from zero.

    Args:
        nets: The nets; they are not changed.
        rate: Learning rate.
        noise: Deviation of what is added to every weight first.
        epochs: For how long.

    Returns:
        Training loss `[net]`, infinite where a run diverged.
    """

    def start(which: int) -> nn.Module:
        net = copy.deepcopy(nets[which])
        draw = torch.Generator().manual_seed(which)
        with torch.no_grad():
            for p in net.parameters():
                p += noise * torch.randn(p.shape, generator=draw, dtype=p.dtype)
        return net

    rows = [{"which": k, "seed": 100 + k, "lr": rate} for k in range(len(nets))]
    runs = depth.train(start, rows, epochs=epochs)
    return depth.finite(runs.final("train_loss"))
