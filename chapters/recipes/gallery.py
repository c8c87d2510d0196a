r"""The cube of the gallery: every optimizer on the same surfaces."""

from __future__ import annotations

from itertools import product

import numpy as np

from coursekit.experiments import optimizer_paths
from coursekit.figures.cube import Array, Dim
from recipes.recipe import Arrays, Recipe

# How does each optimizer get there?

PLACES = ("surface", "method", "rate")
FIELD = np.linspace(0, 1, 61)


def build_paths(parts: list[Arrays]) -> tuple[list[Dim], dict[str, Array]]:
    """Put the paths beside the surfaces that they walk on."""
    surfaces, methods = [*optimizer_paths.SURFACES], [*optimizer_paths.METHODS]
    x, y = (low + FIELD * (high - low) for low, high in optimizer_paths.VIEW)
    grid = np.stack(np.meshgrid(x, y), -1)
    field = [np.log10(optimizer_paths.gap(s, grid) + 0.03) for s in surfaces]
    shape = (len(surfaces), len(methods))
    a = {k: np.stack([p[k] for p in parts]) for k in parts[0]}
    a = {k: v.reshape(*shape, *v.shape[1:]) for k, v in a.items()}
    dims = [
        Dim("surface", "surface", surfaces, ["bowl", "saddle", "valley"]),
        Dim("method", "optimizer", methods, ordered=True),
        Dim("rate", "learning rate", [-1, 0, 1], ["÷ 3.2", "best", "× 3.2"]),
        Dim("t", "update", range(optimizer_paths.STEPS + 1)),
        Dim("x", "θ₁", np.round(x, 6)),
        Dim("y", "θ₂", np.round(y, 6)),
    ]
    over = (*PLACES, "t")
    arrays = {k: Array(a[k], over) for k in ("px", "py")}
    arrays["gap"] = Array(a["gap"], over, "i16log")
    arrays["lr"] = Array(a["lr"], PLACES, "i16log")
    arrays["reached"] = Array(a["reached"], PLACES, "u8x")
    arrays["field"] = Array(field, ("surface", "y", "x"))
    return dims, arrays


RECIPES = {
    "optimizer_paths": Recipe(
        [
            {"surface": s, "method": m}
            for s, m in product(optimizer_paths.SURFACES, optimizer_paths.METHODS)
        ],
        optimizer_paths.near_best,
        build_paths,
        seeds=(),
    ),
}
