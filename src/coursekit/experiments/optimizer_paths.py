r"""Follow every optimizer on the same surface, each at the best rate of one grid.

A rule sees only gradients; on a surface of two parameters its whole path can be drawn.
All rates of the grid run as one batch of the pure rule. The rate that counts is chosen
alike for each: of the paths that never leave the picture, the one whose loss above the
minimum is lowest at the worst of its last 20 updates. So a path that was near the
minimum and left it again does not win.

What can be compared is the shape of the path and how long it takes, not the rates: a
rate has another unit for each rule. Rules that decay the weights have an advantage
where the minimum is at the origin, as it is in the bowl.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit import optim
from coursekit.curvature.surfaces import bowl, rosenbrock, strict_saddle
from coursekit.optim import Rule

__all__ = [
    "METHODS",
    "RATES",
    "STEPS",
    "SURFACES",
    "VIEW",
    "best_rate",
    "gap",
    "near_best",
    "paths",
    "reached",
]

Change = Callable[[Tensor, int], Tensor]
Method = tuple[Rule, dict[str, Any], Change | None]

STEPS = 150
ASIDE = 3  # rates of the grid between a path shown and its neighbour: a factor √10
LAST = 20
RATES = np.round(np.geomspace(1e-4, 1e3, 43), 12)  # six a decade
LOST = 1e6  # further out than this a path is said to diverge
VIEW = ((-2.3, 2.3), (-1.7, 2.4))  # what a picture of any of the surfaces shows


def _tilted_bowl(theta: Tensor) -> Tensor:
    return bowl(theta, kappa=50.0, angle=30.0)


# name: the surface, where paths start, and its minimum
SURFACES: dict[str, tuple[Callable[[Tensor], Tensor], tuple[float, float], float]] = {
    "bowl": (_tilted_bowl, (-1.6, 1.8), 0.0),
    "saddle": (strict_saddle, (1.4, 0.001), -0.25),
    "valley": (rosenbrock, (-1.2, 1.0), 0.0),
}


def _noise(g: Tensor, t: int) -> Tensor:
    draw = torch.Generator().manual_seed(t)
    # every rate sees the same noise, so that only the rate differs
    noise = optim.gradient_noise(torch.zeros(2), t, eta=0.01, generator=draw)
    return g + noise.to(g)


def _norm_clipped(g: Tensor, t: int) -> Tensor:
    return optim.clip_norm([g], 1.0, batch_dims=1)[0]


def _value_clipped(g: Tensor, t: int) -> Tensor:
    return optim.clip_value([g], 1.0)[0]


def _plain(*rules: Rule) -> dict[str, Method]:
    return {rule.name: (rule, {}, None) for rule in rules}


# name: a rule, its arguments beside the rate, and what changes the gradient before it;
# what only changes the gradient stands before sgd
METHODS: dict[str, Method] = {
    **_plain(optim.gd, optim.sgd),
    "steepest l1": (optim.steepest, {"norm": "l1"}, None),
    "steepest linf": (optim.steepest, {"norm": "linf"}, None),
    **_plain(optim.sgdm, optim.nag, optim.sgdw, optim.adagrad, optim.rms_mean),
    **_plain(optim.rmsprop, optim.adam, optim.adamw, optim.amsgrad, optim.nadam),
    **_plain(optim.radam, optim.adabound),
    "swats": (optim.swats, {"criterion": "step", "k_min": 30}, None),
    **_plain(optim.lars, optim.lamb),
    "lookahead sgdm": (optim.lookahead(optim.sgdm), {}, None),
    "lookahead adam": (optim.lookahead(optim.adam), {}, None),
    "clip_norm": (optim.sgd, {}, _norm_clipped),
    "clip_value": (optim.sgd, {}, _value_clipped),
    "gradient_noise": (optim.sgd, {}, _noise),
    "with_l2": (optim.with_l2(optim.sgd), {"weight_decay": 0.01}, None),
}


def paths(
    surface: str, method: str, rates: Any = RATES, steps: int = STEPS
) -> np.ndarray:
    r"""Run one rule from the start of a surface, at all rates at once.

    Args:
        surface: A name in ``SURFACES``.
        method: A name in ``METHODS``.
        rates: Learning rates, one path each.
        steps: Number of updates.

    Returns:
        Positions ``[rate, update, 2]``, the start included; after a path has diverged,
        NaN.

    Example:
        >>> path = paths("bowl", "gd", [0.01], steps=2)[0]
        >>> path.shape, path[0].tolist()
        ((3, 2), [-1.6, 1.8])
    """
    f, start, _ = SURFACES[surface]
    rule, hyper, change = METHODS[method]
    lr = torch.tensor(np.asarray(rates, float)).unsqueeze(-1)
    theta = torch.tensor(start, dtype=torch.float64).repeat(len(lr), 1)
    state, walk = rule.init(theta), [theta]
    for t in range(1, steps + 1):
        # a path that is lost keeps its last place, and poisons no other
        held = torch.nan_to_num(theta, nan=LOST).clamp(-LOST, LOST)
        g = torch.func.grad(lambda x: f(x).sum())(held)
        g = change(g, t) if change else g
        delta, state = rule.update(g, state, held, t, lr=lr, **hyper)
        theta = held - delta
        walk.append(theta)
    return _until_lost(torch.stack(walk, dim=1).numpy())


def _until_lost(walk: np.ndarray) -> np.ndarray:
    far = ~(np.abs(walk) < LOST).all(-1)
    lost = np.maximum.accumulate(far, axis=1)
    return np.where(lost[..., None], np.nan, walk)


def gap(surface: str, walk: np.ndarray) -> np.ndarray:
    r"""Return the loss above the minimum along paths; infinite where they are lost.

    Args:
        surface: A name in ``SURFACES``.
        walk: Positions ``[*, 2]``.

    Returns:
        ``[*]``, at least 0.

    Example:
        >>> gap("saddle", np.array([[0.0, 1.0], [0.0, 0.0]])).tolist()
        [0.0, 0.25]
    """
    f, _, lowest = SURFACES[surface]
    values = f(torch.from_numpy(walk)).numpy() - lowest
    return np.where(np.isfinite(values), np.maximum(values, 0.0), np.inf)


def best_rate(walk: np.ndarray, losses: np.ndarray) -> int:
    r"""Choose among the paths in view by the worst of the last 20 losses.

    Args:
        walk: Positions ``[rate, update, 2]``.
        losses: Losses above the minimum ``[rate, update]``.

    Returns:
        The number of the row; of equals the first, and the first if none is in view.

    Example:
        >>> walk = np.zeros((3, 2, 2))
        >>> best_rate(walk, np.array([[3.0, 2.0], [2.5, 0.5], [3.0, np.inf]]))
        1
    """
    low, high = np.array(VIEW).T
    seen = ((walk >= low) & (walk <= high)).all((-2, -1))
    worst = np.where(seen, losses[:, -LAST:].max(-1), np.inf)
    return int(np.argmin(worst))


def reached(losses: np.ndarray, share: float = 1e-3) -> np.ndarray:
    r"""Count the updates after which a path stays below a share of its first loss.

    Args:
        losses: Losses above the minimum ``[*, update]``.
        share: Share of the first one.

    Returns:
        ``[*]``; NaN where the end is not below.

    Example:
        >>> reached(np.array([[8.0, 1.0, 4.0, 0.5, 0.1], [8.0, 9, 9, 9, 9]]), 0.2)
        array([ 3., nan])
    """
    above = losses > share * losses[..., :1]
    last = losses.shape[-1] - np.argmax(above[..., ::-1], axis=-1)
    return np.where(above[..., -1], np.nan, np.where(above.any(-1), last, 0.0))


def near_best(surface: str, method: str) -> dict[str, np.ndarray]:
    r"""Follow a rule at its best rate, and at a √10 times smaller and larger one.

    Args:
        surface: A name in ``SURFACES``.
        method: A name in ``METHODS``.

    Returns:
        Position ``px`` and ``py``, at most ±9, and loss above the minimum ``gap``, at
        least 1e-9, each ``[3, update]``; ``lr`` and the updates ``reached``, 0 if not,
        each ``[3]``.

    Example:
        >>> near_best("bowl", "nag")["reached"].tolist()
        [55.0, 45.0, 0.0]
    """
    walk = paths(surface, method)
    losses = gap(surface, walk)
    best = best_rate(walk, losses)
    rows = np.clip([best - ASIDE, best, best + ASIDE], 0, len(RATES) - 1)
    return {
        "px": np.clip(walk[rows, :, 0], -9, 9),
        "py": np.clip(walk[rows, :, 1], -9, 9),
        "gap": np.clip(losses[rows], 1e-9, 1e6),
        "lr": RATES[rows],
        "reached": np.nan_to_num(reached(losses[rows])),
    }
