r"""Watch weights that a batch norm makes free of scale.

If :math:`L(cw) = L(w)` for every c > 0, then (derive by c at c = 1)

.. math:: \langle \nabla L(w), w \rangle = 0, \qquad
    \nabla L(cw) = \tfrac1c \nabla L(w), \qquad (1)

so a step of gradient descent is a right angle to the weights, and

.. math:: \|w_{t+1}\|^2 = \|w_t\|^2 + \eta^2 \|\nabla L(w_t)\|^2. \qquad (2)

References:
    van Laarhoven (2017), arXiv 1706.05350. Arora, Li, Lyu (2018), arXiv 1812.03981.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import init
from coursekit.data import digits
from coursekit.experiments.norm_grid import net
from coursekit.experiments.stacked_training import batches

__all__ = ["norm_history"]


def norm_history(
    norm: str,
    seed: int,
    *,
    lr: float = 0.1,
    scale: float = 1.0,
    matched: bool = True,
    steps: int = 200,
    depth: int = 3,
) -> dict[str, np.ndarray]:
    r"""Train with the hidden weights multiplied by a scale at the start.

    Args:
        norm: A name in ``norm_grid.NORMS``.
        seed: Of weights and order.
        lr: Rate of the hidden weights, before it is matched to their scale.
        scale: Factor c of the hidden weights.
        matched: Whether their rate is c² · lr; otherwise it is lr.
        steps: Updates of 64 digits.
        depth: Hidden layers.

    Returns:
        ``loss`` of each batch; ``squared``, ‖w‖² of the second matrix before each
        update and at the end; ``gained``, η²‖g‖² of each update; ``cosine`` of
        gradient and weights.
    """
    data = digits()
    x, y = data.x_train.double(), data.y_train
    with torch.random.fork_rng(devices=[]):
        model = init.initialize(net(norm, depth=depth).double(), "he_normal", seed=seed)
    # ε breaks the invariance a little; as good as without, (1) is exact
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.eps = 1e-12
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    hidden = [layer.weight for layer in layers[:-1]]
    others = [p for p in model.parameters() if not any(p is w for w in hidden)]
    with torch.no_grad():
        for weight in hidden:
            weight.mul_(scale)
    rate = lr * scale**2 if matched else lr
    rule = torch.optim.SGD([{"params": hidden, "lr": rate}, {"params": others}], lr=lr)
    kept = {name: [] for name in ("loss", "squared", "gained", "cosine")}
    w = hidden[1]
    for rows in batches(len(x), 64, steps, seed):
        rule.zero_grad()
        loss = cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        assert w.grad is not None
        size = w.grad.norm()
        kept["loss"].append(loss.item())
        kept["squared"].append(w.detach().square().sum().item())
        kept["gained"].append((rate * size).square().item())
        kept["cosine"].append((w.grad * w).sum().item() / (size * w.norm()).item())
        rule.step()
    kept["squared"].append(w.detach().square().sum().item())
    return {name: np.array(values) for name, values in kept.items()}
