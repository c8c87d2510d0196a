"""The chapter on bias covers its items and proves what it shows."""

import re
from pathlib import Path

import pytest

from coursekit.figures import Cube, Figure

ROOT = Path(__file__).parents[2]
CUBES = {"bias_depth": 5, "bias_restarts": 20, "bias_medicines": 5}


@pytest.mark.parametrize("number", range(2, 13))
def test_every_item_is_served_by_a_claim(claims, number):
    item = f"BIAS-{number:02d}"
    assert [c["id"] for c in claims.values() if item in c["items"]]


def test_the_recipe_of_supervised_learning_is_drawn_and_written(notebook):
    assert any("(bias-recipe)" in c.source for c in notebook.cells)
    assert any(
        "Four places where training can fail" in c.source for c in notebook.cells
    )


@pytest.mark.parametrize("correction", ["K-1", "K-4", "K-40", "K-41", "K-78"])
def test_every_correction_has_a_box(notebook, correction):
    assert any(
        ":class: misconception" in c.source and f"({correction})" in c.source
        for c in notebook.cells
    )


OPEN = ["BIAS-12l", "BIAS-12m", "E-1f"]
HOLD = [
    *("BIAS-02a", "BIAS-03a", "BIAS-04a", "BIAS-05a", "BIAS-08a"),
    *(f"BIAS-09{k}" for k in "abcd"),
    *("BIAS-11a", "BIAS-11b"),
    *(f"BIAS-12{k}" for k in "abcdefghijk"),
    *(f"E-1{k}" for k in "abcdeghij"),
]
VERDICTS = dict.fromkeys(HOLD, "holds") | dict.fromkeys(OPEN, "inconclusive")


def test_every_claim_has_a_verdict_here(claims):
    assert sorted(claims) == sorted(VERDICTS)


@pytest.mark.parametrize("id", sorted(VERDICTS))
def test_the_verdicts_are_those_the_text_tells(claims, id):
    assert claims[id]["verdict"] == VERDICTS[id]


@pytest.mark.parametrize("name", sorted(CUBES))
def test_cubes_are_small_and_say_where_they_come_from(name):
    path = ROOT / "chapters" / "data" / f"{name}.cube"
    cube = Cube.load(path)
    assert path.stat().st_size <= 130_000
    assert cube.provenance["command"] == f"python chapters/make_figures.py {name}"
    assert cube.provenance["seeds"] == list(range(CUBES[name]))


def test_live_figures_say_something_whole_in_every_state(figures):
    names = ["haystack", "diagnose", "depth", "clinic"]
    assert [f.id for f in figures] == [f"bias-{name}" for name in names]
    for figure in figures:
        assert isinstance(figure, Figure)
        texts = {s.text for s in figure.sentences()}
        assert len(texts) > 4
        for text in texts:
            assert not re.search(r"[{}]|\bnan\b|\binf\b|n/a", text), text
            assert text[-1] in ".?", text


def test_the_resting_sentences_state_the_findings(figures):
    haystack, diagnosis, depth, clinic = (f.sentence() for f in figures)
    assert "plain, 56 layers" in depth
    assert "best of five rates ends at 1.7" in depth
    assert "search leaves a factor" in haystack
    assert "one model cannot tell" in diagnosis
    assert "untreated" in clinic
