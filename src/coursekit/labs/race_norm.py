r"""Race a normalization of the student's over batch sizes.

Plain ReLU nets of eight hidden layers are trained by SGD, with the student's function,
without a norm, with batch norm and with layer norm, on batches of 2 to 128 digits and
for the same number of updates.  Three seeds run side by side; a seed decides weights
and batches, so that every norm meets the same.

A norm of the student's has no running statistics.  All nets are therefore measured in
the same way: by the loss on 512 training digits that pass as *one* batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training
from coursekit.labs.live import Note, curves, explore

__all__ = ["explore_norm", "race_norm"]

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]
Norm = Callable[[Tensor], Tensor]
DEPTH, WIDTH, STEPS, PROBE, EPS = 8, 64, 100, 512, 1e-5
SIZES, SEEDS = (2, 4, 16, 64, 128), (0, 1, 2)


def _no_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return gamma * x + beta


def _batch_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    var, mean = torch.var_mean(x, 0, correction=0, keepdim=True)
    return gamma * (x - mean) / (var + EPS).sqrt() + beta


def _layer_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    var, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
    return gamma * (x - mean) / (var + EPS).sqrt() + beta


REFERENCES: dict[str, Rule] = {
    "none": _no_norm,
    "batch norm": _batch_norm,
    "layer norm": _layer_norm,
}


def race_norm(rule: Rule, rate: float = 0.1) -> dict[str, np.ndarray]:
    """Train the student's nets, and the chapter's once a rate.

    Args:
        rule: ``rule(x, gamma, beta)`` normalizes ``x``, ``[batch, units]``.
        rate: Learning rate.

    Returns:
        Final losses ``[size, seed]`` by norm, the student's first as ``"yours"``.

    Raises:
        ValueError: If the rule gives no tensor of the shape of ``x``.
    """
    yours = np.stack([_losses(rule, rate, size) for size in SIZES])
    return {"yours": yours, **_references(rate)}


@cache
def _references(rate: float) -> dict[str, np.ndarray]:
    return {
        name: np.stack([_losses(rule, rate, size) for size in SIZES])
        for name, rule in REFERENCES.items()
    }


def _losses(rule: Rule, rate: float, size: int) -> np.ndarray:
    """Train three nets with one norm on batches of one size.

    Returns:
        Their final losses.
    """
    data, count = digits(), len(SEEDS)
    x, y = data.x_train.double(), data.y_train
    widths = [64, *[WIDTH] * DEPTH, 10]
    stack = stacked.draw_stack(widths, [1.0] * count, list(SEEDS))
    gains = [torch.ones(count, WIDTH, dtype=torch.float64) for _ in range(DEPTH)]
    shifts = [torch.zeros_like(g) for g in gains]
    theta = [p.requires_grad_() for p in (*stack.parameters, *gains, *shifts)]
    order = torch.stack([
        stacked_training.batches(len(x), size, STEPS, seed) for seed in SEEDS
    ])
    sgd = torch.optim.SGD(theta, lr=rate)
    for step in range(STEPS):
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


def explore_norm(rule: Rule) -> Any:
    """Offer the learning rate, and train at the press of a button.

    Args:
        rule: The student's normalization.

    Returns:
        A widget.
    """
    import ipywidgets as widgets

    rates = [(f"{r:g}", r) for r in (0.01, 0.03, 0.1, 0.3)]
    choice = widgets.SelectionSlider(options=rates, value=0.03, description="rate")

    def draw(rate: float) -> Note:
        return norm_picture(race_norm(rule, rate), rate)

    return explore(draw, button="Train", rate=choice)


def norm_picture(result: dict[str, np.ndarray], rate: float) -> Note:
    """Draw the final loss over the batch size.

    Args:
        result: What `race_norm` returned.
        rate: Learning rate.

    Returns:
        The picture; its text names the losses at both ends, with their range.
    """
    ends = {0: SIZES[0], -1: SIZES[-1]}
    told = ". ".join(
        f"Batches of {size}: "
        + ", ".join(f"{name} {_range(loss[i])}" for name, loss in result.items())
        for i, size in ends.items()
    )
    alt = (
        f"Training loss after {STEPS} updates of rate {rate:g}, least to most of "
        f"{len(SEEDS)} seeds. {told}. Guessing gives {math.log(10):.2f}."
    )
    lines = {k: (np.log2(SIZES), np.median(v, axis=1)) for k, v in result.items()}
    panel = dict(
        lines=lines,
        title=f"{DEPTH} layers, {STEPS} updates, median of {len(SEEDS)} seeds",
        x="log₂ of the batch size",
        y="training loss",
        level=math.log(10),
    )
    return curves([panel], alt, width=7.0)


def _range(losses: np.ndarray) -> str:
    if not np.isfinite(losses).all():
        return "diverged"
    return f"{losses.min():.2f} to {losses.max():.2f}"
