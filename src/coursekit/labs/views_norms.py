r"""What lab 12 shows with the student's own functions, at the move of a slider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from coursekit.labs.live import Note, as_note, curves, explore, needs
from coursekit.labs.views_batches import fresh

__all__ = [
    "explore_axes",
    "explore_coupling",
    "explore_recurrence",
    "explore_whitening",
]

Function = Callable[..., Any]
SHAPE, GROUPS = (3, 4, 2, 2), 2


def _slider(value: float, low: float, high: float, step: float, text: str) -> Any:
    slider = widgets.FloatSlider(value=value, min=low, max=high, step=step)
    slider.description, slider.continuous_update = text, False
    return slider


def explore_axes(axes: Function) -> Any:
    """Show which entries of a small tensor share a mean, for every kind of norm.

    Args:
        axes: The student's ``norm_axes``.

    Returns:
        A widget, or a note if the check of ``axes`` does not pass.
    """
    if note := needs("norm_axes", axes):
        return note
    kinds = ["batch", "layer", "instance", "group", "positional"]
    choice = widgets.Dropdown(options=kinds, description="norm")
    return explore(lambda kind: axes_picture(axes, kind), kind=choice)


def axes_picture(axes: Function, kind: str) -> Note:
    """Draw a tensor of 3 examples, 4 channels and 2 × 2 positions by shared means.

    Args:
        axes: The student's ``norm_axes``.
        kind: The norm.

    Returns:
        The picture; its text counts the means.
    """
    n, c, *positions = SHAPE
    view = (n, GROUPS, c // GROUPS, *positions) if kind == "group" else SHAPE
    averaged = {int(axis) % len(view) for axis in axes(kind, SHAPE)}
    kept = [1 if i in averaged else size for i, size in enumerate(view)]
    means = int(np.prod(kept))
    owner = np.broadcast_to(np.arange(means).reshape(kept), view).reshape(n, c, -1)
    examples = sum((owner[i] == 0).any() for i in range(n))
    figure = Figure(figsize=(8, 3), dpi=110, layout="constrained")
    for i, ax in enumerate(figure.subplots(1, n)):
        ax.imshow(owner[i], cmap="cividis", vmin=0, vmax=max(means - 1, 1))
        for (row, column), k in np.ndenumerate(owner[i]):
            ink = "white" if k < 0.55 * means else "black"
            ax.text(column, row, k + 1, ha="center", va="center", color=ink)
        ax.set(title=f"example {i + 1}", xlabel="position", ylabel="channel")
        ax.set(xticks=[], yticks=[])
    alt = (
        f"{kind}: {means} means, each of {owner.size // means} entries, which belong "
        f"to {examples} of {n} examples. Entries with the same number share a mean."
    )
    return as_note(figure, alt)


def explore_coupling(batch_norm: Function, layer_norm: Function) -> Any:
    """Show what happens to the other examples of a batch if one is moved.

    Args:
        batch_norm: The student's function.
        layer_norm: The student's function.

    Returns:
        A widget, or a note if one of the checks does not pass.
    """
    note = needs("layer_norm", layer_norm) or needs("batch_norm", batch_norm)
    if note:
        return note
    return explore(
        lambda shift: coupling_picture(batch_norm, layer_norm, shift),
        shift=_slider(2, 0, 10, 0.5, "shift"),
    )


def coupling_picture(batch_norm: Function, layer_norm: Function, shift: float) -> Note:
    """Draw the change of each example's output if example 1 is shifted.

    Args:
        batch_norm: The student's function.
        layer_norm: The student's function.
        shift: Added to every other feature of example 1.

    Returns:
        The picture; its text names the change of the others.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    moved = x.clone()
    moved[0, ::2] += shift
    one, zero = (torch.full((6,), v, dtype=torch.float64) for v in (1.0, 0.0))
    rules = {
        "batch norm": lambda t: batch_norm(t, one, zero, fresh(6), True)[0],
        "layer norm": lambda t: layer_norm(t, one, zero),
    }
    change = {k: (f(moved) - f(x)).norm(dim=1).numpy() for k, f in rules.items()}
    others = {k: float(v[1:].max()) for k, v in change.items()}
    alt = (
        f"Example 1 of 8 moves by {shift:g} in three of its six features. The outputs "
        f"of the others change by up to {others['batch norm']:.2f} under batch norm "
        f"and {others['layer norm']:.2f} under layer norm."
    )
    lines = {k: (np.arange(1, 9), v) for k, v in change.items()}
    panel = dict(lines=lines, title="one example moves", x="example")
    return curves([panel | dict(y="change of its output")], alt, width=6.5)


