r"""Time one update against the batch size.

An update of B examples takes a time :math:`c + B/s`: a fixed cost of starting its
operations and B examples at s examples a second. An epoch has :math:`\lceil N/B\rceil`
updates, hence

.. math:: T_{epoch} \approx \frac{N}{B}\,c + \frac{N}{s}, \qquad (1)

which falls until :math:`B \approx c\,s` and is level beyond. On parallel hardware s
itself grows with B until all its units are busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits
from coursekit.models import MLP

__all__ = ["update_seconds"]


def update_seconds(
    sizes: Sequence[int], *, repeats: int = 20, device: str = "cpu"
) -> np.ndarray:
    """Time updates of a 64-256-256-10 net by plain SGD.

    Args:
        sizes: Batch sizes.
        repeats: Timed updates of each size, after three that warm up.
        device: Where to compute.

    Returns:
        Seconds, ``[size, repeat]``.
    """
    x, y, *_ = digits(device=device)
    net = init.initialize(MLP([64, 256, 256, 10]), "he_normal", seed=0).to(device)
    rule = torch.optim.SGD(net.parameters(), lr=0.01)
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    found = np.zeros((len(sizes), repeats + 3))
    for k, size in enumerate(sizes):
        for repeat in range(repeats + 3):
            start = perf_counter()
            rule.zero_grad()
            cross_entropy(net(x[:size]), y[:size]).backward()
            rule.step()
            wait()
            found[k, repeat] = perf_counter() - start
    return found[:, 3:]
