r"""Follow the back-propagated signal through seven deep nets, at the start and later.

A net has ``depth`` stages, each a layer or, in residual nets, a block of two matrices.
What is measured is the spread of :math:`\delta^l=\partial L/\partial z^l` at every
stage (in residual nets :math:`\partial L/\partial a^l` on the stream) and

.. math::

    \rho &= \mathrm{Std}(\delta^1) / \mathrm{Std}(\delta^{depth}) \qquad (1) \\
    c &= \rho^{1/(depth - 1)} \qquad (2)

:math:`\rho < 1` is a signal that fades on its way to the first layer. For ReLU, He and
batch norm without skips, the limit of wide layers and large batches is

.. math:: c = \sqrt{\pi/(\pi-1)} \approx 1.21 \qquad (3)

because the norm divides by the spread over the batch of a sum of half-waves,
:math:`\sqrt{1-1/\pi}`, forward and therefore backward too.

References:
    Yang et al. (2019), A mean field theory of batch normalization, arXiv 1902.08129.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import data, init, models, norm, probes
from coursekit.experiments import stacked_training

__all__ = [
    "BATCH_NORM_LIMIT",
    "NETS",
    "at_start",
    "follow",
    "layer_factor",
    "make",
    "spreads",
]

WIDTH, PROBE, BATCH = 64, 512, 64
BATCH_NORM_LIMIT = float(np.sqrt(np.pi / (np.pi - 1)))  # (3)


class Plan(NamedTuple):
    """Say how one of the nets is built and drawn."""

    words: str
    activation: str
    scheme: str
    batch_norm: bool = False
    skips: bool = False
    zero_last: bool = False


NETS = {
    "sigmoid": Plan("sigmoid, Xavier", "sigmoid", "xavier_normal"),
    "tanh": Plan("tanh, Xavier", "tanh", "xavier_normal"),
    "he": Plan("ReLU, He", "relu", "he_normal"),
    "bn": Plan("ReLU, He, BN", "relu", "he_normal", batch_norm=True),
    "skip": Plan("ReLU, He, skips", "relu", "he_normal", skips=True),
    "skip_bn": Plan(
        "ReLU, He, skips + BN", "relu", "he_normal", batch_norm=True, skips=True
    ),
    "skip_zero": Plan(
        "ReLU, skips, last zero", "relu", "he_normal", skips=True, zero_last=True
    ),
    "sigmoid_skip": Plan("sigmoid, skips", "sigmoid", "xavier_normal", skips=True),
}


def make(name: str, depth: int, seed: int, width: int = WIDTH) -> nn.Module:
    """Draw one of the nets for the digits, in float64.

    Args:
        name: A key of `NETS`.
        depth: Hidden layers, or residual blocks.
        seed: Of the weights.
        width: Units a layer.

    Returns:
        The net, in training mode: batch norm uses the batch.

    Example:
        >>> len(make("skip", depth=3, seed=0).blocks)
        3
    """
    plan = NETS[name]
    maker = norm.BatchNorm if plan.batch_norm else None
    if plan.skips:
        net: nn.Module = models.ResidualMLP(
            64, width, depth, 10, plan.activation, norm=maker
        )
    else:
        widths = [64, *[width] * depth, 10]
        net = models.MLP(widths, plan.activation, norm=maker)
    net = init.initialize(net.double(), plan.scheme, seed=seed)
    return init.zero_last(net) if plan.zero_last else net


def spreads(
    net: nn.Module, x: torch.Tensor, y: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    r"""Measure the forward and the backward signal at every stage.

    Args:
        net: As `make` returns it.
        x: Inputs.
        y: Their classes.

    Returns:
        Standard deviations of a and of δ, the latter of one example's own loss.
    """
    at = list(net.blocks) if isinstance(net, models.ResidualMLP) else None
    found = probes.forward_backward_std(net, x, y, at=at)
    return np.array(found.activation), np.array(found.delta) * len(x)


def layer_factor(delta: np.ndarray) -> np.ndarray:
    """Return what one stage does to δ on its way back, equation (2).

    Args:
        delta: Spreads ``[..., stage]``, first stage first.

    Returns:
        The geometric mean ``[...]``.

    Example:
        >>> float(layer_factor(np.array([4.0, 2.0, 1.0])))
        2.0
    """
    return (delta[..., 0] / delta[..., -1]) ** (1 / (delta.shape[-1] - 1))


def at_start(
    name: str, depth: int, seeds: Sequence[int], width: int = WIDTH
) -> np.ndarray:
    """Measure Std(δ) of fresh nets on 512 training digits.

    Args:
        name: A key of `NETS`.
        depth: Hidden layers, or residual blocks.
        seeds: One net a seed.
        width: Units a layer.

    Returns:
        Spreads ``[seed, stage]``.
    """
    x, y = _digits()
    nets = (make(name, depth, seed, width) for seed in seeds)
    return np.array([spreads(net, x[:PROBE], y[:PROBE])[1] for net in nets])


def follow(
    name: str,
    depth: int,
    *,
    seeds: Sequence[int] = range(5),
    at: Sequence[int] = (0, 1, 3, 10, 30, 60),
    lr: float = 0.01,
    momentum: float = 0.9,
) -> dict[str, np.ndarray]:
    """Train by SGD with momentum, and measure the signals on the way.

    Args:
        name: A key of `NETS`.
        depth: Hidden layers, or residual blocks.
        seeds: Of weights and order of examples.
        at: Increasing numbers of updates.
        lr: Learning rate.
        momentum: μ.

    Returns:
        ``a`` and ``delta`` ``[seed, moment, stage]``, ``loss`` ``[seed, moment]`` on
        512 training digits; NaN after a run has diverged.
    """
    runs = [_follow(make(name, depth, s), s, list(at), lr, momentum) for s in seeds]
    return {key: np.array([run[key] for run in runs]) for key in runs[0]}


def _follow(
    net: nn.Module, seed: int, at: list[int], lr: float, momentum: float
) -> dict[str, list]:
    x, y = _digits()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    order = stacked_training.batches(len(x), BATCH, at[-1], seed)
    record: dict[str, list] = {"a": [], "delta": [], "loss": []}
    for t in range(at[-1] + 1):
        if t in at:
            a, delta = spreads(net, x[:PROBE], y[:PROBE])
            with torch.no_grad():
                record["loss"].append(cross_entropy(net(x[:PROBE]), y[:PROBE]).item())
            record["a"].append(a)
            record["delta"].append(delta)
        if t < at[-1]:
            optimizer.zero_grad()
            cross_entropy(net(x[order[t]]), y[order[t]]).backward()
            optimizer.step()
    return record


def _digits() -> tuple[torch.Tensor, torch.Tensor]:
    x, y, *_ = data.digits()
    return x.double(), y
