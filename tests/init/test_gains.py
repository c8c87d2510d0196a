"""The gains against closed forms, another quadrature and torch's constants."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import erf, expit
from scipy.stats import norm

from coursekit import init
from coursekit.init import gain, gains_table, second_moments
from coursekit.layers import ACTIVATIONS, activation


def test_relu_needs_the_square_root_of_two_at_every_scale():
    for std in (1e-3, 1.0, 50.0):
        for direction in ("forward", "backward"):
            value = gain("relu", direction=direction, std=std)
            assert value == pytest.approx(math.sqrt(2), rel=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, 1.0, -0.5])
def test_leaky_relu_has_hes_closed_form(slope):
    phi = activation("leaky_relu", negative_slope=slope)
    expected = math.sqrt(2 / (1 + slope**2))
    assert gain(phi) == pytest.approx(expected, rel=1e-12)
    assert gain(phi, direction="backward") == pytest.approx(expected, rel=1e-12)
    he = init.he_std((10, 50), negative_slope=slope)
    assert gain(phi) / math.sqrt(50) == pytest.approx(he, rel=1e-12)


def test_identity_needs_no_gain():
    assert gain("identity", std=3.0) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("std", [0.3, 1.0, 4.0])
def test_hard_tanh_has_a_closed_form(std):
    c = 1 / std
    inside = erf(c / math.sqrt(2))
    forward = std**2 * (inside - 2 * c * norm.pdf(c)) + (1 - inside)
    ours = second_moments("hard_tanh", std=std)
    assert ours.forward == pytest.approx(forward, rel=1e-11)
    assert ours.backward == pytest.approx(inside, rel=1e-11)


def test_elu_has_a_closed_form():
    half = math.exp(2) * norm.cdf(-2)
    forward = 0.5 + half - 2 * math.exp(0.5) * norm.cdf(-1) + 0.5
    ours = second_moments("elu")
    assert ours.forward == pytest.approx(forward, rel=1e-11)
    assert ours.backward == pytest.approx(0.5 + half, rel=1e-11)


def test_selu_was_made_to_need_no_gain():
    """Its two constants solve mean 0, variance 1 (Klambauer et al. 2017)."""
    assert gain("selu") == pytest.approx(1, rel=1e-9)


SMOOTH = {
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "softplus": (lambda z: np.logaddexp(0, z), expit),
    "silu": (
        lambda z: z * expit(z),
        lambda z: expit(z) * (1 + z * expit(-z)),
    ),
    "gelu": (lambda z: z * norm.cdf(z), lambda z: norm.cdf(z) + z * norm.pdf(z)),
}


@pytest.mark.parametrize("std", [0.1, 1.0, 6.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_activations_equal_an_adaptive_quadrature(name, std):
    phi, slope = SMOOTH[name]
    for function, ours in zip((phi, slope), second_moments(name, std=std), strict=True):
        integral, _ = quad(
            lambda u, f=function: f(std * u) ** 2 * norm.pdf(u),
            -12,
            12,
            points=[0],
            epsabs=0,
            epsrel=1e-12,
            limit=400,
        )
        assert ours == pytest.approx(integral, rel=1e-9)


def test_moments_equal_a_sample():
    """Independent of any quadrature: a million draws, 5 standard errors."""
    z = torch.randn(10**6, generator=torch.Generator().manual_seed(0)).double()
    for name in ACTIVATIONS:
        squares = activation(name)(z).square()
        error = squares.std().item() / 1000
        assert abs(squares.mean().item() - second_moments(name).forward) < 5 * error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a.detach().square()", "a.detach()"),
        ("a.detach().square()", "(a.detach() - weight @ a.detach()).square()"),
        ("slope.square()", "slope"),
        ("_rule(sigma)", "_rule(sigma**2)"),
        ("weight @ slope.square()", "weight @ a.detach().square()"),
    ],
)
def test_the_closed_forms_kill_the_mutant(mutate, old, new):
    wrong = mutate(second_moments, old, new)
    names, stds = ("hard_tanh", "relu", "elu"), (1.0, 4.0)
    pairs = [(wrong(n, std=s), second_moments(n, std=s)) for n in names for s in stds]
    assert any(not np.allclose(ours, right, rtol=1e-6) for ours, right in pairs)


def gains_are_those_of_the_moments(gain):
    for name in ACTIVATIONS:
        for std in (0.5, 1.0, 2.0):
            forward, backward = second_moments(name, std=std)
            ours = gain(name, std=std), gain(name, direction="backward", std=std)
            if not np.allclose(ours, (std / forward**0.5, backward**-0.5), rtol=1e-12):
                return False
    return gain("tanh") == gain("tanh", direction="forward", std=1.0)


def test_gains_are_those_of_the_moments():
    assert gains_are_those_of_the_moments(gain)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("std / math.sqrt(q_f)", "1 / math.sqrt(q_f)"),
        ("std / math.sqrt(q_f)", "std / q_f"),
        ("1 / math.sqrt(q_b)", "std / math.sqrt(q_b)"),
        ("1 / math.sqrt(q_b)", "1 / q_b"),
        ('if direction == "forward"', 'if direction != "forward"'),
        (
            "q_f, q_b = second_moments(activation, std=std)",
            "q_f, q_b = second_moments(activation)",
        ),
        ('direction: str = "forward"', 'direction: str = "backward"'),
        ("std: float = 1.0", "std: float = 0.5"),
    ],
)
def test_the_moments_kill_the_mutant(mutate, old, new):
    assert not gains_are_those_of_the_moments(mutate(gain, old, new))


def test_torch_agrees_where_it_has_a_derivation():
    rows = {row.activation: row for row in gains_table()}
    assert list(rows) == list(ACTIVATIONS)
    for name in ("identity", "relu", "leaky_relu"):
        assert rows[name].forward == pytest.approx(rows[name].torch, rel=1e-9)
    assert rows["tanh"].torch == pytest.approx(5 / 3)
    assert rows["gelu"].torch is None
    for name, row in rows.items():
        assert row.moments == second_moments(name)
        assert row.forward == gain(name)
        assert row.backward == gain(name, direction="backward")


def test_numbers_that_the_notes_give():
    assert gain("tanh") == pytest.approx(1.593, abs=5e-4)
    assert gain("tanh", std=1e-4) == pytest.approx(1, rel=1e-6)
    assert gain("sigmoid") == pytest.approx(1.85, abs=5e-3)
    assert gain("sigmoid", direction="backward") == pytest.approx(4.72, abs=5e-3)


def test_five_thirds_has_a_fixed_point_at_065_and_gains_below_one_have_none():
    """The recursion of Poole et al.: Var(z) at the next layer is g² E[tanh(z)²]."""

    def settle(g):
        std = 1.0
        for _ in range(150):
            std = g * math.sqrt(second_moments("tanh", std=max(std, 1e-6)).forward)
        return std / g

    assert settle(5 / 3) == pytest.approx(0.65, abs=5e-3)
    assert settle(0.9) < 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gain("rleu"), "activation: expected one of 'identity', 'relu'"),
        (lambda: gain("relu", direction="both"), "'forward', 'backward', got 'both'"),
        (lambda: gain("tanh", std=0), "std: expected a finite number > 0"),
        (lambda: gain(lambda z: 0 * z), "no gain keeps a signal that it removes"),
        (lambda: gain(lambda z: 0 * z + 1), "got <function .*; no gain keeps"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
