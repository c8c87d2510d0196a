r"""What the student's own gradients and clipping do in a deep net and at a cliff."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch

from coursekit import device, init
from coursekit.data import digits
from coursekit.labs.live import ACTIVATIONS, Note, curves, explore, needs

__all__ = ["explore_clipping", "explore_gradients"]

WIDTH, ALONE = 64, 8
START, STEPS, RATE, TARGET, LONG = 1.1, 50, 0.01, 1.0, 40
CAP = 1e6


def explore_gradients(backward: Callable[..., Any]) -> Any:
    """Show the back-propagated signal and the weight gradients of a deep net.

    Args:
        backward: The student's ``mlp_backward``.

    Returns:
        A widget, or a note if the check of ``backward`` does not pass.
    """
    if note := needs("mlp_backward", backward):
        return note
    gain = widgets.FloatSlider(value=1, min=0.4, max=3, step=0.05, description="gain g")
    depth = widgets.IntSlider(value=20, min=3, max=32, description="layers")
    gain.continuous_update = depth.continuous_update = False
    choice = widgets.Dropdown(
        options=ACTIVATIONS, value="sigmoid", description="activation"
    )

    def draw(activation: str, gain: float, depth: int) -> Note:
        return gradient_picture(backward, activation, gain, depth)

    return explore(draw, activation=choice, gain=gain, depth=depth)


def gradient_picture(
    backward: Callable[..., Any], activation: str, gain: float, depth: int
) -> Note:
    r"""Draw the norms of δ and of the weight gradients by layer.

    For a batch of one example $\partial L/\partial b^l$ *is* $\delta^l$, which is how
    the left curve is had from a function that returns gradients only.

    Args:
        backward: The student's ``mlp_backward``.
        activation: Name of the activation function.
        gain: Factor of the weights, whose deviation is $g/\sqrt{n_{in}}$.
        depth: Number of hidden layers.

    Returns:
        The picture; its text names the factor per layer.
    """
    data, generator = digits(), device.generator(0)
    widths = [64, *[WIDTH] * depth, 10]
    params = [
        (
            init.scaled_normal((m, n), gain, generator=generator, dtype=torch.float64),
            torch.zeros(m, dtype=torch.float64),
            activation if l < depth else "identity",
        )
        for l, (n, m) in enumerate(pairwise(widths))
    ]
    x, y = data.x_train[:128].double(), data.y_train[:128]
    whole = backward(params, x, y)
    alone = [backward(params, x[i : i + 1], y[i : i + 1]) for i in range(ALONE)]
    delta = np.mean([[float(db.norm()) for _, db in one] for one in alone], 0)[:-1]
    weight = np.array([float(dW.norm()) for dW, _ in whole])[:-1]
    factor = (delta[0] / delta[-1]) ** (1 / (depth - 1))
    alt = (
        f"{activation}, g = {gain:.2f}, {depth} layers: on the way back each layer "
        f"multiplies the length of δ by {factor:.2f}. The weight gradient of layer 1 "
        f"has {weight[0] / weight[-1]:.2g} times the length of that of layer {depth}."
    )
    layers, axis = np.arange(1, depth + 1), dict(x="hidden layer l", log=True)
    left = dict(lines={"δ": (layers, delta)}, title="backward signal", series=1)
    right = dict(lines={"W": (layers, weight)}, title="weight gradient", series=2)
    left, right = left | dict(y="‖δ‖ of one example"), right | dict(y="‖∂L/∂W‖")
    return curves([left | axis, right | axis], alt)


def explore_clipping(clip: Callable[..., Any]) -> Any:
    """Show descent near a cliff, with and without clipping.

    Args:
        clip: The student's ``clip_norm``.

    Returns:
        A widget, or a note if the check of ``clip`` does not pass.
    """
    if note := needs("clip_norm", clip):
        return note
    start = widgets.FloatSlider(value=START, min=0.9, max=1.2, step=0.01)
    start.description, start.continuous_update = "start w", False
    bounds = [(f"{c:g}", c) for c in (0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e4)]
    choice = widgets.SelectionSlider(options=bounds, value=1.0, description="c")
    choice.continuous_update = False

    def draw(start: float, c: float) -> Note:
        return cliff_picture(clip, start, c)

    return explore(draw, start=start, c=choice)


def _cliff(w: float) -> tuple[float, float]:
    r"""Evaluate $\frac12 (0.1\, w^{50} - 1)^2$, a linear net of 50 steps.

    Returns:
        Loss and derivative; infinite beyond the range of floats.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        h = 0.1 * np.float64(w) ** STEPS
        slope = 0.1 * STEPS * np.float64(w) ** (STEPS - 1)
        return float((h - TARGET) ** 2 / 2), float((h - TARGET) * slope)


def cliff_picture(clip: Callable[..., Any], start: float, c: float) -> Note:
    """Draw the loss over the weight and over the updates.

    Args:
        clip: The student's ``clip_norm``.
        start: Weight at the start.
        c: Threshold.

    Returns:
        The picture; its text names where the first step leads.
    """
    paths: dict[str, list[float]] = {"plain": [start], "clipped": [start]}
    for name, path in paths.items():
        for _ in range(LONG):
            slope = _cliff(path[-1])[1]
            if not np.isfinite(slope):
                break
            if name == "clipped":
                slope = float(clip([torch.tensor([slope], dtype=torch.float64)], c)[0])
            path.append(path[-1] - RATE * slope)
    loss = {k: [min(_cliff(w)[0], CAP) for w in path] for k, path in paths.items()}
    end = loss["clipped"][-1]
    first = {k: (path[1], _cliff(path[1])[0]) for k, path in paths.items()}
    alt = (
        f"From w = {start:.2f}, where the loss is {_cliff(start)[0]:.3g}, a plain step "
        f"leads to w = {first['plain'][0]:.3g} with loss {first['plain'][1]:.3g}; a "
        f"step clipped at {c:g} leads to w = {first['clipped'][0]:.3g} with loss "
        f"{first['clipped'][1]:.3g}. After {LONG} clipped steps it is "
        f"{'above 10⁶' if end == CAP else f'{end:.3g}'}."
    )
    grid = np.linspace(0.85, 1.22, 60)
    left = dict(
        lines={"loss": (grid, [_cliff(w)[0] for w in grid])},
        title="the cliff: h₅₀ = 0.1 w⁵⁰, target 1",
        x="w",
        y="loss",
        log=True,
    )
    lines = {k: (np.arange(len(v)), v) for k, v in loss.items()}
    right = dict(lines=lines, title="descent, losses cut at 10⁶", x="update", y="loss")
    return curves([left, right | dict(log=True)], alt)
