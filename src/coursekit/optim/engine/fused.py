r"""Run some rules through torch's fused kernels, where they say the same.

The rule stays the definition: every kernel is tested to be equal to it to rounding, and
stands in only for plain numbers on dense float tensors. What it saves is memory traffic
and calls: it walks over all of its tensors once.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from . import fused_adam, fused_sgd
from .batch import Batch
from .threads import one_thread
from .vector import PIECE

__all__ = ["Kernel", "fused_step", "kernel_for"]

FLOATS = {torch.float32, torch.float64}
Kernel = Callable[[Batch], bool]

# Name of the rule: the operation that has to be there, and what calls it.
KERNELS: dict[str, tuple[str, Kernel]] = {
    **dict.fromkeys(("gd", "sgd"), ("_fused_sgd_", fused_sgd.gd)),
    "sgdm": ("_fused_sgd_", fused_sgd.sgdm),
    "nag": ("_fused_sgd_", fused_sgd.nag),
    "sgdw": ("_fused_sgd_", fused_sgd.sgdw),
    "lars": ("_fused_sgd_", fused_sgd.lars),
    "radam": ("_fused_adam_", fused_adam.radam),
    "lamb": ("_fused_adam_", fused_adam.lamb),
    "swats": ("_fused_adam_", fused_adam.swats),
    "adam": ("_fused_adam_", fused_adam.adam),
    "adamw": ("_fused_adamw_", fused_adam.adamw),
    "amsgrad": ("_fused_adam_", fused_adam.amsgrad),
    "adagrad": ("_fused_adagrad_", fused_adam.adagrad),
}


def fused_step(rule: str, batch: Batch) -> bool:
    r"""Update parameters and states in place, if a kernel does what the rule says.

    Args:
        rule: Name of the rule.
        batch: Parameters, their gradients and states, and the numbers.

    Returns:
        Whether it was done; False leaves everything as it was.

    Example:
        >>> theta, state = torch.ones(2), {"m": torch.zeros(2), "v": torch.zeros(2)}
        >>> hyper = {"lr": 0.25, "betas": (0.9, 0.999), "eps": 1e-8}
        >>> for variant in ("eps_hat", "paper"):
        ...     words = {**hyper, "variant": variant}
        ...     fused_step("adam", Batch([theta], [5 * theta], [state], 1, words))
        False
        True
        >>> theta
        tensor([0.7500, 0.7500])
    """
    kernel = kernel_for(rule, batch)
    if kernel is None:
        return False
    with one_thread(all(g.numel() <= PIECE for g in batch.gs)):
        return kernel(batch)


def kernel_for(rule: str, batch: Batch) -> Kernel | None:
    """Find the kernel that takes such a batch, for whoever makes many like it.

    Args:
        rule: Name of the rule.
        batch: Parameters, their gradients and states, and the numbers.

    Returns:
        What updates a batch and says whether it did; None if there is nothing for
        this rule, these numbers or this layout in memory.
    """
    if rule not in KERNELS:
        return None
    operation, kernel = KERNELS[rule]
    numbers = [batch.weight_decay, *batch.hyper.values(), *batch.hyper.get("betas", ())]
    if (
        not _known(operation, batch.gs[0].device.type)
        or any(isinstance(number, Tensor) for number in numbers)
        or not _dense(batch)
    ):
        return None
    return kernel


@cache
def _known(operation: str, device: str) -> bool:
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    try:
        return has(f"aten::{operation}", device.upper())
    except RuntimeError:  # an older torch, or a device without kernels
        return False


def _dense(batch: Batch) -> bool:
    # A kernel walks over memory and takes no gaps; what is shorter it rounds otherwise.
    dtype = batch.thetas[0].dtype
    tensors = [*batch.thetas, *batch.gs]
    for name in batch.states[0].keys() - {"step"}:
        tensors += batch.past(name)
    whole = dtype in FLOATS and all(map(Tensor.is_contiguous, tensors))
    return whole and all(g.dtype is dtype for g in batch.gs)
