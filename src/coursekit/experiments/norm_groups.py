r"""Normalize one small tensor in every way, and see who notices an exchange.

Four digits pass a random convolution to eight channels of 4 × 4. Every norm computes
:math:`(x - \mu_S)/\sigma_S` over some set S of the 512 numbers; what differs is S.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from coursekit import norm
from coursekit.data import digits
from coursekit.device import generator

__all__ = ["CELL", "KINDS", "activations", "groups", "normalized"]

KINDS = {
    "BN": "BN",
    "BN, evaluation": "BN, evaluation",
    "LN": "LN",
    "GN2": "GN, 2 groups",
    "GN4": "GN, 4 groups",
    "IN": "IN",
    "PN": "PN",
}
CELL = (0, 2, 5)  # image, channel, position


def activations(replaced: bool = False) -> Tensor:
    """Return four images by eight channels by 4 × 4 positions.

    Args:
        replaced: Whether image 4 is another digit, three times as bright.

    Returns:
        The tensor, in float64.
    """
    x = digits().x_train.double()
    rows = [x[0], x[1], x[2], 3 * x[9] if replaced else x[3]]
    kernel = torch.randn(8, 1, 3, 3, generator=generator(0), dtype=torch.double) / 3
    return avg_pool2d(
        conv2d(torch.stack(rows).view(4, 1, 8, 8), kernel, padding=1), 2
    ).relu()


def normalized(kind: str, x: Tensor) -> Tensor:
    """Apply one norm without gain and bias.

    Args:
        kind: A key of ``KINDS``.
        x: ``[N, 8, 4, 4]``.

    Returns:
        A tensor of the same shape.
    """
    if kind == "BN, evaluation":
        first = activations()
        kept = norm.RunningStats(first.mean((0, 2, 3)), first.var((0, 2, 3)))
        return norm.batch_norm(x, kept, training=False)[0]
    if kind == "BN":
        return norm.batch_norm(x, None, training=True)[0]
    if kind == "LN":
        return norm.layer_norm(x, list(x.shape[1:]))
    if kind == "IN":
        return norm.group_norm(x, 8)
    if kind == "PN":
        # one example's channels at one position
        return norm.layer_norm(x.movedim(1, -1), 8).movedim(-1, 1)
    return norm.group_norm(x, int(kind[2:]))


def groups(kind: str) -> dict[str, np.ndarray]:
    """Normalize before and after image 4 is replaced.

    Args:
        kind: A key of ``KINDS``.

    Returns:
        ``value``: normalized numbers, which of them the exchange moved, which share
        the mean of ``CELL``, ``[shown, replaced, image, channel, position]``;
        ``count``, the size of that set; ``moved``, how many outputs of the other
        three images moved.
    """
    x = activations().requires_grad_()
    before = normalized(kind, x)
    image, channel, position = CELL
    cell = before.flatten(2)[image, channel, position]
    slope = torch.autograd.grad(cell, x)[0].flatten(2)
    shares = (slope.abs() > 1e-9).double()
    after = normalized(kind, activations(True)).detach()
    change = ((after - before.detach()).abs() > 1e-9).double().flatten(2)
    rows = [[before.detach().flatten(2), after.flatten(2)], [0 * change, change]]
    value = torch.stack([torch.stack(r) for r in [*rows, [shares, shares]]])
    moved = [0.0, float(change[:3].sum())]
    found = {"value": value.clamp(-4, 4), "count": shares.sum(), "moved": moved}
    return {name: np.asarray(v, float) for name, v in found.items()}
