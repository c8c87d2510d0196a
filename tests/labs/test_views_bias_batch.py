"""The pictures of labs 1 and 4 say what the student's functions give."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from coursekit.experiments import race_budget, race_depth
from coursekit.experiments.frozen_loss import Bowl, Fit
from coursekit.experiments.paired_depths import train_depth
from coursekit.labs import exercise, views_batch, views_depth
from coursekit.labs.matrices import dense_hessian
from coursekit.models import MLP


def right(name):
    return exercise(name).reference


def test_an_embedded_net_keeps_its_loss_at_every_depth():
    said = views_depth.embedding_picture(right("embed_shallow"), 12).text
    numbers = re.findall(r"\d+\.\d+", said)
    assert numbers[0] == numbers[1]
    assert float(numbers[2]) > float(numbers[0])


def test_without_a_reference_the_map_has_no_bias_alone():
    known = views_depth.tree_picture(right("diagnose"), 0.4).text
    unknown = views_depth.tree_picture(right("diagnose"), None).text
    assert "bias or optimization" in unknown
    assert "bias or" not in known
    assert re.search(r"optimization 4\d%|optimization 5\d%", known)


def test_depths_are_shown_with_their_intervals():
    assert "4: " in views_depth.depth_picture(right("compare_depths")).text


def test_a_picture_waits_for_its_check():
    wait = "opens once the check"
    assert wait in views_depth.depth_picture(lambda d, s: None).text
    assert wait in views_batch.explore_orders(lambda *a: None).text
    assert wait in views_batch.explore_sharpness(lambda *a: 0, lambda *a: 0).text


def test_orders_count_updates():
    said = views_batch.order_picture(right("minibatches"), 12, 0).text
    assert "4 updates an epoch, 3 of them with a full batch" in said


def test_noise_falls_like_one_over_b():
    said = views_batch.noise_picture(right("grad_variance"), 0).text
    assert -1.05 < float(re.search(r"slope is (-\d\.\d+)", said)[1]) < -0.95
    assert f"at B = N = {views_batch.NOISE_SET} 0 of it" in said


def test_rescaling_moves_the_sharpness_and_not_the_loss():
    said = views_batch.sharpness_picture(right("lambda_max"), right("rescale"), 100)
    numbers = re.findall(r"from (\d\.\d+) to (\d\.\d+)", said.text)[0]
    assert numbers[0] == numbers[1]


def test_lars_steps_do_not_depend_on_the_gradient():
    said = views_batch.lars_picture(right("lars_step"), 0.0).text
    low, high, asked = re.search(
        r"goes from ([\d.e+-]+) to ([\d.e+-]+); .* is ([\d.e+]+)\.$", said
    ).groups()
    assert low == high == asked


def test_a_race_of_depths_refuses_another_output():
    with pytest.raises(ValueError, match=r"expected \(4, 10\)"):
        race_depth.train(lambda layers: nn.Linear(64, 3), 0.01)


def test_equal_nets_draw_in_the_race_of_depths(monkeypatch):
    monkeypatch.setattr(race_depth, "LAYERS", 4)
    monkeypatch.setattr(race_depth, "EPOCHS", 1)
    runs = [race_depth.train(race_depth.plain, 0.01, 4) for _ in range(2)]
    assert np.array_equal(*runs)
    assert runs[0][-1] < runs[0][0]


def test_the_budget_is_spent_once(monkeypatch):
    monkeypatch.setattr(race_budget, "BUDGET", 2800)
    asked = []

    def rate(t, T):
        asked.append((t, T))
        return 0.1

    run = race_budget.spend(100, rate, seed=0)
    assert asked == [(t, 28) for t in range(1, 29)]
    assert run["seen"][-1] == 2800
    assert run["train"][-1] < run["train"][0]


@pytest.mark.parametrize("size", [0, 2.5, 5000])
def test_a_batch_that_cannot_be_is_refused(size):
    with pytest.raises(ValueError, match="my_batch is"):
        race_budget.spend(size, lambda t, T: 0.1, 0)


def test_both_seeds_matter_and_are_apart():
    a = train_depth(3, init_seed=1, batch_seed=2)
    assert a != train_depth(3, init_seed=1, batch_seed=3)
    assert a != train_depth(3, init_seed=2, batch_seed=2)
    assert 0 <= a.test_accuracy <= 1
    assert a.train_loss < 3


def test_a_bowl_has_its_hessian_and_a_fit_its_factor():
    model = MLP([2, 1], bias=False).double()
    H = torch.tensor([[2.0, 1.0], [1.0, -3.0]]).double()
    assert torch.allclose(dense_hessian(model, Bowl(H)), H)
    net = MLP([2, 3])
    x, y = torch.ones(4, 2), torch.tensor([0, 1, 2, 0])
    assert torch.equal(Fit(x, y, -2.0)(net), -2 * Fit(x, y)(net))
