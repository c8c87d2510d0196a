"""What the chapter on initialization promises, and what only this chapter shows."""

from coursekit.experiments import symmetry

ITEMS = [f"INIT-{k:02d}" for k in range(1, 13)]
CORRECTIONS = ["K-41", "K-43", "K-44", "K-45"]
HOLD = [
    *(f"E-26{k}" for k in "abcdefghijkl"),
    *(f"E-45{k}" for k in "abcdefg"),
    *(f"INIT-12{k}" for k in "abcd"),
]
VERDICTS = dict.fromkeys(HOLD, "holds") | {"K-41": "does not hold here"}
FIGURES = {
    "init-scale": (101, "0.71 of δ", "vanishes"),
    "init-depth": (101, "gains from 1.30 to 1.55 learn"),
    "init-symmetry": (101, "rank 1"),
}


def test_the_stored_symmetry_figure_is_what_the_experiment_gives(cube):
    breaking = cube("init_symmetry")
    again = symmetry.breaking([1e-2], at=breaking.dim("t").values)["weights"][0]
    stored = breaking.sel("weight", noise="1e-2")
    step = (stored.max() - stored.min()) / 250
    assert abs(stored[..., 5] - again[5]).max() < step
