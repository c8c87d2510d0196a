r"""Race a deep net against a plain and a residual one.

All nets see the same digits in the same order under the same SGD with momentum.  The
plain net and the residual net with batch norm start from He's weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits, epoch_order
from coursekit.experiments.plain_sgd import PlainSGD
from coursekit.models import MLP, ResidualMLP
from coursekit.norm import BatchNorm

LAYERS, WIDTH, BATCH_SIZE, MOMENTUM, EPOCHS, PROBE = 56, 32, 64, 0.9, 3, 512
EVERY = 7  # updates between two measurements, a third of an epoch
Make = Callable[[int], nn.Module]


def plain(layers: int) -> nn.Module:
    """Make a plain ReLU net with He's weights.

    Args:
        layers: Number of linear maps.

    Returns:
        The net.
    """
    return init.initialize(MLP([64, *[WIDTH] * (layers - 1), 10]), "he_normal", seed=0)


def residual(layers: int) -> nn.Module:
    """Make a residual net with batch norm and He's weights.

    Args:
        layers: Number of linear maps, an even one.

    Returns:
        The net.
    """
    net = ResidualMLP(64, WIDTH, (layers - 2) // 2, 10, norm=BatchNorm)
    return init.initialize(net, "he_normal", seed=0)


def train(make: Make, rate: float, layers: int = LAYERS) -> np.ndarray:
    """Train one net.

    Args:
        make: Makes the net for a number of linear maps.
        rate: Learning rate.
        layers: That number.

    Returns:
        The training loss, once a third of an epoch; infinite where it diverged.

    Raises:
        ValueError: If the net does not give ten logits an example.
    """
    data = digits()
    x, y = data.x_train, data.y_train
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = make(layers)
    got = net(x[:4]).shape
    if got != (4, 10):
        raise ValueError(f"my_net gave {tuple(got)} for 4 digits, expected (4, 10)")
    rule = PlainSGD(net.parameters(), rate, MOMENTUM)
    order, losses = torch.Generator().manual_seed(0), [_loss(net, x, y)]
    for _ in range(EPOCHS):
        batches = epoch_order(len(x), generator=order).split(BATCH_SIZE)
        for step, batch in enumerate(batches, 1):
            rule.zero_grad()
            cross_entropy(net(x[batch]), y[batch]).backward()
            rule.step()
            if step % EVERY == 0:
                losses.append(_loss(net, x, y))
    return np.where(np.isfinite(losses), losses, np.inf)


@torch.no_grad()
def _loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    return float(cross_entropy(net(x[:PROBE]), y[:PROBE]))


@cache
def references(rate: float) -> dict[str, np.ndarray]:
    """Train the two other nets.

    Args:
        rate: Learning rate.

    Returns:
        The training loss by net.
    """
    return {"plain": train(plain, rate), "residual + BN": train(residual, rate)}


def race_depth(make: Make, rate: float) -> dict[str, np.ndarray]:
    """Train the student's net, and the two others once for each rate.

    Args:
        make: The student's ``my_net``.
        rate: Learning rate of all three.

    Returns:
        The training loss by net, the student's first as ``"yours"``.
    """
    return {"yours": train(make, rate), **references(rate)}
