r"""Compute a loss with its graph and leave no other trace of having done so.

A forward pass in training mode moves running statistics and draws dropout
masks from the global generator. A probe must do neither, or measuring would
change the run that it measures.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["Loss", "quiet_loss"]

Loss = Callable[[Tensor, Tensor], Tensor]


def quiet_loss(model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> Tensor:
    r"""Return ``loss(model(x), y)``, ready to be differentiated.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: A scalar function of output and target.

    Returns:
        The loss with its graph, whatever gradient mode the caller is in. The
        model's buffers and the global generators are as they were.

    Raises:
        ValueError: If the loss is not a scalar.

    Example:
        >>> model = nn.BatchNorm1d(2)
        >>> value = quiet_loss(model, torch.ones(3, 2), None, lambda o, y: o.sum())
        >>> model.num_batches_tracked.item()
        0
    """
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    devices = [x.device] if x.is_cuda else []
    with torch.enable_grad(), torch.random.fork_rng(devices=devices):
        value = loss(functional_call(model, buffers, (x,)), y)
    if value.ndim:
        raise ValueError(
            f"loss: expected a scalar, got shape {tuple(value.shape)}; take the mean "
            "over the batch"
        )
    return value
