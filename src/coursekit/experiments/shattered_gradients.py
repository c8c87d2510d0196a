r"""Ask how alike the gradients of neighbouring inputs are, by depth.

A net :math:`f:\mathbb{R}\to\mathbb{R}` reads (x, 1), so that a circle of directions is
swept while x runs over a grid. Its hidden biases are zero, its weights Gaussian of the
gain given. Measured are :math:`f'(x)`, whose autocorrelation says how far one gradient
knows the next, and the cosine between :math:`\delta^1` of two inputs.

In wide ReLU nets the cosine c of two inputs' activations and the cosine of their δ
follow from the share of units that are on for both,

.. math::

    c^{l+1} &= \tfrac1\pi\bigl(\sqrt{1 - (c^l)^2} + (\pi - \arccos c^l)\, c^l\bigr)
    \qquad (1) \\
    \cos(\delta^1, \delta'^1) &= \prod_{l=1}^{L}
    \bigl(1 - \tfrac1\pi \arccos c^l\bigr) \qquad (2)

whatever the gain is: (1) and (2) do not contain it. If the patterns of two inputs were
independent in every layer, each factor of (2) would be one half. Batch norm makes them
so for most pairs: it takes away what the inputs of a layer have in common. With skips
around normalized branches of He's gain the stream's variance over the batch grows by
:math:`v = 1 - 1/\pi` a block, and covariance and variance of δ by

.. math:: 1 + \frac{1}{2\sigma_l^2} \quad\text{and}\quad 1 + \frac{1}{\sigma_l^2},
    \qquad \sigma_l^2 = \sigma_1^2 + v\,(l - 1) \qquad (3)

so the cosine falls as a power of depth, with exponent :math:`1/(2v) \approx 0.73`.

References:
    Balduzzi et al. (2017), The shattered gradients problem, arXiv 1702.08591.
    Cho, Saul (2009), Kernel methods for deep learning, NIPS: (1) and (2) of one layer.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from coursekit import device

__all__ = [
    "KINDS",
    "autocorrelation",
    "cosine_theory",
    "grid",
    "probe",
    "random_inputs",
    "residual_theory",
    "typical_cosine",
]

WIDTH, POINTS = 200, 256
KINDS = {
    "glorot": "plain, Glorot",
    "he": "plain, He",
    "bn": "plain, He, BN",
    "skip": "skips × L^−½",
    "skip_bn": "skips, BN",
}
GAINS = {"glorot": 1.0}


def grid(points: int = POINTS) -> Tensor:
    """Return the inputs x from −2 to 2.

    Args:
        points: How many.

    Returns:
        Evenly spaced numbers, float64.
    """
    return torch.linspace(-2, 2, points, dtype=torch.float64)


def probe(
    kind: str, depth: int, seed: int, *, x: Tensor | None = None, width: int = WIDTH
) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw a net; return its gradients on the grid and the cosines of its δ¹.

    Args:
        kind: A key of `KINDS`. Batch norm uses the statistics of the grid and holds
            them fixed in the derivative; a branch is relu, then a matrix.
        depth: Hidden layers, or blocks of one matrix.
        seed: Of the weights.
        x: Inputs ``[point]`` or vectors ``[point, in]``; the grid if None.
        width: Units a layer.

    Returns:
        ``f'(x)`` ``[point]`` (of the first coordinate, if x are vectors), and the
        cosine of :math:`\delta^1` between all pairs ``[point, point]``.
    """
    x = grid() if x is None else x
    inputs = torch.stack([x, torch.ones_like(x)], 1) if x.ndim == 1 else x
    inputs = inputs.clone().requires_grad_()
    draw = device.generator(seed)
    first = inputs @ _matrix(inputs.shape[1], width, 2**0.5, draw)
    z = first
    for _ in range(depth - 1):
        z = _stage(z, kind, depth, draw)
    a = torch.relu(_normalize(z) if "bn" in kind else z)
    f = a @ _matrix(width, 1, 1.0, draw)
    slope, delta = torch.autograd.grad(f.sum(), (inputs, first))
    unit = delta / delta.norm(dim=1, keepdim=True)
    return slope[:, 0].numpy(), (unit @ unit.T).numpy()


