"""The rules against NumPy transcriptions of the papers, closed forms and laws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.optim import adam, gd, nag, nag_look_ahead, sgd, sgdm

STEPS = 300
RNG = np.random.default_rng(20)
GRADIENTS = RNG.normal(size=(STEPS, 7)) * np.logspace(-4, 4, 7)
RATES = 0.1 / (1 + np.arange(STEPS)) ** 0.7 * np.where(np.arange(STEPS) < 90, 1, 0.1)


def paper_gd(theta, lr):
    for g, eta in zip(GRADIENTS, lr, strict=True):
        theta = theta - eta * g
        yield theta


def paper_sgdm(theta, lr, momentum=0.9, convention="velocity"):
    """Sutskever et al. (2013), eq. 1 and 2, in their sign: v is added."""
    v = np.zeros_like(theta)
    for g, eta in zip(GRADIENTS, lr, strict=True):
        if convention == "velocity":
            v = momentum * v - eta * g
            theta = theta + v
        elif convention == "torch":
            v = momentum * v - g
            theta = theta + eta * v
        else:
            v = momentum * v - (1 - momentum) * g
            theta = theta + eta * v
        yield theta


def paper_nag(theta, lr, momentum=0.9, variant="paper"):
    """Bengio et al. (2013), § 3.5, with v added; torch's documentation for torch."""
    v = np.zeros_like(theta)
    for g, eta in zip(GRADIENTS, lr, strict=True):
        if variant == "paper":
            before, v = v, momentum * v - eta * g
            theta = theta - momentum * before + (1 + momentum) * v
        else:
            v = momentum * v + g
            theta = theta - eta * (g + momentum * v)
        yield theta


def paper_adam(theta, lr, betas=(0.9, 0.999), eps=1e-8, variant="paper"):
    """Kingma and Ba (2015), algorithm 1; the sums are written out, not recursive."""
    steps = np.arange(1, STEPS + 1)
    for t, eta in zip(steps, lr, strict=True):
        past = GRADIENTS[:t]
        w1 = (1 - betas[0]) * betas[0] ** (t - steps[:t])
        w2 = (1 - betas[1]) * betas[1] ** (t - steps[:t])
        m, v = w1 @ past, w2 @ past**2
        if variant == "eps_hat":
            alpha = eta * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
            theta = theta - alpha * m / (np.sqrt(v) + eps)
        else:
            m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
            theta = theta - eta * m_hat / (np.sqrt(v_hat) + eps)
        yield theta


CASES = [
    ("gd", gd, paper_gd, {}),
    ("sgd", sgd, paper_gd, {}),
    *[
        (f"sgdm-{word}", sgdm, paper_sgdm, {"momentum": 0.8, "convention": word})
        for word in ("velocity", "torch", "ema")
    ],
    *[
        (f"nag-{word}", nag, paper_nag, {"momentum": 0.8, "variant": word})
        for word in ("paper", "torch")
    ],
    *[
        (
            f"adam-{word}",
            adam,
            paper_adam,
            {"betas": (0.7, 0.98), "eps": 1e-3, "variant": word},
        )
        for word in ("paper", "torch", "eps_hat")
    ],
]
IDS = [case[0] for case in CASES]


def trajectory(rule, hyper, theta=None):
    theta = torch.ones(7, dtype=torch.float64) if theta is None else theta
    state = rule.init(theta)
    for t, (g, eta) in enumerate(zip(GRADIENTS, RATES, strict=True), 1):
        delta, state = rule.update(
            torch.from_numpy(g), state, theta, t, lr=eta, **hyper
        )
        theta = theta - delta
        yield theta.numpy()


def agrees_with_paper(rule, paper, hyper):
    ours = np.array(list(trajectory(rule, hyper)))
    theirs = np.array(list(paper(np.ones(7), RATES, **hyper)))
    return np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "rule", "paper", "hyper"), CASES, ids=IDS)
def test_equals_the_paper_over_300_steps_with_a_changing_rate(name, rule, paper, hyper):
    assert agrees_with_paper(rule, paper, hyper)


@pytest.mark.parametrize(
    ("rule", "paper"), [(sgdm, paper_sgdm), (nag, paper_nag), (adam, paper_adam)]
)
def test_defaults_are_the_papers(rule, paper):
    assert agrees_with_paper(rule, paper, {})


