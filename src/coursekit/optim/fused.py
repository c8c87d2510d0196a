r"""Run some rules through torch's fused kernels, where they say the same.

The rule stays the definition: every function here is tested to be equal to it
to rounding, and stands in only for plain numbers on dense float tensors. What
it saves is memory traffic: a rule written line by line passes over its tensors
a dozen times, a fused kernel once.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["fused_step"]

Tensors = list[Tensor]
Kernel = Callable[[Tensors, Tensors, list[dict[str, Any]], int, dict[str, Any]], None]


def _adam(
    thetas: Tensors, gs: Tensors, states: list[dict], t: int, hyper: dict[str, Any]
) -> None:
    kernel = torch._fused_adam_  # pyright: ignore[reportPrivateImportUsage]
    _adam_kernel(kernel, thetas, gs, states, t, hyper, 0.0)


def _adamw(
    thetas: Tensors, gs: Tensors, states: list[dict], t: int, hyper: dict[str, Any]
) -> None:
    kernel = torch._fused_adamw_  # pyright: ignore[reportPrivateImportUsage]
    _adam_kernel(kernel, thetas, gs, states, t, hyper, hyper["weight_decay"])


def _adam_kernel(
    kernel: Callable[..., None],
    thetas: Tensors,
    gs: Tensors,
    states: list[dict],
    t: int,
    hyper: dict[str, Any],
    weight_decay: float,
) -> None:
    beta1, beta2 = hyper["betas"]
    kernel(
        thetas,
        gs,
        [state["m"] for state in states],
        [state["v"] for state in states],
        [],
        _steps(thetas, t),
        lr=hyper["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=weight_decay,
        eps=hyper["eps"],
        amsgrad=False,
        maximize=False,
    )


def _adagrad(
    thetas: Tensors, gs: Tensors, states: list[dict], t: int, hyper: dict[str, Any]
) -> None:
    torch._fused_adagrad_(  # pyright: ignore[reportPrivateImportUsage]
        thetas,
        gs,
        [state["v"] for state in states],
        _steps(thetas, t),
        lr=hyper["lr"],
        lr_decay=hyper["lr_decay"],
        weight_decay=0.0,
        eps=hyper["eps"],
        maximize=False,
    )


def _sgdm(
    thetas: Tensors, gs: Tensors, states: list[dict], t: int, hyper: dict[str, Any]
) -> None:
    torch._fused_sgd_(  # pyright: ignore[reportPrivateImportUsage]
        thetas,
        gs,
        [state["m"] for state in states],
        weight_decay=0.0,
        momentum=hyper["momentum"],
        lr=hyper["lr"],
        dampening=0.0,
        nesterov=False,
        maximize=False,
        is_first_step=t == 1,
    )


def _steps(thetas: Tensors, t: int) -> Tensors:
    return [torch.tensor(float(t), device=thetas[0].device)] * len(thetas)


# Name of the rule: the kernel, and the words under which it is the same method.
KERNELS: dict[str, tuple[Kernel, dict[str, tuple[Any, ...]]]] = {
    "adam": (_adam, {"variant": ("paper", "torch")}),
    "adamw": (_adamw, {}),
    "adagrad": (_adagrad, {"initial_accumulator_value": (0, 0.0)}),
    "sgdm": (_sgdm, {"convention": ("torch",)}),
}


def fused_step(
    rule: str,
    thetas: Tensors,
    gs: Tensors,
    states: list[dict[str, Any]],
    t: int,
    hyper: dict[str, Any],
) -> bool:
    r"""Update parameters and states in place, if a kernel does what the rule says.

    Args:
        rule: Name of the rule.
        thetas: Parameters, changed in place.
        gs: Their gradients; not changed.
        states: Their states, with tensors that are changed in place.
        t: Number of the update, from 1.
        hyper: Hyperparameters of the rule.

    Returns:
        Whether it was done; False leaves everything as it was.

    Example:
        >>> theta, state = torch.ones(2), {"m": torch.zeros(2), "v": torch.zeros(2)}
        >>> hyper = {"lr": 0.25, "betas": (0.9, 0.999), "eps": 1e-8}
        >>> for variant in ("eps_hat", "paper"):
        ...     words = {**hyper, "variant": variant}
        ...     fused_step("adam", [theta], [5 * theta], [state], 1, words)
        False
        True
        >>> theta
        tensor([0.7500, 0.7500])
    """
    kernel, words = KERNELS.get(rule, (None, {}))
    numbers = [hyper.get("lr"), *hyper.get("betas", ()), hyper.get("momentum", 0.0)]
    if (
        kernel is None
        or any(hyper[name] not in allowed for name, allowed in words.items())
        or any(isinstance(number, Tensor) for number in numbers)
        or not all(
            _plain(theta, g, state)
            for theta, g, state in zip(thetas, gs, states, strict=True)
        )
    ):
        return False
    try:
        kernel(thetas, gs, states, t, hyper)
    except (AttributeError, NotImplementedError):  # an older torch, another device
        return False
    return True


def _plain(theta: Tensor, g: Tensor, state: dict[str, Any]) -> bool:
    # A kernel walks over memory and takes no gaps; bfloat16 it rounds otherwise.
    tensors = [theta, g, *(x for x in state.values() if isinstance(x, Tensor))]
    known = theta.dtype in (torch.float32, torch.float64)
    return known and all(x.is_contiguous() and x.dtype == theta.dtype for x in tensors)
