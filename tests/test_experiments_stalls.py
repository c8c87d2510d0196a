"""Four runs that stall at one level, against what is known of them in closed form."""

import numpy as np
import pytest

from coursekit.diagnosis import diagnose_stall
from coursekit.experiments import stalls

SEEDS = range(5)


@pytest.fixture(scope="module")
def stuck():
    return {c: stalls.descend(stalls.draw(c, SEEDS)) for c in stalls.CAUSES}


def test_the_large_class_reaches_its_floor_and_the_small_one_the_level():
    best = stalls.draw("saddle", SEEDS)
    rng = np.random.default_rng(0)  # equal kicks would leave the units copies
    kicked = tuple(m + 0.1 * rng.normal(size=m.shape) for m in best.maps)
    free = stalls.replace(best, maps=kicked)
    assert stalls.descend(free, 2000).loss() == pytest.approx(stalls.FLOOR, abs=1e-6)
    small = stalls.descend(stalls.draw("bias", SEEDS), 2000)
    assert small.loss() == pytest.approx(stalls.LEVEL, abs=1e-9)


@pytest.mark.parametrize("cause", stalls.CAUSES)
def test_gradients_are_those_of_finite_differences(cause):
    model = stalls.draw(cause, [3])
    rng = np.random.default_rng(0)
    maps = tuple(m + rng.normal(size=m.shape) for m in model.maps)
    model = stalls.replace(model, maps=maps)
    for k, gradient in enumerate(model.gradients()):
        way = rng.normal(size=gradient.shape)
        ends = [
            stalls.replace(
                model,
                maps=tuple(m + h * way if j == k else m for j, m in enumerate(maps)),
            ).loss()
            for h in (1e-5, -1e-5)
        ]
        slope = (ends[0] - ends[1]) / 2e-5
        assert slope == pytest.approx((gradient * way).sum((1, 2)), rel=1e-6)


def test_saddle_and_bias_share_their_whole_curve_until_something_moves():
    curves = [stalls.record(stalls.draw(c, SEEDS))["loss"] for c in ("saddle", "bias")]
    np.testing.assert_allclose(*curves, atol=1e-12)


def test_the_hessian_tells_them_apart(stuck):
    assert stalls.min_eigenvalue(stuck["saddle"]) == pytest.approx(-1, abs=1e-6)
    assert stalls.min_eigenvalue(stuck["bias"]) == pytest.approx(0, abs=1e-6)
    assert stalls.min_eigenvalue(stuck["slow"]) == pytest.approx(stalls.SLOW, rel=1e-6)


@pytest.mark.parametrize(
    ("cause", "cures"),
    [
        ("bouncing", {"half the rate"}),
        ("slow", {"100 × the updates"}),
        ("saddle", {"noise", "a larger model"}),
        ("bias", {"a larger model"}),
    ],
)
def test_every_cause_has_its_own_cures(stuck, cause, cures):
    after = {r: stalls.treat(stuck[cause], r).max() for r in stalls.REMEDIES}
    assert {r for r, loss in after.items() if loss < stalls.FLOOR + 0.05} == cures
    assert all(loss > 1.8 for r, loss in after.items() if r not in cures)


@pytest.mark.parametrize(
    ("cause", "words"), [("bouncing", "oscillation"), ("saddle", "saddle point")]
)
def test_the_diagnosis_of_a_recorded_run_names_the_cause(stuck, cause, words):
    run = stalls.record(stalls.draw(cause, [0]))
    loss, norm = run["loss"][0], run["gradient"][0]
    known = {"lr": stuck[cause].rate, "full_grad_norm": norm[-1]}
    known["min_eigenvalue"] = stalls.min_eigenvalue(stuck[cause])[0]
    assert str(diagnose_stall(loss, norm, **known)) == words


def test_unknown_words_are_refused(stuck):
    with pytest.raises(ValueError, match="cause"):
        stalls.draw("tired")
    with pytest.raises(ValueError, match="remedy"):
        stalls.treat(stuck["bias"], "coffee")
