"""Measure what two processes gain over one: Hogwild, and data parallelism over gloo.

Every ratio is from one run on one machine; processes are started before the clock.
Expected on two free cores: Hogwild on sparse data 1.3 to 1.8 times as fast, because
nobody waits; a data-parallel step slower than one process for small batches, where
sending the gradients takes longer than computing them, and faster for large ones.
"""

from __future__ import annotations

import time

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

from coursekit.models import MLP
from coursekit.parallel import (
    SparseRows,
    distributed,
    hogwild,
    mean_loss_gradient,
    sparse_regression,
)

WIDTHS = [64, 512, 512, 10]
BATCHES = (64, 512, 4096)
ROUNDS = 15


def race() -> None:
    """Print how much faster two Hogwild workers are than one."""
    data = sparse_regression(10_000, 5_000, nonzeros=20)
    rows, runs = SparseRows.of(data.x), {1: [], 2: []}
    for _ in range(5):
        for workers, made in runs.items():
            made.append(hogwild(rows, data.y, workers, gradients=200_000))
    one, two = (min(run.seconds for run in made) for made in runs.values())
    print(f"Hogwild, 20 of 5000 features: 2 workers {one / two:.2f}× as fast as 1")
    for workers, made in runs.items():
        wrong = (data.x @ made[-1].theta - data.y).square().sum()
        error = (wrong / data.y.square().sum()).item()
        print(f"  relative error of {workers}: {error:.1e}")


def steps() -> list[tuple[int, float, float]]:
    """Time a step of this process's share, and the averaging alone, for each batch."""
    torch.manual_seed(0)
    model, found = MLP(WIDTHS), []
    with distributed.process_group() as rank:
        processes = dist.get_world_size()
        for B in BATCHES:
            x, y = torch.randn(B // processes, 64), torch.arange(B // processes) % 10
            whole, alone = [], []
            for _ in range(ROUNDS):
                dist.barrier()
                start = time.perf_counter()
                grads, _ = mean_loss_gradient(model, x, y, cross_entropy)
                computed = time.perf_counter()
                if processes > 1:
                    distributed.average_gradients(grads, len(x))
                end = time.perf_counter()
                whole.append(end - start)
                alone.append(end - computed)
            found.append((rank, min(whole), min(alone)))
    return found


def data_parallel() -> None:
    """Print a line a batch size."""
    one, two = distributed.launch(steps, 1)[0], distributed.launch(steps, 2)[0]
    parameters = sum(p.numel() for p in MLP(WIDTHS).parameters())
    print(f"data parallel, {parameters:,} parameters, one thread a process:")
    for B, (_, alone, _), (_, shared, sent) in zip(BATCHES, one, two, strict=True):
        print(
            f"  batch {B:5}: 2 processes {alone / shared:.2f}× as fast as 1, "
            f"{sent / shared:.0%} of the step is communication"
        )


if __name__ == "__main__":
    race()
    data_parallel()
