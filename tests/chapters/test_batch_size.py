"""The chapter on batch size covers its items and proves what it shows."""

from pathlib import Path

import pytest

from coursekit.figures import Cube

ROOT = Path(__file__).parents[2]
CUBES = {"batch_budget": 5, "batch_spread": 1, "batch_lars": 5}
ITEMS = [f"BATCH-{k:02d}" for k in range(1, 26)]


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_is_served_by_a_claim(claims, item):
    assert [c["id"] for c in claims.values() if item in c["items"]]


@pytest.mark.parametrize("correction", ["K-10", "K-11", "K-12", "K-13", "K-14", "K-77"])
def test_every_correction_has_a_box(notebook, correction):
    assert any(
        ":class: misconception" in c.source and f"({correction})" in c.source
        for c in notebook.cells
    )


@pytest.mark.parametrize(
    "id",
    [
        *["BATCH-02a", "BATCH-10a", "BATCH-15a", "BATCH-20a", "BATCH-25a"],
        *["E-6a1", "E-6a2", "E-6a3", "E-6a4", "E-6b", "E-6c", "E-6d", "E-6e"],
        *["E-7a", "E-7b", "E-7c", "E-8a", "E-8b", "E-9a", "K-12a"],
    ],
)
def test_the_verdicts_are_those_the_text_tells(claims, id):
    assert claims[id]["verdict"] == "holds"


def test_what_fails_or_stays_open_says_so(claims):
    assert claims["BATCH-22a"]["verdict"] == "inconclusive"
    assert claims["E-31a"]["verdict"] == "inconclusive"


@pytest.mark.parametrize("name", CUBES)
def test_cubes_are_small_and_say_where_they_come_from(name):
    path = ROOT / "chapters" / "data" / f"{name}.cube"
    cube = Cube.load(path)
    assert path.stat().st_size <= 130_000
    assert cube.provenance["command"] == f"python chapters/make_figures.py {name}"
    assert len(cube.provenance["seeds"]) == CUBES[name]


def test_four_live_figures_tell_many_states_apart(figures):
    ids = ["batch-spread", "batch-budget", "batch-wells", "batch-lars"]
    assert [f.id for f in figures] == ids
    for figure in figures:
        assert len({s.text for s in figure.sentences()}) > 10


def test_the_resting_sentences_state_the_findings(figures):
    spread, budget, wells, lars = (f.sentence() for f in figures)
    assert "mean squared miss" in spread
    assert "training also only 0.7" in budget
    assert "The narrow minimum loses 1" in wells
    assert "Of 7 rates 2 work" in lars
