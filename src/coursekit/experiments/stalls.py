r"""Make four runs with one loss curve's end and four different causes.

The model is a linear map from 8 features to 4 targets, the loss half the mean squared
error. With the moments :math:`\Sigma_{xx}, \Sigma_{yx}` of the data,

.. math::

    L(W) &= C - \langle W, \Sigma_{yx}\rangle
        + \tfrac12 \langle W \Sigma_{xx}, W\rangle \qquad (1) \\
    G &= W \Sigma_{xx} - \Sigma_{yx} \qquad (2)

and for :math:`W = W_2 W_1` the gradients are :math:`W_2^\top G` and
:math:`G W_1^\top`. In white units (:math:`\Sigma_{xx} = I`) the best map has the
singular values 2, 1, 1, 1. Every critical point of the product learns some of them and
leaves the others; the one that learns the first alone has

.. math:: L_1 = C - \tfrac12 2^2 = L_{min} + \tfrac12 (1 + 1 + 1). \qquad (3)

All four runs end there:

* ``bouncing``: the units of the features give the last three directions the curvature
  1, and the rate is just below 2/1: each update overshoots by what it corrects.
* ``slow``: the units give them a curvature of 0.001.
* ``saddle``: a product with four inner units of which three start at zero, in and out:
  their gradient is zero, and stays so.
* ``bias``: a product with one inner unit. There is nothing lower in its class.

Features in other units span the same functions, so the first three have one class.

References:
    Baldi, Hornik (1989), Neural networks and principal component analysis, Neural
    Networks 2 (1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from coursekit._validate import check_in
from coursekit.curvature import hessian

__all__ = [
    "CAUSES",
    "LEVEL",
    "REMEDIES",
    "Patients",
    "descend",
    "draw",
    "min_eigenvalue",
    "record",
    "treat",
]

CAUSES = ("bouncing", "slow", "saddle", "bias")
REMEDIES = ("none", "half the rate", "100 × the updates", "noise", "a larger model")
SINGULAR, FLOOR, UPDATES = np.array([2.0, 1.0, 1.0, 1.0]), 0.5, 200
ENERGY, LEVEL = FLOOR + (SINGULAR**2).sum() / 2, FLOOR + 1.5
EDGE, RATE, SLOW, KICK = 2 * (1 - 1e-7), 0.1, 1e-3, 1e-3


@dataclass(frozen=True)
class Patients:
    """Hold models with their problems, one a seed, and their common rate.

    Attributes:
        maps: The matrices, first applied first, each `[seed, out, in]`.
        xx: Second moments of the features, `[seed, 8, 8]`.
        yx: Moments of targets and features, `[seed, 4, 8]`.
        rate: Learning rate.
    """

    maps: tuple[np.ndarray, ...]
    xx: np.ndarray
    yx: np.ndarray
    rate: float

    def product(self) -> np.ndarray:
        """Return the linear map that the matrices compute.

        Returns:
            The maps, `[seed, 4, 8]`.
        """
        first, *rest = self.maps
        return rest[0] @ first if rest else first

    def loss(self) -> np.ndarray:
        """Return equation (1).

        Returns:
            The loss of each seed.
        """
        W = self.product()
        return ENERGY - (W * (self.yx - W @ self.xx / 2)).sum((1, 2))  # (1)

    def gradients(self) -> tuple[np.ndarray, ...]:
        """Return the gradient of each matrix.

        Returns:
            One array a matrix, each of its shape.
        """
        G = self.product() @ self.xx - self.yx  # (2)
        if not self.maps[1:]:
            return (G,)
        return _t(self.maps[1]) @ G, G @ _t(self.maps[0])

    def step(self) -> Patients:
        """Make one update of gradient descent.

        Returns:
            The models after it.
        """
        pairs = zip(self.maps, self.gradients(), strict=True)
        return replace(self, maps=tuple(m - self.rate * g for m, g in pairs))


def draw(cause: str, seeds: Sequence[int] = range(8)) -> Patients:
    """Draw problems, and models whose runs will end at `LEVEL`.

    Args:
        cause: One of `CAUSES`.
        seeds: Of the directions and of the first weights, shared by the causes.

    Returns:
        The models before their first update.
    """
    check_in("cause", cause, CAUSES)
    units = {"bouncing": [0.05, 1, 1, 1], "slow": [1, SLOW, SLOW, SLOW]}
    power = np.append(units.get(cause, [1.0] * 4), [0.5] * 4)
    drawn = [_one(seed, power) for seed in seeds]
    xx, yx, first, last = (np.stack(each) for each in zip(*drawn, strict=True))
    maps: tuple[np.ndarray, ...] = (np.zeros_like(yx),)
    if cause in ("saddle", "bias"):
        idle = 3 * (cause == "saddle")
        none = (0, 0)
        maps = (
            np.pad(first, (none, (0, idle), none)),
            np.pad(last, (none, none, (0, idle))),
        )
    return Patients(maps, xx, yx, EDGE if cause == "bouncing" else RATE)


def _one(seed: int, power: np.ndarray) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (4, 8))
    xx = (v * power) @ v.T
    best = (u * SINGULAR) @ (v[:, :4] / np.sqrt(power[:4])).T
    small = rng.normal(size=(1, 8)), rng.normal(size=(4, 1))
    return xx, best @ xx, *(0.3 * w for w in small)


def descend(patients: Patients, updates: int = UPDATES) -> Patients:
    """Run gradient descent.

    Args:
        patients: Where to start.
        updates: How many.

    Returns:
        The models at the end.
    """
    for _ in range(updates):
        patients = patients.step()
    return patients


def record(patients: Patients, updates: int = UPDATES) -> dict[str, np.ndarray]:
    """Run gradient descent and write down loss and gradient.

    Args:
        patients: Where to start.
        updates: How many.

    Returns:
        ``loss`` and ``gradient``, the norm over all matrices, before each update and
        at the end, each `[seed, updates + 1]`.
    """
    losses, norms = [], []
    for _ in range(updates + 1):
        losses.append(patients.loss())
        squares = [(g**2).sum((1, 2)) for g in patients.gradients()]
        norms.append(np.sqrt(sum(squares)))
        patients = patients.step()
    return {"loss": np.stack(losses, 1), "gradient": np.stack(norms, 1)}


def treat(patients: Patients, remedy: str, seed: int = 0) -> np.ndarray:
    """Apply one remedy to stalled models and train on for 200 updates.

    Args:
        patients: Models at the end of their runs.
        remedy: One of `REMEDIES`. Noise is added to all weights, once. A larger model
            has three more inner units with small random weights; a single matrix
            has the full rank already and gets features without information.
        seed: Of the noise.

    Returns:
        Loss of each seed afterwards.
    """
    check_in("remedy", remedy, REMEDIES)
    rng, updates = np.random.default_rng(seed), UPDATES

    def noise(shape: tuple[int, ...]) -> np.ndarray:
        return KICK * rng.normal(size=shape)

    maps = patients.maps
    if remedy == "half the rate":
        patients = replace(patients, rate=patients.rate / 2)
    elif remedy == "100 × the updates":
        updates *= 100
    elif remedy == "noise":
        patients = replace(patients, maps=tuple(m + noise(m.shape) for m in maps))
    elif remedy == "a larger model" and maps[1:]:
        n = len(maps[0])
        first = np.concatenate([maps[0], noise((n, 3, 8))], 1)
        last = np.concatenate([maps[1], noise((n, 4, 3))], 2)
        patients = replace(patients, maps=(first, last))
    return descend(patients, updates).loss()


def min_eigenvalue(patients: Patients) -> np.ndarray:
    """Return the smallest eigenvalue of the Hessian of each model.

    Args:
        patients: The models.

    Returns:
        One number a seed.
    """
    shapes = [m.shape[1:] for m in patients.maps]
    flat = np.concatenate([m.reshape(len(m), -1) for m in patients.maps], 1)
    found = []
    for theta, xx, yx in zip(flat, patients.xx, patients.yx, strict=True):
        a, b = torch.tensor(xx), torch.tensor(yx)

        def loss(t: Tensor, a: Tensor = a, b: Tensor = b) -> Tensor:
            parts = t.split([p * q for p, q in shapes])
            W, *rest = (m.view(s) for m, s in zip(parts, shapes, strict=True))
            W = rest[0] @ W if rest else W
            return (W @ a * W).sum() / 2 - (W * b).sum()

        H = hessian(loss, torch.tensor(theta))
        found.append(float(torch.linalg.eigvalsh(H)[0]))
    return np.array(found)


def _t(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, 1, 2)
