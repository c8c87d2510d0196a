r"""Compare running averages of a batch norm with what they estimate.

.. math:: \bar\mu \leftarrow p\,\bar\mu + (1-p)\,\mu_B, \qquad
    \bar\sigma^2 \leftarrow p\,\bar\sigma^2 + (1-p)\,\tfrac{m}{m-1}\sigma_B^2 \qquad (1)

with m numbers in the batch's mean. Training does not depend on p, so one run serves
all values of p.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from coursekit import init
from coursekit.data import digits
from coursekit.experiments.norm_grid import net
from coursekit.experiments.stacked_training import batches

__all__ = ["STEPS", "history"]

STEPS, DEPTH = 60, 3


def _pass(model, x: Tensor, stats=None) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Return logits and the statistics of each norm, by `stats` or the batch's own."""
    seen = []
    for l in range(1, DEPTH + 1):
        z = linear(x, *model.get_submodule(f"linear{l}").parameters())
        part = model.get_submodule(f"norm{l}")
        seen.append((z.mean(0), z.var(0)))
        biased = z.var(0, correction=0)
        mean, var = (seen[-1][0], biased) if stats is None else stats[l - 1]
        x = ((z - mean) / (var + part.eps).sqrt() * part.weight + part.bias).relu()
    return linear(x, *model.get_submodule(f"linear{DEPTH + 1}").parameters()), seen


def history(
    batch_size: int, shares: Sequence[float], *, seed: int, lr: float = 0.1
) -> dict[str, np.ndarray]:
    """Train 60 updates and keep one unit's averages and the accuracy they give.

    Args:
        batch_size: Digits an update, at least 2.
        shares: Values of p.
        seed: Of weights and order.
        lr: Rate of SGD.

    Returns:
        ``batch`` and ``true`` mean of unit 1 of layer 2, ``[step]``; ``running``,
        its average for each p, and ``accuracy`` by running averages,
        ``[share, step]``; ``batch_accuracy`` by the statistics of the whole test
        set, ``[step]``.
    """
    data = digits()
    x, y = data.x_train.double(), data.y_train
    x_test, y_test = data.x_test.double(), data.y_test
    model = init.initialize(net("batch", depth=DEPTH).double(), "he_normal", seed=seed)
    rule = torch.optim.SGD(model.parameters(), lr=lr)
    ones = torch.ones(64, dtype=torch.double)
    averages = [[(0 * ones, ones)] * DEPTH for _ in shares]
    kept = {k: [] for k in ("batch", "true", "running", "accuracy", "batch_accuracy")}
    for rows in batches(len(x), batch_size, STEPS, seed):
        logits, seen = _pass(model, x[rows])
        rule.zero_grad()
        cross_entropy(logits, y[rows]).backward()
        with torch.no_grad():
            for k, p in enumerate(shares):
                pairs = zip(averages[k], seen, strict=True)
                averages[k] = [
                    (p * m + (1 - p) * a, p * v + (1 - p) * b)  # (1)
                    for (m, v), (a, b) in pairs
                ]
            # before the update: the averages belong to the weights that made them
            right = [
                (_pass(model, x_test, a)[0].argmax(1) == y_test).double().mean()
                for a in averages
            ]
            whole = _pass(model, x)[1]
            own = _pass(model, x_test)[0].argmax(1) == y_test
        rule.step()
        kept["batch"].append(seen[1][0][0].item())
        kept["true"].append(whole[1][0][0].item())
        kept["running"].append([a[1][0][0].item() for a in averages])
        kept["accuracy"].append([r.item() for r in right])
        kept["batch_accuracy"].append(own.double().mean().item())
    return {name: np.array(values).T for name, values in kept.items()}
