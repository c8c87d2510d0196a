r"""What lab 4 shows with the student's own functions, at the move of a slider."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits
from coursekit.experiments.frozen_loss import Fit
from coursekit.labs.live import Note, as_note, curves, explore, needs
from coursekit.models import MLP

__all__ = ["explore_lars", "explore_noise", "explore_orders", "explore_sharpness"]

EXAMPLES, EPOCHS, NOISE_SET, DRAWS = 40, 6, 256, 60


def explore_orders(batches: Callable[..., Any]) -> Any:
    """Show which batch every example is in, epoch by epoch.

    Args:
        batches: The student's ``minibatches``.

    Returns:
        A widget, or a note if the check of ``batches`` does not pass.
    """
    if note := needs("minibatches", batches):
        return note
    size = widgets.IntSlider(value=12, min=1, max=EXAMPLES, description="B")
    seed = widgets.IntSlider(value=0, min=0, max=9, description="seed")
    size.continuous_update = seed.continuous_update = False

    def draw(size: int, seed: int) -> Note:
        return order_picture(batches, size, seed)

    return explore(draw, size=size, seed=seed)


def order_picture(batches: Callable[..., Any], size: int, seed: int) -> Note:
    """Draw the number of the batch of every example, one row an epoch.

    Args:
        batches: The student's ``minibatches``.
        size: Batch size.
        seed: Seed of the run.

    Returns:
        The picture; its text counts updates.
    """
    rows = np.zeros((EPOCHS, EXAMPLES))
    last: list[Any] = []
    for epoch in range(EPOCHS):
        last = [np.asarray(b).tolist() for b in batches(EXAMPLES, size, seed, epoch)]
        for k, batch in enumerate(last):
            rows[epoch, batch] = k
    figure = Figure(figsize=(8, 2.6), dpi=110, layout="constrained")
    ax = figure.subplots()
    shown = ax.pcolormesh(rows, cmap="cividis", edgecolors="white", linewidth=0.5)
    figure.colorbar(shown, ax=ax, label="batch")
    ax.set(xlabel="example", ylabel="epoch", title=f"N = {EXAMPLES}, B = {size}")
    ax.invert_yaxis()
    full = sum(len(batch) == size for batch in last)
    alt = (
        f"{EXAMPLES} examples in batches of {size}: {len(last)} updates an epoch, "
        f"{full} of them with a full batch."
    )
    return as_note(figure, alt)


def explore_noise(variance: Callable[..., Any]) -> Any:
    """Show the variance of a batch gradient over the batch size.

    Args:
        variance: The student's ``grad_variance``.

    Returns:
        A widget, or a note if the check of ``variance`` does not pass.
    """
    if note := needs("grad_variance", variance):
        return note
    choice = widgets.Dropdown(
        options=[("at the start", 0), ("after 100 updates", 100)], description="net"
    )

    def draw(steps: int) -> Note:
        return noise_picture(variance, steps)

    return explore(draw, steps=choice)


def noise_picture(variance: Callable[..., Any], steps: int) -> Note:
    r"""Draw $\hat V$ beside $\mathrm{tr}\,\Sigma/B$.

    Args:
        variance: The student's ``grad_variance``.
        steps: Updates of the net before it is measured.

    Returns:
        The picture; its text names the slope of small batches.
    """
    data = digits()
    x, y = data.x_train[:NOISE_SET].double(), data.y_train[:NOISE_SET]
    net = copy.deepcopy(_net(steps)).double()
    sizes = [2**k for k in range(9)]
    found = [float(variance(net, x, y, B, DRAWS)) for B in sizes]
    slope = np.polyfit(np.log(sizes[:5]), np.log(found[:5]), 1)[0]
    law = [found[0] / B for B in sizes]
    shown = [v if v > 1e-9 * found[0] else np.nan for v in found]
    alt = (
        f"Between B = 1 and 16 the slope is {slope:.2f}. At B = {sizes[-2]} your V̂ is "
        f"{found[-2] / law[-2]:.2f} of what 1/B says, at B = N = {NOISE_SET} "
        f"{found[-1] / law[-1]:.2g} of it."
    )
    at = np.log2(sizes)
    lines = {"yours": (at, shown), "∝ 1/B": (at, law)}
    panel = dict(lines=lines, title=f"N = {NOISE_SET} digits, {DRAWS} draws", log=True)
    return curves([panel | dict(x="log₂ B", y="V̂")], alt, width=6.5)


@cache
def _net(steps: int) -> MLP:
    """Train a small ReLU net on digits.

    Returns:
        The net; who changes it copies it first.
    """
    data = digits()
    net = init.initialize(MLP([64, 16, 10]), "he_normal", seed=0)
    rule = torch.optim.SGD(net.parameters(), lr=0.2)
    order = torch.Generator().manual_seed(0)
    for _ in range(steps):
        batch = torch.randint(len(data.x_train), (64,), generator=order)
        rule.zero_grad()
        cross_entropy(net(data.x_train[batch]), data.y_train[batch]).backward()
        rule.step()
    return net


def explore_sharpness(
    sharpness: Callable[..., Any], rescale: Callable[..., Any]
) -> Any:
    """Show the sharpness of one function written down in many ways.

    Args:
        sharpness: The student's ``lambda_max``.
        rescale: The student's ``rescale``.

    Returns:
        A widget, or a note if a check does not pass.
    """
    note = needs("lambda_max", sharpness) or needs("rescale", rescale)
    if note:
        return note
    choice = widgets.Dropdown(
        options=[("100 updates", 100), ("400 updates", 400)], description="net"
    )

    def draw(steps: int) -> Note:
        return sharpness_picture(sharpness, rescale, steps)

    return explore(draw, steps=choice)


def sharpness_picture(
    sharpness: Callable[..., Any], rescale: Callable[..., Any], steps: int
) -> Note:
    """Draw λ_max over the factor α.

    Args:
        sharpness: The student's ``lambda_max``.
        rescale: The student's ``rescale``.
        steps: Updates of the net before it is rescaled.

    Returns:
        The picture; its text names the range of both curves.
    """
    data = digits()
    loss = Fit(data.x_train[:NOISE_SET].double(), data.y_train[:NOISE_SET])
    powers = np.arange(-4, 5)
    sharp, losses = [], []
    for k in powers:
        net = rescale(copy.deepcopy(_net(steps)).double(), 2.0 ** float(k))
        sharp.append(float(sharpness(net, loss, 40)))
        losses.append(float(loss(net).detach()))
    least = powers[int(np.argmin(sharp))]
    alt = (
        f"From α = 1/16 to 16 the training loss goes from {losses[0]:.4f} to "
        f"{losses[-1]:.4f}, and λ_max runs from {min(sharp):.3g} (at α = 2^{least}) to "
        f"{max(sharp):.3g}. At α = 1 it is {sharp[4]:.3g}."
    )
    axis = dict(x="log₂ α", log=True)
    left = dict(lines={"λ": (powers, sharp)}, title="sharpness", y="λ_max")
    right = dict(lines={"L": (powers, losses)}, title="the same net", series=1)
    return curves([left | axis, right | axis | dict(y="training loss")], alt)


def explore_lars(step: Callable[..., Any]) -> Any:
    """Show the length of a step over the length of the gradient.

    Args:
        step: The student's ``lars_step``.

    Returns:
        A widget, or a note if the check of ``step`` does not pass.
    """
    if note := needs("lars_step", step):
        return note
    options = [(f"{wd:g}", wd) for wd in (0.0, 0.01, 0.1, 1.0)]
    slider = widgets.SelectionSlider(options=options, value=0.0, description="decay")

    def draw(wd: float) -> Note:
        return lars_picture(step, wd)

    return explore(draw, wd=slider)


def lars_picture(step: Callable[..., Any], wd: float) -> Note:
    """Draw step lengths of SGD and LARS over eight decades of gradients.

    Args:
        step: The student's ``lars_step``.
        wd: Weight decay.

    Returns:
        The picture; its text names the lengths at both ends.
    """
    draw = torch.Generator().manual_seed(0)
    w, g = (torch.randn(20, 30, generator=draw, dtype=torch.float64) for _ in "wg")
    lr, trust, powers = 1.0, 0.01, np.arange(-4, 5)
    sizes = [10.0 ** float(k) for k in powers]
    unit = g / g.norm()
    mine = [float((step(w, s * unit, lr, trust, wd) - w).norm()) for s in sizes]
    plain = [float(lr * (s * unit + wd * w).norm()) for s in sizes]
    alt = (
        f"While ‖g‖ grows from 1e-4 to 1e4, a step of SGD grows from {plain[0]:.2g} to "
        f"{plain[-1]:.2g}, one of your LARS goes from {mine[0]:.3g} to {mine[-1]:.3g}; "
        f"ηζ‖w‖ is {lr * trust * float(w.norm()):.3g}."
    )
    lines = {"SGD": (powers, plain), "LARS": (powers, mine)}
    panel = dict(lines=lines, title=f"λ = {wd:g}, η = 1, ζ = {trust}", log=True)
    return curves([panel | dict(x="log₁₀ ‖g‖", y="length of the step")], alt, width=6.5)
