r"""Make the runs behind the interactive figures and store them as cubes.

    python chapters/make_figures.py                  # all
    python chapters/make_figures.py init_scale       # one
    python chapters/make_figures.py --fresh          # all, reusing nothing

A cube is made of settings that run on their own. Each finished setting is kept under
`_build/figures/` at once, so an interrupted run goes on where it stopped; the folder's
name has a checksum of the experiments' source, so that edited code reuses nothing.
The cube itself, in `chapters/data/`, carries command, versions, date and seeds.
"""

from __future__ import annotations

import argparse
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from coursekit import experiments
from coursekit.experiments import (
    optimizer_paths,
    signal_propagation,
    symmetry,
    trainability,
)
from coursekit.figures.cube import Array, Cube, Dim, provenance, seed_arrays

HERE = Path(__file__).parent
DATA, PARTS = HERE / "data", HERE.parent / "_build" / "figures"
SEEDS = range(5)
Arrays = dict[str, np.ndarray]
Job = tuple[str, int, Path]  # a cube, one of its settings, where its arrays go


@dataclass(frozen=True)
class Recipe:
    """Say which settings make a cube, how one runs, and how all become the cube."""

    settings: Sequence[Mapping[str, Any]]
    run: Callable[..., Arrays]
    build: Callable[[list[Arrays]], tuple[list[Dim], dict[str, Array]]]
    seeds: Sequence[int] = SEEDS


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


def floor(values: np.ndarray) -> np.ndarray:
    """Lift zeros, so that logarithms exist; they stand far below every axis."""
    return np.maximum(values, 1e-30)


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
    "optimizer_paths": Recipe(
        [
            {"surface": s, "method": m}
            for s, m in product(optimizer_paths.SURFACES, optimizer_paths.METHODS)
        ],
        optimizer_paths.near_best,
        build_paths,
        seeds=(),
    ),
    "init_symmetry": Recipe(
        [{"noises": [e], "at": FINE} for e in map(float, NOISE_VALUES)],
        symmetry.breaking,
        build_symmetry,
    ),
}


def make(name: str, workers: int) -> Path:
    """Run what is missing of one cube, build it and save it."""
    recipe = RECIPES[name]
    folder = parts_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    todo = [k for k in range(len(recipe.settings)) if not part(folder, k).exists()]
    jobs = [(name, k, part(folder, k)) for k in todo]
    for _ in tqdm(progress(jobs, workers), total=len(jobs), desc=name):
        pass
    results = [dict(np.load(part(folder, k))) for k in range(len(recipe.settings))]
    dims, arrays = recipe.build(results)
    command = f"python chapters/make_figures.py {name}"
    cube = Cube(dims, arrays, provenance(command, seeds=recipe.seeds))
    path = cube.save(DATA / f"{name}.cube")
    tqdm.write(f"{path.name}: {cube.numbers} numbers, {path.stat().st_size} bytes")
    return path


def progress(jobs: list[Job], workers: int) -> Iterator[None]:
    """Run jobs here or in processes of one torch thread each."""
    if workers == 1 or len(jobs) < 2:
        yield from map(run_part, jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(run_part, jobs)


def run_part(job: Job) -> None:
    """Run one setting and keep its arrays; the file appears only when complete."""
    import torch

    torch.set_num_threads(1)
    name, k, target = job
    recipe = RECIPES[name]
    arrays = recipe.run(**recipe.settings[k])
    unfinished = target.with_suffix(".tmp.npz")
    np.savez(unfinished, **arrays)
    unfinished.rename(target)


def parts_folder(name: str) -> Path:
    """Name the folder of a cube's settings after the code that runs them."""
    sources = sorted(Path(experiments.__file__).parent.glob("*.py"))
    code = b"".join(source.read_bytes() for source in sources)
    settings = repr(RECIPES[name].settings).encode()
    return PARTS / f"{name}-{zlib.crc32(code + settings):08x}"


def part(folder: Path, k: int) -> Path:
    """Name the file of one setting."""
    return folder / f"{k:04d}.npz"


def main() -> None:
    """Parse the command line and make what it names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--fresh", action="store_true", help="run all settings anew")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(RECIPES):
        parser.error(f"no figure {sorted(unknown)}; there are {sorted(RECIPES)}")
    for name in options.names or RECIPES:
        if options.fresh:
            shutil.rmtree(parts_folder(name), ignore_errors=True)
        make(name, options.workers)


if __name__ == "__main__":
    main()
