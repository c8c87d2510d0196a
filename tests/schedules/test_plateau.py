"""Reducing on a plateau: torch's class, the edge cases, and the mutants they kill."""

import importlib
import io
import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from coursekit.schedules import Plateau

page = importlib.import_module("coursekit.schedules.plateau")
SETTINGS = [
    {"factor": 0.5, "patience": 0},
    {"factor": 0.5, "patience": 2},
    {"factor": 0.1, "patience": 3, "threshold": 0.1},
    {"factor": 0.1, "patience": 2, "threshold": 0.2, "threshold_mode": "abs"},
    {"factor": 0.5, "patience": 1, "cooldown": 3},
    {"factor": 0.3, "patience": 1, "lr_min": 0.2},
]


def torchs(losses, lr_min=0.0, **hyper):
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=lr_min, eps=0, **hyper)
    values = []
    for loss in losses:
        optimizer.step()
        scheduler.step(loss)
        values.append(optimizer.param_groups[0]["lr"])
    return values


def agree(losses, **hyper):
    plateau = Plateau(**hyper)
    ours = [plateau.step(loss) for loss in losses]
    return ours == pytest.approx(torchs(losses, **hyper), rel=1e-12)


@pytest.mark.parametrize("hyper", SETTINGS)
@settings(deadline=None)  # the first example imports half of torch
@given(
    losses=st.lists(
        st.sampled_from([0.5, 0.7, 0.9, 0.95, 1.0, 1.1, math.nan, math.inf]),
        max_size=40,
    )
)
@example(losses=[math.nan] * 6)
def test_it_is_torchs(hyper, losses):
    assert agree(losses, **hyper)


def test_the_rate_falls_after_patience_plus_one_bad_epochs():
    plateau = Plateau(factor=0.5, patience=2)
    rates = [plateau.step(1.0) for _ in range(8)]
    # the first epoch is the best one; bad are those after it
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_equal_and_nan_are_no_improvement_and_the_best_is_kept():
    plateau = Plateau(factor=0.5, patience=1)
    for loss in (1.0, 1.0, math.nan):
        rate = plateau.step(loss)
    assert plateau.state == page.PlateauState(lr=0.5, best=1.0, bad=0)
    assert rate == plateau.state.lr


def test_lambda_lr_follows_it_and_saves_it():
    def build():
        optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
        plateau = Plateau(factor=0.5, patience=0)
        return optimizer, plateau, lr_scheduler.LambdaLR(optimizer, plateau)

    def run(parts, losses):
        optimizer, plateau, scheduler = parts
        seen = []
        for loss in losses:
            optimizer.step()
            plateau.step(loss)
            scheduler.step()
            seen.append(optimizer.param_groups[0]["lr"])
        return seen

    first = build()
    assert run(first, [1.0, 1.0, 0.9, 0.9]) == pytest.approx([0.4, 0.2, 0.2, 0.1])
    file = io.BytesIO()
    torch.save(first[2].state_dict(), file)
    file.seek(0)
    second = build()
    second[2].load_state_dict(torch.load(file, weights_only=True))
    assert second[1].state == first[1].state
    assert run(second, [0.95]) == run(first, [0.95]) == pytest.approx([0.05])


def test_losses_of_other_types_are_taken():
    plateau = Plateau(factor=0.5, patience=0)
    for loss in (torch.tensor(1.0), np.float32(1.0)):
        rate = plateau.step(loss)
    assert [rate, plateau(), plateau(t=17)] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"factor": 1.0}, r"factor: expected a number in \(0, 1\), got 1.0"),
        ({"patience": -1}, "patience: expected an integer >= 0, got -1"),
        ({"threshold": -0.1}, "threshold: expected .* >= 0"),
        ({"threshold_mode": "none"}, "threshold_mode: expected one of 'rel', 'abs'"),
        ({"cooldown": -2}, "cooldown: expected"),
        ({"lr": 0}, "lr: expected"),
        ({"lr_min": 2.0}, "lr_min: expected"),
    ],
)
def test_bad_input_is_refused_in_words(hyper, message):
    with pytest.raises(ValueError, match=message):
        Plateau(**hyper)


MUTANTS = [
    ("loss < (", "loss <= ("),
    ("loss < (", "not loss >= ("),
    ("bad > patience", "bad >= patience"),
    ("(1 - threshold)", "(1 + threshold)"),
    ("best - threshold", "best"),
    ("factor * lr", "factor"),
    ("max(factor * lr, lr_min)", "factor * lr"),
    ("cooling - 1, 0", "cooling - 1, bad"),
    ("cooling - 1, 0", "cooling, 0"),
    ("lr_min), 0, cooldown", "lr_min), bad, cooldown"),
    ("lr_min), 0, cooldown", "lr_min), 0, 0"),
    ("best, bad = loss, 0", "best, bad = loss, bad"),
    ("best, bad = loss, 0", "bad = 0"),
]
RNG = np.random.default_rng(0)
CURVES = [
    [*RNG.choice([0.3, 0.5, 0.7, 0.9, 0.95, 1.0, math.nan], 60)] for _ in range(8)
]


def right():
    return all(agree(losses, **hyper) for losses in CURVES for hyper in SETTINGS)


def test_the_curves_pass():
    assert right()


@pytest.mark.parametrize(("old", "new"), MUTANTS)
def test_the_curves_kill_the_mutant(mutate, monkeypatch, old, new):
    monkeypatch.setattr(page, "update", mutate(page.update, old, new))
    assert not right()
