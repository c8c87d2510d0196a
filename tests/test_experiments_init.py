"""The experiments of initialization against closed forms and exact symmetries."""

import numpy as np
import pytest
import torch

from coursekit import init
from coursekit.data import digits
from coursekit.experiments import (
    residual_growth,
    signal_propagation,
    stacked,
    stacked_training,
    symmetry,
    trainability,
    width_scatter,
)
from coursekit.models import ResidualMLP


@pytest.mark.parametrize(
    ("activation", "gain", "expected"),
    [
        ("relu", 2**0.5, 1.0),
        ("relu", 1.0, 0.5**0.5),
        ("relu", 2.0, 2**0.5),
        ("identity", 0.9, 0.9),
    ],
)
def test_mean_field_of_scale_free_activations_is_closed_form(
    activation, gain, expected
):
    squares, factors = signal_propagation.mean_field(activation, gain, 6, q_input=2.0)
    assert factors == pytest.approx([expected] * 6, abs=1e-9)
    assert squares[1:] / squares[:-1] == pytest.approx([expected**2] * 5, abs=1e-9)


def test_sigmoid_at_small_signals_loses_a_quarter_of_the_gain():
    factors = signal_propagation.mean_field("sigmoid", 1e-3, 2, q_input=1e-6)[1]
    assert factors[0] == pytest.approx(0.25e-3, rel=1e-6)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("gain", [0.577, 1.0, 1.41])
def test_theory_predicts_real_nets(activation, gain):
    q = float(digits().x_train.square().mean())
    theory = signal_propagation.mean_field(activation, gain, 12, q)[1]
    runs = signal_propagation.propagation([gain], activation=activation, at=[0])
    measured = signal_propagation.layer_factor(np.median(runs["delta_std"][0, :, 0], 0))
    assert measured == pytest.approx(np.exp(np.log(theory[:-1]).mean()), abs=0.03)


def test_propagation_has_the_shape_it_says():
    runs = signal_propagation.propagation([0.5, 1.0], seeds=[0, 1, 2], at=[0, 2])
    assert runs["activation_std"].shape == runs["delta_std"].shape == (2, 3, 2, 12)
    assert runs["histogram"].shape == (2, 2, 12, 33)
    assert (runs["histogram"].sum(-1) <= 1 + 1e-12).all()


def test_log_norms_follow_the_law_of_finite_width():
    logs = width_scatter.log_norms(20, 50, nets=2000)
    assert logs[:, -1].var() == pytest.approx(5 * 20 / 50, rel=0.25)
    assert np.exp(logs[:, 0]).mean() == pytest.approx(1, abs=0.03)
    assert logs[:, -1].mean() == pytest.approx(-2.5 * 20 / 50, rel=0.2)


def test_moments_end_at_the_last_step_and_never_repeat():
    moments = trainability.moments(262)
    assert len(moments) == len(set(moments)) == 30
    assert (moments[0], moments[-1]) == (0, 262)


def test_training_curves_are_paired_and_start_before_training():
    curves = trainability.training_curves([1.0, 1.4], 3, seeds=[0, 1], at=[0, 20])
    again = trainability.training_curves([1.4], 3, seeds=[1], at=[0, 20])
    assert curves.shape == (2, 2, 2)
    assert curves[1, 1] == pytest.approx(again[0, 0], abs=1e-12)
    assert (curves[..., 1] < curves[..., 0]).all()


def test_equal_units_get_equal_gradients_and_stay_equal():
    stack = symmetry.symmetric_stack([0.0], [0])
    data = digits()
    run = stacked_training.train(
        stack,
        data.x_train.double(),
        data.y_train,
        optimizer=stacked_training.sgd(0.1),
        batch_size=64,
        moments=[60],
        seeds=[0],
    )
    list(run)
    first = stack.weights[0][0].detach()
    moved = (first - symmetry.symmetric_stack([0.0], [0]).weights[0][0]).abs().max()
    assert moved > 0.01
    assert (first - first[0]).abs().max() < 1e-12


