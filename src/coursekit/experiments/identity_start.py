r"""Start a deep net as the shallow one that it contains, and train it.

`models.embed_shallow` writes a shallow ReLU net into a deep one: the added layers are
identities, because :math:`\varphi(\varphi(z)) = \varphi(z)`. The deep net then begins
at a loss that its class is known to contain. Two starts of this kind:

* ``identity``: the shallow net has He's weights and is not trained. The deep net has
  the updates that a net with random weights has, and nothing else is different.
* ``trained``: the shallow net has been trained. Training can only lose what is there.

Whatever the net with random weights does worse than these, it does not for want of a
function in its class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from coursekit.data import digits
from coursekit.experiments import depth
from coursekit.init import initialize
from coursekit.models import MLP, embed_shallow
from coursekit.sweep import grid

__all__ = ["STARTS", "deepen", "final", "grown", "start_net"]

STARTS, EVERY = ("random", "identity", "shallow"), 88


def start_net(start: str, layers: int, first: int) -> nn.Module:
    """Make a plain net with weights from torch's generator.

    Args:
        start: ``random`` (He in all layers), ``identity`` (He in the first layers,
            the others the identity) or ``shallow`` (the first layers alone).
        layers: Weight matrices of the deep net.
        first: Weight matrices of the shallow net in it.

    Returns:
        The module; the shallow part is the same for ``identity`` and ``shallow``.
    """
    draw = torch.default_generator
    size = layers if start == "random" else first
    drawn = initialize(depth.net("plain", size), "he_normal", generator=draw)
    return deepen(drawn, layers) if start == "identity" else drawn


def deepen(shallow: nn.Module, layers: int) -> nn.Module:
    """Write a plain net into a deeper one of the same width.

    Args:
        shallow: A plain net of `depth.net`.
        layers: Weight matrices of the deep net.

    Returns:
        A new net that computes the same.
    """
    assert isinstance(shallow, MLP)
    deep = depth.net("plain", layers).to(next(shallow.parameters()).dtype)
    assert isinstance(deep, MLP)
    return embed_shallow(shallow, deep)


def final(
    start: str,
    rate: float,
    *,
    layers: int = 56,
    first: int = 8,
    seeds: Sequence[int] = range(5),
    every: int | None = None,
) -> np.ndarray:
    """Train from one kind of start, as in `depth.curves`.

    Args:
        start: As for `start_net`.
        rate: Learning rate.
        layers: Depth of the net.
        first: Depth of the shallow net in it.
        seeds: Seeds of weights and batches.
        every: Updates between measurements; None for the end alone.

    Returns:
        Training loss `[seed, moment]`, infinite where a run diverged.
    """
    words = {"start": start, "layers": layers, "first": first, "lr": rate}
    runs = depth.train(start_net, grid(**words, seed=list(seeds)), every=every)
    return depth.finite(runs.values("train_loss"))


def grown(
    seeds: Sequence[int],
    rates: tuple[float, float],
    *,
    layers: int = 56,
    first: int = 8,
) -> dict[str, np.ndarray]:
    """Train a shallow net, write it into a deep one, and train on.

    Args:
        seeds: Seeds of weights and batches.
        rates: Learning rate of the shallow net, then of the deep one.
        layers: Depth of the deep net.
        first: Depth of the shallow net.

    Returns:
        Training losses, each `[seed]`: ``shallow``, ``start`` and ``end`` of the deep
        net; and ``shallow_logits`` and ``deep_logits`` as it starts, on the test
        digits, `[seed, example, class]`.
    """
    words = {"start": "shallow", "layers": layers, "first": first, "lr": rates[0]}
    small = depth.train(start_net, grid(**words, seed=list(seeds)))
    nets = [small.model(row) for row in range(len(seeds))]

    def grow(which: int) -> nn.Module:
        return deepen(nets[which], layers)

    pairs = [{"which": k, "seed": s, "lr": rates[1]} for k, s in enumerate(seeds)]
    deep = depth.train(grow, pairs, every=EVERY)
    loss = depth.finite(deep.values("train_loss"))
    x = digits(dtype=torch.float64).x_test
    with torch.no_grad():
        before = np.stack([net(x).numpy() for net in nets])
        after = np.stack([grow(k)(x).numpy() for k in range(len(nets))])
    return {
        "shallow": depth.finite(small.final("train_loss")),
        "start": loss[:, 0],
        "end": loss[:, -1],
        "shallow_logits": before,
        "deep_logits": after,
    }
