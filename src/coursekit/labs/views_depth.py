r"""What lab 1 shows with the student's own functions, at the move of a slider."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits
from coursekit.figures.palette import PALETTE, SERIES
from coursekit.labs.live import Note, as_note, curves, explore, needs
from coursekit.labs.tasks.diagnose import LEAVES
from coursekit.models import MLP

__all__ = ["depth_picture", "explore_embedding", "explore_tree"]

WIDTH, STEPS, RATE = 32, 150, 0.1
MAP_TOL, MAP_POINTS = 0.1, 41


def explore_embedding(embed: Callable[..., Any]) -> Any:
    """Show the loss of an embedded net beside that of a random one, by depth.

    Args:
        embed: The student's ``embed_shallow``.

    Returns:
        A widget, or a note if the check of ``embed`` does not pass.
    """
    if note := needs("embed_shallow", embed):
        return note
    slider = widgets.IntSlider(value=24, min=5, max=56, description="up to depth")
    slider.continuous_update = False

    def draw(depth: int) -> Note:
        return embedding_picture(embed, depth)

    return explore(draw, depth=slider)


@cache
def _trained() -> MLP:
    data = digits()
    net = MLP([64, *[WIDTH] * 3, 10], "relu")
    init.initialize(net, "he_normal", seed=0)
    rule, order = torch.optim.SGD(net.parameters(), lr=RATE), torch.Generator()
    order.manual_seed(0)
    for _ in range(STEPS):
        batch = torch.randint(len(data.x_train), (64,), generator=order)
        loss = cross_entropy(net(data.x_train[batch]), data.y_train[batch])
        rule.zero_grad()
        loss.backward()
        rule.step()
    return net


@torch.no_grad()
def _loss(net: nn.Module) -> float:
    data = digits()
    return float(cross_entropy(net(data.x_train), data.y_train))


def embedding_picture(embed: Callable[..., Any], depth: int) -> Note:
    """Draw both losses for depths up to a greatest.

    Args:
        embed: The student's ``embed_shallow``.
        depth: Greatest number of linear maps.

    Returns:
        The picture; its text names the losses at both ends.
    """
    depths = sorted({4, *np.linspace(4, depth, 6).round().astype(int).tolist()})
    inside = [_loss(embed(_trained(), m)) for m in depths]
    random = []
    for m in depths:
        net = MLP([64, *[WIDTH] * (m - 1), 10], "relu")
        random.append(_loss(init.initialize(net, "he_normal", seed=0)))
    alt = (
        f"With the weights of your embed_shallow the training loss is {inside[0]:.4f} "
        f"at 4 linear maps and {inside[-1]:.4f} at {depths[-1]}; at a random start it "
        f"is {random[0]:.2f} and {random[-1]:.2f}."
    )
    lines = {"embedded": (depths, inside), "random start": (depths, random)}
    panel = dict(lines=lines, title="digits, nothing trained but the shallow net")
    axis = dict(x="linear maps", y="training loss", log=True)
    return curves([panel | axis], alt, width=6.5)


def explore_tree(diagnose: Callable[..., Any]) -> Any:
    """Show the diagnosis for every pair of losses, with and without a reference.

    Args:
        diagnose: The student's function.

    Returns:
        A widget, or a note if the check of ``diagnose`` does not pass.
    """
    if note := needs("diagnose", diagnose):
        return note
    slider = widgets.FloatSlider(
        value=0.4, min=0, max=1, step=0.05, description="reference"
    )
    box = widgets.Checkbox(value=True, description="reference measured")

    def draw(measured: bool, ref: float) -> Note:
        return tree_picture(diagnose, ref if measured else None)

    return explore(draw, measured=box, ref=slider)


def tree_picture(diagnose: Callable[..., Any], ref: float | None) -> Note:
    """Draw a map of diagnoses over training and test loss.

    Args:
        diagnose: The student's function.
        ref: Training loss of the reference.

    Returns:
        The picture; its text counts the leaves that occur.
    """
    grid = np.linspace(0, 1, MAP_POINTS)
    said = [
        [LEAVES.index(str(diagnose(a, b, ref, MAP_TOL))) for a in grid] for b in grid
    ]
    figure = Figure(figsize=(6.2, 4.2), dpi=110, layout="constrained")
    ax, field = figure.subplots(), np.array(said)
    colours = ListedColormap([PALETTE["light"][s] for s in SERIES[: len(LEAVES)]])
    ax.pcolormesh(grid, grid, field, cmap=colours, vmin=-0.5, vmax=4.5, alpha=0.45)
    for i, leaf in enumerate(LEAVES):
        if (here := field == i).any():
            up, across = (axis.mean() for axis in np.nonzero(here))
            at = float(grid[round(across)]), float(grid[round(up)])
            word = leaf.replace(" or ", "\nor ")
            ax.text(*at, word, ha="center", va="center", fontsize="small")
    told = "no reference" if ref is None else f"reference {ref:.2f}"
    ax.set(title=f"{told}, tolerance {MAP_TOL}", xlabel="training loss")
    ax.set_ylabel("test loss")
    shares = [
        f"{leaf} {np.mean(field == i):.0%}"
        for i, leaf in enumerate(LEAVES)
        if (field == i).any()
    ]
    return as_note(figure, f"With {told} your function says: {', '.join(shares)}.")


def depth_picture(compare: Callable[..., Any]) -> Note:
    """Draw the differences of training loss with their intervals.

    Args:
        compare: The student's ``compare_depths``.

    Returns:
        The picture, or a note if the check of ``compare`` does not pass.
    """
    if note := needs("compare_depths", compare):
        return note
    depths = [2, 4, 8, 16, 24]
    table = compare(depths, list(range(5)))
    mid, low, high = (
        np.array([float(v) for v in table[c]]) for c in ("difference", "low", "high")
    )
    figure = Figure(figsize=(6.5, 3.2), dpi=110, layout="constrained")
    ax, colour = figure.subplots(), PALETTE["light"][SERIES[0]]
    ax.errorbar(depths, mid, [mid - low, high - mid], fmt="o", capsize=4, color=colour)
    ax.axhline(0, color=PALETTE["light"]["ink"], linewidth=0.8, linestyle=":")
    ax.set(xlabel="linear maps", ylabel="training loss − that of depth 2")
    ax.set_title("25 updates, 5 seeds, 95 % intervals of the paired difference")
    ax.spines[["top", "right"]].set_visible(False)
    rows = zip(depths[1:], mid[1:], low[1:], high[1:], strict=True)
    told = ", ".join(f"{m}: {d:.2f} [{a:.2f}, {b:.2f}]" for m, d, a, b in rows)
    alt = f"Training loss minus that of depth 2, after 25 updates, by depth: {told}."
    return as_note(figure, alt)
