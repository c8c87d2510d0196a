r"""Draw batches from a fixed net and look at their gradients.

With the gradients :math:`g_r` of the N examples, their mean g and
:math:`\mathrm{tr}\,\Sigma = \frac1N\sum_r\|g_r-g\|^2`, a batch of B misses g by

.. math::

    \mathbb{E}\,\|g_B-g\|^2 &= \frac{\mathrm{tr}\,\Sigma}{B}
    \quad\text{with replacement} \qquad (1) \\
    \mathbb{E}\,\|g_B-g\|^2 &= \frac{\mathrm{tr}\,\Sigma}{B}\,\frac{N-B}{N-1}
    \quad\text{without} \qquad (2)

Every distance between batch gradients follows from the N × N matrix of inner products
of the centred :math:`g_r`, so thousands of batches cost one pass over the examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import minibatches
from coursekit.experiments import batch_budget
from coursekit.probes import per_example_grads

__all__ = [
    "DRAWN",
    "NETS",
    "WAYS",
    "Gradients",
    "clouds",
    "gradients",
    "trained",
    "variances",
]

NETS, WAYS, DRAWN = ("start", "epoch", "trained"), ("with", "without"), 200
EPOCHS = {"start": 0, "epoch": 1, "trained": 15}


def trained(net: str, seed: int = 0) -> nn.Module:
    """Train the net of `batch_budget` for some epochs, B = 8 and rate 0.05.

    Args:
        net: ``"start"``, ``"epoch"`` (one) or ``"trained"`` (fifteen).
        seed: Seed of weights and batches.

    Returns:
        The net.
    """
    model = init.initialize(batch_budget.net(), "he_normal", seed=seed)
    x, y, *_ = batch_budget.data()
    batches = minibatches(x, y, 8, seed=seed)
    rule = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(EPOCHS[net]):
        for inputs, classes in batches:
            rule.zero_grad()
            cross_entropy(model(inputs), classes).backward()
            rule.step()
    return model


@dataclass(frozen=True)
class Gradients:
    """Hold what is needed of the gradients of N examples.

    Attributes:
        gram: Inner products of the centred gradients, ``[N, N]``.
        along: Components of the gradients along the full one, ``[N]``.
        across: Components along the noisiest direction at right angles to it.
        norm: Norm of the full gradient.
    """

    gram: np.ndarray
    along: np.ndarray
    across: np.ndarray
    norm: float

    @property
    def trace(self) -> float:
        """The trace of the covariance, the variance of a batch of one."""
        return float(np.trace(self.gram) / len(self.gram))


def gradients(model: nn.Module) -> Gradients:
    """Compute the gradients of all training examples at a fixed net.

    Args:
        model: The net.

    Returns:
        Their inner products and two components of each.
    """
    x, y, *_ = batch_budget.data()
    rows = torch.cat(list(per_example_grads(model, x, y))).double()
    g = rows.mean(0)
    rows = rows - g
    gram, unit = rows @ rows.T, g / g.norm()
    along = rows @ unit
    # the noisiest direction is a sum of rows; what lies along g is taken out first
    inner = gram - torch.outer(along, along)
    values, vectors = torch.linalg.eigh(inner)
    across = vectors[:, -1] * values[-1].clamp(min=0).sqrt()
    across = across * across[across.abs().argmax()].sign()
    norm = float(g.norm())
    return Gradients(gram.numpy(), along.numpy() + norm, across.numpy(), norm)


def _draws(n: int, size: int, way: str, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, size, WAYS.index(way)])
    if way == "with":
        return rng.integers(n, size=(count, size))
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)[:, :size]


def variances(
    found: Gradients, sizes: Sequence[int], way: str, *, draws: int = 500, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the mean squared distance of batch gradients, and compute it.

    Args:
        found: Gradients of a net.
        sizes: Batch sizes.
        way: ``"with"`` or ``"without"`` replacement.
        draws: Batches of each size.
        seed: Decides which.

    Returns:
        Measured and exact, by (1) or (2), one number a size.
    """
    n, measured = len(found.gram), []
    for size in sizes:
        counts = np.zeros((draws, n))
        rows = _draws(n, size, way, draws, seed)
        np.add.at(counts, (np.arange(draws)[:, None], rows), 1 / size)
        measured.append(np.einsum("di,di->d", counts @ found.gram, counts).mean())
    exact = found.trace / np.asarray(sizes, float)  # (1)
    if way == "without":
        exact = exact * (n - np.asarray(sizes)) / (n - 1)  # (2)
    return np.array(measured), exact


def clouds(net: str, sizes: Sequence[int], seed: int = 0) -> dict[str, np.ndarray]:
    """Draw 200 batches of each size both ways and project their gradients.

    Args:
        net: One of `NETS`.
        sizes: Batch sizes.
        seed: Seed of the net and of the draws.

    Returns:
        ``along`` the full gradient and ``across`` it, in units of its norm, each
        ``[way, size, draw]``; ``variance`` measured and ``theory``, in the same unit
        squared, and the share ``uphill`` of batches whose step would raise the loss to
        first order, each ``[way, size]``.
    """
    found = gradients(trained(net, seed))
    points, spread, theory = [], [], []
    for way in WAYS:
        rows = [_draws(len(found.gram), size, way, DRAWN, seed) for size in sizes]
        points.append([
            [c[r].mean(1) / found.norm for r in rows]
            for c in (found.along, found.across)
        ])
        measured, exact = variances(found, sizes, way, draws=DRAWN, seed=seed)
        spread.append(measured / found.norm**2)
        theory.append(exact / found.norm**2)
    along, across = np.moveaxis(np.array(points), 1, 0)
    return {
        "along": along,
        "across": across,
        "variance": np.array(spread),
        "theory": np.array(theory),
        "uphill": (along < 0).mean(-1),
    }
