r"""What the student's own functions say of dead units and of maxout units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from coursekit import device, init
from coursekit.data import digits
from coursekit.labs.live import Note, curves, explore, needs

__all__ = ["explore_dead", "explore_maxout"]

WIDTH = 64


def explore_dead(share: Callable[..., Any]) -> Any:
    """Show what one oversized step does to the units of a ReLU net.

    Args:
        share: The student's ``dead_fraction``.

    Returns:
        A widget, or a note if the check of ``share`` does not pass.
    """
    if note := needs("dead_fraction", share):
        return note
    sizes = [(f"{r:g}", r) for r in (0.0, 0.1, 1.0, 3.0, 10.0, 30.0)]
    choice = widgets.SelectionSlider(options=sizes, value=10.0, description="one step")
    choice.continuous_update = False

    def draw(rate: float) -> Note:
        return dead_picture(share, rate)

    return explore(draw, rate=choice)


def dead_picture(share: Callable[..., Any], rate: float) -> Note:
    """Draw the share of dead units, layer by layer, after one step and 300 more.

    Args:
        share: The student's ``dead_fraction``.
        rate: Learning rate of the first step; the others have 0.02.

    Returns:
        The picture; its text names the share before and after.
    """
    moments, found = [0, 1, 51, 101, 201, 301], {1: [], 2: []}
    for _, acts in _train(rate, moments):
        for layer, batches in zip(found, acts, strict=True):
            found[layer].append(float(share(batches)))
    lines = {f"layer {l}": (moments, v) for l, v in found.items()}
    text = "; ".join(
        f"layer {l} {v[0]:.1%} at the start, {v[1]:.1%} after it, {v[-1]:.1%} after "
        "300 more"
        for l, v in found.items()
    )
    alt = f"One step of rate {rate:g}, then 300 of rate 0.02. Dead units: {text}."
    panel = dict(lines=lines, title="ReLU net, 2 × 64 units", x="update")
    return curves([panel | dict(y="share of dead units")], alt, width=6.5)


def _train(rate: float, moments: list[int]) -> Any:
    """Train a ReLU net, the first step at a rate of its own.

    Yields:
        The moment, and the activations of both layers on the training set, in batches.
    """
    data, generator = digits(), device.generator(0)
    x, y = data.x_train.double(), data.y_train
    shapes = [(WIDTH, 64), (WIDTH, WIDTH), (10, WIDTH)]
    theta: list[Tensor] = []
    for shape in shapes:
        draw = init.scaled_normal(shape, 2**0.5, generator=generator)
        theta += [draw.double(), torch.zeros(shape[0], dtype=torch.float64)]
    for step in range(moments[-1] + 1):
        if step in moments:
            first = torch.relu(x @ theta[0].T + theta[1])
            second = torch.relu(first @ theta[2].T + theta[3])
            yield step, [first.split(200), second.split(200)]
        batch = torch.randint(len(x), (64,), generator=generator)
        leaves = [t.detach().requires_grad_() for t in theta]
        a = x[batch]
        for W, b in zip(leaves[:4:2], leaves[1:4:2], strict=True):
            a = torch.relu(a @ W.T + b)
        loss = cross_entropy(a @ leaves[4].T + leaves[5], y[batch])
        grads = torch.autograd.grad(loss, leaves)
        lr = 0.02 if step else rate
        theta = [(t - lr * g).detach() for t, g in zip(leaves, grads, strict=True)]


def explore_maxout(maxout: Callable[..., Any]) -> Any:
    """Show a maxout unit of k pieces beside the parabola that it follows.

    Args:
        maxout: The student's function.

    Returns:
        A widget, or a note if the check of ``maxout`` does not pass.
    """
    if note := needs("maxout", maxout):
        return note
    slider = widgets.IntSlider(value=2, min=1, max=8, description="pieces k")
    slider.continuous_update = False

    def draw(k: int) -> Note:
        return maxout_picture(maxout, k)

    return explore(draw, k=slider)


def maxout_picture(maxout: Callable[..., Any], k: int) -> Note:
    """Draw the largest of k tangents of a parabola.

    Args:
        maxout: The student's function.
        k: Number of pieces.

    Returns:
        The picture; its text names the largest error.
    """
    x = torch.linspace(-1, 1, 41, dtype=torch.float64)[:, None]
    at = (2 * torch.arange(k, dtype=torch.float64) + 1) / k - 1
    h = maxout(2 * at * x - at.square(), k).squeeze(-1)
    error = float((x.squeeze(-1).square() - h).abs().max())
    alt = f"k = {k}: the largest of {k} tangents misses x² by at most {error:.3g}."
    across = x.squeeze(-1).numpy()
    lines = {"x²": (across, across**2), "maxout": (across, h.numpy())}
    panel = dict(lines=lines, title=f"one unit, {k} pieces", x="x", y="h")
    return curves([panel], alt, width=5.5)
