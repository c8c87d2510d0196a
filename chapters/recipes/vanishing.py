r"""The cubes of chapter 10: cures by depth, dead units, shattered gradients."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.experiments import dead_units, shattered_gradients, signal_cures
from coursekit.figures.cube import Array, Dim, seed_arrays
from recipes.recipe import SEEDS, Arrays, Recipe, floor

# Which cure works at 32 layers?

CURES = ["sigmoid", "tanh", "he", "bn", "skip", "skip_bn", "skip_zero"]
DEPTHS = [4, 8, 16, 32, 56]
MOMENTS = [0, 1, 3, 10, 20, 30, 45, 60]


def run_cure(cure: str, depth: int) -> Arrays:
    """Follow all seeds of one net."""
    return signal_cures.follow(cure, depth, seeds=SEEDS, at=MOMENTS)


def build_cures(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Pad the stages that shallow nets do not have; add ratio and factor."""
    shape = (len(CURES), len(DEPTHS))
    over = ("cure", "depth", "t", "stage")
    deepest, missing = DEPTHS[-1], np.zeros((*shape, len(MOMENTS), DEPTHS[-1]), bool)
    full = {k: np.ones((*shape, 5, *missing.shape[2:])) for k in ("a", "delta")}
    loss = np.stack([p["loss"] for p in parts]).reshape(*shape, 5, -1)
    ratio, factor = np.empty_like(loss), np.empty_like(loss)
    for (c, d), part in zip(np.ndindex(shape), parts, strict=True):
        missing[c, d, :, DEPTHS[d] :] = True
        for key, values in full.items():
            values[c, d, :, :, : DEPTHS[d]] = floor(part[key])
        ratio[c, d] = part["delta"][..., 0] / part["delta"][..., -1]
        factor[c, d] = signal_cures.layer_factor(part["delta"])
    words = [signal_cures.NETS[c].words for c in CURES]
    dims = [
        Dim("cure", "net", CURES, words),
        Dim("depth", "layers or blocks", DEPTHS, ordered=True),
        Dim("t", "updates", MOMENTS, ordered=True),
        Dim("stage", "layer or block", range(1, deepest + 1), ordered=True),
    ]
    arrays: dict[str, Array] = {}
    for key, values in full.items():
        for name, array in seed_arrays(key, values, over, 2, log=True).items():
            if name in ("a", "delta", "delta_lo", "delta_hi"):
                hidden = np.where(missing, np.nan, array.values)
                arrays[name] = Array(hidden, over, "i16log")
    for name, values in (("loss", loss), ("ratio", ratio), ("factor", factor)):
        each = np.minimum(values, 1e30)
        arrays |= seed_arrays(name, each, over[:3], 2, log=True)
    return dims, arrays


# When does a ReLU die, and can it wake?

RATES = [0, 0.3, 1, 3, 10, 30]
AFTER = [0, 5, 20, 50, 100, 300, 600]
SHOWN = [dead_units.MOMENTS.index(t) for t in AFTER]
KINDS = {"relu": "ReLU", "leaky": "leaky 0.1", "elu": "ELU"}


def build_dead(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Sort layer 2's units of seed 0 by their largest value; summarise all seeds."""
    shape = (len(KINDS), len(RATES))
    both = {k: np.stack([p[k] for p in parts]) for k in parts[0]}
    both = {k: v.reshape(*shape, *v.shape[1:]) for k, v in both.items()}
    both = {k: v[:, :, :, SHOWN] for k, v in both.items()}
    second = {k: both[k][:, :, 0, :, dead_units.WIDTH :] for k in ("low", "high")}
    order = np.argsort(second["high"], axis=-1)
    over = ("activation", "big", "t")
    dims = [
        Dim("activation", "activation", list(KINDS), list(KINDS.values())),
        Dim("big", "rate of the oversized step", RATES, ordered=True),
        Dim("t", "updates after it", AFTER, ordered=True),
        Dim("unit", "unit of the second layer, sorted", range(1, 65)),
    ]
    arrays = {
        key: Array(np.take_along_axis(values, order, -1), (*over, "unit"))
        for key, values in second.items()
    }
    arrays |= seed_arrays("share", both["share"], over, 2)
    arrays |= seed_arrays("accuracy", both["accuracy"], over, 2)
    found = np.isfinite(both["gradient"])
    middle = np.full(found[:, :, 0].shape, np.nan)
    for place in np.argwhere(found.any(2)):
        a, b, t = place
        middle[a, b, t] = np.median(both["gradient"][a, b, found[a, b, :, t], t])
    arrays["gradient"] = Array(floor(middle), over, "i16log")  # 1e-30: exactly zero
    arrays["dead"] = Array((second["high"] <= 0).sum(-1), over, "u8x")
    arrays["silenced"] = Array(np.isfinite(middle), over, "u8x")
    return dims, arrays


# How alike are the gradients of neighbours?

LAYERS = [1, 2, 4, 8, 16, 24, 50]


def run_shatter(kind: str, depth: int) -> Arrays:
    """Probe all seeds of one net."""
    slopes = np.array([shattered_gradients.probe(kind, depth, s)[0] for s in SEEDS])
    corr = np.array([shattered_gradients.autocorrelation(v) for v in slopes])
    return {"slope": slopes[0] / np.sqrt(np.mean(slopes[0] ** 2)), "corr": corr}


def build_shatter(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add the number of grid points after which the correlation is below one half."""
    kinds = list(shattered_gradients.KINDS)
    shape = (len(kinds), len(LAYERS))
    slope = np.stack([p["slope"] for p in parts]).reshape(*shape, -1)
    corr = np.stack([p["corr"] for p in parts]).reshape(*shape, *parts[0]["corr"].shape)
    spacing = 4 / (slope.shape[-1] - 1)
    lags = np.round(spacing * np.arange(corr.shape[-1]), 4)
    dims = [
        Dim("kind", "net", kinds, list(shattered_gradients.KINDS.values())),
        Dim("depth", "layers or blocks", LAYERS, ordered=True),
        Dim("x", "input x", np.round(shattered_gradients.grid().numpy(), 4)),
        Dim("lag", "distance of the inputs", lags, ordered=True),
    ]
    arrays = {"slope": Array(slope, ("kind", "depth", "x"))}
    arrays |= seed_arrays("corr", corr, ("kind", "depth", "lag"), 2)
    below = arrays["corr"].values < 0.5
    reach = np.where(below.any(-1), lags[below.argmax(-1)], np.inf)
    arrays["reach"] = Array(np.minimum(reach, lags[-1]), ("kind", "depth"))
    arrays["far"] = Array(~below.any(-1), ("kind", "depth"), "u8x")
    arrays["spacing"] = Array(np.full(shape, spacing), ("kind", "depth"))
    return dims, arrays


RECIPES = {
    "van_cures": Recipe(
        [{"cure": c, "depth": d} for c, d in product(CURES, DEPTHS)],
        run_cure,
        build_cures,
    ),
    "van_dead": Recipe(
        [{"activation": a, "big": float(b)} for a, b in product(KINDS, RATES)],
        dead_units.oversized_step,
        build_dead,
    ),
    "van_shatter": Recipe(
        [
            {"kind": k, "depth": d}
            for k, d in product(shattered_gradients.KINDS, LAYERS)
        ],
        run_shatter,
        build_shatter,
    ),
}
