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

__all__ = ["KINDS", "activations", "groups", "normalized", "shares"]

KINDS = {
    "BN": "BN",
    "BN, evaluation": "BN, evaluation",
    "LN": "LN",
    "GN 1": "GN, 1 group",
    "GN 2": "GN, 2 groups",
    "GN 4": "GN, 4 groups",
    "GN 8": "GN, 8 groups",
    "IN": "IN",
    "PN": "PN",
}
SHAPE = (4, 8, 16)  # images, channels, positions


def activations(replaced: bool = False) -> Tensor:
    """Return four images by eight channels by 4 × 4 positions.

    Args:
        replaced: Whether image 4 is another digit, twice as bright.

    Returns:
        The tensor, in float64.
    """
    x = digits().x_train.double()
    rows = [x[0], x[1], x[2], 2 * x[9] if replaced else x[3]]
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
    return norm.group_norm(x, int(kind.split()[1]))


def shares(
    kind: str, at_image: int, at_channel: int, at_position: int
) -> dict[str, np.ndarray]:
    """Find the numbers that one number is normalized with, by differentiation.

    It is the Python twin of the closed form of that name of
    :mod:`coursekit.figures`, which states the same by rules.

    Args:
        kind: A key of ``KINDS``.
        at_image: Image of the number, from 1.
        at_channel: Its channel, from 1.
        at_position: Its position, from 1.

    Returns:
        ``shares``: 1 where the normalized number has a derivative,
        ``[image, channel, position]``.
    """
    # no activations: behind ReLU a whole channel may be zero
    x = torch.randn(4, 8, 4, 4, generator=generator(1), dtype=torch.double)
    out = normalized(kind, x.requires_grad_()).flatten(2)
    cell = out[at_image - 1, at_channel - 1, at_position - 1]
    slope = torch.autograd.grad(cell, x)[0]
    return {"shares": (slope.abs() > 1e-12).double().flatten(2).numpy()}


def groups(kind: str) -> dict[str, np.ndarray]:
    """Normalize before and after image 4 is replaced.

    Args:
        kind: A key of ``KINDS``.

    Returns:
        ``input``, ``value`` and ``change``, 1 where the exchange moved the value:
        ``[replaced, image, channel, position]``; ``count``, how many numbers share
        a mean; ``images``, of how many images; ``moved``, how many values of images
        1 to 3 the exchange moved.
    """
    inputs = [activations(), activations(replaced=True)]
    values = [normalized(kind, x).flatten(2) for x in inputs]
    change = ((values[1] - values[0]).abs() > 1e-9).double()
    together = shares(kind, 1, 3, 6)["shares"]
    found = {
        "input": torch.stack([x.flatten(2) for x in inputs]),
        "value": torch.stack(values).clamp(-4, 4),
        "change": torch.stack([0 * change, change]),
        "count": together.sum(),
        "images": together.any((1, 2)).sum(),
        "moved": [0.0, change[:3].sum()],
    }
    return {name: np.asarray(v, float) for name, v in found.items()}
