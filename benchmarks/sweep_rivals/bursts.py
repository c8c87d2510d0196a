"""Train a case for a while, each way that there is, and say how long an update took."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap

from coursekit.optim import adam
from coursekit.sweep import grid, sweep

from .cases import Case, loss_of

__all__ = ["Burst", "looped", "mapped", "ours", "twice"]

# Seconds a model and update, from the number of updates.
Burst = Callable[[int], float]
RATES = [1e-3, 2e-3, 3e-3, 4e-3]
MIX = ["sgd", "sgdm", "adam", "rmsprop", "adagrad"]


def looped(case: Case, optimizer: str = "Adam", **words: Any) -> Burst:
    """Train one model by ``torch.nn`` and ``torch.optim``, as a loop does."""
    model = case.make()
    step = getattr(torch.optim, optimizer)(model.parameters(), lr=1e-3, **words).step
    draw = torch.Generator().manual_seed(0)

    def burst(updates: int) -> float:
        start = time.perf_counter()
        for _ in range(updates):
            rows = torch.randint(len(case.x), (case.batch,), generator=draw)
            loss = loss_of(model(case.x[rows]), case.y[rows])
            model.zero_grad()
            loss.backward()
            step()
        return (time.perf_counter() - start) / updates

    return burst


def mapped(case: Case, count: int) -> Burst:
    """Train by ``torch.func``: vmap of grad, and Adam with a rate a model."""
    models = [case.make() for _ in range(count)]
    thetas, _ = stack_module_state(models)  # pyright: ignore[reportArgumentType]
    rates = torch.tensor(RATES).repeat(count)[:count]
    states: dict[str, Any] = {name: adam.init(p) for name, p in thetas.items()}
    draw = torch.Generator().manual_seed(0)

    def loss(theta: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return loss_of(functional_call(models[0], theta, (x,)), y)

    gradient = vmap(grad(loss))

    def burst(updates: int) -> float:
        start = time.perf_counter()
        for t in range(1, updates + 1):
            rows = torch.randint(len(case.x), (count, case.batch), generator=draw)
            gs = gradient(thetas, case.x[rows], case.y[rows])
            with torch.no_grad():
                for name, theta in thetas.items():
                    lr = rates.view(-1, *[1] * (theta.dim() - 1))
                    delta, states[name] = adam.update(
                        gs[name], states[name], theta, t, lr=lr
                    )
                    theta.sub_(delta)
        return (time.perf_counter() - start) / updates / count

    return burst


def clock(net: Any, *_: Any) -> Tensor:
    """Read the clock, as a probe that gives every model of a block the same number."""
    return torch.full((len(net.thetas[0]),), time.perf_counter(), dtype=torch.double)


def ours(case: Case, count: int, workers: int, optimizer: str = "adam") -> Burst:
    """Train by ``sweep``; what is timed is the second half of each block's updates."""
    kinds = MIX if optimizer == "mix" else [optimizer]
    settings = grid(seed=range(count), batch_size=case.batch)
    for k, setting in enumerate(settings):
        # a grid of four rates and several seeds
        setting["optimizer"] = kinds[k % len(kinds)]
        setting["lr"] = RATES[k * len(RATES) // count]

    def burst(updates: int) -> float:
        runs = sweep(
            case.make,
            (case.x, case.y),
            settings,
            steps=2 * updates,
            every=updates,
            probes={"clock": clock},
            workers=workers,
            progress=False,
        )
        stamps = torch.as_tensor(runs.probes["clock"])[:, -2:]
        # models of a block have the same two stamps
        blocks = {(a, b) for a, b in stamps.tolist()}
        busy = sum(b - a for a, b in blocks)
        return busy / min(workers, len(blocks)) / updates / count

    return burst


def twice(make: Callable[[], Burst], processes: int) -> Burst:
    """Run a burst in several processes at once, as ``xargs -P`` would."""
    fork = multiprocessing.get_context("fork")

    def burst(updates: int) -> float:
        gate, times = fork.Barrier(processes), fork.Queue()
        work = partial(_gated, make, updates, gate, times)
        children = [fork.Process(target=work) for _ in range(processes)]
        for child in children:
            child.start()
        seconds = [times.get() for _ in children]
        for child in children:
            child.join()
        return max(seconds) / processes

    return burst


def _gated(make: Callable[[], Burst], updates: int, gate: Any, times: Any) -> None:
    torch.set_num_threads(1)
    burst = make()
    burst(3)
    gate.wait()
    times.put(burst(updates))
