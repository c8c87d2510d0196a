"""Name five sweeps as chapters call them, to be timed from the call to the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from coursekit import models
from coursekit.norm import BatchNorm, LayerNorm
from coursekit.sweep import grid, sweep

from .bursts import looped
from .cases import Case, vectors

__all__ = ["CALLS", "Call", "Part", "call", "estimate"]

STEPS = 100
DATA = vectors(64)
NORMS = {"none": None, "batch": BatchNorm, "layer": LayerNorm}


@dataclass(frozen=True)
class Part:
    """Hold the settings of a sweep that share an architecture and a batch size.

    Attributes:
        model: Words for ``make``.
        count: Number of settings.
        batch: Batch size.
        jax: The same net for ``with_jax``.
    """

    model: dict[str, Any]
    count: int
    batch: int
    jax: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """Hold one sweep: how it is written, and what it falls into."""

    make: Callable[..., nn.Module]
    settings: list[dict[str, Any]]
    parts: list[Part]


def deep(activation: str = "relu") -> nn.Module:
    """Make a net of ten layers of 100."""
    return models.MLP([64, *[100] * 9, 10], activation)


def small(norm: str = "none") -> nn.Module:
    """Make a net of three layers, with or without norms."""
    return models.MLP([64, 64, 64, 10], norm=NORMS[norm])


def tall(depth: int = 8, kind: str = "plain") -> nn.Module:
    """Make a narrow net, plain or residual with batch norm."""
    if kind == "plain":
        return models.MLP([64, *[32] * (depth - 1), 10])
    return models.ResidualMLP(64, 32, (depth - 2) // 2, 10, norm=BatchNorm)


def gains() -> Call:
    """Compare gains of the initialization."""
    kinds = ["relu", "tanh", "sigmoid"]
    gain = [0.5, 0.75, 1.0, 1.5, 2.0]
    rows = grid(gain=gain, activation=kinds, seed=range(5), optimizer="adam", lr=1e-3)
    widths = [64, *[100] * 9, 10]
    nets = [{"kind": "mlp", "widths": widths, "activation": kind} for kind in kinds]
    parts = [Part({"activation": n["activation"]}, 25, 32, n) for n in nets]
    return Call(deep, rows, parts)


def batches() -> Call:
    """Compare batch sizes."""
    sizes, rates = [1, 3, 10, 32, 100, 316, 1000], [1e-3, 2e-3, 4e-3, 8e-3]
    rows = grid(batch_size=sizes, lr=rates, seed=range(8), optimizer="adam")
    net = {"kind": "mlp", "widths": [64, 64, 64, 10]}
    return Call(small, rows, [Part({}, 32, size, net) for size in sizes])


def depths() -> Call:
    """Compare plain and residual nets of three depths."""
    depth, kinds = [8, 20, 56], ["plain", "residual"]
    rows = grid(depth=depth, kind=kinds, seed=range(5), optimizer="adam", lr=1e-3)
    parts = []
    for d in depth:
        net = {"kind": "mlp", "widths": [64, *[32] * (d - 1), 10]}
        blocks = {**net, "residual": True, "norm": "batch"}
        for kind, words in (("plain", net), ("residual", blocks)):
            parts.append(Part({"depth": d, "kind": kind}, 5, 32, words))
    return Call(tall, rows, parts)


def norms() -> Call:
    """Compare norms at three batch sizes."""
    kinds, sizes = list(NORMS), [8, 32, 128]
    words = {"optimizer": "adam", "lr": [1e-3, 1e-2]}
    rows = grid(norm=kinds, batch_size=sizes, seed=range(5), **words)
    net = {"kind": "mlp", "widths": [64, 64, 64, 10]}
    parts = [
        Part(
            {"norm": kind}, 10, size, {**net, "norm": None if kind == "none" else kind}
        )
        for kind in kinds
        for size in sizes
    ]
    return Call(small, rows, parts)


def optimizers() -> Call:
    """Compare optimizers; JAX runs Adam in the place of each."""
    kinds, rates = (
        ["sgd", "sgdm", "adam", "rmsprop", "adagrad"],
        [1e-3, 3e-3, 1e-2, 3e-2],
    )
    rows = grid(optimizer=kinds, lr=rates, seed=range(5))
    net = {"kind": "mlp", "widths": [64, 64, 64, 10]}
    return Call(small, rows, [Part({}, 20, 32, net) for _ in kinds])


CALLS = {
    "5 gains × 3 activations × 5 seeds, depth 10, width 100": gains,
    "7 batch sizes (1…1000) × 4 rates × 8 seeds": batches,
    "depth 8, 20, 56 × plain, residual + BN × 5 seeds": depths,
    "3 norms × 3 batch sizes × 2 rates × 5 seeds": norms,
    "5 optimizers × 4 rates × 5 seeds": optimizers,
}


def call(sweep_: Call, workers: int) -> float:
    """Time a sweep from the call to the result."""
    start = time.perf_counter()
    words = {"steps": STEPS, "workers": workers, "progress": False}
    sweep(sweep_.make, DATA, sweep_.settings, **words)
    return time.perf_counter() - start


def estimate(sweep_: Call, updates: int = 10) -> float:
    """Estimate what a plain loop takes from a few updates of each part."""
    seconds = 0.0
    for part in sweep_.parts:
        make = partial(sweep_.make, **part.model)
        burst = looped(Case(make, *DATA, part.batch))
        burst(2)
        seconds += burst(updates) * part.count * STEPS
    return seconds