MUTANTS = [
    (0, "lr * g", "-lr * g"),
    (2, "mu * m + lr * g", "mu * m - lr * g"),
    (2, "mu * m + lr * g", "mu * m + (1 - mu) * lr * g"),
    (2, "m = mu * m + lr * g", "m = lr * g"),
    (3, "m = mu * m + g  # (3)", "m = mu * m + lr * g"),
    (3, "delta = lr * m  # (4)", "delta = m"),
    (4, "(1 - mu) * g", "g"),
    (4, "delta = lr * m  # (6)", "delta = (1 - mu) * lr * m"),
    (5, "delta = mu * m + lr * g", "delta = m"),
    (5, "delta = mu * m + lr * g", "delta = mu * state['m'] + lr * g"),
    (5, "delta = mu * m + lr * g", "delta = m + lr * g"),
    (6, "delta = lr * (mu * m + g)", "delta = lr * m"),
    (6, "delta = lr * (mu * m + g)", "delta = mu * m + lr * g"),
    (7, "m / (1 - beta1**t)", "m"),
    (7, "v / (1 - beta2**t)", "v"),
    (7, "m / (1 - beta1**t)", "m / (1 - beta1**(t - 1) + 1e-30)"),
    (7, "v / (1 - beta2**t)", "v / (1 - beta2**(t + 1))"),
    (7, "(v_hat.sqrt() + eps)", "(v_hat + eps).sqrt()"),
    (7, "(v_hat.sqrt() + eps)", "v_hat.sqrt().clamp_min(eps)"),
    (7, "(v_hat.sqrt() + eps)", "(v_hat + eps)"),
    (7, "m_hat = m /", "m_hat = -m /"),
    (7, "(1 - beta1) * g", "g"),
    (7, "(1 - beta2) * g.square()", "(1 - beta1) * g.square()"),
    (7, "beta1, beta2 = betas", "beta2, beta1 = betas"),
    (7, "g.square()", "g.abs()"),
    (9, "(1 - beta2**t) ** 0.5", "(1 - beta2**t)"),
    (9, "(v.sqrt() + eps)", "(v_hat.sqrt() + eps)"),
]


@pytest.mark.parametrize(("case", "old", "new"), MUTANTS)
def test_the_comparison_with_the_paper_kills_the_mutant(mutate, case, old, new):
    _, rule, paper, hyper = CASES[case]
    wrong = replace(rule, update=mutate(rule.update, old, new))
    assert not agrees_with_paper(wrong, paper, hyper)


# Closed forms on a quadratic, E-10.


def contraction(rule, eigenvalues, steps, late, **hyper):
    """Factor an update, from the late part: some methods have a factor t in front."""
    h = torch.tensor(eigenvalues, dtype=torch.float64)
    theta = torch.ones_like(h)
    state = rule.init(theta)
    norms = []
    for t in range(1, steps + 1):
        delta, state = rule.update(h * theta, state, theta, t, **hyper)
        theta = theta - delta
        norms.append(theta.norm().item())
    return (norms[-1] / norms[-1 - late]) ** (1 / late)


def steps_for(root):
    """Long enough for the factor t to fade, short enough not to underflow."""
    return round(130 * root), round(30 * root)


@pytest.mark.parametrize("kappa", [10.0, 100.0, 1000.0])
def test_gradient_descent_contracts_as_theory_says(kappa):
    lr = 2 / (kappa + 1)
    rate = contraction(gd, [1.0, kappa], 400, 100, lr=lr)
    assert rate == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-9)


@pytest.mark.parametrize("kappa", [10.0, 100.0])
def test_heavy_ball_contracts_as_theory_says(kappa):
    root = kappa**0.5
    mu = ((root - 1) / (root + 1)) ** 2
    lr = 4 / (root + 1) ** 2
    rate = contraction(sgdm, [1.0, kappa], *steps_for(root), lr=lr, momentum=mu)
    assert rate == pytest.approx((root - 1) / (root + 1), rel=0.01)


@pytest.mark.parametrize("kappa", [10.0, 100.0])
def test_nesterov_contracts_as_theory_says(kappa):
    root = kappa**0.5
    mu, lr = (root - 1) / (root + 1), 1 / kappa
    rate = contraction(nag, [1.0, kappa], *steps_for(root), lr=lr, momentum=mu)
    assert rate == pytest.approx(1 - 1 / root, rel=0.01)


