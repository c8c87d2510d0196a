r"""Divide the data where activations are large, the model where weights are.

In a convolutional net the first layers have few parameters and many
activations, the fully connected ones the reverse (in AlexNet 95 % of the
parameters, 5 % of the arithmetic). Sending gradients of the former is cheap, of
the latter dear; sending activations the other way round. So each worker k of P
runs the *trunk* f on its shard, all workers exchange what they found, and of
every linear map in the *head* each computes its share of the units:

.. math::

    h_k &= f(x_k) \qquad (1) \\
    h &= [h_1; \dots; h_P] \qquad (2) \\
    z_k &= h W_k^\top + b_k \qquad (3) \\
    z &= [z_1, \dots, z_P] \qquad (4) \\
    \delta_h &= \sum_k \delta_{z_k} W_k \qquad (5) \\
    G &= \sum_k \Bigl(\frac{\partial h_k}{\partial \theta}\Bigr)^\top
    \delta_{h_k} \qquad (6)

(2) and (4) gather, along examples and along units; (5) and (6) are their
transposes, sums over workers. (6) has no weights :math:`n_k/n`: the loss behind
(2) is already the mean over the whole batch. To weigh again is the usual error
where two kinds of parallelism meet.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import cross_entropy

from .._validate import check_count
from ..probes.quiet import Loss
from .shards import Gradients, Shards, check_shards, children_of, sum_of, trainable
from .stage import Stage, loss_signal

__all__ = ["hybrid_step"]


def hybrid_step(
    model: nn.Module, shards: Shards, loss: Loss = cross_entropy, *, cut: int
) -> Gradients:
    r"""Return the full-batch gradient, computed in both ways of dividing work.

    Args:
        model: An ``nn.Sequential``; the parts before ``cut`` are the trunk.
        shards: Pairs (x, y), one a worker; they may differ in size.
        loss: ``loss(output, y)``, a mean over the examples.
        cut: Position of the first part of the head. Its linear maps are
            divided by rows; its other parts are run by every worker alike.

    Returns:
        Gradient by the name of the parameter. Nothing is changed.

    Raises:
        TypeError: If the model is no chain.
        ValueError: If trunk or head would be empty, or a shard is.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
        >>> x, y = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
        >>> grads = hybrid_step(model, [(x[:2], y[:2]), (x[2:], y[2:])], cut=2)
        >>> cross_entropy(model(x), y).backward()
        >>> torch.allclose(grads["0.weight"], model[0].weight.grad, atol=1e-6)
        True

    Notes:
        This is scheme (a) of the paper: all shards meet in one large batch for
        the head. Its schemes (b) and (c) send one shard at a time, so that the
        traffic of one overlaps with the work on the other.

    References:
        Krizhevsky (2014), One weird trick for parallelizing convolutional
        neural networks, arXiv 1404.5997, sections 2 to 4.
    """
    sizes = check_shards(shards)
    trainable(model)
    parts = list(children_of(model))
    if not 0 < check_count("cut", cut) < len(parts):
        raise ValueError(
            f"cut: expected a position from 1 to {len(parts) - 1}, got {cut}; trunk "
            "and head need at least one part each"
        )
    trunk, head = nn.Sequential(), []
    for name, part in parts[:cut]:
        trunk.add_module(name, part)
    workers = [Stage(trunk) for _ in shards]
    with torch.random.fork_rng(devices=[]):
        h = [w.forward(0, x) for w, (x, _) in zip(workers, shards, strict=True)]  # (1)
        z = torch.cat(h)  # (2)
        for name, part in parts[cut:]:
            head.append(_divide(name, part, len(shards)))
            z = head[-1].forward(z)
    delta, _ = loss_signal(z, torch.cat([y for _, y in shards]), loss)
    for layer in reversed(head):
        delta = layer.backward(delta)
    grads = _sum_over_workers(workers, delta.split(sizes))
    return grads | {n: G for layer in head for n, G in layer.gradients().items()}


def _sum_over_workers(workers: Sequence[Stage], deltas: Sequence[Tensor]) -> Gradients:
    for worker, delta in zip(workers, deltas, strict=True):
        worker.backward(0, delta)
    return {
        name: sum_of(worker.grads[name] for worker in workers)  # (6)
        for name in workers[0].grads
    }


class _Divided(NamedTuple):
    """A part of the head: for a linear map a stage a worker, otherwise one."""

    name: str
    stages: list[Stage]
    sizes: list[int]

    def forward(self, h: Tensor) -> Tensor:
        z = [stage.forward(0, h) for stage in self.stages]  # (3)
        return torch.cat(z, -1) if self.sizes else z[0]  # (4)

    def backward(self, delta: Tensor) -> Tensor:
        deltas = delta.split(self.sizes, -1) if self.sizes else [delta]
        back = [s.backward(0, d) for s, d in zip(self.stages, deltas, strict=True)]
        return sum_of(message for message in back if message is not None)  # (5)

    def gradients(self) -> Gradients:
        return {
            f"{self.name}.{key}": torch.cat([s.grads[key] for s in self.stages])
            if self.sizes
            else self.stages[0].grads[key]
            for key in self.stages[0].grads
        }


class _Rows(nn.Module):
    """Some output units of a linear map."""

    def __init__(self, linear: nn.Linear, low: int, high: int) -> None:
        super().__init__()
        for name, whole in linear.named_parameters():
            rows = nn.Parameter(whole.detach()[low:high], whole.requires_grad)
            self.register_parameter(name, rows)

    def forward(self, h: Tensor) -> Tensor:
        bias = getattr(self, "bias", None)
        return functional.linear(h, self.get_parameter("weight"), bias)


def _divide(name: str, part: nn.Module, workers: int) -> _Divided:
    if type(part) is not nn.Linear:
        return _Divided(name, [Stage(part)], [])
    edges = [part.out_features * k // workers for k in range(workers + 1)]
    rows = [Stage(_Rows(part, low, high)) for low, high in pairwise(edges)]
    return _Divided(name, rows, [high - low for low, high in pairwise(edges)])
