"""Signals through deep nets against closed forms, autograd and exact zeros."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from coursekit import data, models
from coursekit.experiments import chain, cliff, dead_units, exploding_rnn
from coursekit.experiments import shattered_gradients as shattered
from coursekit.experiments import signal_cures as cures


def digits(n=64):
    x, y, *_ = data.digits()
    return x.double()[:n], y[:n]


def test_the_spread_is_that_of_the_derivative_of_one_examples_own_loss():
    x, y = digits()
    net = cures.make("he", depth=3, seed=0)
    z = net[:3](x).detach().requires_grad_()
    one = cross_entropy(net[3:](z), y, reduction="sum")
    expected = torch.autograd.grad(one, z)[0].std(correction=0).item()
    assert cures.spreads(net, x, y)[1][1] == pytest.approx(expected, rel=1e-12)


def test_residual_nets_are_measured_on_the_stream_block_by_block():
    x, y = digits()
    net = cures.make("skip_zero", depth=5, seed=0)
    a, delta = cures.spreads(net, x, y)
    assert len(a) == len(delta) == 5
    np.testing.assert_allclose(delta, delta[0], rtol=1e-12)
    assert cures.layer_factor(delta) == pytest.approx(1.0)


@pytest.mark.parametrize("name", cures.NETS)
def test_a_seed_draws_the_same_net_again_and_another_seed_another(name):
    twice = [cures.at_start(name, 4, [s])[0] for s in (3, 3, 4)]
    np.testing.assert_array_equal(twice[0], twice[1])
    assert not np.allclose(twice[0], twice[2], rtol=1e-6)


def test_batch_norm_explodes_at_the_rate_of_wide_layers():
    late = cures.at_start("bn", 24, [0, 1], width=128)[:, 10:]
    assert cures.layer_factor(late) == pytest.approx(cures.BATCH_NORM_LIMIT, abs=0.03)
    assert pytest.approx(1.2112, abs=1e-4) == cures.BATCH_NORM_LIMIT


def test_following_a_net_begins_where_the_fresh_one_stands():
    run = cures.follow("he", 4, seeds=[2], at=[0, 3])
    np.testing.assert_allclose(run["delta"][0, 0], cures.at_start("he", 4, [2])[0])
    assert run["loss"].shape == (1, 2)
    assert run["loss"][0, 1] != run["loss"][0, 0]


def test_a_diverged_net_is_not_a_number_and_does_not_stop_the_run():
    run = cures.follow("skip", 32, seeds=[0], at=[0, 2])
    assert np.isfinite(run["loss"][0, 0])
    assert np.isnan(run["loss"][0, 1])


@pytest.mark.parametrize("name", chain.ACTIVATIONS)
def test_slopes_are_those_of_autograd(name):
    z = torch.linspace(-5, 5, 21, dtype=torch.float64, requires_grad=True)
    phi = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "ReLU": torch.relu}[name]
    expected = torch.autograd.grad(phi(z).sum(), z)[0]
    np.testing.assert_allclose(chain.slope(name, z.detach().numpy()), expected)


@pytest.mark.parametrize(
    ("weight", "flag"), [(1.0, None), (4.0, "level"), (5.0, "grows")]
)
def test_a_sigmoid_chain_vanishes_balances_or_explodes_by_its_weight(weight, flag):
    found = chain.chain("sigmoid", 0.0, weight, 10)
    assert found["total"] == pytest.approx((weight / 4) ** 10)
    assert [f for f in ("level", "grows") if found[f]] == ([flag] if flag else [])
    assert np.isnan(found["delta"][11:]).all()
    assert found["delta"][10] == pytest.approx(found["total"])


def test_the_gradient_of_the_cliff_is_that_of_autograd():
    w, h0 = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.1, 2))
    value = cliff.loss(w, h0, 7)
    expected = [g.item() for g in torch.autograd.grad(value, (w, h0))]
    assert cliff.gradient(1.1, 2.0, 7) == pytest.approx(expected)


@pytest.mark.parametrize("T", [10, 50])
def test_the_exponents_of_the_cliff(T):
    assert cliff.exponent(T, "state") == pytest.approx(T - 1, abs=1e-6)
    assert cliff.exponent(T, "loss", 3, 4) == pytest.approx(2 * T - 1, abs=0.01)


def test_clipping_by_norm_keeps_the_direction_and_by_value_turns_it():
    norm, value = (cliff.cliff(1.1, 0.1, 50, 0.01, w, 1.0) for w in cliff.WAYS[1:])
    assert norm["moved"] == pytest.approx(0.01)
    assert norm["angle"] < 1e-9
    assert value["angle"] > 30
    assert cliff.cliff(1.1, 0.1, 50, 0.01, "none", 1.0)["away"] == 1


def test_below_the_threshold_clipping_is_the_identity():
    small = [cliff.cliff(1.0, 0.98, 5, 0.01, way, 5.0) for way in cliff.WAYS]
    assert [s["idle"] for s in small] == [1, 1, 1]
    assert len({s["w1"] for s in small}) == 1


def test_a_silenced_relu_has_a_gradient_of_exactly_zero_and_a_leaky_one_has_not():
    relu = dead_units.oversized_step(10, seeds=[0], at=[0])
    assert relu["share"][0, 0] > 0.05
    assert relu["gradient"][0, 0] == 0
    leaky = dead_units.oversized_step(10, "leaky", seeds=[0], at=[0])
    assert leaky["gradient"][0, 0] > 0


def test_dead_units_are_counted_on_their_largest_value_and_without_a_step_none_is():
    run = dead_units.oversized_step(10, seeds=[1], at=[0])
    assert run["share"][0, 0] == (run["high"][0, 0] <= 0).mean()
    assert (run["low"] <= run["high"]).all()
    still = dead_units.oversized_step(0, seeds=[1], at=[0])
    assert still["share"][0, 0] == 0
    assert np.isnan(still["gradient"][0, 0])


def test_a_diverged_net_is_not_counted_as_dead():
    lost = dead_units.oversized_step(1e200, seeds=[0], at=[0, 3])
    assert np.isnan(lost["share"]).any()


def test_clipped_and_unclipped_nets_begin_alike_and_part_at_the_first_update():
    free, short = (
        exploding_rnn.train(w, seeds=[0], steps=3) for w in ("none", "norm 1")
    )
    assert free["loss"][0, 0] == short["loss"][0, 0]
    assert free["norm"][0, 0] == short["norm"][0, 0] > 1
    assert free["loss"][0, 1] != short["loss"][0, 1]


def test_drawing_a_recurrent_net_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    exploding_rnn.train("none", seeds=[0], steps=1)
    assert torch.rand(1) == expected


def test_the_gain_does_not_change_how_alike_gradients_are():
    glorot, he = (shattered.probe(k, 6, 0) for k in ("glorot", "he"))
    np.testing.assert_allclose(glorot[1], he[1], atol=1e-12)
    ratio = he[0] / glorot[0]
    np.testing.assert_allclose(ratio, ratio[0])


def test_the_slope_is_piecewise_constant_and_jumps_where_units_switch():
    """One hidden layer of n units cuts the line at n places at most."""
    x = shattered.grid(400)
    slope, cosine = shattered.probe("he", 1, 0, x=x, width=8)
    assert 2 <= len(np.unique(slope.round(12))) <= 9
    same = np.isclose(np.diff(slope), 0)
    assert np.isclose(np.diag(cosine, 1)[same], 1).all()


def test_uncorrelated_inputs_follow_the_half_law_with_batch_norm_only():
    x = shattered.random_inputs(128)
    bn, plain = (
        np.mean([shattered.typical_cosine(k, 5, s, x) for s in range(4)])
        for k in ("bn", "he")
    )
    assert bn == pytest.approx(2.0**-5, abs=0.01)
    assert plain == pytest.approx(shattered.cosine_theory(0.0, 5)[-1], abs=0.03)
    assert plain > 2 * bn


def test_the_theories_begin_at_one_half_and_one_is_a_power():
    theory = shattered.residual_theory(4000)
    slope = np.log(theory[-1] / theory[1999]) / np.log(2)
    assert slope == pytest.approx(-0.5 / (1 - 1 / np.pi), abs=0.01)
    assert theory[0] == pytest.approx(0.5)
    assert shattered.cosine_theory(0.0, 1)[0] == pytest.approx(0.5)
    assert shattered.cosine_theory(1.0, 9)[-1] == pytest.approx(1.0)


def test_autocorrelation_is_one_at_lag_zero_and_numpys_elsewhere():
    v = np.random.default_rng(0).normal(size=50)
    d = v - v.mean()
    expected = np.correlate(d, d, "full")[49:59] / (d @ d)
    np.testing.assert_allclose(shattered.autocorrelation(v, 10), expected)
    assert shattered.autocorrelation(v, 1)[0] == 1


def test_the_class_of_nets_is_the_librarys():
    assert isinstance(cures.make("skip", 2, 0), models.ResidualMLP)
    assert isinstance(cures.make("bn", 2, 0), models.MLP)
