"""Every rule is followed, from the same start, at a rate that the stated rule chose."""

import numpy as np
import pytest
import torch

from coursekit import optim
from coursekit.experiments import optimizer_paths
from coursekit.experiments.optimizer_paths import METHODS, RATES, SURFACES, paths
from coursekit.optim import Rule


def test_every_public_rule_and_wrapper_is_followed():
    rules = {n for n in optim.__all__ if isinstance(getattr(optim, n), Rule)}
    followed = {rule.name for rule, _, _ in METHODS.values()}
    assert rules <= followed
    for name in ("lookahead", "clip_norm", "clip_value", "gradient_noise", "with_l2"):
        assert any(key.startswith(name) for key in METHODS), name


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_of_rates_is_as_many_single_runs(method):
    rates = [0.001, 0.02]
    both = paths("saddle", method, rates, steps=40)
    alone = np.concatenate([paths("saddle", method, [r], steps=40) for r in rates])
    np.testing.assert_allclose(both, alone, rtol=1e-9, atol=1e-12)


def test_descent_on_the_bowl_is_the_power_of_its_factors():
    """θ_t = (1 − η λ)^t θ_0 along each axis of the bowl."""
    walk = paths("bowl", "gd", [0.03], steps=30)[0]
    turn = np.radians(30)
    axes = np.array([
        [np.cos(turn), np.sin(turn)],
        [-np.sin(turn), np.cos(turn)],
    ])
    factors = (1 - 0.03 * np.array([50.0, 1.0])) ** np.arange(31)[:, None]
    expected = factors * (axes @ walk[0])
    np.testing.assert_allclose(walk @ axes.T, expected, rtol=1e-9, atol=1e-12)


def test_paths_are_those_of_the_optimizer_class():
    """The drop-in optimizer walks the same way as the batch of the pure rule."""
    theta = torch.nn.Parameter(torch.tensor(SURFACES["valley"][1]).double())
    optimizer = optim.Adam([theta], lr=0.1)
    walk = [theta.detach().clone().numpy()]
    for _ in range(20):
        optimizer.zero_grad()
        SURFACES["valley"][0](theta).backward()
        optimizer.step()
        walk.append(theta.detach().clone().numpy())
    np.testing.assert_allclose(paths("valley", "adam", [0.1], steps=20)[0], walk)


def test_a_lost_path_ends_and_disturbs_no_other():
    walk = paths("valley", "gd", [0.001, 100.0], steps=20)
    np.testing.assert_allclose(walk[:1], paths("valley", "gd", [0.001], steps=20))
    gone = np.isnan(walk[1]).all(-1)
    assert gone[-1]
    assert (np.diff(gone.astype(int)) >= 0).all()
    assert np.isinf(optimizer_paths.gap("valley", walk)[1][gone]).all()


def test_the_best_rate_stays_in_the_picture_and_stays_low():
    """Out of view, diverged, or low only once: none of them wins."""
    walk = np.zeros((4, 30, 2))
    losses = np.ones((4, 30))
    walk[0, 5], losses[0] = (9.0, 0.0), 0.0
    losses[1, 29] = 0.0
    losses[2] = 0.5
    walk[3], losses[3] = np.nan, np.inf
    assert optimizer_paths.best_rate(walk, losses) == 2


def test_reached_counts_until_a_path_stays_below():
    losses = np.array([[1.0, 0.1, 0.5, 0.1], [1.0, 0.1, 0.1, 0.5], [0.0, 0, 0, 0]])
    counts = optimizer_paths.reached(losses, 0.2)
    np.testing.assert_array_equal(counts, [3, np.nan, 0])


def test_rates_near_the_best_are_a_root_of_ten_apart():
    found = optimizer_paths.near_best("saddle", "gd")
    np.testing.assert_allclose(found["lr"][1:] / found["lr"][:-1], 10**0.5, rtol=1e-6)
    assert set(found["lr"]) <= set(RATES)
    assert found["px"].shape == (3, optimizer_paths.STEPS + 1)
