r"""The cubes of chapter 1: depth and rate, restarts, medicines."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.experiments import depth, medicines, restarts
from coursekit.figures.cube import Array, Dim, seed_arrays
from recipes.recipe import SEEDS, Arrays, Recipe, floor

# Does a deeper net fail on its own training data?

LAYERS, RATES = [2, 4, 8, 14, 20, 32, 56], [0.001, 0.003, 0.01, 0.03, 0.1]
KIND_NAMES = ["plain", "BN", "residual", "residual + BN"]
FEWEST = {"plain": 2, "bn": 2, "residual": 4, "residual_bn": 4}  # layers
EVERY = 4  # updates; of these moments T are kept, close at first
SPACING = np.unique((np.linspace(0, 1, 40) ** 1.6 * 44).round().astype(int))
CEILING, WORST = 1e6, 3.0  # what a diverged run counts as: none, or a bad loss


def run_depth(kind: str, layers: int) -> Arrays:
    """Train all rates of one architecture and depth, if there is such a net."""
    if layers < FEWEST[kind]:
        return {}
    runs = depth.curves(kind, layers, RATES, seeds=SEEDS, every=EVERY)
    return {name: values[..., SPACING] for name, values in runs.items()}


def build_depth(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add the best rate of every net, judged at the end by the median of the seeds."""
    full = next(p for p in parts if p)
    dims = [
        Dim("kind", "architecture", list(depth.KINDS), KIND_NAMES),
        Dim("layers", "layers", LAYERS, ordered=True),
        Dim("lr", "learning rate η", RATES, log=True, ordered=True),
        Dim("t", "updates", full["moments"].tolist()),
    ]
    over, shape = ("kind", "layers", "lr", "t"), (len(depth.KINDS), len(LAYERS))
    absent = np.reshape([not p for p in parts], shape)
    arrays: dict[str, Array] = {"absent": Array(absent, over[:2], "u8x")}
    for name in ("train", "test"):
        loss = np.stack([p.get(name, np.ones_like(full[name])) for p in parts])
        loss = loss.reshape(*shape, *loss.shape[1:])
        loss = np.where(loss > CEILING, np.inf, loss)
        for key, array in seed_arrays(name, floor(loss), over, 3, log=True).items():
            hide = absent[..., None, None] & (not key.endswith("_div"))
            values = np.where(hide, np.nan, array.values)
            arrays[key] = Array(values, over, array.codes.encoding)
    return dims, arrays | best_rates(arrays["train"].values[..., -1], over[:2])


def best_rates(end: np.ndarray, over: tuple[str, ...]) -> dict[str, Array]:
    """Say for each net its lowest final loss, at which rate, and if all diverged."""
    at = end.argmin(-1)
    best = np.take_along_axis(end, at[..., None], -1)[..., 0]
    return {
        "best": Array(best, over, "i16log"),
        "best_lr": Array(np.array(RATES)[at], over, "i16log"),
        "lost": Array(np.isinf(best), over, "u8x"),
    }


# Is the needle in the haystack?

SIZES = [1, 2, 3, 4, 6, 8, 16, 32]


def build_restarts(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add the best and the median of the starts."""
    x, y = restarts.points()
    shape = (len(restarts.FAMILIES), len(SIZES))
    fit, loss, low = (
        np.stack([p[k] for p in parts]).reshape(*shape, *parts[0][k].shape)
        for k in ("fit", "loss", "floor")
    )
    first = np.take_along_axis(fit, loss.argmin(-1)[..., None, None], 2)[:, :, 0]
    dims = [
        Dim("family", "family", list(restarts.FAMILIES), ["polynomial", "tanh net"]),
        Dim("size", "degree or hidden units", SIZES, log=True, ordered=True),
        Dim("start", "start", range(1, 21)),
        Dim("x", "x", np.round(x, 4).tolist()),
    ]
    over = ("family", "size")
    return dims, {
        "y": Array(y, ("x",)),
        "fit": Array(fit, (*over, "start", "x")),
        "fit_lo": Array(fit.min(2), (*over, "x")),
        "fit_hi": Array(fit.max(2), (*over, "x")),
        "best_fit": Array(first, (*over, "x")),
        "loss": Array(loss, (*over, "start"), "i16log"),
        "best": Array(loss.min(-1), over, "i16log"),
        "median": Array(np.median(loss, -1), over, "i16log"),
        "floor": Array(low, over, "i16log"),
        "search": Array(np.median(loss, -1) / low, over, "i16log"),
    }


# Four sick runs: which medicine helps?

PATIENT_NAMES = ["A", "B", "C", "D"]
MEDICINE_NAMES = [
    "none",
    "larger model",
    "skips + BN",
    "more steps",
    "more data",
    "data like the test",
    "weight decay",
]


def build_medicines(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add the change of the final losses against no medicine, seed by seed."""
    from coursekit.stats import paired_t_interval

    dims = [
        Dim("patient", "patient", list(medicines.PATIENTS), PATIENT_NAMES),
        Dim("medicine", "medicine", list(medicines.MEDICINES), MEDICINE_NAMES),
        Dim("t", "share of the run", np.round(medicines.SHARES, 3).tolist()),
        Dim("seed", "seed", list(SEEDS)),
    ]
    over, arrays = ("patient", "medicine"), {}
    shape = (len(medicines.PATIENTS), len(medicines.MEDICINES))
    for name in ("train", "test"):
        loss = np.stack([p[name] for p in parts])
        loss = np.minimum(loss.reshape(*shape, *loss.shape[1:]), WORST)
        arrays |= seed_arrays(name, floor(loss), (*over, "t"), 2, log=True)
        plain = np.broadcast_to(arrays[name].values[:, :1], (*shape, loss.shape[-1]))
        arrays[f"{name}_before"] = Array(plain, (*over, "t"), "i16log")
        change = loss[..., -1] - loss[:, :1, :, -1]
        arrays[f"{name}_change"] = Array(change, (*over, "seed"))
        ends = [paired_t_interval(d) for d in change.reshape(-1, len(SEEDS))]
        for part in ("estimate", "low", "high"):
            values = np.reshape([getattr(e, part) for e in ends], shape)
            arrays[f"{name}_{part}"] = Array(values, over)
    gap = arrays["test"].values[..., -1] - arrays["train"].values[..., -1]
    arrays["gap"] = Array(gap, over)
    return dims, arrays


RECIPES = {
    "bias_depth": Recipe(
        [{"kind": k, "layers": n} for k, n in product(depth.KINDS, LAYERS)],
        run_depth,
        build_depth,
    ),
    "bias_restarts": Recipe(
        [{"family": f, "size": s} for f, s in product(restarts.FAMILIES, SIZES)],
        restarts.fits,
        build_restarts,
        seeds=range(20),
    ),
    "bias_medicines": Recipe(
        [
            {"patient": p, "medicine": m}
            for p, m in product(medicines.PATIENTS, medicines.MEDICINES)
        ],
        medicines.treated,
        build_medicines,
    ),
}
