"""The chapter on normalization covers its items and proves what it shows."""

from pathlib import Path

import pytest

from coursekit.experiments import norm_bowl, norm_groups
from coursekit.figures import Cube, Figure

ROOT = Path(__file__).parents[2]
CUBES = {
    "norm_groups": [0],
    "norm_running": list(range(5)),
    "norm_grid": list(range(5)),
}
CLAIMED = {1, 3, 5, 6, 8, 10, 11, 12, 15, 19, 20, 26, 27, 28, 29, 30, 31, 32, 33, 36}
CLAIMED |= {38}
# words of the cell that serves an item which is no claim
TOLD = {
    2: "similar ranges change the landscape",
    4: "Each dimension has mean 0 and variance 1",
    7: "improves generalization",
    9: "z-score, min–max, batch norm",
    13: "In practice one only centres",
    14: "activations of one layer are the features of the next",
    16: "(norm-bn)",
    17: "one net with",
    18: "$\\gamma=1$ and $\\beta=0$ at first",
    21: "per channel over $N\\times H\\times W$",
    22: "fixed shape and unstable distribution",
    23: "for 32 images",
    24: "change of the input distribution between training and test",
    25: "internal covariate shift",
    34: "| norm | mean over |",
    35: "| instance (IN)",
    37: "| positional (PN)",
}


def test_no_item_is_left_out():
    assert CLAIMED | set(TOLD) == set(range(1, 39))


@pytest.mark.parametrize("number", sorted(CLAIMED))
def test_every_item_that_can_be_claimed_is(claims, number):
    item = f"NORM-{number:02d}"
    assert [c["id"] for c in claims.values() if item in c["items"]]


@pytest.mark.parametrize("number", sorted(TOLD))
def test_every_other_item_stands_in_one_place_of_the_text(notebook, number):
    found = [
        c.id
        for c in notebook.cells
        if c.cell_type == "markdown" and TOLD[number] in c.source
    ]
    assert len(found) == 1


@pytest.mark.parametrize("correction", [f"K-{k}" for k in range(46, 56)])
def test_every_correction_has_a_box(notebook, correction):
    assert any(
        ":class: misconception" in c.source and f"({correction})" in c.source
        for c in notebook.cells
    )


@pytest.mark.parametrize(
    ("id", "verdict"),
    [
        *[(f"E-32{k}", "holds") for k in "abcde"],
        *[(f"E-33{k}", "holds") for k in "ab"],
        ("E-33c", "does not hold here"),
        ("E-33d", "inconclusive"),
        *[(f"E-34{k}", "holds") for k in "abcdef"],
        *[(f"E-38{k}", "inconclusive") for k in "ac"],
        ("E-38b", "does not hold here"),
        ("E-38d", "holds"),
        *[(f"NORM-38{k}", "holds") for k in "abcd"],
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
    assert cube.provenance["seeds"] == CUBES[name]


def test_four_live_figures_tell_their_states_apart(figures):
    assert [f.id for f in figures] == [
        "norm-bowl",
        "norm-groups",
        "norm-running",
        "norm-grid",
    ]
    for figure, least in zip(figures, (90, 18, 100, 100), strict=True):
        assert isinstance(figure, Figure)
        assert len({s.text for s in figure.sentences()}) >= least


def test_only_batch_norm_in_training_notices_the_exchange(figures):
    told = {s.text for s in figures[1].sentences() if "replacing" in s.text}
    moving = [text for text in told if " moved 0 " not in text]
    assert len(moving) == 1
    assert moving[0].startswith("BN:")


def test_only_batch_norm_survives_the_largest_rates():
    cube = Cube.load(ROOT / "chapters" / "data" / "norm_grid.cube")
    last = {
        n: cube.sel("acc", by="running", norm=n)[..., -1]
        for n in cube.dim("norm").values
    }
    assert last["batch"][-1, -1] > 0.9
    assert max(v[-1, -1] for n, v in last.items() if n != "batch") < 0.2
    assert last["batch"][0].max() < 0.2
    assert last["layer"][0].max() > 0.5
    # at its best rate nobody needs a norm here
    best = [v[-1].max() for v in last.values()]
    assert max(best) - min(best) < 0.05


def test_only_whitening_rounds_the_bowl_in_all_its_states(figures):
    told = {s.text for s in figures[0].sentences()}
    slow = {t.split()[1].rstrip(",") for t in told if "best" in t}
    assert slow == set(norm_bowl.TREATMENTS) - {"whiten"}


def test_every_number_shares_its_mean_with_as_many_as_the_sentence_says():
    cube = Cube.load(ROOT / "chapters" / "data" / "norm_groups.cube")
    counts = cube.sel("count")
    found = [norm_groups.shares(k, 2, 7, 11)["shares"].sum() for k in norm_groups.KINDS]
    assert found == counts.tolist()
