r"""Run the rules with a mean of squares through torch's fused kernels of Adam.

Its kernel does more than Adam. It does not correct the bias of averages that it is told
began long ago, which is AMSGrad as published. RAdam is Adam with another rate, and with
:math:`\epsilon / \sqrt{1-\beta_2^t}`, since its ε stands beside the root of v, not of
:math:`\hat v`. And from :math:`\theta = 0` at rate 1 the kernel leaves Adam's direction
behind, which LAMB then scales to the layer.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch

from ..switch import judge
from .batch import Batch
from .fused_sgd import norms, plain_momentum

__all__ = ["adagrad", "adam", "adamw", "amsgrad", "lamb", "radam", "swats"]

LONG_AGO = 1e30


@lru_cache(8)
def _number(t: float, device: torch.device) -> torch.Tensor:
    # kernels only read it, and all groups of an update share it
    return torch.tensor(float(t), device=device)


def _call(
    batch: Batch,
    kernel: str = "_fused_adam_",
    *,
    t: float = 0.0,
    amsgrad: bool = False,
    **other: Any,
) -> bool:
    numbers = {name: batch.hyper[name] for name in ("lr", "eps")}
    numbers["beta1"], numbers["beta2"] = batch.hyper["betas"]
    words = {"weight_decay": batch.weight_decay, "maximize": batch.maximize}
    getattr(torch, kernel)(
        batch.thetas,
        batch.gs,
        batch.past("m"),
        batch.past("v"),
        batch.past("v_max") if amsgrad else [],
        [_number(t or batch.t, batch.gs[0].device)] * len(batch.gs),
        **{**words, **numbers, "amsgrad": amsgrad, **other},
    )
    return True


def adam(batch: Batch) -> bool:
    """Run Adam, but for its form with another ε.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    return batch.hyper["variant"] != "eps_hat" and _call(batch)


def adamw(batch: Batch) -> bool:
    """Run AdamW.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    weight_decay = batch.hyper["weight_decay"]
    return _call(batch, "_fused_adamw_", weight_decay=weight_decay)


def amsgrad(batch: Batch) -> bool:
    """Run AMSGrad: as in torch, or long after the start.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    t = batch.t if batch.hyper["variant"] == "torch" else LONG_AGO
    return _call(batch, amsgrad=True, t=t)


def radam(batch: Batch) -> bool:
    """Run RAdam where it is rectified.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    from ..radam import THRESHOLD, rectifier  # it imports what imports this

    beta2, threshold = batch.hyper["betas"][1], THRESHOLD[batch.hyper["variant"]]
    rect = rectifier(batch.t, beta2, threshold=threshold)
    correction = (1 - beta2**batch.t) ** 0.5
    # The kernel has its eps beside the corrected root, RAdam beside the other one.
    lr, eps = rect * batch.hyper["lr"], batch.hyper["eps"] / correction
    return bool(rect > 0) and _call(batch, lr=lr, eps=eps)


def lamb(batch: Batch) -> bool:
    """Run LAMB: Adam from zero, then the length of the layer.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    lr, thetas = batch.hyper["lr"], batch.thetas
    if not batch.hyper["adapt"] or not thetas[0].is_cpu:
        return False
    # From zero and at rate 1, Adam's step is the direction with its sign turned.
    rs = [torch.zeros_like(theta) for theta in thetas]
    _call(replace(batch, thetas=rs), lr=1.0)
    torch._foreach_add_(rs, thetas, alpha=-batch.hyper["weight_decay"])  # pyright: ignore[reportPrivateImportUsage]
    pairs = zip(norms(thetas), norms(rs), strict=True)
    scales = [lr * size / r if size > 0 and r > 0 else lr for size, r in pairs]
    torch._foreach_mul_(rs, scales)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_add_(thetas, rs)  # pyright: ignore[reportPrivateImportUsage]
    return True


def adagrad(batch: Batch) -> bool:
    """Run AdaGrad.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    if batch.hyper["initial_accumulator_value"] and batch.t == 1:
        return False
    torch._fused_adagrad_(  # pyright: ignore[reportPrivateImportUsage]
        batch.thetas,
        batch.gs,
        batch.past("v"),
        [torch.tensor(float(batch.t), device=batch.gs[0].device)] * len(batch.gs),
        lr=batch.hyper["lr"],
        lr_decay=batch.hyper["lr_decay"],
        weight_decay=batch.weight_decay,
        eps=batch.hyper["eps"],
        maximize=batch.maximize,
    )
    return True


def swats(batch: Batch) -> bool:
    """Run SWATS: Adam from zero gives its p, with its sign turned; then SGD's kernel.

    Args:
        batch: What is updated.

    Returns:
        Whether it was done; False leaves everything as it was.
    """
    state, hyper = batch.states[0], batch.hyper
    if not batch.gs[0].is_cpu or batch.weight_decay:
        return False
    beta1, beta2 = hyper["betas"]
    if state["rate"]:
        lr = (1 - beta1) * state["rate"].item() * hyper["lr"]
        return plain_momentum(batch, beta1, lr)
    flat = torch.zeros_like(_flat(batch.thetas))
    parts = flat.split([theta.numel() for theta in batch.thetas])
    rs = [r.view_as(theta) for r, theta in zip(parts, batch.thetas, strict=True)]
    sign = 1 if batch.maximize else -1
    _call(replace(batch, thetas=rs), eps=hyper["eps"] / (1 - beta2**batch.t) ** 0.5)
    pp, pg = torch.dot(flat, flat)[None], sign * torch.dot(flat, _flat(batch.gs))[None]
    options = {name: hyper[name] for name in ("lr", "criterion", "k_min")}
    lam, rate, switch = judge(pp, pg, state, batch.t, beta2=beta2, **options)
    torch._foreach_add_(batch.thetas, rs)  # pyright: ignore[reportPrivateImportUsage]
    if switch:
        torch._foreach_zero_(batch.past("m"))  # pyright: ignore[reportPrivateImportUsage]
    for own in batch.states:
        own |= {"lam": lam, "rate": rate}
    return True


def _flat(tensors: list[torch.Tensor]) -> torch.Tensor:
    flat = [tensor.view(-1) for tensor in tensors]
    return flat[0] if len(flat) == 1 else torch.cat(flat)
