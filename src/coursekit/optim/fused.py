r"""Run some rules through torch's fused kernels, where they say the same.

The rule stays the definition: every function here is tested to be equal to it to
rounding, and stands in only for plain numbers on dense float tensors. What it saves is
memory traffic, since a fused kernel walks over its tensors once. Two kernels go far.
That of SGD, with a dampening d that its authors meant for something else, does

.. math::

    m_t &= \mu\, m_{t-1} + (1 - d)\, g_t \\
    \theta_t &= \theta_{t-1} - \eta\, m_t

The velocity form of momentum is that at :math:`\eta = 1, 1 - d = \eta_t`, the average
form at :math:`d = \mu`. SGDW decays before the velocity form; LARS is the velocity form
with a rate for each tensor; Nesterov's movement is :math:`\mu\,m_t`, so at
:math:`\eta = \mu`, and :math:`\eta_t\, g_t`. And Adam's kernel does not correct the bias
of an average that it is told began long ago.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

__all__ = ["Batch", "fused_step"]

LONG_AGO = 1e30


@dataclass
class Batch:
    """Hold what is updated together, parameter by parameter.

    Attributes:
        thetas: Parameters, changed in place.
        gs: Their gradients; not changed.
        states: Their states, with tensors that are changed in place.
        t: Number of the update, from 1.
        hyper: Hyperparameters of the rule.
        weight_decay: Coefficient of an L2 penalty.
        maximize: Whether to go up the gradient.
    """

    thetas: list[Tensor]
    gs: list[Tensor]
    states: list[dict[str, Any]]
    t: int
    hyper: dict[str, Any]
    weight_decay: float = 0.0
    maximize: bool = False

    def past(self, name: str) -> list[Tensor]:
        """List an entry of the states.

        Args:
            name: Its name.

        Returns:
            One tensor for each parameter.
        """
        return [state[name] for state in self.states]

    def tensors(self) -> list[str]:
        """List the names of state tensors.

        Returns:
            Their names.
        """
        return [name for name in self.states[0] if name != "step"]

    def each(self) -> "list[Batch]":
        """Take the batch apart.

        Returns:
            A batch for each parameter.
        """
        rows = zip(self.thetas, self.gs, self.states, strict=True)
        return [
            replace(self, thetas=[theta], gs=[g], states=[state])
            for theta, g, state in rows
        ]

    def steps(self, t: float) -> list[Tensor]:
        """Write a number of an update as the kernels want it.

        Args:
            t: The number.

        Returns:
            One tensor for each parameter.
        """
        return [torch.tensor(float(t), device=self.gs[0].device)] * len(self.gs)


def _sgd(batch: Batch, lr: float, **other: Any) -> None:
    words = {"weight_decay": batch.weight_decay, "maximize": batch.maximize}
    words |= {"momentum": 0.0, "dampening": 0.0, "nesterov": False, **other}
    past = batch.past("m") if words["momentum"] else []
    kernel = torch._fused_sgd_  # pyright: ignore[reportPrivateImportUsage]
    kernel(batch.thetas, batch.gs, past, lr=lr, is_first_step=False, **words)


def _fits(batch: Batch, *scales: float) -> bool:
    # The kernel keeps no m at momentum 0; and told d = 1 - scale, it hears it rounded.
    eps = torch.finfo(batch.gs[0].dtype).eps
    exact = all(abs(1 - (1 - scale) - scale) <= eps * scale for scale in scales)
    return batch.hyper["momentum"] > 0 and exact


def _movement(batch: Batch, scale: float, lr: float = 1.0, **other: Any) -> bool:
    if not _fits(batch, scale):
        return False
    mu = batch.hyper["momentum"]
    _sgd(batch, lr, momentum=mu, dampening=1 - scale, **other)
    return True


def _gd(batch: Batch) -> bool:
    _sgd(batch, batch.hyper["lr"])
    return True


def _sgdm(batch: Batch) -> bool:
    lr, word = batch.hyper["lr"], batch.hyper["convention"]
    if word == "velocity":
        return _movement(batch, lr)
    return _movement(batch, 1.0 if word == "torch" else 1 - batch.hyper["momentum"], lr)


def _nag(batch: Batch) -> bool:
    lr, mu = batch.hyper["lr"], batch.hyper["momentum"]
    if batch.hyper["variant"] == "torch":
        return _movement(batch, 1.0, lr, nesterov=True)
    if batch.weight_decay or not _movement(batch, lr, mu):
        return False
    rate = -lr if batch.maximize else lr
    torch._foreach_sub_(batch.thetas, batch.gs, alpha=rate)  # pyright: ignore[reportPrivateImportUsage]
    return True


def _sgdw(batch: Batch) -> bool:
    lr = batch.hyper["lr"]
    if not _fits(batch, lr):
        return False
    kept = 1 - lr * batch.hyper["weight_decay"]
    torch._foreach_mul_(batch.thetas, kept)  # pyright: ignore[reportPrivateImportUsage]
    return _movement(batch, lr)


def _lars(batch: Batch) -> bool:
    lr, trust, weight_decay = (
        batch.hyper[name] for name in ("lr", "trust", "weight_decay")
    )
    norm = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]
    lengths = (torch.stack(norm(xs)).tolist() for xs in (batch.thetas, batch.gs))
    scales = [
        lr * trust * size / (slope + weight_decay * size) if size and slope else lr
        for size, slope in zip(*lengths, strict=True)
    ]
    parts = batch.each()
    if not batch.hyper["adapt"]:
        scales, parts = [lr], [batch]
    if not _fits(batch, *scales):
        return False
    for one, scale in zip(parts, scales, strict=True):
        _movement(one, scale, weight_decay=weight_decay)
    return True


def _adam(batch: Batch, kernel: str = "_fused_adam_", **other: Any) -> bool:
    words = {"weight_decay": batch.weight_decay, "amsgrad": False, "t": batch.t}
    words |= other
    getattr(torch, kernel)(
        batch.thetas,
        batch.gs,
        batch.past("m"),
        batch.past("v"),
        batch.past("v_max") if words["amsgrad"] else [],
        batch.steps(words.pop("t")),
        lr=batch.hyper["lr"],
        beta1=batch.hyper["betas"][0],
        beta2=batch.hyper["betas"][1],
        eps=batch.hyper["eps"],
        maximize=batch.maximize,
        **words,
    )
    return True


def _adam_corrected(batch: Batch) -> bool:
    return batch.hyper["variant"] != "eps_hat" and _adam(batch)


def _adamw(batch: Batch) -> bool:
    weight_decay = batch.hyper["weight_decay"]
    return _adam(batch, "_fused_adamw_", weight_decay=weight_decay)


def _amsgrad(batch: Batch) -> bool:
    t = batch.t if batch.hyper["variant"] == "torch" else LONG_AGO
    return _adam(batch, amsgrad=True, t=t)


def _adagrad(batch: Batch) -> bool:
    if batch.hyper["initial_accumulator_value"] and batch.t == 1:
        return False
    torch._fused_adagrad_(  # pyright: ignore[reportPrivateImportUsage]
        batch.thetas,
        batch.gs,
        batch.past("v"),
        batch.steps(batch.t),
        lr=batch.hyper["lr"],
        lr_decay=batch.hyper["lr_decay"],
        weight_decay=batch.weight_decay,
        eps=batch.hyper["eps"],
        maximize=batch.maximize,
    )
    return True


# Name of the rule: the operation that has to be there, and what calls it.
KERNELS: dict[str, tuple[str, Callable[[Batch], bool]]] = {
    **dict.fromkeys(("gd", "sgd"), ("_fused_sgd_", _gd)),
    "sgdm": ("_fused_sgd_", _sgdm),
    "nag": ("_fused_sgd_", _nag),
    "sgdw": ("_fused_sgd_", _sgdw),
    "lars": ("_fused_sgd_", _lars),
    "adam": ("_fused_adam_", _adam_corrected),
    "adamw": ("_fused_adamw_", _adamw),
    "amsgrad": ("_fused_adam_", _amsgrad),
    "adagrad": ("_fused_adagrad_", _adagrad),
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
    if rule not in KERNELS:
        return False
    operation, kernel = KERNELS[rule]
    numbers = [batch.weight_decay, *batch.hyper.values(), *batch.hyper.get("betas", ())]
    return (
        _known(operation, batch.gs[0].device.type)
        and not any(isinstance(number, Tensor) for number in numbers)
        and _dense(batch)
        and kernel(batch)
    )


@cache
def _known(operation: str, device: str) -> bool:
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    try:
        return has(f"aten::{operation}", device.upper())
    except RuntimeError:  # an older torch, or a device without kernels
        return False


def _dense(batch: Batch) -> bool:
    # A kernel walks over memory and takes no gaps; what is shorter it rounds otherwise.
    lists = [batch.thetas, batch.gs, *map(batch.past, batch.tensors())]
    dtypes = {x.dtype for xs in lists for x in xs}
    whole = all(all(map(Tensor.is_contiguous, xs)) for xs in lists)
    return whole and dtypes in ({torch.float32}, {torch.float64})
