r"""Train a recurrent net whose gradient explodes, with and without clipping.

A tanh net reads 40 steps of the adding problem. Its recurrent matrix starts orthogonal
times a gain above 1, so that the product of Jacobians

.. math:: \frac{\partial h_T}{\partial h_t}
    = \prod_{\tau=t+1}^{T} \mathrm{diag}(\tanh'(z_\tau))\, W_{hh} \qquad (1)

can grow. Plain SGD at a fixed rate; the arms differ in what is done to the gradient.

References:
    Pascanu, Mikolov, Bengio (2013), arXiv 1211.5063.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn.functional import mse_loss

from coursekit import data, device, models
from coursekit.optim import clip_norm, clip_value

__all__ = ["WAYS", "train"]

LENGTH, HIDDEN, BATCH = 40, 48, 32
Clip = Callable[[list[torch.Tensor]], list[torch.Tensor]]
WAYS: dict[str, Clip] = {
    "none": list,
    "norm 1": lambda g: clip_norm(g, 1.0),
    "value 1": lambda g: clip_value(g, 1.0),
    "value 0.1": lambda g: clip_value(g, 0.1),
}


def train(
    way: str,
    *,
    seeds: Sequence[int],
    gain: float = 1.6,
    lr: float = 0.1,
    steps: int = 80,
) -> dict[str, np.ndarray]:
    """Train one net a seed and record its loss and the length of its gradients.

    Args:
        way: A key of `WAYS`.
        seeds: Of weights and sequences, shared by all ways.
        gain: Of the recurrent matrix at the start.
        lr: Learning rate.
        steps: Updates of 32 sequences.

    Returns:
        ``loss`` and ``norm`` (before clipping) ``[seed, step]``; NaN or infinite once
        a net has diverged.
    """
    runs = [_run(WAYS[way], seed, gain, lr, steps) for seed in seeds]
    return {
        "loss": np.array([r[0] for r in runs]),
        "norm": np.array([r[1] for r in runs]),
    }


def _run(
    clip: Clip, seed: int, gain: float, lr: float, steps: int
) -> tuple[list[float], list[float]]:
    draw = device.generator(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = models.RNN(2, HIDDEN, gain=gain, generator=draw).double()
    parameters, losses, norms = list(net.parameters()), [], []
    for _ in range(steps):
        batch = data.adding_problem(
            BATCH,
            min_len=LENGTH,
            max_len=LENGTH,
            generator=draw,
            dtype=torch.float64,
        )
        loss = mse_loss(net(batch.x, batch.lengths)[:, 0], batch.y)
        g = list(torch.autograd.grad(loss, parameters))
        losses.append(loss.item())
        norms.append(torch.cat([v.flatten() for v in g]).norm().item())
        with torch.no_grad():
            for theta, step in zip(parameters, clip(g), strict=True):
                theta -= lr * step
    return losses, norms
