r"""Say what a shard is, what a worker sends, and how a step is taken with it.

A shard is one worker's part of a batch, a pair (x, y). What a worker sends is
the gradient of its mean loss, by the names of the parameters. The functions of
this package return such gradients and change nothing; a step is

>>> import torch
>>> from torch import nn
>>> model = nn.Linear(1, 1, bias=False)
>>> optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
>>> before = model.weight.item()
>>> set_grads(model, {"weight": torch.tensor([[2.0]])})
>>> optimizer.step()
>>> round(before - model.weight.item(), 6)
1.0
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from ..probes.quiet import Loss, quiet_loss

__all__ = [
    "Gradients",
    "Shards",
    "check_shards",
    "children_of",
    "mean_loss_gradient",
    "set_grads",
    "sum_of",
    "trainable",
]

Gradients = dict[str, Tensor]
Shards = Sequence[tuple[Tensor, Tensor]]


def mean_loss_gradient(
    model: nn.Module, x: Tensor, y: Tensor, loss: Loss
) -> tuple[Gradients, Tensor]:
    r"""Return the gradient of one worker's mean loss, and that loss.

    Args:
        model: The worker's replica.
        x: Inputs, batch first.
        y: Targets.
        loss: ``loss(model(x), y)``, a mean over the examples.

    Returns:
        Name of each trainable parameter → gradient; and the loss. Buffers,
        ``.grad`` and the global generator are left as they were, so that all
        workers of one simulated step start from the same state.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> grads, _ = mean_loss_gradient(
        ...     model, torch.ones(2, 1), None, lambda o, y: 3 * o.mean()
        ... )
        >>> grads["weight"]
        tensor([[3.]])
    """
    params = trainable(model)
    value = quiet_loss(model, x, y, loss)
    grads = torch.autograd.grad(
        value, list(params.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(params, grads, strict=True)), value.detach()


def set_grads(model: nn.Module, grads: Gradients) -> None:
    r"""Put gradients where an optimizer looks for them, into ``.grad``.

    Args:
        model: The model whose parameters will be stepped.
        grads: One gradient for each trainable parameter, by name.

    Raises:
        ValueError: If names or shapes are not those of the model.

    Example:
        >>> model = nn.Linear(2, 1, bias=False)
        >>> set_grads(model, {"weight": torch.ones(1, 2)})
        >>> model.weight.grad
        tensor([[1., 1.]])
    """
    params = trainable(model)
    if set(params) != set(grads):
        raise ValueError(
            f"grads: expected gradients of {sorted(params)}, got {sorted(grads)}; "
            "they belong to another model"
        )
    for name, param in params.items():
        if param.shape != grads[name].shape:
            raise ValueError(
                f"grads[{name!r}]: expected shape {tuple(param.shape)}, got "
                f"{tuple(grads[name].shape)}"
            )
        param.grad = grads[name].to(param, copy=True)


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    r"""Name the parameters that take part in training.

    Args:
        model: Any module.

    Returns:
        Name → parameter, frozen ones left out.

    Raises:
        ValueError: If there is none.

    Example:
        >>> list(trainable(nn.Linear(2, 1)))
        ['weight', 'bias']
    """
    params = {n: p for n, p in model.named_parameters() if p.requires_grad}
    if not params:
        raise ValueError(
            f"model: expected trainable parameters, got {type(model).__name__} "
            "without any; call requires_grad_(True)"
        )
    return params


def sum_of(messages: Iterable[Tensor]) -> Tensor:
    r"""Add up what the workers sent, always in the same order.

    Args:
        messages: Tensors of one shape, at least one.

    Returns:
        Their sum.

    Example:
        >>> sum_of([torch.ones(2), torch.ones(2)])
        tensor([2., 2.])
    """
    return torch.stack(list(messages)).sum(0)


def check_shards(shards: Shards) -> list[int]:
    r"""Count the examples of every shard.

    Args:
        shards: Pairs (x, y), one a worker.

    Returns:
        :math:`n_1, ..., n_P`, each at least 1.

    Raises:
        ValueError: If there is no shard, one is empty, or its x and y differ in
            length.

    Example:
        >>> check_shards([(torch.ones(3, 2), torch.ones(3))])
        [3]
    """
    if not len(shards):
        raise ValueError("shards: expected at least one (x, y), got none")
    for k, (x, y) in enumerate(shards):
        if not len(x) or len(x) != len(y):
            raise ValueError(
                f"shards[{k}]: expected as many inputs as targets, at least one, got "
                f"{len(x)} and {len(y)}; leave out a worker without examples"
            )
    return [len(x) for x, _ in shards]


def children_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    r"""List the parts of a model that is a chain of parts.

    Args:
        model: An ``nn.Sequential``.

    Returns:
        Names and parts, in the order in which they run.

    Raises:
        TypeError: If the model is no chain, so that there is no place to cut.

    Example:
        >>> [name for name, _ in children_of(nn.Sequential(nn.ReLU(), nn.ReLU()))]
        ['0', '1']
    """
    if not isinstance(model, nn.Sequential):
        raise TypeError(
            f"model: expected an nn.Sequential, got {type(model).__name__}; only a "
            "chain can be cut: wrap its parts as nn.Sequential(part1, part2, ...)"
        )
    return iter(model.named_children())
