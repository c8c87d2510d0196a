r"""Compute a loss with its graph and leave no other trace of having done so.

A forward pass in training mode moves running statistics and draws dropout
masks from the global generator. A probe must do neither, or measuring would
change the run that it measures. It also means that two measurements see the
same masks: what differs between them is due to what was changed between them.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["Loss", "flat", "quiet", "quiet_gradients", "quiet_loss"]

Loss = Callable[[Tensor, Tensor], Tensor]


@contextmanager
def quiet(model: nn.Module, x: Tensor) -> Generator[dict[str, Tensor], None, None]:
    r"""Hand out copies of the buffers, and put every generator back at the end.

    Args:
        model: Any module. A ``torch.Generator`` that one of its parts keeps as
            an attribute, as ``NoisyBatchNorm`` does, is put back as well.
        x: Inputs; they tell the device whose generator is used.

    Yields:
        The copies by name, for ``functional_call``; one run through the model
        after another moves them on, and not the model's own.

    Example:
        >>> before = torch.get_rng_state()
        >>> with quiet(nn.Dropout(0.5), torch.ones(2)):
        ...     _ = torch.rand(3)
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """
    own = {
        value: value.get_state()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, torch.Generator)
    }
    devices = [x.device] if x.is_cuda else []
    try:
        with torch.enable_grad(), torch.random.fork_rng(devices=devices):
            yield {name: buffer.clone() for name, buffer in model.named_buffers()}
    finally:
        for generator, state in own.items():
            generator.set_state(state)


def quiet_loss(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss,
    parameters: Mapping[str, Tensor] | None = None,
) -> Tensor:
    r"""Return ``loss(model(x), y)``, ready to be differentiated.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: A scalar function of output and target.
        parameters: Values by name that stand in for the model's own.

    Returns:
        The loss with its graph, whatever gradient mode the caller is in. The
        model's buffers and all generators are as they were.

    Raises:
        ValueError: If the loss is not a scalar.

    Example:
        >>> model = nn.BatchNorm1d(2)
        >>> value = quiet_loss(model, torch.ones(3, 2), None, lambda o, y: o.sum())
        >>> model.num_batches_tracked.item()
        0
    """
    with quiet(model, x) as buffers:
        value = loss(functional_call(model, {**buffers, **(parameters or {})}, (x,)), y)
    return scalar(value)


def quiet_gradients(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss,
    parameters: Mapping[str, Tensor] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    r"""Return the loss and its gradient for every trainable parameter.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: A scalar function of output and target.
        parameters: Values by name that stand in for the model's own.

    Returns:
        The loss, and name of the parameter → gradient; zeros for a parameter
        the loss does not depend on. Frozen parameters are left out.

    Raises:
        ValueError: If the loss is not a scalar or no parameter is trainable.

    Example:
        >>> model = nn.Linear(2, 1, bias=False)
        >>> _, g = quiet_gradients(model, torch.ones(1, 2), None, lambda o, y: o.sum())
        >>> g["weight"]
        tensor([[1., 1.]])
    """
    given = parameters or {}
    theta = {
        name: given.get(name, parameter).detach().requires_grad_()
        for name, parameter in trainable(model).items()
    }
    value = quiet_loss(model, x, y, loss, {**given, **theta})
    leaves = list(theta.values())
    gradients = torch.autograd.grad(
        value, leaves, allow_unused=True, materialize_grads=True
    )
    return value.detach(), dict(zip(theta, gradients, strict=True))


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    r"""Return the parameters that are not frozen, by name.

    Args:
        model: Any module.

    Returns:
        Name → parameter, in the order of ``named_parameters``.

    Raises:
        ValueError: If there is none.

    Example:
        >>> list(trainable(nn.Linear(2, 1)))
        ['weight', 'bias']
    """
    found = {n: p for n, p in model.named_parameters() if p.requires_grad}
    if not found:
        raise ValueError(
            f"model: expected trainable parameters, got {type(model).__name__} "
            "without any; call requires_grad_(True)"
        )
    return found


def scalar(value: Tensor) -> Tensor:
    r"""Pass a loss on when it is one number.

    Args:
        value: What a loss function returned.

    Returns:
        The same.

    Raises:
        ValueError: If it has axes.
    """
    if value.ndim:
        raise ValueError(
            f"loss: expected a scalar, got shape {tuple(value.shape)}; take the mean "
            "over the batch"
        )
    return value


def flat(gradients: Mapping[str, Any]) -> Tensor:
    r"""Join gradients into one vector, in float64.

    Args:
        gradients: Name → tensor.

    Returns:
        One vector. Norms of it do not lose what float32 squares would.

    Example:
        >>> flat({"w": torch.ones(2, 2), "b": torch.zeros(1)}).shape
        torch.Size([5])
    """
    return torch.cat([g.detach().reshape(-1).double() for g in gradients.values()])
