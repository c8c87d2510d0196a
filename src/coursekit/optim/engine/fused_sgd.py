r"""Run the rules with momentum through torch's fused kernel of SGD.

Its dampening d was meant for something else:

.. math::

    m_t &= \mu\, m_{t-1} + (1 - d)\, g_t \\
    \theta_t &= \theta_{t-1} - \eta\, m_t

But at :math:`\eta = 1` and :math:`1 - d = \eta_t` that is the velocity form of
momentum, and at :math:`d = \mu` the average form. SGDW decays before the velocity
form; LARS is the velocity form with a rate for each tensor; Nesterov's movement is
:math:`\mu\, m_t`, so :math:`\eta = \mu`, and :math:`\eta_t\, g_t` after it. The kernel
keeps no m at :math:`\mu = 0`, and a small :math:`1 - d` reaches it rounded: in both
cases it is not used.
"""

from typing import Any

import torch
from torch import Tensor

from .batch import Batch

__all__ = ["gd", "lars", "nag", "norms", "plain_momentum", "sgdm", "sgdw"]


def _words(batch: Batch, lr: float, momentum: float, **other: Any) -> dict[str, Any]:
    words = {"weight_decay": batch.weight_decay, "maximize": batch.maximize}
    words |= {"lr": lr, "momentum": momentum, "dampening": 0.0, "nesterov": False}
    return {**words, "is_first_step": False, **other}


def _fits(batch: Batch, *scales: float) -> bool:
    # The kernel keeps no m at momentum 0; and told d = 1 - scale, it hears it rounded.
    eps = torch.finfo(batch.gs[0].dtype).eps
    exact = all(abs(1 - (1 - scale) - scale) <= eps * scale for scale in scales)
    return batch.hyper["momentum"] > 0 and exact


def _movement(batch: Batch, scale: float, lr: float = 1.0, **other: Any) -> bool:
    if not _fits(batch, scale):
        return False
    words = _words(batch, lr, batch.hyper["momentum"], dampening=1 - scale, **other)
    torch._fused_sgd_(batch.thetas, batch.gs, batch.past("m"), **words)  # pyright: ignore[reportPrivateImportUsage]
    return True


def gd(batch: Batch) -> bool:
    """Run gradient descent.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    words = _words(batch, batch.hyper["lr"], 0.0)
    torch._fused_sgd_(batch.thetas, batch.gs, [], **words)  # pyright: ignore[reportPrivateImportUsage]
    return True


def sgdm(batch: Batch) -> bool:
    """Run momentum in each of its conventions.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    lr, word = batch.hyper["lr"], batch.hyper["convention"]
    if word == "velocity":
        return _movement(batch, lr)
    return _movement(batch, 1.0 if word == "torch" else 1 - batch.hyper["momentum"], lr)


def nag(batch: Batch) -> bool:
    """Run Nesterov's method.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    lr, mu = batch.hyper["lr"], batch.hyper["momentum"]
    if batch.hyper["variant"] == "torch":
        return _movement(batch, 1.0, lr, nesterov=True)
    if batch.weight_decay or not _movement(batch, lr, mu):
        return False
    rate = -lr if batch.maximize else lr
    torch._foreach_sub_(batch.thetas, batch.gs, alpha=rate)  # pyright: ignore[reportPrivateImportUsage]
    return True


def sgdw(batch: Batch) -> bool:
    """Run SGDW: decay, then momentum.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    lr = batch.hyper["lr"]
    if not _fits(batch, lr):
        return False
    kept = 1 - lr * batch.hyper["weight_decay"]
    torch._foreach_mul_(batch.thetas, kept)  # pyright: ignore[reportPrivateImportUsage]
    return _movement(batch, lr)


def lars(batch: Batch) -> bool:
    """Run LARS: momentum with a rate for each tensor.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    hyper, lr = batch.hyper, batch.hyper["lr"]
    scales = [lr] * len(batch.gs)
    if hyper["adapt"] and batch.gs[0].is_cpu:
        share, weight_decay = lr * hyper["trust"], hyper["weight_decay"]
        scales = [
            share * size / (slope + weight_decay * size)
            if size > 0 and slope > 0
            else lr
            for size, slope in zip(norms(batch.thetas), norms(batch.gs), strict=True)
        ]
    elif hyper["adapt"]:
        return False  # to wait for the norms costs more there
    if not _fits(batch, *scales):
        return False
    alone = ([[x] for x in xs] for xs in (batch.thetas, batch.gs, batch.past("m")))
    words = _words(batch, 1.0, hyper["momentum"], weight_decay=hyper["weight_decay"])
    for theta, g, m, scale in zip(*alone, scales, strict=True):
        words["dampening"] = 1 - scale
        torch._fused_sgd_(theta, g, m, **words)  # pyright: ignore[reportPrivateImportUsage]
    return True


def plain_momentum(batch: Batch, momentum: float, lr: float) -> bool:
    """Run momentum with given numbers, whatever the rule's own ones are.

    Args:
        batch: What is updated.
        momentum: Momentum μ; 0 is refused, because the kernel then keeps no m.
        lr: Learning rate.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    if momentum == 0:
        return False
    words = _words(batch, lr, momentum)
    torch._fused_sgd_(batch.thetas, batch.gs, batch.past("m"), **words)  # pyright: ignore[reportPrivateImportUsage]
    return True


def norms(tensors: list[Tensor]) -> list[float]:
    """Measure each tensor.

    Args:
        tensors: Some tensors.

    Returns:
        Their Euclidean norms.
    """
    return torch.stack(torch._foreach_norm(tensors)).tolist()  # pyright: ignore[reportPrivateImportUsage]
