r"""Make the runs behind the interactive figures and store them as cubes.

    python chapters/make_figures.py                  # all
    python chapters/make_figures.py init_scale       # one
    python chapters/make_figures.py --fresh          # all, reusing nothing

A cube is made of settings that run on their own; `recipes` says which, one file a
chapter. Each finished setting is kept under `_build/figures/` at once, so an
interrupted run goes on where it stopped; the folder's name has a checksum of the
source that runs it, so that edited code reuses nothing. The cube itself, in
`chapters/data/`, carries command, versions, date and seeds.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import recipes
from recipes.recipe import Recipe
from tqdm import tqdm

from coursekit.figures.cube import Cube, provenance

HERE = Path(__file__).parent
DATA, PARTS = HERE / "data", HERE.parent / "_build" / "figures"
RECIPES: dict[str, Recipe] = {}
for found in pkgutil.iter_modules(recipes.__path__):
    RECIPES |= getattr(importlib.import_module(f"recipes.{found.name}"), "RECIPES", {})

Job = tuple[str, int, Path]  # a cube, one of its settings, where its arrays go


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
    return PARTS / f"{name}-{RECIPES[name].checksum():08x}"


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
