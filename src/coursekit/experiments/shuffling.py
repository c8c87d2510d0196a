r"""Show the digits sorted by class, shuffled once, or shuffled every epoch.

The three runs of a seed start from the same weights and read the same examples the
same number of times; only the order differs. Sorted by class, a batch of 8 holds one
class, and an epoch asks for ten different answers one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from coursekit import device
from coursekit.experiments import batch_budget, stacked

__all__ = ["SCHEMES", "losses", "orders"]

SCHEMES = ("sorted", "once", "each")
BATCH_SIZE, RATE, EPOCHS = 8, 0.02, 5


def orders(y: torch.Tensor, scheme: str, epochs: int, seed: int) -> torch.Tensor:
    """List which example is read when.

    Args:
        y: Classes of the examples.
        scheme: One of `SCHEMES`.
        epochs: Passes over the data.
        seed: Seed of the shuffles.

    Returns:
        Positions, ``[epoch, example]``.

    Example:
        >>> orders(torch.tensor([1, 0, 1, 0]), "sorted", 2, seed=0).tolist()
        [[1, 3, 0, 2], [1, 3, 0, 2]]
    """
    draw, n = device.generator(seed), len(y)
    if scheme == "each":
        return torch.stack([torch.randperm(n, generator=draw) for _ in range(epochs)])
    one = torch.randperm(n, generator=draw)
    if scheme == "sorted":
        one = torch.argsort(y, stable=True)
    return one.expand(epochs, n)


def losses(seeds: Sequence[int], epochs: int = EPOCHS) -> dict[str, np.ndarray]:
    """Train plain SGD with B = 8 at rate 0.02 on 1000 digits.

    Args:
        seeds: Seeds of weights and shuffles, shared by the schemes.
        epochs: Passes over the data.

    Returns:
        Scheme to training loss after each epoch, ``[seed, epoch]``.
    """
    x, y, *_ = batch_budget.data()
    pairs = [(scheme, s) for scheme in SCHEMES for s in seeds]
    order = torch.stack([orders(y, scheme, epochs, s) for scheme, s in pairs])
    gains, draws = [2**0.5] * len(pairs), [s for _, s in pairs]
    widths = [64, 64, 64, 10]
    stack = stacked.draw_stack(widths, gains, draws, dtype=torch.float32)
    parameters = [p.requires_grad_() for p in stack.parameters]
    rule, curves = torch.optim.SGD(parameters, lr=RATE), []
    for epoch in range(epochs):
        for rows in order[:, epoch].split(BATCH_SIZE, dim=1):
            rule.zero_grad()
            logits = stack.layers(x[rows])[-1]
            stacked.stacked_loss(logits, y[rows]).sum().backward()
            rule.step()
        curves.append(stacked.losses(stack, x, y).detach().numpy())
    found = np.stack(curves, -1).reshape(len(SCHEMES), len(list(seeds)), epochs)
    return dict(zip(SCHEMES, found, strict=True))
