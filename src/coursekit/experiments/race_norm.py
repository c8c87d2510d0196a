r"""Race a normalization over batch sizes.

Plain ReLU nets of eight hidden layers are trained by SGD, with it,
without a norm, with batch norm and with layer norm, on batches of 2 to 128 digits and
for the same number of updates.  Three seeds run side by side; a seed decides weights
and batches, so that every norm meets the same.

Such a norm has no running statistics.  All nets are therefore measured in
the same way: by the loss on 512 training digits that pass as *one* batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training
from coursekit.experiments.plain_sgd import PlainSGD

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]
DEPTH, WIDTH, STEPS, PROBE, EPS = 8, 64, 100, 512, 1e-5
SIZES, SEEDS = (2, 4, 16, 64, 128), (0, 1, 2)


def _no_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return gamma * x + beta


def batch_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Normalize each unit over the batch.

    Args:
        x: Inputs, ``[batch, units]``.
        gamma: Scale of each unit.
        beta: Shift of each unit.

    Returns:
        A tensor of the shape of ``x``.
    """
    var, mean = torch.var_mean(x, 0, correction=0, keepdim=True)
    return gamma * (x - mean) / (var + EPS).sqrt() + beta


def _layer_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    var, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
    return gamma * (x - mean) / (var + EPS).sqrt() + beta


REFERENCES: dict[str, Rule] = {
    "none": _no_norm,
    "batch norm": batch_norm,
    "layer norm": _layer_norm,
}


def race_norm(rule: Rule, rate: float = 0.1) -> dict[str, np.ndarray]:
    """Train the student's nets, and the chapter's once a rate.

    Args:
        rule: ``rule(x, gamma, beta)`` normalizes ``x``, ``[batch, units]``.
        rate: Learning rate.

    Returns:
        Final losses ``[size, seed]`` by norm, the own first as ``"yours"``.

    Raises:
        ValueError: If the rule gives no tensor of the shape of ``x``.
    """
    yours = np.stack([losses(rule, rate, size, SEEDS, STEPS) for size in SIZES])
    return {"yours": yours, **references(rate)}


@cache
def references(rate: float) -> dict[str, np.ndarray]:
    """Train the chapter's nets.

    Args:
        rate: Learning rate.

    Returns:
        As `race_norm`.
    """
    return {
        name: np.stack([losses(rule, rate, size, SEEDS, STEPS) for size in SIZES])
        for name, rule in REFERENCES.items()
    }


def losses(
    rule: Rule, rate: float, size: int, seeds: Sequence[int], steps: int
) -> np.ndarray:
    """Train nets with one norm on batches of one size.

    Args:
        rule: The norm.
        rate: Learning rate.
        size: Examples a batch.
        seeds: Of weights and batches, one a net.
        steps: Number of updates.

    Returns:
        Their final losses.
    """
    data, count = digits(), len(seeds)
    x, y = data.x_train.double(), data.y_train
    widths = [64, *[WIDTH] * DEPTH, 10]
    stack = stacked.draw_stack(widths, [1.0] * count, list(seeds))
    gains = [torch.ones(count, WIDTH, dtype=torch.float64) for _ in range(DEPTH)]
    shifts = [torch.zeros_like(g) for g in gains]
    theta = [p.requires_grad_() for p in (*stack.parameters, *gains, *shifts)]
    order = torch.stack([
        stacked_training.batches(len(x), size, steps, seed) for seed in seeds
    ])
    sgd = PlainSGD(theta, rate)
    for step in range(steps):
        batch = order[:, step]
        logits = _forward(stack, gains, shifts, rule, x[batch])
        sgd.zero_grad()
        stacked.stacked_loss(logits, y[batch]).sum().backward()
        sgd.step()
    with torch.no_grad():
        probe = x[:PROBE].expand(count, PROBE, 64)
        logits = _forward(stack, gains, shifts, rule, probe)
    return stacked.stacked_loss(logits, y[:PROBE].expand(count, PROBE)).numpy()


def _forward(
    stack: Any, gains: list[Tensor], shifts: list[Tensor], rule: Rule, x: Tensor
) -> Tensor:
    a, layers = x, list(zip(stack.weights, stack.biases, strict=True))
    for (W, b), gain, shift in zip(layers[:-1], gains, shifts, strict=True):
        z = torch.baddbmm(b, a, W.mT)
        one_by_one = zip(z, gain, shift, strict=True)
        a = torch.relu(torch.stack([_checked(rule, *args) for args in one_by_one]))
    W, b = layers[-1]
    return torch.baddbmm(b, a, W.mT)


def _checked(rule: Rule, z: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    y = rule(z, gain, shift)
    if not isinstance(y, Tensor) or y.shape != z.shape:
        got = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise ValueError(
            f"my_norm gave {got}, expected a tensor of the shape of x, {tuple(z.shape)}"
        )
    return y