@pytest.mark.parametrize("variant", ["paper", "eps_hat"])
def test_adams_first_update_is_the_rate_whatever_the_gradient(variant):
    theta = torch.zeros(5, dtype=torch.float64)
    g = torch.tensor([1e-6, -1e-3, 1.0, -1e3, 1e6], dtype=torch.float64)
    delta, _ = adam.update(
        g, adam.init(theta), theta, 1, lr=0.1, eps=0.0, variant=variant
    )
    torch.testing.assert_close(delta, 0.1 * g.sign(), rtol=1e-12, atol=0)


# Laws.


def run(rule, gradients, lr, **hyper):
    theta = torch.zeros_like(gradients[0])
    state = rule.init(theta)
    for t, g in enumerate(gradients, 1):
        delta, state = rule.update(g, state, theta, t, lr=lr, **hyper)
        theta = theta - delta
    return theta


def test_the_conventions_differ_only_in_the_rate_while_it_is_constant():
    gradients = torch.from_numpy(GRADIENTS)
    velocity = run(sgdm, gradients, 0.1, momentum=0.9)
    by_torch = run(sgdm, gradients, 0.1, momentum=0.9, convention="torch")
    ema = run(sgdm, gradients, 0.1 / (1 - 0.9), momentum=0.9, convention="ema")
    torch.testing.assert_close(by_torch, velocity, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ema, velocity, rtol=1e-12, atol=1e-12)


def test_after_the_rate_falls_to_zero_only_the_velocity_form_coasts():
    """K-16: the velocity form has (μ + μ² + ...) = μ/(1-μ) movements still to make."""
    theta = torch.zeros(1, dtype=torch.float64)
    coasted = {}
    for word in ("velocity", "torch"):
        state = sgdm.init(theta)
        for t in range(1, 200):
            _, state = sgdm.update(
                1 + theta, state, theta, t, lr=1.0, momentum=0.9, convention=word
            )
        total = 0.0
        for t in range(200, 600):
            delta, state = sgdm.update(
                0 * theta, state, theta, t, lr=0.0, momentum=0.9, convention=word
            )
            total += delta.item()
        coasted[word] = total
    assert coasted["velocity"] == pytest.approx(10 * 0.9 / 0.1, rel=1e-6)
    assert coasted["torch"] == 0


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.95])
def test_nesterovs_two_forms_are_one_method(momentum):
    """GD-15, on a loss that is not quadratic and with a rate that changes."""

    def gradient(x):
        return x.sin() + 0.3 * x**3

    theta = shifted = torch.tensor([2.0, -1.5, 0.3], dtype=torch.float64)
    m, state = torch.zeros_like(theta), nag.init(theta)
    for t in range(1, 60):
        lr = 0.2 / t**0.5
        theta, m = nag_look_ahead(gradient, theta, m, lr=lr, momentum=momentum)
        delta, state = nag.update(
            gradient(shifted), state, shifted, t, lr=lr, momentum=momentum
        )
        shifted = shifted - delta
        torch.testing.assert_close(shifted, theta - momentum * m, rtol=1e-12, atol=0)
        torch.testing.assert_close(state["m"], m, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gradient(theta - mu * m)", "gradient(theta)"),
        ("gradient(theta - mu * m)", "gradient(theta + mu * m)"),
        ("gradient(theta - mu * m)", "gradient(theta - m)"),
        ("theta = theta - m", "theta = theta - mu * m"),
        ("m = mu * m + lr * g", "m = mu * m + g"),
    ],
)
def test_the_two_forms_kill_the_mutant(mutate, monkeypatch, old, new):
    wrong = mutate(nag_look_ahead, old, new)
    test = test_nesterovs_two_forms_are_one_method
    monkeypatch.setitem(test.__globals__, "nag_look_ahead", wrong)
    with pytest.raises(AssertionError):
        test(0.5)


numbers = st.floats(-100, 100, allow_nan=False, width=32)
rates = st.floats(1e-4, 1.0)
decays = st.floats(0.0, 0.99)


