r"""Race an activation with a derivative of one's own through 32 layers.

Three nets of 32 layers run beside it: sigmoid with Glorot's gain, ReLU with He's, and a
residual net with batch norm, whose 16 blocks have two layers each.  All see the same
batches under the same plain SGD.  The own net learns with the derivative that came
with the activation, which is first compared with difference quotients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from coursekit import init, models, norm, probes
from coursekit.data import digits
from coursekit.experiments import stacked, stacked_training
from coursekit.experiments.plain_sgd import PlainSGD

DEPTH, WIDTH, RATE, BATCH, STEPS, PROBE = 32, 64, 0.05, 64, 150, 512
Rule = Callable[[Tensor], Tensor]
Run = dict[str, np.ndarray]


class _Own(torch.autograd.Function):
    """Apply a function of the student's, with the student's derivative."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, phi: Rule, slope: Rule) -> Tensor:
        ctx.save_for_backward(z)
        ctx.slope = slope
        return _numbers(phi(z), z, "my_phi")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (z,) = ctx.saved_tensors
        return grads[0] * _numbers(ctx.slope(z), z, "my_slope"), None, None


def _numbers(value: Any, like: Tensor, name: str) -> Tensor:
    """Refuse what is no tensor of the expected shape.

    Returns:
        The value.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(value, Tensor) or value.shape != like.shape:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"{name} gave {got}, expected a tensor of the shape of z, "
            f"{tuple(like.shape)}"
        )
    return value.to(like.dtype)


def check_slope(phi: Rule, slope: Rule) -> None:
    """Compare a derivative with difference quotients.

    Args:
        phi: The function.
        slope: What is said to be its derivative.

    Raises:
        ValueError: If the two differ, with a point at which they do.
    """
    z = torch.linspace(-4.03, 4.11, 60, dtype=torch.float64)
    h = 1e-6
    right = (_numbers(phi(z + h), z, "my_phi") - phi(z - h)) / (2 * h)
    given = _numbers(slope(z), z, "my_slope")
    off = (given - right).abs() / (1 + right.abs())
    if not float(off.max()) < 1e-4:
        i = int(torch.nan_to_num(off, nan=math.inf).argmax())
        raise ValueError(
            f"my_slope is not the derivative of my_phi: at z = {float(z[i]):.2f} it "
            f"gives {float(given[i]):.4g}, a difference quotient {float(right[i]):.4g}"
        )


def race_activation(phi: Rule, slope: Rule, gain: float = 1.0) -> dict[str, Run]:
    """Train the student's net, and the chapter's once.

    Args:
        phi: The activation, element by element.
        slope: Its derivative.
        gain: Factor of the weights, whose deviation is gain/√n_in.

    Returns:
        By net, the student's first as ``"yours"``: ``"delta"``, Std(δ) of each layer
        at the start, and ``"loss"``, the training loss.
    """
    return {"yours": own(phi, slope, gain), **references()}


def own(phi: Rule, slope: Rule, gain: float, steps: int = STEPS) -> Run:
    """Train a net with an activation and the derivative that comes with it.

    Args:
        phi: The activation.
        slope: Its derivative.
        gain: Factor of the weights.
        steps: Number of updates.

    Returns:
        As `plain`.
    """
    check_slope(phi, slope)
    return plain(lambda z: _Own.apply(z, phi, slope), gain, steps)


@cache
def references(steps: int = STEPS) -> dict[str, Run]:
    """Train the chapter's nets.

    Args:
        steps: Number of updates.

    Returns:
        As `race_activation`.
    """
    return {
        "sigmoid": plain(torch.sigmoid, 1.0, steps),
        "ReLU": plain(torch.relu, math.sqrt(2), steps),
        "residual + BN": _residual(steps),
    }


def moments(steps: int = STEPS) -> list[int]:
    """Space ten intervals over the updates.

    Args:
        steps: Number of updates.

    Returns:
        Those at which the loss is measured.
    """
    return list(range(0, steps + 1, steps // 10))


def plain(activation: Any, gain: float, steps: int = STEPS) -> Run:
    """Train a plain net.

    Args:
        activation: Of its hidden layers.
        gain: Factor of the weights.
        steps: Number of updates.

    Returns:
        ``"delta"`` and ``"loss"`` as in `race_activation`.
    """
    data = digits()
    x, y = data.x_train.double(), data.y_train
    stack = stacked.draw_stack([64, *[WIDTH] * DEPTH, 10], [gain], [0])
    stack.activation = activation
    deltas = stacked.signals(stack, x[:256], y[:256])[1]
    run = stacked_training.train(
        stack,
        x,
        y,
        optimizer=lambda parameters: PlainSGD(parameters, RATE),
        batch_size=BATCH,
        moments=moments(steps),
        seeds=[0],
    )
    loss = [float(stacked.losses(stack, x[:PROBE], y[:PROBE])) for _ in run]
    delta = [float(d.std()) for d in deltas]
    return {"delta": np.array(delta), "loss": np.array(loss)}


def _residual(steps: int) -> Run:
    data = digits()
    x, y = data.x_train.double(), data.y_train
    net = models.ResidualMLP(64, WIDTH, DEPTH // 2, 10, norm=norm.BatchNorm).double()
    init.initialize(net, "he_normal", seed=0)
    delta = probes.forward_backward_std(
        net, x[:256], y[:256], at=list(net.blocks)
    ).delta
    order = stacked_training.batches(len(x), BATCH, steps, 0)
    rule, loss = PlainSGD(net.parameters(), RATE), [_probe(net, x, y)]
    for step, batch in enumerate(order, 1):
        rule.zero_grad()
        cross_entropy(net(x[batch]), y[batch]).backward()
        rule.step()
        if step in moments(steps):
            loss.append(_probe(net, x, y))
    return {"delta": np.array(delta), "loss": np.array(loss)}


@torch.no_grad()
def _probe(net: nn.Module, x: Tensor, y: Tensor) -> float:
    return float(cross_entropy(net(x[:PROBE]), y[:PROBE]))
