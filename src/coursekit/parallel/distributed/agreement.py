r"""Compare everything that real processes compute with the same in one process.

Each check is called by all processes of a group, with its rank, and returns the
largest difference that this process sees, in float64.
"""

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...device import generator
from ...init import initialize
from ...models import MLP
from ...optim import sgdm
from ..parameter_server import ParameterServer
from ..server_run import run_workers
from ..shards import Gradients, mean_loss_gradient
from .all_reduce import data_parallel_step
from .ddp import ddp_gradients
from .pipeline import split_step
from .server import serve, work

UPDATES = 7


def problem(processes: int) -> tuple[MLP, list[tuple[Tensor, Tensor]]]:
    """Draw a small net with a layer a process, and shards of unequal sizes.

    Args:
        processes: How many there are.

    Returns:
        The net and a shard for each of them.
    """
    model = MLP([5, *[6] * (processes - 1), 3], "tanh").double()
    initialize(model, "xavier_normal", seed=1)
    sizes = [3 * (k + 1) for k in range(processes)]
    x = torch.randn(sum(sizes), 5, generator=generator(2), dtype=torch.float64)
    y = torch.randint(3, (sum(sizes),), generator=generator(3))
    return model, list(zip(x.split(sizes), y.split(sizes), strict=True))


def gap(ours: Gradients, reference: Gradients) -> float:
    """Return the largest difference.

    Args:
        ours: Tensors by name.
        reference: Tensors of which these are some.

    Returns:
        The maximum over all entries.
    """
    return max((ours[n] - reference[n]).abs().max().item() for n in ours)


def whole(shards: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Put the shards together again.

    Args:
        shards: Pairs (x, y).

    Returns:
        The batch.
    """
    return torch.cat([x for x, _ in shards]), torch.cat([y for _, y in shards])


def with_shards(rank: int, step: Callable[..., Gradients], **settings: bool) -> float:
    """Compare a data-parallel step with the gradient of the batch.

    Args:
        rank: This process.
        step: What computes the gradient of all shards.
        **settings: Its keyword arguments.

    Returns:
        The largest difference.
    """
    model, shards = problem(dist.get_world_size())
    full, _ = mean_loss_gradient(model, *whole(shards), cross_entropy)
    return gap(step(model, *shards[rank], **settings), full)


def with_equal_shards(rank: int) -> float:
    """Compare with ``DistributedDataParallel`` where both are right.

    Args:
        rank: This process.

    Returns:
        The largest difference.
    """
    model, shards = problem(dist.get_world_size())
    x, y = (part[:3] for part in shards[rank])
    return gap(data_parallel_step(model, x, y), ddp_gradients(model, x, y))


def with_stages(rank: int) -> float:
    """Compare a split model, a layer in each process, with the whole one.

    Args:
        rank: This process.

    Returns:
        The largest difference in this process's stage.
    """
    model, shards = problem(dist.get_world_size())
    x, y = whole(shards)
    full, _ = mean_loss_gradient(model, x, y, cross_entropy)
    stage = nn.Sequential()
    for name, part in list(model.named_children())[2 * rank : 2 * rank + 2]:
        stage.add_module(name, part)
    return gap(split_step(stage, x, y, micro_batches=4), full)


def with_server(rank: int, mode: str) -> float:
    """Compare a parameter server with a simulated one.

    Args:
        rank: This process; 0 is the server.
        mode: ``"sync"`` or ``"async"``.

    Returns:
        The largest difference at the server; 0 at a worker.
    """
    workers = dist.get_world_size() - 1
    model, shards = problem(workers + 1)
    start = {n: p.detach() for n, p in model.named_parameters()}

    def new_server() -> ParameterServer:
        return ParameterServer(
            start, sgdm, workers=workers, mode=mode, lr=0.05, momentum=0.5
        )

    def gradient(params: dict[str, Tensor], worker: int, k: int) -> Gradients:
        model.load_state_dict(params)
        return mean_loss_gradient(model, *shards[worker], cross_entropy)[0]

    if rank:
        work(lambda params, k: gradient(params, rank - 1, k), start)
        return 0.0
    real = serve(new_server(), UPDATES)
    if mode == "sync":
        path = run_workers(new_server(), gradient, UPDATES).path
    else:
        path = replay(real, new_server(), gradient)
    return gap(real.params, path[-1])


def replay(
    real: ParameterServer,
    simulated: ParameterServer,
    gradient: Callable[[dict[str, Tensor], int, int], Gradients],
) -> list[dict[str, Tensor]]:
    """Let a simulated server receive what a real one received, in that order.

    Args:
        real: A server that has run.
        simulated: A fresh one.
        gradient: What the workers compute.

    Returns:
        All versions of the parameters.
    """
    path = [dict(simulated.params)]
    for push in real.log:
        simulated.pull(push.worker)
        simulated.push(push.worker, gradient(path[push.read], push.worker, 0))
        path.append(dict(simulated.params))
    return path
