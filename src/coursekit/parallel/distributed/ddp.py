r"""Compare with torch's ``DistributedDataParallel``.

It averages without weights, :math:`g = \frac1P \sum_k g_k`: the gradient of the
batch only if all shards are equal. For unequal ones each process can scale its
own loss so that the plain mean becomes the weighted one:

.. math::

    c_k &= P\, n_k / n \qquad (1) \\
    \frac1P \sum_k \nabla (c_k L_k) &= \sum_k \frac{n_k}{n}\, g_k \qquad (2)
"""

import copy

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from ...probes.quiet import Loss
from ..shards import Gradients, check_shards, trainable

__all__ = ["ddp_gradients"]


def ddp_gradients(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    *,
    weighted: bool = False,
) -> Gradients:
    r"""Return what ``DistributedDataParallel`` leaves in ``.grad``.

    Args:
        model: The same in every process; a copy is wrapped.
        x: This process's inputs.
        y: Its targets.
        loss: ``loss(model(x), y)``, a mean over the examples.
        weighted: Whether to scale the loss by (1) first.

    Returns:
        Gradient by name, the same in every process.

    Raises:
        ValueError: If the shard is empty or no parameter is trainable.

    References:
        Li et al. (2020), PyTorch distributed: experiences on accelerating data
        parallel training, arXiv 2006.15704, section 3.
    """
    (n_k,) = check_shards([(x, y)])
    trainable(model)
    wrapped = DistributedDataParallel(copy.deepcopy(model))
    wrapped.zero_grad()
    c = 1.0
    if weighted:
        n = torch.tensor(float(n_k), dtype=torch.float64)
        dist.all_reduce(n)
        c = dist.get_world_size() * n_k / n.item()  # (1)
    (c * loss(wrapped(x), y)).backward()  # (2)
    grads = trainable(wrapped.module)
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in grads.items()
    }