def _matrix(n_in: int, n_out: int, gain: float, draw: torch.Generator) -> Tensor:
    values = torch.randn(n_in, n_out, generator=draw, dtype=torch.float64)
    return values * gain / n_in**0.5


def _stage(z: Tensor, kind: str, depth: int, draw: torch.Generator) -> Tensor:
    a = torch.relu(_normalize(z) if "bn" in kind else z)
    branch = a @ _matrix(z.shape[1], z.shape[1], GAINS.get(kind, 2**0.5), draw)
    if kind == "skip_bn":
        return z + branch
    return z + depth**-0.5 * branch if kind == "skip" else branch


def _normalize(z: Tensor) -> Tensor:
    mean, std = z.detach().mean(0), z.detach().std(0, correction=0)
    return (z - mean) / std


def autocorrelation(values: np.ndarray, lags: int = 64) -> np.ndarray:
    """Correlate a sequence with itself, moved by 0, 1, ... places.

    Args:
        values: ``[point]``.
        lags: How many moves.

    Returns:
        Sums of products of deviations, over that at lag 0, ``[lag]``.

    Example:
        >>> autocorrelation(np.array([1.0, -1.0, 1.0, -1.0]), 2)
        array([ 1.  , -0.75])
    """
    d = values - values.mean()
    n = len(d)
    return np.array([d[: n - k] @ d[k:] for k in range(lags)]) / (d @ d)


def cosine_theory(cosine: float, depth: int) -> np.ndarray:
    """Iterate equations (1) and (2) for plain ReLU nets.

    Args:
        cosine: Of the two inputs.
        depth: Hidden layers.

    Returns:
        Cosine of δ¹ for nets of 1, 2, ..., depth hidden layers.

    Example:
        >>> cosine_theory(0.0, 2).round(3).tolist()
        [0.5, 0.302]
    """
    c, product, found = cosine, 1.0, []
    for _ in range(depth):
        angle = np.arccos(np.clip(c, -1, 1))
        product *= 1 - angle / np.pi  # (2)
        found.append(product)
        c = (np.sqrt(1 - min(c * c, 1.0)) + (np.pi - angle) * c) / np.pi  # (1)
    return np.array(found)


def residual_theory(depth: int, variance: float = 2.0) -> np.ndarray:
    """Multiply out equation (3) for two inputs whose patterns are independent.

    Args:
        depth: Stages, the first being a plain layer.
        variance: Of the stream before the first block.

    Returns:
        Cosine of δ¹ for nets of 1, 2, ..., depth stages.

    Example:
        >>> residual_theory(2).round(3).tolist()
        [0.5, 0.417]
    """
    sigma2 = variance + (1 - 1 / np.pi) * np.arange(depth - 1)
    factors = (1 + 0.5 / sigma2) / (1 + 1 / sigma2)  # (3)
    return 0.5 * np.concatenate([[1.0], np.cumprod(factors)])


def random_inputs(points: int = POINTS, n_in: int = 100, seed: int = 7) -> Tensor:
    """Draw inputs that have nothing in common.

    Args:
        points: How many.
        n_in: Coordinates, standard normal.
        seed: Of the draw.

    Returns:
        Vectors ``[point, in]``, float64.
    """
    draw = device.generator(seed)
    return torch.randn(points, n_in, generator=draw, dtype=torch.float64)


def typical_cosine(kind: str, depth: int, seed: int, x: Tensor) -> float:
    """Average the cosine of δ¹ over all pairs of inputs.

    Args:
        kind: A key of `KINDS`.
        depth: As in `probe`.
        seed: Of the weights.
        x: Inputs ``[point, in]``.

    Returns:
        The mean over pairs of different inputs.
    """
    cosines = probe(kind, depth, seed, x=x)[1]
    return float(cosines[np.triu_indices(len(x), 1)].mean())
