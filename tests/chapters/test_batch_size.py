"""What the chapter on batch size promises, and what only it shows."""

import numpy as np

ITEMS = [f"BATCH-{k:02d}" for k in range(1, 26)]
CORRECTIONS = ["K-10", "K-11", "K-12", "K-13", "K-14", "K-77"]
HOLD = [
    *["BATCH-02a", "BATCH-05a", "BATCH-10a", "BATCH-15a", "BATCH-20a", "BATCH-25a"],
    *["E-6a1", "E-6a2", "E-6a3", "E-6a4", "E-6b", "E-6c", "E-6d", "E-6e"],
    *["E-7a", "E-7b", "E-7c", "E-8a", "E-8b", "E-9a", "E-31a", "K-12a"],
]
VERDICTS = dict.fromkeys(HOLD, "holds") | {"BATCH-22a": "inconclusive"}
FIGURES = {
    "batch-spread": (11, "mean squared miss"),
    "batch-budget": (11, "unfinished optimization"),
    "batch-wells": (11, "The narrow minimum loses 1"),
    "batch-lars": (11, "2 of 9 rates work"),
}


def test_single_examples_are_compared_without_a_direction(claims):
    assert claims["E-6a5"]["rule"] == "N"
    assert abs(claims["E-6a5"]["estimate"]) < abs(claims["E-6a3"]["estimate"]) / 10


def test_stored_runs_are_alike_at_equal_updates_and_not_at_equal_epochs(cube):
    stored = cube("batch_budget")
    epochs, updates = (
        stored.sel("test_acc", budget=b, lr=0.02, t=40) for b in ("epochs", "updates")
    )
    assert (epochs[:-1] > epochs[1:]).all()
    assert np.ptp(updates) < 0.02


def test_full_batches_train_above_the_limit_of_their_first_weights(cube):
    found = cube("batch_budget").sel("train_acc", budget="epochs", B=1000, t=40)
    assert found[-1] > 0.9


def test_lamb_gets_further_than_lars_in_the_stored_runs(cube):
    stored = cube("batch_lars")
    best = {
        m: stored.sel("accuracy", depth=12, method=m, t=60)[:5].max()
        for m in ("sgd", "lars", "lamb")
    }
    assert best["sgd"] < best["lars"] < best["lamb"]


def test_no_run_that_overfits_is_called_unfinished(cube):
    stored = cube("batch_budget")
    train, test = (stored.arrays[k].values for k in ("train_acc", "test_acc"))
    unfinished = train < 0.9
    assert (train[unfinished] - test[unfinished]).max() < 0.1
