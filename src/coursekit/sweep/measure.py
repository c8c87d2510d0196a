r"""Measure the models of a block while they train, without leaving a trace.

A probe is a function of the net and the data that gives one value, or one array,
a model. It sees all models of a block at once, and what it changes on the way
(running statistics, the state of dropout) is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from .feed import Feed
from .nets import Net, per_model

__all__ = ["PROBES", "Data", "Probe", "make_probes"]

CHUNK = 512
FIXED = 256


@dataclass(frozen=True)
class Data:
    """Hold what a block trains on and what it is judged by.

    Attributes:
        x_train: Inputs.
        y_train: Targets.
        x_test: Inputs; None if there is no test set.
        y_test: Targets.
    """

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor | None = None
    y_test: Tensor | None = None


Probe = Callable[[Net, Feed, Data], Float[Tensor, "models ..."]]


def outputs(net: Net, x: Tensor) -> Tensor:
    """Compute the outputs in evaluation mode, some examples at a time.

    Args:
        net: The models.
        x: Inputs, ``[models, examples, ...]``.

    Returns:
        ``[models, examples, ...]``.
    """
    net.train(False)
    try:
        with torch.no_grad():
            return torch.cat([net.outputs(part) for part in x.split(CHUNK, 1)], 1)
    finally:
        net.train(True)


def _train(net: Net, feed: Feed, data: Data) -> tuple[Tensor, Tensor]:
    return feed.take(feed.pool)


def _test(net: Net, feed: Feed, data: Data) -> tuple[Tensor, Tensor]:
    if data.x_test is None or data.y_test is None:
        raise ValueError(
            "probes: expected test data for a probe of the test set, got none; pass "
            "data=(x_train, y_train, x_test, y_test)"
        )
    models = len(net.thetas[0])
    return tuple(
        each.expand(models, *each.shape) for each in (data.x_test, data.y_test)
    )  # type: ignore[return-value]


def _loss(side: Callable[..., tuple[Tensor, Tensor]]) -> Probe:
    def probe(net: Net, feed: Feed, data: Data) -> Tensor:
        x, y = side(net, feed, data)
        return per_model(net.loss, outputs(net, x), y)

    return probe


def _accuracy(side: Callable[..., tuple[Tensor, Tensor]]) -> Probe:
    def probe(net: Net, feed: Feed, data: Data) -> Tensor:
        x, y = side(net, feed, data)
        right = outputs(net, x).argmax(-1) == y
        return right.flatten(1).double().mean(1)

    return probe


def grad_norm(net: Net, feed: Feed, data: Data) -> Float[Tensor, "models tensors"]:
    """Return the norm of the gradient of each parameter tensor.

    Args:
        net: The models.
        feed: Their training sets, of which the first 256 examples count.
        data: Not used.

    Returns:
        ``[models, tensors]``.
    """
    x, y = feed.take(feed.pool[:, :FIXED])
    with net.untouched():
        _, grads = net.gradient(x, y)
    return torch.stack([g.flatten(1).norm(dim=1) for g in grads], 1)


def activation_std(net: Net, feed: Feed, data: Data) -> Float[Tensor, "models layers"]:
    """Return the standard deviation of each activation function's outputs.

    Args:
        net: The models.
        feed: Their training sets, of which the first 256 examples count.
        data: Not used.

    Returns:
        ``[models, layers]``.
    """
    x, _ = feed.take(feed.pool[:, :FIXED])
    with net.untouched(), torch.no_grad():
        hidden = net.activations(x)
    return torch.stack([a.flatten(1).std(1) for a in hidden], 1)


PROBES: dict[str, Probe] = {
    "train_loss": _loss(_train),
    "train_acc": _accuracy(_train),
    "test_loss": _loss(_test),
    "test_acc": _accuracy(_test),
    "grad_norm": grad_norm,
    "activation_std": activation_std,
}


def make_probes(wanted: Sequence[str] | Mapping[str, Any]) -> dict[str, Probe]:
    """Look up probes by name; a mapping may bring functions of its own.

    Args:
        wanted: Names in ``PROBES``, or name to name or function.

    Returns:
        Name to probe.

    Raises:
        ValueError: If there is no probe of that name.
    """
    if isinstance(wanted, str):
        wanted = [wanted]
    pairs = wanted.items() if isinstance(wanted, Mapping) else ((n, n) for n in wanted)
    found: dict[str, Probe] = {}
    for name, probe in pairs:
        if not callable(probe) and probe not in PROBES:
            raise ValueError(
                f"probes: expected {', '.join(PROBES)} or a function, got {probe!r}"
            )
        found[name] = cast("Probe", PROBES[probe] if isinstance(probe, str) else probe)
    return found
