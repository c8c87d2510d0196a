"""What the chapter on normalization promises, and what only this chapter shows."""

import pytest

from coursekit.experiments import norm_bowl, norm_groups

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
ITEMS = [f"NORM-{k:02d}" for k in sorted(CLAIMED)]
CORRECTIONS = [f"K-{k}" for k in range(46, 56)]
HOLD = [
    *(f"E-32{k}" for k in "abcde"),
    *(f"E-33{k}" for k in "ab"),
    *(f"E-34{k}" for k in "abcdef"),
    *("E-38d", "NORM-38a", "NORM-38b", "NORM-38c", "NORM-38d"),
]
VERDICTS = (
    dict.fromkeys(HOLD, "holds")
    | dict.fromkeys(["E-33c", "E-38b"], "does not hold here")
    | dict.fromkeys(["E-33d", "E-38a", "E-38c"], "inconclusive")
)
FIGURES = {
    "norm-bowl": (90,),
    "norm-groups": (18,),
    "norm-running": (100,),
    "norm-grid": (100,),
}


def test_no_item_is_left_out():
    assert CLAIMED | set(TOLD) == set(range(1, 39))


@pytest.mark.parametrize("number", sorted(TOLD))
def test_every_other_item_stands_in_one_place_of_the_text(notebook, number):
    found = [
        c.id
        for c in notebook.cells
        if c.cell_type == "markdown" and TOLD[number] in c.source
    ]
    assert len(found) == 1


def test_only_batch_norm_in_training_notices_the_exchange(figures):
    told = {s.text for s in figures[1].sentences() if "replacing" in s.text}
    moving = [text for text in told if " moved 0 " not in text]
    assert len(moving) == 1
    assert moving[0].startswith("BN:")


def test_only_batch_norm_survives_the_largest_rates(cube):
    grid = cube("norm_grid")
    last = {
        n: grid.sel("acc", by="running", norm=n)[..., -1]
        for n in grid.dim("norm").values
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


def test_every_number_shares_its_mean_with_as_many_as_the_sentence_says(cube):
    counts = cube("norm_groups").sel("count")
    found = [norm_groups.shares(k, 2, 7, 11)["shares"].sum() for k in norm_groups.KINDS]
    assert found == counts.tolist()