def test_more_noise_breaks_the_symmetry_sooner():
    at = list(range(0, 601, 20))
    run = symmetry.breaking([1e-6, 1e-2, symmetry.HE], seeds=range(3), at=at)
    when = symmetry.breaking_time(run["singular_values"], at)
    assert (when[0] > when[1]).all()
    assert (when[2] == 0).all()
    assert run["weights"].shape == (3, len(at), 16, 16)


def test_a_rank_that_never_breaks_has_no_time():
    values = np.array([[1.0, 0.0], [1.0, 1e-6]])
    assert np.isnan(symmetry.breaking_time(values, [0, 10]))


def test_he_in_the_symmetric_stack_is_he():
    stack = symmetry.symmetric_stack([symmetry.HE], [5])
    plain = stacked.draw_stack([64, 16, 10], [2**0.5], [5])
    for mine, theirs in zip(stack.weights, plain.weights, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("scheme", residual_growth.SCHEMES)
def test_stacked_residual_nets_equal_the_module(scheme):
    stack = residual_growth.draw_residual(scheme, [0, 1])
    scale = float(stack.branch_scale[0])
    model = ResidualMLP(64, 64, residual_growth.BLOCKS, 10, branch_scale=scale).double()
    maps = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    x = digits().x_train.double()[:50]
    with torch.no_grad():
        for layer, weight in zip(maps, stack.weights, strict=True):
            layer.weight.copy_(weight[1])
            layer.bias.zero_()
        expected, mine = model(x), stack.layers(x.expand(2, *x.shape))[-1][1]
    assert torch.allclose(mine, expected, rtol=1e-12)


def test_zero_last_zeroes_what_the_initializer_zeroes():
    stack = residual_growth.draw_residual("zero_last", [0])
    model = init.zero_last(ResidualMLP(64, 64, residual_growth.BLOCKS, 10))
    maps = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    zero = [bool((layer.weight == 0).all()) for layer in maps]
    assert zero == [bool((w == 0).all()) for w in stack.weights]


def test_plain_residual_variance_triples_a_block():
    growth = residual_growth.stream_variance("plain", range(8))
    factor = growth[:, -1] ** (1 / residual_growth.BLOCKS)
    assert factor.mean() == pytest.approx(3, abs=0.2)


def test_scaled_and_zero_branches_do_not_explode():
    scaled = residual_growth.stream_variance("scaled", range(8))[:, -1]
    assert scaled.mean() == pytest.approx((1 + 2 / 27) ** 27, rel=0.15)
    assert (residual_growth.stream_variance("zero_last", [0]) == 1).all()


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match="plain"):
        residual_growth.draw_residual("magic", [0])


def test_probing_by_layer_finds_the_factors_of_theory():
    runs = signal_propagation.by_layer("relu", "he_normal", seeds=[0, 1], depth=6)
    assert runs["activation"].shape == runs["delta"].shape == (2, 6)
    assert runs["weight_gradient"].shape == (2, 7)
    assert runs["factor"] == pytest.approx(
        (runs["delta"][:, 0] / runs["delta"][:, -1]) ** (1 / 5)
    )
    assert runs["factor"].mean() == pytest.approx(1, abs=0.06)


def test_fixup_starts_at_the_loss_of_guessing():
    start = residual_growth.trained_loss("fixup", lr=0.0, seeds=[0], steps=1)
    assert start[0] == pytest.approx(np.log(10), abs=1e-12)
    assert (residual_growth.stream_variance("fixup", [0]) == 1).all()


def test_fixup_bears_a_rate_that_zero_last_does_not():
    run = {
        scheme: residual_growth.trained_loss(scheme, lr=0.1, seeds=[0, 1], steps=60)
        for scheme in ("zero_last", "fixup")
    }
    assert not np.isfinite(run["zero_last"]).any()
    assert (run["fixup"] < 0.5).all()
