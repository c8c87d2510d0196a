"""The command behind the stored figures resumes, rebuilds and keeps nothing stale."""

import importlib.util
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from coursekit.figures import Array, Cube, Dim

ROOT = Path(__file__).parents[2]


@pytest.fixture
def maker(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "chapters")
    spec = importlib.util.spec_from_file_location(
        "make_figures", ROOT / "chapters" / "make_figures.py"
    )
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "make_figures", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DATA", tmp_path)
    monkeypatch.setattr(module, "PARTS", tmp_path / "parts")
    return module


@pytest.fixture
def ran(maker, monkeypatch):
    """Replace the recipes by one that squares, and list what it ran."""
    log = []

    def run(k):
        log.append(k)
        if k == "boom":
            raise KeyError(k)
        return {"square": np.array([float(k) ** 2])}

    def build(parts):
        values = np.concatenate([p["square"] for p in parts])
        return [Dim("k", "k", range(len(parts)))], {"square": Array(values, ["k"])}

    recipe = import_module("recipes.recipe").Recipe(
        [{"k": k} for k in range(4)], run, build
    )
    monkeypatch.setattr(maker, "RECIPES", {"squares": recipe})
    return log


def test_a_cube_is_built_from_its_settings(maker, ran, tmp_path):
    cube = Cube.load(maker.make("squares", workers=1))
    assert cube.sel("square").tolist() == pytest.approx([0, 1, 4, 9], abs=1e-3)
    assert cube.provenance["command"] == "python chapters/make_figures.py squares"
    assert ran == [0, 1, 2, 3]


def test_an_interrupted_run_goes_on_where_it_stopped(maker, ran):
    folder = maker.parts_folder("squares")
    folder.mkdir(parents=True)
    for k in (0, 2):
        maker.run_part(("squares", k, maker.part(folder, k)))
    ran.clear()
    maker.make("squares", workers=1)
    assert ran == [1, 3]


def test_other_settings_reuse_nothing(maker, ran, monkeypatch):
    before = maker.parts_folder("squares")
    recipe = maker.RECIPES["squares"]
    other = import_module("recipes.recipe").Recipe([{"k": 7}], recipe.run, recipe.build)
    monkeypatch.setitem(maker.RECIPES, "squares", other)
    assert maker.parts_folder("squares") != before


def test_a_part_appears_only_when_it_is_complete(maker, ran, monkeypatch):
    recipe = maker.RECIPES["squares"]
    monkeypatch.setitem(
        maker.RECIPES,
        "squares",
        import_module("recipes.recipe").Recipe(
            [{"k": "boom"}], recipe.run, recipe.build
        ),
    )
    with pytest.raises(KeyError):
        maker.make("squares", workers=1)
    assert not list(maker.parts_folder("squares").glob("*.npz"))


def test_every_recipe_has_its_cube_in_the_book(maker):
    stored = {p.stem for p in (ROOT / "chapters" / "data").glob("*.cube")}
    assert set(maker.RECIPES) <= stored


def test_the_scales_hold_the_notable_ones(maker):
    scales = import_module("recipes.initialization").SCALES
    assert len(scales) == 17
    for gain in (3**-0.5, 1.0, 2**0.5):
        assert np.isclose(scales, gain).sum() == 1


def test_the_checksum_follows_the_experiments_a_run_uses(maker):
    used = import_module("recipes.recipe").experiments_of
    run = maker.RECIPES["init_trainability"].run
    modules = used(sys.modules[run.__module__])
    assert "coursekit.experiments.trainability" in modules
    assert "coursekit.experiments.optimizer_paths" not in modules
