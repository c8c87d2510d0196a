r"""Average gradients over processes, each weighed by its examples.

Each rank k knows the gradient :math:`g_k` of its mean loss over its own
:math:`n_k` examples, and no rank knows n. Two sums over all ranks, after which
all hold the same numbers, make the gradient of the whole batch:

.. math::

    n &= \sum_k n_k \qquad (1) \\
    g &= \sum_k \frac{n_k}{n}\, g_k \qquad (2)

All parameters travel as one vector: a message costs its latency before its
length. Who steps with g in every process and started from the same parameters
has the same parameters ever after, without sending them.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..._validate import check_count
from ...probes.quiet import Loss
from ..shards import Gradients, check_shards, mean_loss_gradient

__all__ = ["average_gradients", "broadcast_model", "data_parallel_step"]


def average_gradients(grads: Gradients, n: int) -> Gradients:
    r"""Return g of equation (2), the same in every process.

    Args:
        grads: :math:`g_k` by name; the same names in the same order everywhere.
        n: :math:`n_k` ≥ 0, the examples of this process.

    Returns:
        Gradient by name.

    Raises:
        ValueError: If no process has an example.
    """
    vector = pack(grads)
    total = vector.new_tensor(check_count("n", n, least=0), dtype=torch.float64)
    dist.all_reduce(total)  # (1)
    if not total:
        raise ValueError("n: expected an example in some process, got none in any")
    vector = vector * (n / total.item())
    dist.all_reduce(vector)  # (2)
    return unpack(vector, grads)


def data_parallel_step(
    model: nn.Module, x: Tensor, y: Tensor, loss: Loss = cross_entropy
) -> Gradients:
    r"""Return the gradient of the batch of which every process has a shard.

    Args:
        model: The same in every process; see ``broadcast_model``.
        x: This process's inputs; shards may differ in size.
        y: Its targets.
        loss: ``loss(model(x), y)``, a mean over the examples.

    Returns:
        Gradient by name, the same in every process. Nothing is changed.

    Raises:
        ValueError: If the shard is empty or no parameter is trainable.

    References:
        Dean et al. (2012), Large scale distributed deep networks, NIPS.
        Goyal et al. (2017), arXiv 1706.02677, section 3.
    """
    (n,) = check_shards([(x, y)])
    grads, _ = mean_loss_gradient(model, x, y, loss)
    return average_gradients(grads, n)


def broadcast_model(model: nn.Module, source: int = 0) -> None:
    r"""Give every process the parameters and buffers of one of them, in place.

    Args:
        model: The same kind of model in every process.
        source: The rank whose values win.
    """
    for tensor in (*model.parameters(), *model.buffers()):
        dist.broadcast(tensor.detach(), source)


def pack(tensors: dict[str, Tensor]) -> Tensor:
    r"""Lay tensors behind each other in one vector.

    Args:
        tensors: At least one, by name.

    Returns:
        The vector, of the widest type among them.

    Example:
        >>> pack({"w": torch.ones(1, 2), "b": torch.zeros(1)})
        tensor([1., 1., 0.])
    """
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def unpack(vector: Tensor, like: dict[str, Tensor]) -> dict[str, Tensor]:
    r"""Take a vector apart again.

    Args:
        vector: What ``pack`` made.
        like: Tensors of the wanted names, shapes and types.

    Returns:
        New tensors by name.

    Example:
        >>> unpack(torch.tensor([1.0, 2.0]), {"w": torch.zeros(2, 1)})["w"].shape
        torch.Size([2, 1])
    """
    pieces = vector.split([tensor.numel() for tensor in like.values()])
    return {
        name: piece.view(tensor.shape).to(tensor.dtype)
        for (name, tensor), piece in zip(like.items(), pieces, strict=True)
    }
