"""The chapter on initialization covers its items and proves what it shows."""

from pathlib import Path

import pytest

from coursekit.experiments import symmetry
from coursekit.figures import Cube, Figure

ROOT = Path(__file__).parents[2]
CUBES = ("init_scale", "init_trainability", "init_symmetry")


@pytest.mark.parametrize("number", range(1, 13))
def test_every_item_of_the_ledger_is_served_by_a_claim(claims, number):
    item = f"INIT-{number:02d}"
    assert [c["id"] for c in claims.values() if item in c["items"]]


@pytest.mark.parametrize("correction", ["K-41", "K-43", "K-44", "K-45"])
def test_every_correction_has_a_box(notebook, correction):
    assert any(
        ":class: misconception" in c.source and f"({correction})" in c.source
        for c in notebook.cells
    )


@pytest.mark.parametrize(
    ("id", "verdict"),
    [
        *[(f"E-26{k}", "holds") for k in "abcdefghijkl"],
        *[(f"E-45{k}", "holds") for k in "abcdefg"],
        *[(f"INIT-12{k}", "holds") for k in "abcd"],
        ("K-41", "does not hold here"),
    ],
)
def test_the_verdicts_are_those_the_text_tells(claims, id, verdict):
    assert claims[id]["verdict"] == verdict


@pytest.mark.parametrize("name", CUBES)
def test_cubes_are_small_and_say_where_they_come_from(name):
    path = ROOT / "chapters" / "data" / f"{name}.cube"
    cube = Cube.load(path)
    assert path.stat().st_size <= 130_000
    assert cube.provenance["command"] == f"python chapters/make_figures.py {name}"
    assert cube.provenance["seeds"] == list(range(5))
    assert {"coursekit", "torch", "numpy", "python"} <= cube.provenance[
        "versions"
    ].keys()


def test_three_live_figures_tell_many_states_apart(figures):
    assert [f.id for f in figures] == ["init-scale", "init-depth", "init-symmetry"]
    for figure in figures:
        assert isinstance(figure, Figure)
        assert len({s.text for s in figure.sentences()}) > 100


def test_the_resting_sentences_state_the_findings(figures):
    scale, depth, copies = (f.sentence() for f in figures)
    assert "0.71 of δ" in scale
    assert "vanishes" in scale
    assert "gains from 1.30 to 1.55 learn" in depth
    assert "rank 1" in copies


def test_the_stored_symmetry_figure_is_what_the_experiment_gives():
    cube = Cube.load(ROOT / "chapters" / "data" / "init_symmetry.cube")
    again = symmetry.breaking([1e-2], at=cube.dim("t").values)["weights"][0]
    stored = cube.sel("weight", noise="1e-2")
    step = (stored.max() - stored.min()) / 250
    assert abs(stored[..., 5] - again[5]).max() < step
