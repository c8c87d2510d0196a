"""The experiments of normalization against closed forms and exact invariances."""

import numpy as np
import pytest
import torch

from coursekit.experiments import (
    input_scaling,
    norm_bowl,
    norm_grid,
    norm_groups,
    norm_rnn,
    running_averages,
    scale_free,
)


def test_the_hessian_of_least_squares_is_that_of_autograd():
    x = input_scaling.features(1, n=20, d=3)
    y = x.sum(1)

    def loss(theta):
        return 0.5 * (x @ theta[:3] + theta[3] - y).square().mean()

    exact = torch.autograd.functional.hessian(loss, torch.zeros(4, dtype=x.dtype))
    assert torch.allclose(input_scaling.hessian(x), exact)


def test_whitening_needs_one_update_and_pca_changes_nothing():
    x = input_scaling.features(0)
    treat = input_scaling.TREATMENTS
    assert input_scaling.updates(treat["whitened"](x)) == 1
    assert input_scaling.condition(treat["PCA"](x)) == pytest.approx(
        input_scaling.condition(treat["centred"](x))
    )


def test_updates_are_counted_as_a_plain_iteration_counts_them():
    x = input_scaling.features(3, d=2)
    x = input_scaling.TREATMENTS["standardised"](x)
    values = torch.linalg.eigvalsh(input_scaling.hessian(x)).numpy()
    error = np.random.default_rng(5).standard_normal(3)
    first, t = (values * error**2).sum(), 0
    while (values * error**2).sum() > 1e-6 * first:
        error, t = error * (1 - 2 * values / (values[0] + values[-1])), t + 1
    assert input_scaling.updates(x, seed=5) == t


@pytest.mark.parametrize(
    ("how", "kappa"), [("standardise", 19.0), ("whiten", 1.0), ("none", None)]
)
def test_the_bowl_has_the_condition_number_of_theory(how, kappa):
    found = norm_bowl.bowl(how, 10, 2, 0.9)
    if kappa is not None:
        assert found["kappa"] == pytest.approx(kappa)
    assert found["kappa"] == pytest.approx(
        np.linalg.cond(norm_bowl.treated(how, 10, 2, 0.9))
    )


def test_a_stretched_bowl_keeps_the_digits_of_its_smallest_eigenvalue():
    h = norm_bowl.treated("none", 100, 5, 0.95)
    exact = 1 / np.linalg.eigvalsh(np.linalg.inv(h))[-1]
    assert norm_bowl.bowl("none", 100, 5, 0.95)["eigenvalue"][2] == pytest.approx(
        exact, rel=1e-6
    )


@pytest.mark.parametrize("start", [(1, 0, 0), (-1.2, 0.4, 0), (0.3, -2, 5)])
def test_the_updates_told_are_enough_from_any_start(start):
    found = norm_bowl.bowl("standardise", 10, 0, 0.95)
    h, e = norm_bowl.treated("standardise", 10, 0, 0.95), np.array(start, float)
    first, eta = e @ h @ e, 2 / (found["eigenvalue"][0] + found["eigenvalue"][2])
    for _ in range(int(found["updates"])):
        e = e - eta * h @ e
    assert e @ h @ e <= 1e-4 * first


def test_an_unknown_treatment_is_named():
    with pytest.raises(ValueError, match="got 'scale'"):
        norm_bowl.treated("scale", 1, 0, 0)


def test_pca_of_the_bowl_leaves_the_eigenvalues_of_centred_inputs():
    centred, turned = (norm_bowl.bowl(h, 30, 5, 0.5) for h in ("centre", "PCA"))
    assert np.allclose(centred["eigenvalue"], turned["eigenvalue"])


@pytest.mark.parametrize(
    ("kind", "count", "others_move"),
    [
        ("BN", 64, True),
        ("BN, evaluation", 1, False),
        ("LN", 128, False),
        ("GN 1", 128, False),
        ("GN 2", 64, False),
        ("GN 4", 32, False),
        ("GN 8", 16, False),
        ("IN", 16, False),
        ("PN", 8, False),
    ],
)
def test_only_batch_norm_in_training_carries_an_exchange_over(kind, count, others_move):
    found = norm_groups.groups(kind)
    assert found["count"] == count
    assert bool(found["moved"][1]) == others_move
    assert found["images"] == (4 if others_move else 1)


