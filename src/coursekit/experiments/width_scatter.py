r"""Measure how nets of one scheme differ when their layers are narrow.

Variance formulas speak of an average over all nets. A single ReLU net of gain
:math:`\sqrt 2` and width n multiplies :math:`\|a\|^2`, layer by layer, by

.. math:: r^l = \frac1n \sum_{i=1}^n 2\,\mathrm{relu}(\xi_i)^2, \qquad
    \mathbb{E}\,r = 1, \quad \mathrm{Var}\,r = 5/n, \qquad (1)

since :math:`\mathbb{E}\,\mathrm{relu}(\xi)^4 = 3/2`. The layers are independent, so the
logarithms add up:

.. math:: \mathrm{Var}\,\ln\|a^L\|^2 \approx 5L/n, \qquad
    \mathbb{E}\,\ln\|a^L\|^2 \approx -5L/(2n). \qquad (2)

References:
    Hanin, Nica (2020), Products of many large random matrices and gradients in deep
    neural networks, arXiv 1812.05994.
"""

from __future__ import annotations

import numpy as np
import torch

from coursekit import device, init


def log_norms(
    depth: int,
    width: int,
    *,
    nets: int = 200,
    gain: float = 2**0.5,
    seed: int = 0,
) -> np.ndarray:
    r"""Push one input through many ReLU nets and follow the logarithm of its length.

    Args:
        depth: Number of layers L.
        width: Units of each layer, n.
        nets: How many nets.
        gain: Gain of the weights.
        seed: Seed of the weights.

    Returns:
        :math:`\ln(\|a^l\|^2/\|a^0\|^2)`, `[net, layer]`.
    """
    generator = device.generator(seed)
    a, lengths = torch.ones(nets, width, 1, dtype=torch.float64), []
    for _ in range(depth):
        drawn = init.scaled_normal(
            (nets * width, width), gain, generator=generator, dtype=torch.float64
        )
        a = torch.relu(drawn.view(nets, width, width) @ a)
        lengths.append(a.square().mean((1, 2)).log())
    return torch.stack(lengths, -1).numpy()
