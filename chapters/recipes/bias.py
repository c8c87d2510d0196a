r"""The cubes of chapter 1: restarts and medicines."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.experiments import medicines, restarts
from coursekit.figures.cube import Array, Dim, seed_arrays
from recipes.recipe import SEEDS, Arrays, Recipe, floor

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

WORST = 3.0  # what a diverged run counts as: a bad loss
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
