r"""The cubes of chapter 11: scale, trainability by depth, symmetry."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.experiments import signal_propagation, symmetry, trainability
from coursekit.figures.cube import Array, Dim, seed_arrays
from recipes.recipe import SEEDS, Arrays, Recipe, floor

# How large should the first weights be?

ACTIVATIONS = ["tanh", "relu", "sigmoid"]
SCALES = np.round(2.0 ** np.linspace(-2, 2, 17), 3)
SCALES[5], SCALES[10] = 3**-0.5, 2**0.5
SCALE_NAMES = [f"{g:.2f}" for g in SCALES]


def build_scale(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add the factor a layer of both signals to what was measured."""
    a, delta, hist = (
        np.stack([p[k] for p in parts]).reshape(3, len(SCALES), *parts[0][k].shape[1:])
        for k in ("activation_std", "delta_std", "histogram")
    )
    middle = np.linspace(-4, 1.5, 34)
    dims = [
        Dim("activation", "activation", ACTIVATIONS, ["tanh", "ReLU", "sigmoid"]),
        Dim(
            "gain",
            "gain g = std(W) · √n_in",
            SCALES,
            SCALE_NAMES,
            log=True,
            ordered=True,
        ),
        Dim("step", "training step", signal_propagation.MOMENTS, ordered=True),
        Dim("layer", "layer", range(1, 13), ordered=True),
        Dim("bin", "log₁₀ |a|", np.round((middle[1:] + middle[:-1]) / 2, 3)),
    ]
    over = ("activation", "gain", "step", "layer")
    arrays = seed_arrays("a", floor(a), over, 2, log=True)
    arrays |= seed_arrays("delta", floor(delta), over, 2, log=True)
    arrays["histogram"] = Array(hist, (*over, "bin"), "u8")
    for name, forward in (("a", True), ("delta", False)):
        first, last = (arrays[name].values[..., k] for k in (0, -1))
        ratio = last / first if forward else first / last
        ratio = np.where(np.isfinite(ratio), ratio, np.inf)
        arrays[f"{name}_total"] = Array(floor(ratio), over[:3], "i16log")
        arrays[f"{name}_factor"] = Array(floor(ratio) ** (1 / 11), over[:3], "i16log")
    return dims, arrays


# Does the right scale matter more with depth?

GAINS = [0.5, 0.7, 0.85, 1.0, 1.1, 1.2, 1.3, 2**0.5, 1.55, 1.7, 1.9, 2.15, 2.4]
GAIN_NAMES = [f"{g:.2f}" for g in GAINS]
GAIN_NAMES[3] += " (Xavier)"
GAIN_NAMES[7] += " (He)"
LEARNED = 2.0  # a loss clearly below that of guessing, ln 10 = 2.30
DEPTHS = [5, 10, 15, 20, 25, 30, 35, 40]


def run_trainability(activation: str, depth: int) -> Arrays:
    """Train all gains of one depth."""
    curves = trainability.training_curves(
        GAINS, depth, activation=activation, seeds=SEEDS
    )
    return {"loss": curves}


def build_trainability(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Add which gains learn, and the range of them at each depth."""
    loss = np.stack([p["loss"] for p in parts])
    loss = loss.reshape(2, len(DEPTHS), *loss.shape[1:])
    dims = [
        Dim("activation", "activation", ["relu", "tanh"], ["ReLU", "tanh"]),
        Dim("depth", "hidden layers", DEPTHS, ordered=True),
        Dim("gain", "gain g = std(W) · √n_in", GAINS, GAIN_NAMES, ordered=True),
        Dim("t", "updates", trainability.moments(trainability.total_steps())),
    ]
    over = ("activation", "depth", "gain", "t")
    arrays = seed_arrays("loss", np.minimum(loss, 1e6), over, 3, log=True)
    learned = arrays["loss"].values < LEARNED
    place = np.arange(len(GAINS))[:, None]
    arrays["learned"] = Array(learned, over, "u8x")
    for name, ends in (
        ("lowest", np.where(learned, place, len(GAINS)).min(-2)),
        ("highest", np.where(learned, place, -1).max(-2)),
    ):
        gains = np.append(GAINS, np.nan)[ends]
        arrays[name] = Array(gains, ("activation", "depth", "t"))
    arrays["critical"] = Array([2**0.5, 1.0], ("activation",))
    arrays["guessing"] = Array([np.log(10)] * 2, ("activation",))
    return dims, arrays


# How much asymmetry is enough?

NOISE_VALUES = ["0", "1e-8", "1e-6", "1e-4", "1e-2", "0.1", "inf"]
NOISE_NAMES = ["0", "10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "0.1", "He"]
SHOWN = 6  # singular values in the figure
FINE = list(range(0, 1001, 10))
COARSE = np.unique(np.round(100 * np.linspace(0, 1, 30) ** 1.3).astype(int))


def build_symmetry(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Keep 30 of the moments; find the breaking time among all of them."""
    values = np.concatenate([p["singular_values"] for p in parts])
    loss = np.concatenate([p["loss"] for p in parts])
    weights = np.concatenate([p["weights"] for p in parts])[:, COARSE]
    broken = symmetry.breaking_time(np.median(values, 1), FINE)
    values = np.median(values, 1)[:, COARSE]
    rank = symmetry.numerical_rank(values)
    largest = np.maximum(values[..., :SHOWN], 1e-18)
    dims = [
        Dim("noise", "relative noise ε", NOISE_VALUES, NOISE_NAMES, ordered=True),
        Dim("unit", "hidden unit", range(1, 17)),
        Dim("pixel", "central pixel", range(1, 17)),
        Dim("which", "singular value", range(1, SHOWN + 1), ordered=True),
        Dim("t", "updates", [FINE[k] for k in COARSE]),
    ]
    arrays = {
        "value": Array(np.moveaxis(largest, 1, -1), ("noise", "which", "t"), "i16log"),
        "weight": Array(
            np.moveaxis(weights, 1, -1), ("noise", "unit", "pixel", "t"), "u8lin"
        ),
        "rank": Array(rank, ("noise", "t"), "u8x"),
        "broken": Array(broken, ("noise",), "i16"),
    }
    arrays |= seed_arrays("loss", loss[:, :, COARSE], ("noise", "t"), 1, log=True)
    return dims, arrays


RECIPES = {
    "init_scale": Recipe(
        [
            {"activation": a, "gains": [g]}
            for a, g in product(ACTIVATIONS, SCALES.tolist())
        ],
        signal_propagation.propagation,
        build_scale,
    ),
    "init_trainability": Recipe(
        [{"activation": a, "depth": d} for a, d in product(["relu", "tanh"], DEPTHS)],
        run_trainability,
        build_trainability,
    ),
    "init_symmetry": Recipe(
        [{"noises": [e], "at": FINE} for e in map(float, NOISE_VALUES)],
        symmetry.breaking,
        build_symmetry,
    ),
}
