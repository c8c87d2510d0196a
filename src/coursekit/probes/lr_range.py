r"""Run the learning-rate range test on copies, so that nothing is trained by it.

The test drives the model to divergence; whoever runs it on the model itself
has to put the first weights back. Here model and optimizer are copied
together, so that the copied optimizer holds the copied parameters, with its
momenta and all; the rates of its groups keep their ratios:

.. math::

    \eta_j \leftarrow \eta_k\, \eta_j / \eta_1 \qquad (1)

for group j at the k-th rate of the sweep.
"""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from ..schedules import LRRangeTest, lr_range_test
from .quiet import Loss, quiet, scalar

__all__ = ["lr_range"]

Batches = Iterable[tuple[Tensor, Tensor]]


def lr_range(
    model: nn.Module,
    optimizer: Optimizer,
    batches: Batches,
    loss: Loss = cross_entropy,
    **options: Any,
) -> LRRangeTest:
    r"""Return the result of a range test of this model and this optimizer.

    Args:
        model: What is to be trained; it stays untouched.
        optimizer: Holds the parameters of the model; it stays untouched.
        batches: Pairs (x, y), used in order and again from the start: a list,
            or a loader. An iterator must be long enough.
        loss: ``loss(model(x), y)``, the mean over the batch.
        **options: For ``schedules.lr_range_test``: ``lr_min``, ``lr_max``,
            ``n_steps``, ``smoothing``, ``diverge``.

    Returns:
        Rates, losses, suggestions and warnings.

    Raises:
        ValueError: If the optimizer holds other parameters than the model's,
            its first group has the rate 0, or the batches run out.

    Example:
        >>> import torch
        >>> from coursekit.optim import GD
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(1.0)
        >>> batches = [(torch.ones(1, 1), torch.zeros(1, 1))]  # L = w²
        >>> test = lr_range(model, GD(model.parameters(), lr=1.0), batches,
        ...     nn.functional.mse_loss, lr_max=100, smoothing=0)
        >>> round(test.argmin, 2)  # descent is stable below 2/λ = 1
        1.05
        >>> model.weight.item()
        1.0

    References:
        Smith (2017), Cyclical learning rates for training neural networks,
        arXiv 1506.01186, § 3.3.
    """
    own = {id(p) for p in model.parameters()}
    held = [p for group in optimizer.param_groups for p in group["params"]]
    if not all(id(p) in own for p in held):
        raise ValueError(
            "optimizer: expected one that holds the model's parameters, got others; "
            "build it with model.parameters()"
        )
    if not optimizer.param_groups[0]["lr"]:
        raise ValueError("optimizer: expected a first group with lr > 0, got 0")
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    ratios = [g["lr"] / optimizer.param_groups[0]["lr"] for g in optimizer.param_groups]
    source = _cycle(batches)

    def step(lr: float) -> float:
        for group, ratio in zip(twin_optimizer.param_groups, ratios, strict=True):
            group["lr"] = lr * ratio  # (1)
        x, y = next(source)
        twin_optimizer.zero_grad()
        value = scalar(loss(twin(x), y))
        value.backward()
        twin_optimizer.step()
        return value.item()

    with quiet(model, held[0]):
        return lr_range_test(step, **options)


def _cycle(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise ValueError(
                "batches: expected enough of them, got none or an iterator that ran "
                "out; hand in a list or a DataLoader"
            )
