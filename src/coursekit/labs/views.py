r"""What a lab shows with the student's own functions, at the move of a slider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch

from coursekit import init, models
from coursekit.data import digits
from coursekit.labs.live import ACTIVATIONS, Note, curves, explore, needs
from coursekit.labs.matrices import trained
from coursekit.probes import signals, weight_grad_norms

__all__ = ["compensation", "explore_blocks", "explore_rank", "explore_signals"]


def explore_signals(measure: Callable[..., Any], depth: int = 20) -> Any:
    r"""Show the forward and the backward signal for a gain and an activation.

    Every layer of an MLP of width 100 has weights of standard deviation
    $g/\sqrt{n_{in}}$; the signals are measured by the student's function on digits.

    Args:
        measure: The student's ``forward_backward_std``.
        depth: Number of hidden layers.

    Returns:
        A widget, or a note if the check of ``measure`` does not pass.
    """
    if note := needs("forward_backward_std", measure):
        return note
    slider = widgets.FloatSlider(
        value=1.0, min=0.3, max=3.0, step=0.05, description="gain g"
    )
    slider.continuous_update = False
    choice = widgets.Dropdown(options=ACTIVATIONS, description="activation")

    def draw(gain: float, activation: str) -> Note:
        return signal_picture(measure, gain, activation, depth)

    return explore(draw, gain=slider, activation=choice)


def signal_picture(
    measure: Callable[..., Any], gain: float, activation: str, depth: int
) -> Note:
    r"""Draw $\mathrm{Std}(a^l)$ and $\mathrm{Std}(\delta^l)$ by layer.

    Args:
        measure: The student's ``forward_backward_std``.
        gain: Factor $g$ of the weights.
        activation: Name of the activation function.
        depth: Number of hidden layers.

    Returns:
        The picture; its text names the factor per layer.
    """
    data = digits()
    model = models.MLP([64, *[100] * depth, 10], activation)
    init.initialize(model, "scaled_normal", gain=gain, seed=0)
    sides = measure(model, data.x_train[:256], data.y_train[:256])
    a, delta = (np.array([float(v) for v in side]) for side in sides)
    layers = np.arange(1, depth + 1)
    factor = [(s[-1] / s[0]) ** (1 / (depth - 1)) for s in (a, delta[::-1])]
    alt = (
        f"{activation}, g = {gain:.2f}: from layer to layer Std(a) is multiplied by "
        f"{factor[0]:.2f} on the way forward, and Std(δ) by {factor[1]:.2f} on the "
        "way back."
    )
    axis = dict(x="hidden layer l", log=True)
    forward = dict(lines={"a": (layers, a)}, title="forward", y="Std(a)")
    back = dict(lines={"δ": (layers, delta)}, title="back", y="Std(δ)", series=1)
    return curves([forward | axis, back | axis], alt)


def compensation(measure: Callable[..., Any], depth: int = 10) -> Note:
    r"""Draw the backward signal beside the weight gradients of one poor start.

    The net is a tanh MLP with PyTorch's default weights, U(±1/√n_in).

    Args:
        measure: The student's ``forward_backward_std``.
        depth: Number of hidden layers.

    Returns:
        The picture, or a note if the check of ``measure`` does not pass.
    """
    if note := needs("forward_backward_std", measure):
        return note
    data = digits()
    x, y = data.x_train[:256], data.y_train[:256]
    model = models.MLP([64, *[100] * depth, 10], "tanh")
    init.initialize(model, "standard_uniform", seed=0)
    delta = [float(v) for v in measure(model, x, y)[1]]
    norms = weight_grad_norms(model, x, y)[:-1]
    layers = np.arange(1, depth + 1)
    alt = (
        f"From layer {depth} back to layer 2, Std(δ) falls to "
        f"{delta[1] / delta[-1]:.3f} of its value, while the norm of the weight "
        f"gradient ends at {norms[1] / norms[-1]:.2f} of its value."
    )
    axis = dict(x="hidden layer l", log=True)
    left = dict(lines={"δ": (layers, delta)}, title="backward signal", series=1)
    right = dict(lines={"W": (layers, norms)}, title="weight gradient", series=2)
    left, right = left | dict(y="Std(δ)"), right | dict(y="norm of ∂L/∂W")
    return curves([left | axis, right | axis], alt)


def explore_rank(rank: Callable[..., Any]) -> Any:
    r"""Show the singular values that training leaves of an almost constant start.

    The start is constant up to a relative noise of size $\epsilon$.

    Args:
        rank: The student's ``symmetry_rank``.

    Returns:
        A widget, or a note if the check of ``rank`` does not pass.
    """
    if note := needs("symmetry_rank", rank):
        return note
    sizes = [("0", 0.0), *((f"1e{k}", 10.0**k) for k in range(-8, 1))]
    choice = widgets.SelectionSlider(options=sizes, description="noise ε")
    choice.continuous_update = False

    def draw(noise: float) -> Note:
        return rank_picture(rank, noise)

    return explore(draw, noise=choice)


def rank_picture(rank: Callable[..., Any], noise: float) -> Note:
    """Draw the singular values of a hidden layer at the start and after training.

    Args:
        rank: The student's ``symmetry_rank``.
        noise: Relative size of the noise at the start.

    Returns:
        The picture; its text names both ranks.
    """
    lines, ranks = {}, []
    for label, steps in (("at the start", 0), ("after 300 updates", 300)):
        weight = trained(noise, seed=0, steps=steps).double()
        sigma = torch.linalg.svdvals(weight)
        ranks.append(int(rank(weight)))
        shares = (sigma / sigma[0]).clamp(min=1e-17).numpy()
        lines[label] = (np.arange(1, len(sigma) + 1), shares)
    alt = (
        f"Noise {noise:g}: the hidden layer has rank {ranks[0]} at the start and "
        f"rank {ranks[1]} after 300 updates, counted above 10⁻⁴ (dotted)."
    )
    panel = dict(
        lines=lines, title="hidden layer, 24 × 16", x="i", y="σᵢ / σ₁", log=True
    )
    return curves([panel | dict(level=1e-4)], alt, width=6.5)


def explore_blocks(zero_last: Callable[..., Any]) -> Any:
    """Show how the stream of a residual net grows, with and without `zero_last`.

    Args:
        zero_last: The student's function.

    Returns:
        A widget, or a note if the check of ``zero_last`` does not pass.
    """
    if note := needs("zero_last", zero_last):
        return note
    slider = widgets.IntSlider(value=12, min=1, max=40, description="blocks")
    slider.continuous_update = False

    def draw(blocks: int) -> Note:
        return block_picture(zero_last, blocks)

    return explore(draw, blocks=slider)


def block_picture(zero_last: Callable[..., Any], blocks: int) -> Note:
    """Draw the spread of the stream after each block.

    Args:
        zero_last: The student's function.
        blocks: Number of residual blocks.

    Returns:
        The picture; its text names the growth.
    """
    data, lines = digits(), {}
    for label, prepare in (("He", lambda model: model), ("zero_last", zero_last)):
        model = models.ResidualMLP(64, 64, blocks, 10)
        model = prepare(init.initialize(model, "he_normal", seed=0))
        x, y = data.x_train[:256], data.y_train[:256]
        stream = signals(model, x, y, at=[model.stem, *model.blocks]).activation
        std = [float(a.std()) for a in stream]
        lines[label] = (np.arange(blocks + 1), std)
    growth = {k: y[-1] / y[0] for k, (_, y) in lines.items()}
    alt = (
        f"Through {blocks} blocks the stream's deviation is multiplied by "
        f"{growth['He']:.3g} with He's weights and by {growth['zero_last']:.3g} "
        "after your zero_last."
    )
    panel = dict(lines=lines, title="residual ReLU net, no norm", log=True)
    return curves([panel | dict(x="block", y="Std of the stream")], alt, width=6.5)