@settings(max_examples=40, deadline=None)
@given(
    data=st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=2, max_size=6),
    lrs=st.lists(rates, min_size=2, max_size=2),
    mus=st.lists(decays, min_size=2, max_size=2),
)
def test_stacked_models_equal_each_alone(data, lrs, mus):
    """Two models with their own rate and momentum, side by side and one by one."""
    gradients = torch.tensor(data, dtype=torch.float64)
    both = torch.stack((gradients, gradients.flip(1)), dim=1)
    lr = torch.tensor(lrs, dtype=torch.float64)[:, None]
    mu = torch.tensor(mus, dtype=torch.float64)[:, None]
    for rule, per_row in (
        (gd, lambda mu: {}),
        (sgdm, lambda mu: {"momentum": mu}),
        (sgdm, lambda mu: {"momentum": mu, "convention": "ema"}),
        (nag, lambda mu: {"momentum": mu}),
        (adam, lambda mu: {"betas": (mu, 0.5 + mu / 2), "eps": 1e-6}),
    ):
        stacked = run(rule, both, lr, **per_row(mu))
        for k in range(2):
            alone = run(rule, both[:, k], lrs[k], **per_row(mus[k]))
            torch.testing.assert_close(stacked[k], alone, rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    data=st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=8),
    exponent=st.integers(-20, 20),
)
def test_adam_without_eps_does_not_see_the_scale_of_the_loss(data, exponent):
    gradients = torch.tensor(data, dtype=torch.float64)
    gradients = torch.where(gradients.abs() < 1e-3, 1e-3, gradients)
    once = run(adam, gradients, 0.1, eps=0.0)
    scaled = run(adam, gradients * 2.0**exponent, 0.1, eps=0.0)
    torch.testing.assert_close(scaled, once, rtol=1e-12, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    data=st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=8),
    factor=st.floats(-8, 8),
)
def test_momentum_methods_are_linear_in_the_gradients(data, factor):
    gradients = torch.tensor(data, dtype=torch.float64)
    for rule, hyper in (
        (gd, {}),
        (sgdm, {}),
        (sgdm, {"convention": "torch"}),
        (nag, {}),
    ):
        expected = factor * run(rule, gradients, 0.1, **hyper)
        ours = run(rule, factor * gradients, 0.1, **hyper)
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "rule", "paper", "hyper"), CASES, ids=IDS)
def test_a_rule_changes_none_of_its_inputs(name, rule, paper, hyper):
    g = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    theta = torch.randn(4, 5, generator=torch.Generator().manual_seed(2))
    _, state = rule.update(g, rule.init(theta), theta, 1, lr=0.1, **hyper)
    before = [g.clone(), theta.clone(), *(s.clone() for s in state.values())]
    delta, new = rule.update(g, state, theta, 2, lr=0.1, **hyper)
    after = [g, theta, *state.values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    own = {t.data_ptr() for t in (g, theta, *state.values())}
    assert not own & {t.data_ptr() for t in (delta, *new.values())}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("name", "rule", "paper", "hyper"), CASES, ids=IDS)
def test_dtype_and_shape_follow_the_parameters(name, rule, paper, hyper, dtype):
    theta = torch.ones(2, 0, 3, dtype=dtype)
    delta, state = rule.update(theta, rule.init(theta), theta, 1, lr=0.1, **hyper)
    assert all(x.dtype == dtype for x in (delta, *state.values()))
    assert all(x.shape == theta.shape for x in (delta, *state.values()))


def test_hyper_lists_the_keywords_and_check_refuses_others():
    assert adam.hyper == ("lr", "betas", "eps", "variant")
    assert gd.hyper == ("lr",)
    with pytest.raises(TypeError, match=r"sgdm has no such .* momentum"):
        sgdm.check(nesterov=True)


@pytest.mark.parametrize(
    ("rule", "hyper", "error", "message"),
    [
        (gd, {"lr": -1}, ValueError, "lr: expected a finite number >= 0, got -1"),
        (gd, {"lr": float("nan")}, ValueError, "NaN"),
        (gd, {"lr": "0.1"}, TypeError, "lr: expected a number"),
        (sgdm, {"momentum": 1.0}, ValueError, r"in \[0, 1\), got 1.0"),
        (sgdm, {"convention": "ewma"}, ValueError, "'velocity', 'torch', 'ema'"),
        (nag, {"variant": "keras"}, ValueError, "'paper', 'torch'"),
        (adam, {"betas": 0.9}, TypeError, "a pair"),
        (adam, {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]"),
        (adam, {"eps": -1e-8}, ValueError, "eps"),
    ],
)
def test_errors_say_what_was_got_and_what_was_expected(rule, hyper, error, message):
    with pytest.raises(error, match=message):
        rule.check(**hyper)
