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

from .agreement import with_equal_shards, with_server, with_shards, with_stages
from .all_reduce import data_parallel_step
from .ddp import ddp_gradients
from .group import process_group

EXACT = 1e-12
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


if __name__ == "__main__":
    sys.exit(main())
