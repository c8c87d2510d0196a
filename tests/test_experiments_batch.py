"""Batches against closed forms, exact sums and functions that do not change."""

import numpy as np
import pytest
import torch

from coursekit import init, models
from coursekit.experiments import (
    batch_budget,
    batch_timing,
    flatness,
    gradient_spread,
    lars_range,
    one_epoch,
    one_step,
    shuffling,
    wells,
)


def test_updates_of_both_budgets():
    assert batch_budget.updates("epochs", 256) == 60
    assert batch_budget.updates("updates", 256) == 1500


@pytest.mark.parametrize("budget", batch_budget.BUDGETS)
@pytest.mark.parametrize("size", [1, 4, 256, 1000])
def test_moments_rise_to_the_end_and_are_dense_at_first(budget, size):
    found = batch_budget.moments(budget, size, 40)
    assert found[0] >= 1
    assert found[-1] == batch_budget.updates(budget, size)
    assert (np.diff(found) >= 0).all()
    assert found[19] < found[-1] / 2


def test_a_run_is_the_same_however_often_it_is_measured():
    often = batch_budget.curves(256, [0.1], seeds=[0], count=40)["test_acc"]
    once = batch_budget.curves(256, [0.1], seeds=[0])["test_acc"]
    assert once.shape == (1, 1, 1)
    assert often[0, 0, -1] == once[0, 0, 0]


def test_validation_and_test_digits_are_apart():
    x, y, judged, classes = batch_budget.data()
    assert (len(x), len(y), len(judged), len(classes)) == (1000, 1000, 797, 797)


def test_a_run_improves_and_repeats():
    runs = [batch_budget.curves(1000, [0.5], seeds=[0], count=3) for _ in range(2)]
    assert runs[0]["train_loss"][0, 0, -1] < runs[0]["train_loss"][0, 0, 0]
    np.testing.assert_array_equal(runs[0]["test_acc"], runs[1]["test_acc"])


def test_the_gradients_of_a_net_add_up():
    found = gradient_spread.gradients(gradient_spread.trained("start"))
    np.testing.assert_allclose(found.gram.sum(0), 0, atol=1e-6 * found.trace)
    assert found.along.mean() == pytest.approx(found.norm, rel=1e-9)
    assert found.across.mean() == pytest.approx(0, abs=1e-6 * found.trace)
    full, exact = gradient_spread.variances(found, [1000], "without", draws=3)
    assert full[0] == pytest.approx(0, abs=1e-9 * found.trace)
    assert exact[0] == 0


def test_the_mean_gain_of_a_full_batch_is_that_of_the_formula_for_small_steps():
    net = gradient_spread.trained("start")
    scale = one_step.noise_scale(net, probes=10)
    rate = 0.02 * scale.rate
    measured = one_step.gain(net, [rate], [100_000], draws=1)[0, 0]
    theory = one_step.predicted_gain(scale, np.array(rate), 1e9)
    assert measured == pytest.approx(float(theory), rel=0.05)


def test_sorted_batches_hold_one_class_and_once_repeats_itself():
    y = torch.arange(40) % 4
    rows = shuffling.orders(y, "sorted", 2, 0)
    assert y[rows[0, :8]].unique().numel() == 1
    once, each = (shuffling.orders(y, s, 2, 0) for s in ("once", "each"))
    assert torch.equal(once[0], once[1])
    assert not torch.equal(each[0], each[1])
    assert torch.equal(once[0], each[0])


def test_wells_have_equal_barriers_and_quadratic_costs():
    assert wells.top(4.0) == pytest.approx(2 / 3)
    found = wells.wells(0.1, 9.0, 2.0, 1e-3)
    assert found["narrow"] == pytest.approx(9 * 0.01 / 2)
    assert found["sharp"] == pytest.approx(4.25)
    assert wells.mean_escape(0.002, 3, 10) > wells.mean_escape(0.002, 2, 10)


def test_rescaling_keeps_outputs_and_refuses_a_negative_factor():
    net = init.initialize(models.MLP([5, 6, 4, 3]), "he_normal", seed=0).double()
    with torch.no_grad():
        net[0].bias += 0.3
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(net(x), flatness.rescale(net, 3.0)(x))
    with pytest.raises(ValueError, match="positive"):
        flatness.rescale(net, -1.0)


def test_runs_stop_at_the_target():
    arm = {"batch_size": flatness.N, "lr": 0.4}
    found = flatness.arrive(arm, 0.0, [0])
    assert found["train_loss"][0] <= flatness.TARGET
    assert found["sharpness"][0] > 0


def test_lars_runs_measure_at_the_end_and_count_rates():
    found = lars_range.curves("lars", 2, [0.03], seeds=[0], every=60)
    assert found["train_acc"].shape == (1, 1, 1)
    assert lars_range.working(np.array([[0.9], [np.nan]])).tolist() == [1]


def test_times_are_positive():
    assert (batch_timing.update_seconds([1, 8], repeats=2) > 0).all()


def test_one_epoch_of_singles_reads_what_the_full_batch_reads():
    x, y = one_epoch.examples(3)
    start = torch.tensor([-1.0, -1.0], dtype=torch.float64, requires_grad=True)
    rows, targets = torch.tensor(x), torch.tensor(y)
    (0.5 * (rows @ start - targets).square().mean()).backward()
    assert start.grad is not None
    full = one_epoch.path(20, seed=3, lr=0.2)
    np.testing.assert_allclose(full[1], -1 - 0.2 * start.grad.numpy())
    # to first order in the rate, twenty single updates are twenty full ones
    single = one_epoch.path(1, seed=3, lr=1e-6)
    step = one_epoch.path(20, seed=3, lr=1e-6)[1] + 1
    np.testing.assert_allclose(single[-1] + 1, 20 * step, rtol=1e-3)


def test_the_best_weights_of_one_epoch_have_the_lowest_loss():
    x, y = one_epoch.examples(0)
    low = one_epoch.best(x, y)
    assert one_epoch.loss(low, x, y) < one_epoch.loss(low + 0.01, x, y)
    assert one_epoch.loss(np.zeros((3, 4, 2)), x, y).shape == (3, 4)
