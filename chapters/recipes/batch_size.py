r"""The cubes of chapter 4: two budgets, spread of gradients, rates that work."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.data import updates_per_epoch
from coursekit.experiments import batch_budget, gradient_spread, lars_range
from coursekit.figures.cube import Array, Dim, seed_arrays
from coursekit.stats import as_good_as_best
from recipes.recipe import SEEDS, Arrays, Recipe, floor

# Is a small batch better, or does it just get more updates?

SIZES = [4, 8, 16, 32, 64, 128, 256, 1000]
RATES = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
MOMENTS = 40


def run_budget(budget: str, size: int) -> Arrays:
    """Train all rates of one batch size."""
    return batch_budget.curves(size, RATES, budget=budget, seeds=SEEDS, count=MOMENTS)


def build_budget(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add which rates are as good as the best of their batch size, and counts."""
    shape = (2, len(SIZES), len(RATES), len(SEEDS), MOMENTS)
    runs = {k: np.stack([p[k] for p in parts]).reshape(shape) for k in parts[0]}
    over = ("budget", "B", "lr", "t")
    moments = range(1, MOMENTS + 1)
    shares = [f"{100 * (k / MOMENTS) ** 1.6:.3g} %" for k in moments]
    dims = [
        Dim("budget", "budget", batch_budget.BUDGETS, ["15 epochs", "1500 updates"]),
        Dim("B", "batch size B", SIZES, log=True, ordered=True),
        Dim("lr", "learning rate η", RATES, log=True, ordered=True),
        Dim("t", "share of the budget", moments, shares, ordered=True),
    ]
    arrays = seed_arrays("loss", floor(runs["train_loss"]), over, 3, log=True)
    for name in ("train_acc", "test_acc"):
        found = seed_arrays(name, runs[name], over, 3)
        arrays |= {name: found[name]}
    validation = np.nan_to_num(runs["val_acc"][..., -1]).mean(-1)
    arrays["validation"] = Array(validation, ("budget", "B", "lr"))
    now = np.moveaxis(np.nan_to_num(runs["test_acc"]), -1, 2)
    best = np.moveaxis(as_good_as_best(now), 2, -1)
    arrays["best"] = Array(best, over, "u8x")
    done = [
        [batch_budget.moments(b, s, MOMENTS) for s in SIZES]
        for b in batch_budget.BUDGETS
    ]
    read = np.array(done) / [[updates_per_epoch(batch_budget.N, s)] for s in SIZES]
    arrays["updates"] = Array(np.array(done), ("budget", "B", "t"), "i16log")
    arrays["read"] = Array(read, ("budget", "B", "t"), "i16log")
    return dims, arrays


# How far does a batch's gradient miss?

DRAWS = [1, 2, 4, 8, 16, 32, 64, 256, 1000]


def build_spread(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Put the clouds of batch gradients beside their variance."""
    stacked = {k: np.stack([p[k] for p in parts]) for k in parts[0]}
    over = ("net", "ways", "B")
    dims = [
        Dim(
            "net", "net", gradient_spread.NETS, ["at start", "after 1 epoch", "trained"]
        ),
        Dim("ways", "draw", gradient_spread.WAYS, ["with replacement", "without"]),
        Dim("B", "batch size B", DRAWS, log=True, ordered=True),
        Dim("draw", "batch", range(1, gradient_spread.DRAWN + 1)),
    ]
    arrays = {k: Array(stacked[k], (*over, "draw")) for k in ("along", "across")}
    arrays["variance"] = Array(floor(stacked["variance"]), over, "i16log")
    arrays["theory"] = Array(floor(stacked["theory"]), over, "i16log")
    arrays["uphill"] = Array(100 * stacked["uphill"], over)
    return dims, arrays


# How wide is the road with a full batch?

DEPTHS = [4, 12]


def run_lars(method: str, depth: int) -> Arrays:
    """Train all rates of one method."""
    return lars_range.curves(method, depth, seeds=SEEDS, every=2)


def build_lars(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add how many rates work."""
    shape = (len(DEPTHS), len(lars_range.METHODS))
    stack = {k: np.stack([p[k] for p in parts]) for k in parts[0]}
    runs = {k: v.reshape(*shape, *v.shape[1:]) for k, v in stack.items()}
    names = list(lars_range.METHODS)
    over = ("depth", "method", "lr", "t")
    dims = [
        Dim("depth", "hidden layers", DEPTHS, ordered=True),
        Dim("method", "method", names, list(lars_range.METHODS.values())),
        Dim("lr", "learning rate η", lars_range.RATES, log=True, ordered=True),
        Dim("t", "updates", range(2, lars_range.STEPS + 1, 2), ordered=True),
    ]
    accuracy = runs["train_acc"]
    arrays = seed_arrays("accuracy", accuracy, over, 3)
    loss = seed_arrays("loss", floor(runs["train_loss"]), over, 3, log=True)
    arrays |= {k: loss[k] for k in ("loss", "loss_lo", "loss_hi")}
    median = np.nan_to_num(
        np.where(np.isfinite(arrays["accuracy"].values), arrays["accuracy"].values, 0)
    )
    works = (median >= lars_range.WORKS).sum(2)
    arrays["works"] = Array(works, ("depth", "method", "t"), "u8x")
    arrays["rates"] = Array(np.full(shape, len(lars_range.RATES)), over[:2], "u8x")
    return dims, arrays


RECIPES = {
    "batch_budget": Recipe(
        [{"budget": b, "size": s} for b, s in product(batch_budget.BUDGETS, SIZES)],
        run_budget,
        build_budget,
    ),
    "batch_spread": Recipe(
        [{"net": net, "sizes": DRAWS} for net in gradient_spread.NETS],
        gradient_spread.clouds,
        build_spread,
        seeds=[0],
    ),
    "batch_lars": Recipe(
        [{"method": m, "depth": d} for d, m in product(DEPTHS, lars_range.METHODS)],
        run_lars,
        build_lars,
    ),
}
