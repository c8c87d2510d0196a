r"""Probe gradients, activations and dead units of all models of a block."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from .data import Data
from .feed import Feed
from .net import Net

__all__ = ["FIXED", "activation_std", "dead", "grad_norm"]

FIXED = 256


def grad_norm(net: Net, feed: Feed, data: Data) -> Float[Tensor, "models tensors"]:
    """Return the norm of the gradient of each parameter tensor.

    Args:
        net: The models.
        feed: Their training sets, of which the first 256 examples count.
        data: Not used.

    Returns:
        ``[models, tensors]``, in the order of the trained parameters.
    """
    x, y = feed.take(feed.pool[:, :FIXED])
    with net.untouched():
        _, grads = net.gradient(x, y)
    return torch.stack([g.reshape(len(g), -1).norm(dim=1) for g in grads], 1)


def activation_std(net: Net, feed: Feed, data: Data) -> Float[Tensor, "models layers"]:
    """Return the standard deviation of each activation function's outputs.

    Args:
        net: The models.
        feed: Their training sets, of which the first 256 examples count.
        data: Not used.

    Returns:
        ``[models, layers]``, in the order of the forward pass.

    Raises:
        ValueError: If the model has no activation function that is a module.
    """
    signals = _signals(net, feed)
    return torch.stack([a.flatten(1).std(1) for a in signals], 1)


def dead(net: Net, feed: Feed, data: Data) -> Float[Tensor, "models layers"]:
    """Return the share of each activation's entries that no example makes positive.

    Args:
        net: The models; the word "dead" fits where the activation is a ReLU.
        feed: Their training sets, of which the first 256 examples count.
        data: Not used.

    Returns:
        ``[models, layers]``, in the order of the forward pass. An entry is one
        number of an example, e.g. one place of one channel.

    Raises:
        ValueError: If the model has no activation function that is a module.
    """
    signals = _signals(net, feed)
    silent = [(a.amax(1) <= 0).flatten(1) for a in signals]
    return torch.stack([each.double().mean(1) for each in silent], 1)


def _signals(net: Net, feed: Feed) -> list[Tensor]:
    x, _ = feed.take(feed.pool[:, :FIXED])
    with net.untouched(), torch.no_grad():
        signals = net.activations(x)
    if not signals:
        raise ValueError(
            "probes: expected activation functions that are modules, got a model "
            "without any; use nn.ReLU() instead of the function"
        )
    return signals
