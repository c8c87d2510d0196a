"""What the chapter on bias promises, and what only this chapter shows."""

ITEMS = [f"BIAS-{k:02d}" for k in range(2, 13)]
CORRECTIONS = ["K-1", "K-4", "K-40", "K-41", "K-78"]
OPEN = ["BIAS-12l", "BIAS-12m", "E-1f"]
HOLD = [
    *("BIAS-02a", "BIAS-03a", "BIAS-04a", "BIAS-05a", "BIAS-08a"),
    *(f"BIAS-09{k}" for k in "abcd"),
    *("BIAS-11a", "BIAS-11b"),
    *(f"BIAS-12{k}" for k in "abcdefghijk"),
    *(f"E-1{k}" for k in "abcdeghij"),
]
VERDICTS = dict.fromkeys(HOLD, "holds") | dict.fromkeys(OPEN, "inconclusive")
FIGURES = {
    "bias-haystack": (5, "search leaves a factor"),
    "bias-diagnose": (5, "one model cannot tell"),
    "bias-depth": (5, "plain, 56 layers", "best of five rates ends at 1.7"),
    "bias-clinic": (5, "untreated"),
}


def test_the_recipe_of_supervised_learning_is_drawn_and_written(notebook):
    assert any("(bias-recipe)" in c.source for c in notebook.cells)
    assert any(
        "Four places where training can fail" in c.source for c in notebook.cells
    )


def test_every_claim_has_a_verdict_here(claims):
    assert sorted(claims) == sorted(VERDICTS)
