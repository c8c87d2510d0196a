"""The experiments of bias and optimization against what must hold exactly."""

import numpy as np
import pytest
import torch
from torch import nn

from coursekit.data import digits
from coursekit.experiments import (
    depth,
    identity_start,
    medicines,
    restarts,
    stalled_net,
)


def maps(net):
    return [m for m in net.modules() if isinstance(m, nn.Linear)]


@pytest.mark.parametrize("kind", depth.KINDS)
@pytest.mark.parametrize("layers", [4, 8])
def test_layers_are_weight_matrices(kind, layers):
    assert len(maps(depth.net(kind, layers))) == layers


def test_architectures_differ_in_norms_and_skips():
    kinds = {k: str(depth.net(k, 8)) for k in depth.KINDS}
    assert {k for k, text in kinds.items() if "BatchNorm" in text} == {
        "bn",
        "residual_bn",
    }
    with pytest.raises(ValueError, match="kind"):
        depth.net("dense", 8)


def test_training_is_that_of_torch():
    run = depth.curves("plain", 4, [0.03], seeds=[0], epochs=0.2, every=1)
    x, y, *_ = digits(dtype=torch.float64)
    assert run["train"].shape == (1, 1, len(run["moments"]))
    net = depth.net("plain", 4).double()
    assert run["train"][0, 0, 0] == pytest.approx(
        nn.functional.cross_entropy(start(net)(x), y).item()
    )


def start(net):
    from coursekit.init import initialize

    return initialize(net, "he_normal", seed=0)


def test_losses_of_diverged_runs_are_infinite():
    values = depth.finite(np.array([1.0, np.nan, -np.inf]))
    np.testing.assert_array_equal(values, [1.0, np.inf, np.inf])


@pytest.mark.parametrize("layers", [5, 12])
def test_a_deepened_net_is_the_same_function(layers):
    torch.manual_seed(0)
    shallow = depth.net("plain", 4).double()
    deep = identity_start.deepen(shallow, layers)
    x = digits(dtype=torch.float64).x_test
    assert len(maps(deep)) == layers
    assert torch.equal(deep(x), shallow(x))


def test_the_identity_start_begins_where_the_shallow_net_does():
    begins = [
        identity_start.final(s, 0.01, layers=6, first=4, seeds=[2], every=176)[0, 0]
        for s in ("identity", "shallow")
    ]
    assert begins[0] == pytest.approx(begins[1], rel=1e-12)


def test_grown_nets_begin_at_the_loss_of_the_trained_one():
    grown = identity_start.grown([0], (0.03, 0.001), layers=6, first=4)
    assert grown["start"] == pytest.approx(grown["shallow"], rel=1e-12)
    np.testing.assert_array_equal(grown["deep_logits"], grown["shallow_logits"])


def test_polynomials_end_at_their_least_squares_minimum():
    x, y = restarts.points()
    for degree in (1, 3):
        found = restarts.fits("polynomial", degree, range(3))
        expected = np.mean((np.polyval(np.polyfit(x, y, degree), x) - y) ** 2)
        assert found["floor"] == pytest.approx(expected, rel=1e-9)
        assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_the_floor_of_a_net_is_below_its_runs():
    found = restarts.fits("tanh", 2, range(3), steps=200)
    assert found["floor"] < found["loss"].min()
    assert found["fit"].shape == (3, restarts.POINTS)


@pytest.mark.parametrize("patient", medicines.PATIENTS)
def test_medicines_change_one_thing(patient):
    sets = {m: medicines._data(patient, m) for m in medicines.MEDICINES}
    for name, (x, y, x_test, _) in sets.items():
        assert len(x) == len(y)
        assert torch.equal(x_test, sets["none"][2])
        assert (len(x) > len(sets["none"][0])) == (name in ("data", "target"))
        assert torch.equal(x[:50], sets["none"][0][:50])


def test_only_a_mismatch_has_other_data_from_its_target():
    for patient in medicines.PATIENTS:
        same = torch.equal(
            medicines._data(patient, "data")[0], medicines._data(patient, "target")[0]
        )
        assert same == (patient != "mismatch")


def test_a_linear_patient_stays_linear_under_skips():
    net = medicines._net("bias", "skips_bn").eval()
    a, b = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        left, right = net((a + b) / 2), (net(a) + net(b)) / 2
    torch.testing.assert_close(left, right)


def test_treated_runs_have_the_moments_they_say():
    run = medicines.treated("bias", "none", [0, 1])
    assert run["train"].shape == run["test"].shape == (2, len(medicines.SHARES))


def test_stalled_nets_are_trained_on_without_being_changed():
    nets, run = stalled_net.stalled([0], layers=4)
    before = [p.clone() for p in nets[0].parameters()]
    after = stalled_net.again(nets, 0.01, epochs=0.5)
    assert all(
        torch.equal(p, q) for p, q in zip(nets[0].parameters(), before, strict=True)
    )
    assert after[0] < run["train"][0, 0]
    assert run["gradient"].shape == run["train"].shape
    assert (run["gradient"] > 0).all()
