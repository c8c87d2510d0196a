r"""Race a deep net of the student's against a plain and a residual one.

All nets see the same digits in the same order under the same SGD with momentum.  The
plain net and the residual net with batch norm start from He's weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits, epoch_order
from coursekit.labs.live import Note, curves, explore
from coursekit.models import MLP, ResidualMLP
from coursekit.norm import BatchNorm

__all__ = ["explore_cure", "race_depth"]

LAYERS, WIDTH, BATCH_SIZE, MOMENTUM, EPOCHS, PROBE = 56, 32, 64, 0.9, 3, 512
Make = Callable[[int], nn.Module]


def _plain(layers: int) -> nn.Module:
    return init.initialize(MLP([64, *[WIDTH] * (layers - 1), 10]), "he_normal", seed=0)


def _residual(layers: int) -> nn.Module:
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
    rule = torch.optim.SGD(net.parameters(), lr=rate, momentum=MOMENTUM)
    order, losses = torch.Generator().manual_seed(0), [_loss(net, x, y)]
    for _ in range(EPOCHS):
        batches = epoch_order(len(x), generator=order).split(BATCH_SIZE)
        for step, batch in enumerate(batches, 1):
            rule.zero_grad()
            cross_entropy(net(x[batch]), y[batch]).backward()
            rule.step()
            if step % 7 == 0:
                losses.append(_loss(net, x, y))
    return np.where(np.isfinite(losses), losses, np.inf)


@torch.no_grad()
def _loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    return float(cross_entropy(net(x[:PROBE]), y[:PROBE]))


@cache
def _references(rate: float) -> dict[str, np.ndarray]:
    return {"plain": train(_plain, rate), "residual + BN": train(_residual, rate)}


def race_depth(make: Make, rate: float) -> dict[str, np.ndarray]:
    """Train the student's net, and the two others once for each rate.

    Args:
        make: The student's ``my_net``.
        rate: Learning rate of all three.

    Returns:
        The training loss by net, the student's first as ``"yours"``.
    """
    return {"yours": train(make, rate), **_references(rate)}


def explore_cure(make: Make) -> Any:
    """Offer the learning rate, and train at the press of a button.

    Args:
        make: The student's ``my_net``.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    rates = [(f"{r:g}", r) for r in (0.001, 0.003, 0.01, 0.03)]
    choice = widgets.SelectionSlider(options=rates, value=0.01, description="rate")

    def draw(rate: float) -> Note:
        return cure_picture(race_depth(make, rate), rate)

    return explore(draw, button="Train", rate=choice)


def cure_picture(result: dict[str, np.ndarray], rate: float) -> Note:
    """Draw the loss curves of a race.

    Args:
        result: What `race_depth` returned.
        rate: The learning rate.

    Returns:
        The picture; its text names the final losses.
    """
    at = np.arange(len(result["yours"])) * 7
    final = ", ".join(f"{k} {_told(v[-1])}" for k, v in result.items())
    alt = (
        f"{LAYERS} linear maps, one seed, rate {rate:g}, training loss after {EPOCHS} "
        f"epochs: {final}. Guessing gives {math.log(10):.2f}."
    )
    panel = dict(
        lines={k: (at, np.minimum(v, 10)) for k, v in result.items()},
        title=f"{LAYERS} linear maps, SGD {rate:g}, momentum {MOMENTUM}",
        x="update",
        y="training loss (cut at 10)",
        level=math.log(10),
    )
    return curves([panel], alt, width=7.0)


def _told(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "diverged"
