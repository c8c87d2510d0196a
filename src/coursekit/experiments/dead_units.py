r"""Take one oversized step, and see which units it silences and whether they return.

A net with two hidden layers of 64 units and He's weights makes one update of plain SGD
at rate ``big``, then several hundred at a moderate rate. For every unit the range of
its pre-activation over *all* training digits is recorded: a unit whose largest value is
not above zero is on for no example.

.. math::

    \frac{\partial L}{\partial w_j} = \sum_r \delta_{rj}\, a_r, \qquad
    \delta_{rj} = \varphi'(z_{rj}) \sum_i w_{ij}\, \delta'_{ri} \qquad (1)

With ReLU every :math:`\varphi'` in (1) is 0 for such a unit: the gradient of its
incoming weights is exactly zero.

A net that has diverged is counted apart: NaN is not an inactive unit.

References:
    Maas, Hannun, Ng (2013), ICML workshop on deep learning for audio, section 2.
    Lu, Shin, Su, Karniadakis (2020), arXiv 1903.06733.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from coursekit import data, init, models, probes
from coursekit.experiments import stacked_training

__all__ = ["ACTIVATIONS", "MOMENTS", "WIDTH", "oversized_step"]

WIDTH, BATCH = 64, 64
MOMENTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 600)
ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "elu": nn.ELU,
}


def oversized_step(
    big: float,
    activation: str = "relu",
    *,
    seeds: Sequence[int] = range(5),
    at: Sequence[int] = MOMENTS,
    lr: float = 0.02,
) -> dict[str, np.ndarray]:
    r"""Train with one step at rate `big`, and record the units of both layers.

    Args:
        big: Learning rate of the first update; 0 leaves the net as drawn.
        activation: A key of `ACTIVATIONS`.
        seeds: Of the weights and the order of examples, shared by all rates.
        at: Increasing numbers of ordinary updates after the oversized one.
        lr: Their rate.

    Returns:
        ``low`` and ``high`` ``[seed, moment, unit]``, the range of each of the 128
        pre-activations; ``share`` ``[seed, moment]`` of units that are nowhere above
        zero; ``gradient`` ``[seed, moment]``, root mean square of the gradient of the
        incoming weights of *those units that the step silenced* (NaN if none);
        ``accuracy`` and ``loss`` ``[seed, moment]`` on the training digits. All NaN
        where a net has diverged.
    """
    runs = [_run(big, activation, seed, list(at), lr) for seed in seeds]
    return {key: np.array([run[key] for run in runs]) for key in runs[0]}


def _run(
    big: float, activation: str, seed: int, at: list[int], lr: float
) -> dict[str, list]:
    x, y, *_ = data.digits()
    x = x.double()
    net = models.MLP([64, WIDTH, WIDTH, 10], ACTIVATIONS[activation]).double()
    init.initialize(net, "he_normal", seed=seed)
    order = stacked_training.batches(len(x), BATCH, at[-1] + 1, seed)
    _update(net, x[order[0]], y[order[0]], big)
    record: dict[str, list] = {}
    silenced = _inactive(net, x)
    for t in range(at[-1] + 1):
        if t in at:
            for key, value in _measure(net, x, y, silenced).items():
                record.setdefault(key, []).append(value)
        if t < at[-1]:
            _update(net, x[order[t + 1]], y[order[t + 1]], lr)
    return record


def _update(net: nn.Module, x: torch.Tensor, y: torch.Tensor, lr: float) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    cross_entropy(net(x), y).backward()
    optimizer.step()


def _inactive(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return torch.cat(probes.dead_fraction(net, x).inactive)


def _measure(
    net: models.MLP, x: torch.Tensor, y: torch.Tensor, silenced: torch.Tensor
) -> dict[str, np.ndarray | float]:
    net.zero_grad()
    logits = net(x)
    loss = cross_entropy(logits, y)
    loss.backward()
    z = torch.cat([net[:1](x), net[:3](x)], 1).detach()
    if not bool(z.isfinite().all()):
        nothing = np.full(2 * WIDTH, np.nan)
        scalars = ("share", "gradient", "accuracy", "loss")
        return {"low": nothing, "high": nothing} | dict.fromkeys(scalars, np.nan)
    maps = [net.get_parameter(f"linear{layer}.weight") for layer in (1, 2)]
    rows = torch.cat([w.grad for w in maps if w.grad is not None])
    picked = rows[silenced].square().mean().sqrt() if silenced.any() else np.nan
    return {
        "low": z.amin(0).numpy(),
        "high": z.amax(0).numpy(),
        "share": float((z.amax(0) <= 0).double().mean()),
        "gradient": float(picked),
        "accuracy": float((logits.argmax(1) == y).double().mean()),
        "loss": loss.item(),
    }
