r"""The cubes of chapter 12: axes, batch size and rate, running means."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.experiments import norm_grid, norm_groups, running_averages
from coursekit.figures.cube import Array, Dim, seed_arrays
from recipes.recipe import SEEDS, Arrays, Recipe, floor

# Which norm survives small batches and large rates?

KINDS = list(norm_grid.NORMS)
SIZES = [2, 4, 8, 16, 32, 128]
RATES = [0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 3.0]
STEPS, EVERY = 300, 10


def run_grid(kind: str, size: int) -> Arrays:
    """Train all rates of one norm and batch size."""
    found = norm_grid.curves(kind, size, RATES, seeds=SEEDS, steps=STEPS, every=EVERY)
    return {
        "loss": found["train_loss"],
        "running": found["test_acc"],
        "batch": found[f"batch_{size}"],
    }


def build_grid(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Judge each net by running averages and by the statistics of its batches."""
    shape = (len(KINDS), len(SIZES), len(RATES), len(SEEDS), STEPS // EVERY)
    runs = {k: np.stack([p[k] for p in parts]).reshape(shape) for k in parts[0]}
    both = np.nan_to_num(np.stack([runs["running"], runs["batch"]]), nan=0.1)
    dims = [
        Dim("by", "judged by", ["running", "batch"], ["running averages", "its batch"]),
        Dim("norm", "norm", KINDS, ["none", "BN", "LN", "GN"]),
        Dim("B", "batch size B", SIZES, log=True, ordered=True),
        Dim("lr", "learning rate η", RATES, log=True, ordered=True),
        Dim("t", "updates", range(EVERY, STEPS + 1, EVERY), ordered=True),
    ]
    arrays = seed_arrays("acc", both, ("by", "norm", "B", "lr", "t"), 4)
    loss = np.minimum(np.nan_to_num(runs["loss"], nan=1e3), 1e3)
    arrays |= seed_arrays("loss", floor(loss), ("norm", "B", "lr", "t"), 3, log=True)
    return dims, arrays


# What does batch norm use when there is no batch?

SHARES = [0.0, 0.5, 0.9, 0.99, 0.999]
LENGTHS = [2, 8, 32, 128]


def run_running(size: int) -> Arrays:
    """Train from each seed; every share p is read off one run."""
    runs = [running_averages.history(size, SHARES, seed=s) for s in SEEDS]
    return {name: np.stack([r[name] for r in runs]) for name in runs[0]}


def build_running(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Put one unit's means beside the accuracy of all seeds."""
    runs = {k: np.stack([p[k] for p in parts]) for k in parts[0]}
    over = ("B", "p", "t")
    running = np.moveaxis(runs["running"], 1, 0)[0]
    accuracy = np.moveaxis(runs["accuracy"], 1, -2)
    off = np.abs(runs["running"] - runs["true"][:, :, None]).mean(1)
    dims = [
        Dim("B", "batch size B", LENGTHS, log=True, ordered=True),
        Dim("p", "share kept p", SHARES, ordered=True),
        Dim("t", "updates", range(1, running_averages.STEPS + 1), ordered=True),
    ]
    arrays = {
        "running": Array(running, over),
        "batch": Array(runs["batch"][:, 0], ("B", "t")),
        "true": Array(runs["true"][:, 0], ("B", "t")),
        "off": Array(off, over),
    }
    arrays |= seed_arrays("accuracy", accuracy, over, 2)
    whole = seed_arrays("own", runs["batch_accuracy"], ("B", "t"), 1)
    return dims, arrays | {"own": whole["own"]}


# Which numbers share a mean?


CELL = {"image": range(1, 5), "channel": range(1, 9), "position": range(1, 17)}


def build_groups(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Put the normalized numbers beside those they are made of.

    The cell that a reader picks has dimensions of its own, ``at_...``.
    """
    runs = {k: np.stack([p[k] for p in parts]) for k in parts[0]}
    dims = [
        Dim("kind", "norm", list(norm_groups.KINDS), list(norm_groups.KINDS.values())),
        Dim("image4", "image 4", ["kept", "replaced"]),
        *(Dim(name, name, values) for name, values in CELL.items()),
        *(Dim(f"at_{name}", name, values) for name, values in CELL.items()),
    ]
    over = ("kind", "image4", *CELL)
    picked = ("image4", *(f"at_{name}" for name in CELL))
    return dims, {
        "input": Array(runs["input"][0], picked, "u8lin"),
        "value": Array(runs["value"], over, "u8lin"),
        "change": Array(runs["change"], over, "u8x"),
        "count": Array(runs["count"], ("kind",), "i16"),
        "images": Array(runs["images"], ("kind",), "i16"),
        "moved": Array(runs["moved"], ("kind", "image4"), "i16"),
    }


RECIPES = {
    "norm_grid": Recipe(
        [{"kind": k, "size": b} for k, b in product(KINDS, SIZES)], run_grid, build_grid
    ),
    "norm_running": Recipe([{"size": b} for b in LENGTHS], run_running, build_running),
    "norm_groups": Recipe(
        [{"kind": k} for k in norm_groups.KINDS],
        norm_groups.groups,
        build_groups,
        seeds=[0],
    ),
}
