r"""Add two marked numbers of a sequence, with and without layer norm.

Each step of a sequence brings a number and a mark; the target is the sum of the
two marked numbers. Sequences of one batch have different lengths. With layer norm
the summed inputs of each step are normalized over the units (Ba et al. 2016,
equation 4):

.. math::
    a^t = W_h h^{t-1} + W_x x^t, \qquad
    h^t = \tanh\!\left(\frac{g}{\sigma^t} \odot (a^t - \mu^t) + b\right), \qquad (1)

with one g and one b for all steps, and μ, σ of each step and example.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from coursekit import device, init, norm

__all__ = ["adding", "trained_error"]

UNITS, BATCH, SHORTEST, LONGEST = 48, 32, 8, 24


def adding(n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw sequences of 8 to 24 steps, padded with zeros.

    Args:
        n: How many.
        seed: Of the draw.

    Returns:
        Inputs ``[n, 24, 2]``, lengths ``[n]`` and targets ``[n]``.

    Example:
        >>> x, length, y = adding(3, seed=0)
        >>> torch.allclose((x[..., 0] * x[..., 1]).sum(1), y)
        True
    """
    g = device.generator(seed)
    length = torch.randint(SHORTEST, LONGEST + 1, (n,), generator=g)
    inside = torch.arange(LONGEST) < length[:, None]
    number = torch.rand(n, LONGEST, generator=g) * inside
    order = torch.rand(n, LONGEST, generator=g).masked_fill(~inside, -1)
    mark = torch.zeros(n, LONGEST).scatter_(1, order.topk(2).indices, 1.0)
    return torch.stack([number, mark], -1), length, (number * mark).sum(1)


def _draw(gain: float, seed: int, input_std: float) -> list[Tensor]:
    g = device.generator(seed)
    recurrent = init.orthogonal((UNITS, UNITS), generator=g) * gain
    inputs = torch.randn(2, UNITS, generator=g) * input_std
    head = torch.randn(UNITS, 1, generator=g) / UNITS**0.5
    start = [recurrent.T, inputs, torch.ones(1, UNITS), torch.zeros(1, UNITS)]
    return [*start, head, torch.zeros(1, 1)]


def _answers(parts: list[Tensor], x: Tensor, length: Tensor, normed: bool) -> Tensor:
    recurrent, inputs, gain, bias, head, offset = parts
    h = x.new_zeros(len(x), x.shape[1], UNITS)
    states = []
    for t in range(LONGEST):
        a = torch.baddbmm(x[:, :, t] @ inputs, h, recurrent)  # (1)
        a = norm.layer_norm(a, UNITS) * gain if normed else a
        h = torch.tanh(a + bias)
        states.append(h)
    rows = torch.stack(states, 2)
    last = (length - 1)[..., None, None].expand(-1, -1, 1, UNITS)
    return (rows.gather(2, last)[:, :, 0] @ head + offset)[..., 0]


def trained_error(
    gains: Sequence[float],
    *,
    normed: bool,
    seeds: Sequence[int],
    steps: int = 400,
    lr: float = 2e-3,
    input_std: float = 0.5**0.5,
) -> np.ndarray:
    """Train a tanh RNN a gain and seed with Adam, side by side.

    Args:
        gains: Factors of the orthogonal recurrent matrix.
        normed: Whether each step is layer-normalized.
        seeds: Seeds of weights and sequences, shared by all gains.
        steps: Updates of 32 sequences.
        lr: Rate of Adam.
        input_std: Standard deviation of the input weights.

    Returns:
        ``[gain, seed]``: mean squared error on 1000 new sequences.
    """
    pairs = [(g, s) for g in gains for s in seeds]
    drawn = zip(*(_draw(*pair, input_std) for pair in pairs), strict=True)
    parts = [torch.stack(part).requires_grad_() for part in drawn]
    rule = torch.optim.Adam(parts, lr=lr)
    sets = [adding(steps * BATCH, s) for s in seeds]
    for step in range(steps):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        found = ([each[k][rows] for each in sets] for k in range(3))
        x, length, y = (torch.stack(v * len(gains)) for v in found)
        rule.zero_grad()
        error = (_answers(parts, x, length, normed) - y).square().mean(1)
        error.sum().backward()
        rule.step()
    x, length, y = (v.expand(len(pairs), *v.shape) for v in adding(1000, 10**6))
    with torch.no_grad():
        error = (_answers(parts, x, length, normed) - y).square().mean(1)
    return error.numpy().reshape(len(gains), len(seeds))
