r"""Train a stack of nets, each on its own order of examples.

The loss that is differentiated is the sum over the models,

.. math:: \mathcal{L} = \sum_k L_k(\theta_k), \qquad
    \frac{\partial \mathcal{L}}{\partial \theta_k}
    = \frac{\partial L_k}{\partial \theta_k}, \qquad (1)

so one backward pass gives every model its own gradient, and an optimizer that works
element by element (SGD, Adam) treats every model as if it were alone. The order of
examples depends on the seed of a model only: models of one seed see the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from coursekit import device
from coursekit.experiments.stacked import StackedMLP, stacked_loss


def batches(
    n: int, batch_size: int, steps: int, seed: int
) -> Int[Tensor, "steps batch"]:
    """Draw the example numbers of each update: shuffled epochs, end to end.

    Args:
        n: Number of examples.
        batch_size: Examples an update; a batch may span two epochs.
        steps: Number of updates.
        seed: Seed of the shuffles.

    Returns:
        Positions of the examples of each update.

    Example:
        >>> order = batches(4, 2, 4, seed=0)
        >>> sorted(order[:2].flatten().tolist()), sorted(order[2:].flatten().tolist())
        ([0, 1, 2, 3], [0, 1, 2, 3])
    """
    generator = device.generator(seed)
    epochs = -(-steps * batch_size // n)
    order = torch.cat([torch.randperm(n, generator=generator) for _ in range(epochs)])
    return order[: steps * batch_size].view(steps, batch_size)


class Rule(Protocol):
    """What `train` needs of an optimizer."""

    def zero_grad(self) -> None:
        """Forget the gradients."""
        ...

    def step(self) -> Any:
        """Make one update."""
        ...


Optimizer = Callable[[list[Tensor]], Rule]


def train(
    stack: StackedMLP,
    x: Float[Tensor, "examples in"],
    y: Int[Tensor, " examples"],
    *,
    optimizer: Optimizer,
    batch_size: int,
    moments: Sequence[int],
    seeds: Sequence[int],
) -> Iterator[int]:
    """Train in place, pausing at each moment.

    The sum of all models' losses is what is differentiated: no model's gradient
    depends on another model, and neither does an element-wise optimizer.

    Args:
        stack: The nets; their weights are changed.
        x: Training inputs.
        y: Their classes.
        optimizer: Makes an element-wise optimizer of a list of tensors: `sgd(0.1)`.
        batch_size: Examples an update.
        moments: Increasing numbers of updates at which to pause.
        seeds: Seed of each model's order of examples.

    Yields:
        The number of updates made so far, at each moment.
    """
    steps = max(1, moments[-1])
    order = torch.stack([batches(len(x), batch_size, steps, s) for s in seeds])
    parameters = [p.requires_grad_() for p in stack.parameters]
    rule, done = optimizer(parameters), 0
    for moment in moments:
        for step in range(done, moment):
            examples = order[:, step]
            logits = stack.layers(x[examples])[-1]
            rule.zero_grad()
            stacked_loss(logits, y[examples]).sum().backward()
            rule.step()
        done = moment
        yield done


def sgd(lr: float) -> Optimizer:
    """Make plain SGD without momentum, which repairs nothing.

    Args:
        lr: Learning rate.

    Returns:
        What `train` takes as its optimizer.
    """
    return lambda parameters: torch.optim.SGD(parameters, lr=lr)


def adam(lr: float) -> Optimizer:
    """Make Adam, whose step does not depend on the scale of the gradient.

    Args:
        lr: Learning rate.

    Returns:
        What `train` takes as its optimizer.
    """
    return lambda parameters: torch.optim.Adam(parameters, lr=lr)
