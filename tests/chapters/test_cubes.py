"""Stored cubes are small and say where they come from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CUBES = sorted(path.stem for path in ROOT.glob("chapters/data/*.cube"))
NOTEBOOKS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("book/*.ipynb")])
# where a cube shows other than five seeds
SEEDS = {
    "batch_spread": 1,
    "bias_restarts": 20,
    "norm_groups": 1,
    "optimizer_paths": 0,
}


def size(name):
    return (ROOT / "chapters" / "data" / f"{name}.cube").stat().st_size


@pytest.mark.parametrize("name", CUBES)
def test_a_cube_is_small(name):
    assert size(name) <= 130_000


@pytest.mark.parametrize("name", CUBES)
def test_a_cube_says_where_it_comes_from(cube, name):
    made = cube(name).provenance
    assert made["command"] == f"python chapters/make_figures.py {name}"
    assert made["seeds"] == list(range(SEEDS.get(name, 5)))
    assert {"coursekit", "torch", "numpy", "python"} <= made["versions"].keys()


def test_other_numbers_of_seeds_are_of_cubes_that_exist():
    assert set(SEEDS) <= set(CUBES)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cubes_of_a_page_are_small_together(notebook):
    text = notebook.read_text("utf-8")
    shown = set(re.findall(r"data/(\w+)\.cube", text))
    assert sum(map(size, shown)) <= 600_000