def explore_whitening(whiten: Function) -> Any:
    """Show gradient descent on raw, standardized and whitened features.

    Args:
        whiten: The student's function.

    Returns:
        A widget, or a note if the check of ``whiten`` does not pass.
    """
    if note := needs("whiten", whiten):
        return note
    return explore(
        lambda rho: descent_picture(whiten, rho),
        rho=_slider(0.9, 0, 0.99, 0.01, "correlation"),
    )


def descent_picture(whiten: Function, rho: float) -> Note:
    """Draw the excess loss of linear regression, each at its best rate.

    Args:
        whiten: The student's function.
        rho: Correlation of the two features.

    Returns:
        The picture; its text names the condition numbers.
    """
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(200, 2, generator=generator, dtype=torch.float64)
    x = torch.stack([z[:, 0], rho * z[:, 0] + (1 - rho**2) ** 0.5 * z[:, 1]], 1)
    X = x * torch.tensor([1.0, 5.0]) + torch.tensor([1.0, 2.0])
    y = x @ torch.tensor([1.0, -1.0], dtype=torch.float64)
    standard = (X - X.mean(0)) / X.std(0, correction=0)
    inputs = {"raw": X, "standardized": standard, "whitened": whiten(X, X)[0]}
    lines, told = {}, []
    for name, features in inputs.items():
        A = torch.cat([features, torch.ones(len(X), 1, dtype=torch.float64)], 1)
        eig = torch.linalg.eigvalsh(A.T @ A / len(A))
        told.append(f"{name} {float(eig[-1] / eig[0]):.3g}")
        best = torch.linalg.lstsq(A, y[:, None]).solution.squeeze(1)
        w, losses = torch.zeros(A.shape[1], dtype=torch.float64), []
        for _ in range(31):
            losses.append(max(float((A @ (w - best)).square().mean()), 1e-16))
            w = w - 2 / (eig[0] + eig[-1]) * A.T @ (A @ w - y) / len(A)
        lines[name] = (np.arange(31), losses)
    alt = f"Correlation {rho:.2f}. Condition numbers with a bias: {', '.join(told)}."
    panel = dict(lines=lines, title="descent, each at its best rate", x="update")
    return curves([panel | dict(y="loss above the least", log=True)], alt, width=6.5)


def explore_recurrence(step: Function) -> Any:
    """Show how long the state of a recurrent net lasts, with and without the norm.

    Args:
        step: The student's ``lnrnn_step``.

    Returns:
        A widget, or a note if the check of ``step`` does not pass.
    """
    if note := needs("lnrnn_step", step):
        return note
    return explore(
        lambda gain: recurrence_picture(step, gain),
        gain=_slider(0.5, 0.1, 2.5, 0.05, "gain g"),
    )


def recurrence_picture(step: Function, gain: float) -> Note:
    """Draw the size of the state over 40 steps after a single input.

    Args:
        step: The student's ``lnrnn_step``.
        gain: Factor of an orthogonal recurrent matrix.

    Returns:
        The picture; its text names what is left.
    """
    generator, units = torch.Generator().manual_seed(0), 48

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    W_h, W_x = gain * torch.linalg.qr(draw(units, units))[0], draw(units, 2)
    one, zero = (torch.full((units,), v, dtype=torch.float64) for v in (1.0, 0.0))
    rules = {
        "tanh": lambda x, h: torch.tanh(h @ W_h.T + x @ W_x.T),
        "layer norm": lambda x, h: step(x, h, W_x, W_h, one, zero),
    }
    first, lines = draw(16, 2), {}
    for name, rule in rules.items():
        h, sizes = torch.zeros(16, units, dtype=torch.float64), []
        for t in range(40):
            h = rule(first if t == 0 else torch.zeros_like(first), h)
            sizes.append(max(float(h.square().mean().sqrt()), 1e-16))
        lines[name] = (np.arange(1, 41), sizes)
    left = {k: _size(v[1][-1]) for k, v in lines.items()}
    alt = (
        f"g = {gain:.2f}: 40 steps after the only input the root mean square of the "
        f"state is {left['tanh']} for tanh and {left['layer norm']} with layer "
        "norm."
    )
    panel = dict(lines=lines, title="one input at step 1, then none", x="step")
    return curves([panel | dict(y="root mean square of h", log=True)], alt, width=6.5)


def _size(value: float) -> str:
    return f"{value:.2g}" if value > 1e-16 else "below 1e-16"