@pytest.mark.parametrize(("groups", "other"), [("GN 1", "LN"), ("GN 8", "IN")])
def test_group_norm_ends_in_layer_and_instance_norm(groups, other):
    one, two = (norm_groups.groups(kind)["value"] for kind in (groups, other))
    assert np.allclose(one, two)


def test_a_norm_stands_where_it_is_asked_for():
    before = [type(m).__name__ for m in norm_grid.net("batch", depth=1).children()]
    after = norm_grid.net("batch", place="after", depth=1)
    assert before == ["Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert [type(m).__name__ for m in after[1]] == ["ReLU", "BatchNorm1d"]
    with pytest.raises(ValueError, match="place"):
        norm_grid.net("batch", place="inside")


def test_a_net_without_norm_is_judged_alike_by_both_statistics():
    found = norm_grid.curves("none", 32, [0.1], seeds=[0], steps=4, every=2, depth=1)
    assert set(found) == {"train_loss", "train_acc", "test_acc", "batch_32"}
    assert found["test_acc"].shape == (1, 1, 2)
    wide = norm_grid.curves(
        "batch", 32, [0.1], seeds=[0], steps=2, every=2, depth=1, judge=(2, 256)
    )
    assert wide["batch_2"] != wide["batch_256"]


def test_weights_behind_a_batch_norm_grow_by_pythagoras_and_do_not_see_their_scale():
    one = scale_free.norm_history("batch", 0, steps=10)
    three = scale_free.norm_history("batch", 0, steps=10, scale=3.0)
    growth = one["squared"][-1] - one["squared"][0]
    assert growth == pytest.approx(one["gained"].sum(), rel=1e-6)
    assert np.abs(one["cosine"]).max() < 1e-9
    assert np.allclose(one["loss"], three["loss"], atol=1e-8)
    late = scale_free.norm_history("batch", 0, steps=10, scale=3.0, matched=False)
    assert late["gained"][0] == pytest.approx(one["gained"][0] / 9, rel=1e-6)
    plain = scale_free.norm_history("none", 0, steps=10)
    assert np.abs(plain["cosine"]).max() > 1e-3


def test_running_averages_are_those_of_torch():
    found = running_averages.history(8, [0.0, 0.9], seed=0)
    assert found["running"].shape == (2, running_averages.STEPS)
    assert np.allclose(found["running"][0], found["batch"])
    mean = 0.0
    for batch, kept in zip(found["batch"], found["running"][1], strict=True):
        mean = 0.9 * mean + 0.1 * batch
        assert kept == pytest.approx(mean)


def test_padding_and_company_do_not_change_the_answers_of_the_recurrent_net():
    x, length, _ = norm_rnn.adding(4, seed=0)
    parts = [p[None] for p in norm_rnn._draw(1.0, 0, 0.5)]
    answer = norm_rnn._answers(parts, x[None], length[None], normed=True)
    noisy = torch.where(
        (torch.arange(x.shape[1]) < length[:, None])[..., None], x, torch.ones(()) * 9
    )
    assert torch.allclose(
        norm_rnn._answers(parts, noisy[None], length[None], normed=True), answer
    )
    alone = norm_rnn._answers(parts, x[None, :1], length[None, :1], normed=True)
    assert torch.allclose(alone, answer[:, :1], atol=1e-6)


def test_stacked_recurrent_nets_do_not_see_each_other():
    both = norm_rnn.trained_error([0.5, 1.0], normed=True, seeds=[0, 1], steps=3)
    one = norm_rnn.trained_error([1.0], normed=True, seeds=[1], steps=3)
    assert both.shape == (2, 2)
    assert one[0, 0] == pytest.approx(both[1, 1], rel=1e-4)
