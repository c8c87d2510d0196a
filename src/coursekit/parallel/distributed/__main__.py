r"""Run everything of this package on real processes and compare with one process.

Start it with two processes or more::

    python -m torch.distributed.run --standalone --nproc-per-node 2 \
        -m coursekit.parallel.distributed

Each line says what was done and the largest difference, in float64, from the
same computed in a single process. With ``--lose 1`` the process of rank 1 kills
itself half-way, to see what the others then say.
"""

import argparse
import os
import signal
import sys
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
from . import (
    data_parallel_step,
    ddp_gradients,
    process_group,
    serve,
    split_step,
    work,
)

EXACT = 1e-12
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


def main() -> int:
    """Run all checks in every process; rank 0 prints.

    Returns:
        0 if all of them pass.
    """
    parser = argparse.ArgumentParser(prog="coursekit.parallel.distributed")
    parser.add_argument("--lose", type=int, metavar="RANK", help="kill one half-way")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with process_group(arguments.timeout) as rank:
        processes = dist.get_world_size()
        if processes < 2:
            print("this needs two processes: --nproc-per-node 2", file=sys.stderr)
            return 2
        if rank == 0:
            print(f"{processes} processes over gloo; differences from a single one:")
        fine = True
        for words, check, low, high in CHECKS:
            if rank == arguments.lose and check is with_stages:
                os.kill(os.getpid(), signal.SIGKILL)
            value = torch.tensor(check(rank), dtype=torch.float64)
            dist.all_reduce(value, dist.ReduceOp.MAX)
            passed = low <= value.item() < high
            fine = fine and passed
            if rank == 0:
                print(f"{'ok   ' if passed else 'WRONG'} {words:54} {value.item():.1e}")
    return 0 if fine else 1


CHECKS: list[tuple[str, Callable[[int], float], float, float]] = [
    (
        "data parallel, unequal shards, weighted all-reduce",
        lambda rank: with_shards(rank, data_parallel_step),
        *(0.0, EXACT),
    ),
    ("DistributedDataParallel, equal shards", with_equal_shards, 0.0, EXACT),
    (
        "DistributedDataParallel, unequal shards: differs",
        lambda rank: with_shards(rank, ddp_gradients),
        *(1e-3, 1.0),
    ),
    (
        "DistributedDataParallel, unequal shards, scaled losses",
        lambda rank: with_shards(rank, ddp_gradients, weighted=True),
        *(0.0, EXACT),
    ),
    ("model split by send and receive, 4 micro-batches", with_stages, 0.0, EXACT),
    (
        "parameter server, synchronous",
        lambda rank: with_server(rank, "sync"),
        *(0.0, EXACT),
    ),
    (
        "parameter server, asynchronous, replayed",
        lambda rank: with_server(rank, "async"),
        *(0.0, EXACT),
    ),
]

if __name__ == "__main__":
    sys.exit(main())
