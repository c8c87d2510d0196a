r"""Run one stage of a split model in each process.

Rank s holds stage s and nothing else. It receives activations from rank s − 1
and sends its own to rank s + 1; on the way back it receives and sends their
gradients: the messages of ``coursekit.parallel.Stage``. Micro-batches go
forward in order and backward in reverse, GPipe's schedule; each rank simply
waits for its next message, and the schedule arises by itself.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..._validate import check_count
from ...probes.quiet import Loss
from ..shards import Gradients, check_shards
from ..stage import Stage, loss_signal

__all__ = ["receive", "send", "split_step"]

TYPES = (
    *(torch.float32, torch.float64, torch.bfloat16, torch.float16),
    *(torch.int64, torch.int32),
)
MOST_AXES = 8


def split_step(
    part: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    micro_batches: int = 1,
) -> Gradients:
    r"""Return this rank's share of the gradient of the batch.

    Args:
        part: The stage of this rank; rank 0 has the first.
        x: The inputs of the whole model; read at rank 0, elsewhere only for
            their number.
        y: The targets; read at the last rank.
        loss: ``loss(output, y)``, a mean over the examples.
        micro_batches: M ≥ 1, the same everywhere, at most the examples.

    Returns:
        Gradient of the parameters of ``part``, by their names there.

    Raises:
        ValueError: If there are fewer examples than micro-batches.

    References:
        Huang et al. (2019), GPipe, arXiv 1811.06965, section 2.
    """
    (n,) = check_shards([(x, y)])
    M = check_count("micro_batches", micro_batches)
    if n < M:
        raise ValueError(f"micro_batches: expected at most {n} examples, got {M}")
    rank, last = dist.get_rank(), dist.get_world_size() - 1
    stage, outputs = Stage(part), {}
    xs, ys = x.tensor_split(M), y.tensor_split(M)
    for m in range(M):
        received = xs[m] if rank == 0 else receive(rank - 1)
        outputs[m] = stage.forward(m, received)
        if rank < last:
            send(outputs.pop(m), rank + 1)
    for m in reversed(range(M)):
        if rank < last:
            delta = receive(rank + 1)
        else:
            delta = len(xs[m]) / n * loss_signal(outputs[m], ys[m], loss)[0]
        back = stage.backward(m, delta)
        if rank > 0 and back is not None:
            send(back, rank - 1)
    return stage.grads


def send(tensor: Tensor, to: int) -> None:
    r"""Send a tensor with a header that says its type and shape.

    Args:
        tensor: Any of up to 8 axes.
        to: The rank that calls ``receive``.

    Raises:
        ValueError: If the type or the number of axes is not supported.
    """
    if tensor.dtype not in TYPES or tensor.ndim > MOST_AXES:
        raise ValueError(
            f"tensor: expected one of {[str(t) for t in TYPES]} and at most "
            f"{MOST_AXES} axes, got {tensor.dtype} and {tensor.ndim}"
        )
    shape = [*tensor.shape, *[0] * (MOST_AXES - tensor.ndim)]
    dist.send(torch.tensor([TYPES.index(tensor.dtype), tensor.ndim, *shape]), to)
    if tensor.numel():
        dist.send(tensor.detach().contiguous(), to)


def receive(source: int) -> Tensor:
    r"""Wait for the tensor that another rank sends.

    Args:
        source: Its rank.

    Returns:
        The tensor.
    """
    header = torch.zeros(MOST_AXES + 2, dtype=torch.int64)
    dist.recv(header, source)
    kind, ndim, *shape = header.tolist()
    tensor = torch.empty(shape[:ndim], dtype=TYPES[kind])
    if tensor.numel():
        dist.recv(tensor, source)
    return tensor
