"""The chapter on back-propagated signals covers its items and proves what it shows."""

import re
from pathlib import Path

import nbformat
import pytest

from coursekit.experiments import signal_cures
from coursekit.figures import Cube, Figure

ROOT = Path(__file__).parents[2]
PATH = ROOT / "chapters" / "10_vanishing_gradients.ipynb"
CUBES = ("van_cures", "van_shatter", "van_dead")
CLAIM = "application/vnd.coursekit.claim+json"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(PATH, 4)


@pytest.fixture(scope="module")
def claims(notebook):
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    found = [o.data[CLAIM] for o in outputs if CLAIM in o.get("data", {})]
    return {record["id"]: record for record in found}


@pytest.fixture(scope="module")
def figures(live_figures):
    return {figure.id: figure for figure in live_figures(PATH)}


@pytest.mark.parametrize("number", range(1, 19))
def test_every_item_of_the_chapter_is_served_by_a_claim(claims, number):
    item = f"VAN-{number:02d}"
    assert [c["id"] for c in claims.values() if item in c["items"]]


@pytest.mark.parametrize("correction", ["K-38", "K-39", "K-40", "K-41", "K-42"])
def test_every_correction_has_a_box(notebook, correction):
    assert any(
        ":class: misconception" in c.source and f"({correction})" in c.source
        for c in notebook.cells
    )


@pytest.mark.parametrize(
    ("id", "verdict"),
    [
        ("VAN-01", "holds"),
        ("VAN-12", "holds"),
        *[(f"E-29{k}", "holds") for k in "abcdefg"],
        ("E-29h", "does not hold here"),
        ("K-40a", "holds"),
        ("K-40b", "does not hold here"),
        ("K-41a", "holds"),
        ("VAN-15a", "does not hold here"),
        *[(f"VAN-15{k}", "holds") for k in "bcde"],
        *[(f"E-23{k}", "holds") for k in "abcdf"],
        ("E-23e", "does not hold here"),
        ("K-42a", "holds"),
        *[(f"E-30{k}", "holds") for k in "abcd"],
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


def test_five_live_figures_say_something_true_in_every_state(figures):
    assert sorted(figures) == [
        "van-cliff",
        "van-cures",
        "van-dead",
        "van-product",
        "van-shatter",
    ]
    for figure in figures.values():
        assert isinstance(figure, Figure)
        texts = {s.text for s in figure.sentences()}
        assert len(texts) >= 35
        for text in texts:
            assert not re.search(r"[{}]|\bnan\b|\binf\b|n/a", text), text
            assert text[-1] == ".", text


def test_the_resting_sentences_state_the_findings(figures):
    assert "9.5·10⁻⁷" in figures["van-product"].sentence()
    assert "leaves the picture" in figures["van-cliff"].sentence()
    assert "shattered" in figures["van-shatter"].sentence()
    assert "14 of 64" in figures["van-dead"].sentence()
    assert "within a factor of ten" in figures["van-cures"].sentence()


def test_the_stored_start_is_what_the_experiment_gives():
    cube = Cube.load(ROOT / "chapters" / "data" / "van_cures.cube")
    again = signal_cures.at_start("bn", 8, range(5))
    ratio = sorted(again[:, 0] / again[:, -1])[2]
    assert cube.sel("ratio", cure="bn", depth=8, t=0) == pytest.approx(ratio, rel=1e-2)
