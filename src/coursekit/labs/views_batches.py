r"""What batch norm does to small batches, and its memory to evaluation.

A net is trained once with the package's layers and then run through the student's
function, with the statistics of each batch or with running ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from coursekit import device, init, models, norm
from coursekit.data import digits
from coursekit.labs.live import Note, curves, explore, needs

__all__ = ["explore_batches", "fresh"]

Function = Callable[..., Any]


def fresh(width: int) -> dict[str, Tensor]:
    """Make running statistics that have seen nothing.

    Args:
        width: Number of channels.

    Returns:
        Means of 0 and variances of 1.
    """
    return {
        "mean": torch.zeros(width, dtype=torch.float64),
        "var": torch.ones(width, dtype=torch.float64),
    }


def explore_batches(batch_norm: Function) -> Any:
    """Show the accuracy of a trained net by the size of the batch it meets.

    Args:
        batch_norm: The student's function.

    Returns:
        A widget, or a note if the check of ``batch_norm`` does not pass.
    """
    if note := needs("batch_norm", batch_norm):
        return note
    slider = widgets.IntSlider(value=5, min=0, max=60, description="updates")
    slider.continuous_update = False
    return explore(lambda seen: batches_picture(batch_norm, seen), seen=slider)


@cache
def _trained() -> list[tuple[Tensor, Tensor]]:
    """Train a net with batch norm on digits.

    Returns:
        Weight and bias (or gain and bias) of every layer, in order.
    """
    data = digits()
    net = models.MLP([64, 64, 64, 10], norm=norm.BatchNorm).double()
    init.initialize(net, "he_normal", seed=0)
    rule, generator = torch.optim.SGD(net.parameters(), lr=0.1), device.generator(0)
    for _ in range(200):
        batch = torch.randint(len(data.x_train), (64,), generator=generator)
        rule.zero_grad()
        loss = cross_entropy(net(data.x_train[batch].double()), data.y_train[batch])
        loss.backward()
        rule.step()
    layers = [m for m in net.children() if hasattr(m, "weight")]
    return [(m.weight.detach(), m.bias.detach()) for m in layers]  # type: ignore


def _run(
    batch_norm: Function, x: Tensor, states: list[Any], train: bool
) -> tuple[Tensor, list[Any]]:
    """Run the trained net with the student's batch norm.

    Returns:
        Logits and the new states of the two norms.
    """
    (W1, b1), one, (W2, b2), two, (W3, b3) = _trained()
    new, a = [], x
    for W, b, gains, state in ((W1, b1, one, states[0]), (W2, b2, two, states[1])):
        y, after = batch_norm(a @ W.T + b, *gains, state, train)
        new.append(after)
        a = torch.relu(y)
    return a @ W3.T + b3, new


def batches_picture(batch_norm: Function, seen: int) -> Note:
    """Draw accuracy by batch size, with statistics of the batch and running ones.

    Args:
        batch_norm: The student's function.
        seen: Training batches whose statistics the running ones have seen.

    Returns:
        The picture; its text names both ends.
    """
    data, generator = digits(), device.generator(1)
    x, y = data.x_test.double()[:384], data.y_test[:384]
    states = [fresh(64), fresh(64)]
    for _ in range(seen):
        batch = torch.randint(len(data.x_train), (64,), generator=generator)
        states = _run(batch_norm, data.x_train[batch].double(), states, True)[1]
    sizes, found = [2, 4, 8, 16, 32, 64, 128], {"its own batch": [], "running": []}
    for size in sizes:
        for name, train in (("its own batch", True), ("running", False)):
            parts = x.split(size)
            logits = [_run(batch_norm, part, states, train)[0] for part in parts]
            hit = torch.cat(logits).argmax(1) == y
            found[name].append(float(hit.double().mean()))
    own, running = found["its own batch"], found["running"]
    alt = (
        f"Test accuracy with statistics of its own batch: {own[0]:.2f} for batches of "
        f"2, {own[-1]:.2f} for 128. With running statistics that saw {seen} batches: "
        f"{running[0]:.2f} at every size."
    )
    lines = {k: (np.log2(sizes), v) for k, v in found.items()}
    panel = dict(lines=lines, title="a trained net on new digits", y="test accuracy")
    return curves([panel | dict(x="log₂ of the batch size")], alt, width=6.5)
