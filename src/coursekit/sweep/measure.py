r"""Measure the models of a block while they train, without leaving a trace.

A probe is a function of the net, its feed and the data that gives one value, or
one array, a model. It sees all models of a block at once. Loss and accuracy are
taken in evaluation mode, some examples at a time. What belongs to training
(gradients, activations, sharpness) is taken in training mode on the first 256
examples of each model's training set, with the dropout masks of the moment;
running statistics and generators are put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .data import Data, as_inputs
from .feed import Feed
from .net import Inputs, Net
from .sharpness import sharpness
from .signals import activation_std, dead, grad_norm

__all__ = ["PROBES", "Data", "Probe", "make_probes"]

Probe = Callable[[Net, Feed, Data], Float[Tensor, "models ..."]]
Parts = Iterator[tuple[Inputs, Tensor]]
AT_ONCE = 2**19


def _train(net: Net, feed: Feed, data: Data) -> Parts:
    for rows in feed.pool.split(_few(feed.x, len(feed.pool)), 1):
        yield feed.take(rows)


def _test(net: Net, feed: Feed, data: Data) -> Parts:
    if data.x_test is None or data.y_test is None:
        raise ValueError(
            "probes: expected test data for a probe of the test set, got none; pass "
            "data=(x_train, y_train, x_test, y_test)"
        )
    models, x = len(net.thetas[0]), as_inputs(data.x_test)
    for rows in torch.arange(len(data.y_test)).split(_few(x, models)):
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        taken = [each[part] for each in (*x, data.y_test)]
        *inputs, y = [each.expand(models, *each.shape) for each in taken]
        yield tuple(inputs), y


def _few(x: Inputs, models: int) -> int:
    """Choose how many examples of each model are evaluated at once.

    Args:
        x: Inputs, each ``[examples, ...]``.
        models: Number of models.

    Returns:
        From 16 to 1024, the fewer the larger an example is.
    """
    numbers = sum(each[0].numel() for each in x)
    return max(16, min(1024, AT_ONCE // (models * max(1, numbers))))


def _mean(
    side: Callable[[Net, Feed, Data], Parts],
    value: Callable[[Net, Tensor, Tensor], Tensor],
) -> Probe:
    def probe(net: Net, feed: Feed, data: Data) -> Tensor:
        total, count = torch.zeros((), dtype=torch.double), 0
        with net.untouched(), torch.no_grad():
            net.train(False)
            for x, y in side(net, feed, data):
                mean = value(net, net.outputs(x), y).double()
                total, count = total + mean.cpu() * y.shape[1], count + y.shape[1]
        return total / count

    return probe


def _loss(net: Net, outputs: Tensor, y: Tensor) -> Float[Tensor, " models"]:
    return net.objective(outputs, y)


def accuracy(net: Net, outputs: Tensor, y: Tensor) -> Float[Tensor, " models"]:
    """Return the share of right answers.

    Args:
        net: The models.
        outputs: Logits: of classes on the last axis, or one number an example,
            which is right if its sign tells targets above 0.5 from the others.
        y: Classes, or targets of two classes, 0 and 1.

    Returns:
        One share a model.
    """
    answers, wanted = outputs.argmax(-1), y
    if outputs.shape == y.shape:
        answers, wanted = outputs > 0, y > 0.5
    return (answers == wanted).flatten(1).double().mean(1)


PROBES: dict[str, Probe] = {
    "train_loss": _mean(_train, _loss),
    "train_acc": _mean(_train, accuracy),
    "test_loss": _mean(_test, _loss),
    "test_acc": _mean(_test, accuracy),
    "grad_norm": grad_norm,
    "activation_std": activation_std,
    "dead": dead,
    "sharpness": sharpness,
}


def make_probes(wanted: Sequence[str] | Mapping[str, Any]) -> dict[str, Probe]:
    """Look up probes by name; a mapping may bring functions of its own.

    Args:
        wanted: Names in ``PROBES``, or name to name or function.

    Returns:
        Name to probe.

    Raises:
        ValueError: If there is no probe of that name.

    Example:
        >>> list(make_probes(["test_acc", "sharpness"]))
        ['test_acc', 'sharpness']
    """
    if isinstance(wanted, str):
        wanted = [wanted]
    pairs = wanted.items() if isinstance(wanted, Mapping) else ((n, n) for n in wanted)
    found: dict[str, Any] = {}
    for name, probe in pairs:
        if not callable(probe) and probe not in PROBES:
            raise ValueError(
                f"probes: expected {', '.join(PROBES)} or a function, got {probe!r}"
            )
        found[name] = PROBES[probe] if isinstance(probe, str) else probe
    return found
