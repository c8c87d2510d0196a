"""Every further rule against a NumPy transcription of its paper, and its mutants."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from coursekit import optim
from coursekit.optim import adabound as adabound_rule
from coursekit.optim import radam as radam_rule

STEPS = 300
RNG = np.random.default_rng(21)
SIGNAL = 0.3 + RNG.normal(size=(STEPS, 7)) * (1 + (np.arange(STEPS) % 37 == 0))[:, None]
GRADIENTS = SIGNAL * np.logspace(-3, 3, 7)
GRADIENTS[:40, 3] = 0
RATES = 0.1 / (1 + np.arange(STEPS)) ** 0.7 * np.where(np.arange(STEPS) < 90, 1, 0.1)
START = np.linspace(-1.0, 2.0, 7)
LEFT = 1 + np.arange(STEPS)


def ema(t, decay, values):
    """The sum written out, not the recursion."""
    weights = (1 - decay) * decay ** (t - LEFT[:t])
    return weights @ values[:t]


def transcription(step):
    """Make `step(t, theta, eta, memory, **hyper) -> theta` run over all gradients."""

    def run(**hyper):
        theta, memory, path = START.copy(), {}, []
        for t, eta in zip(LEFT, RATES, strict=True):
            theta = step(t, theta, eta, memory, **hyper)
            path.append(theta)
        return np.array(path)

    return run


@transcription
def paper_steepest(t, theta, eta, memory, norm="l2", unit=False):
    """Boyd and Vandenberghe, § 9.4.1: the unit direction times the dual norm."""
    g = GRADIENTS[t - 1]
    if norm == "l1":
        dual = np.max(np.abs(g))
        unit_step = np.zeros(7)
        unit_step[np.argmax(np.abs(g))] = -np.sign(g[np.argmax(np.abs(g))])
    elif norm == "linf":
        dual, unit_step = np.sum(np.abs(g)), -np.sign(g)
    elif norm == "l2":
        dual = np.sqrt(g @ g)
        unit_step = -g / dual
    else:
        inverse = np.linalg.inv(np.asarray(norm))
        dual = np.sqrt(g @ inverse @ g)
        unit_step = -(inverse @ g) / dual
    return theta + eta * unit_step * (1 if unit else dual)


@transcription
def paper_rms_mean(t, theta, eta, memory, eps=1e-10):
    return theta - eta * GRADIENTS[t - 1] / (
        np.sqrt(np.mean(GRADIENTS[:t] ** 2, axis=0)) + eps
    )


@transcription
def paper_adagrad(
    t, theta, eta, memory, eps=1e-10, lr_decay=0.0, initial_accumulator_value=0.0, **_
):
    total = initial_accumulator_value + np.sum(GRADIENTS[:t] ** 2, axis=0)
    rate = eta / (1 + (t - 1) * lr_decay)
    return theta - rate * GRADIENTS[t - 1] / (np.sqrt(total) + eps)


@transcription
def paper_rmsprop(
    t,
    theta,
    eta,
    memory,
    alpha=0.99,
    eps=1e-8,
    init="g0",
    momentum=0.0,
    centered=False,
    variant="paper",
):
    g = GRADIENTS[t - 1]
    v = ema(t, alpha, GRADIENTS**2)
    if init == "g0" and variant == "paper":
        v = v + alpha**t * GRADIENTS[0] ** 2
    if centered:
        v = np.maximum(v - ema(t, alpha, GRADIENTS) ** 2, 0)
    memory["m"] = momentum * memory.get("m", 0) + g / (np.sqrt(v) + eps)
    return theta - eta * memory["m"]


@transcription
def paper_amsgrad(t, theta, eta, memory, betas=(0.9, 0.999), eps=1e-8, variant="paper"):
    m, v = ema(t, betas[0], GRADIENTS), ema(t, betas[1], GRADIENTS**2)
    memory["v"] = np.maximum(memory.get("v", 0), v)
    v = memory["v"]
    if variant == "torch":
        m, v = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return theta - eta * m / (np.sqrt(v) + eps)


@transcription
def paper_adabound(
    t,
    theta,
    eta,
    memory,
    betas=(0.9, 0.999),
    eps=1e-8,
    final_lr=0.1,
    variant="paper",
):
    m, v = ema(t, betas[0], GRADIENTS), ema(t, betas[1], GRADIENTS**2)
    low = final_lr - final_lr / ((1 - betas[1]) * t + 1)
    high = final_lr + final_lr / ((1 - betas[1]) * t)
    if variant == "paper":
        return theta - np.clip(eta / (np.sqrt(v) + eps), low, high) / np.sqrt(t) * m
    eta = eta * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
    return theta - np.clip(eta / (np.sqrt(v) + eps), low, high) * m


@transcription
def paper_radam(t, theta, eta, memory, betas=(0.9, 0.999), eps=1e-8, variant="paper"):
    """Algorithm 2; the length in its other form, (1+β)/(1-β) for 2/(1-β) - 1."""
    beta1, beta2 = betas
    m_hat = ema(t, beta1, GRADIENTS) / (1 - beta1**t)
    limit = (1 + beta2) / (1 - beta2)
    length = limit - 2 * t / (beta2**-t - 1)
    if length <= {"paper": 4, "torch": 5}[variant]:
        return theta - eta * m_hat
    adaptive = np.sqrt(1 - beta2**t) / (np.sqrt(ema(t, beta2, GRADIENTS**2)) + eps)
    ratio = (length - 4) / (limit - 4) * (length - 2) / (limit - 2) * limit / length
    return theta - eta * np.sqrt(ratio) * m_hat * adaptive


@transcription
def paper_nadam(
    t,
    theta,
    eta,
    memory,
    betas=(0.9, 0.999),
    eps=1e-8,
    momentum_decay=4e-3,
    variant="paper",
):
    g = GRADIENTS[t - 1]
    mus = betas[0] * (1 - 0.5 * 0.96 ** (np.arange(1, t + 2) * momentum_decay))
    if variant == "paper":
        later = np.array([np.prod(mus[s:t]) for s in range(1, t + 1)])
        m = ((1 - mus[:t]) * later) @ GRADIENTS[:t]
        total = np.prod(mus[:t])
    else:
        m = ema(t, betas[0], GRADIENTS)
        memory["p"] = np.float32(memory.get("p", 1)) * np.float32(mus[t - 1])
        total = float(memory["p"])
    m_bar = mus[t] * m / (1 - total * mus[t]) + (1 - mus[t - 1]) * g / (1 - total)
    v_hat = ema(t, betas[1], GRADIENTS**2) / (1 - betas[1] ** t)
    return theta - eta * m_bar / (np.sqrt(v_hat) + eps)


@transcription
def paper_adamw(
    t, theta, eta, memory, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, **_
):
    m_hat = ema(t, betas[0], GRADIENTS) / (1 - betas[0] ** t)
    v_hat = ema(t, betas[1], GRADIENTS**2) / (1 - betas[1] ** t)
    shrunk = theta * (1 - eta * weight_decay)
    return shrunk - eta * m_hat / (np.sqrt(v_hat) + eps)


@transcription
def paper_sgdw(t, theta, eta, memory, momentum=0.9, weight_decay=0.01):
    memory["v"] = momentum * memory.get("v", 0) - eta * GRADIENTS[t - 1]
    return (1 - eta * weight_decay) * theta + memory["v"]


@transcription
def paper_lars(
    t, theta, eta, memory, momentum=0.9, weight_decay=0.0, trust=1e-3, adapt=True
):
    g, size = GRADIENTS[t - 1], np.sqrt(theta @ theta)
    local = trust * size / (np.sqrt(g @ g) + weight_decay * size) if adapt else 1
    memory["v"] = momentum * memory.get("v", 0) + eta * local * (
        g + weight_decay * theta
    )
    return theta - memory["v"]


@transcription
def paper_lamb(
    t,
    theta,
    eta,
    memory,
    betas=(0.9, 0.999),
    eps=1e-6,
    weight_decay=0.01,
    adapt=True,
):
    m_hat = ema(t, betas[0], GRADIENTS) / (1 - betas[0] ** t)
    v_hat = ema(t, betas[1], GRADIENTS**2) / (1 - betas[1] ** t)
    r = m_hat / (np.sqrt(v_hat) + eps) + weight_decay * theta
    ratio = np.sqrt(theta @ theta) / np.sqrt(r @ r) if adapt else 1
    return theta - eta * ratio * r


@transcription
def paper_swats(
    t,
    theta,
    eta,
    memory,
    betas=(0.9, 0.999),
    eps=1e-8,
    criterion="paper",
    k_min=None,
):
    """Algorithm 1, with its sign of p; Λ follows the rate after the switch."""
    g, (beta1, beta2) = GRADIENTS[t - 1], betas
    if "rate" in memory:
        memory["v"] = beta1 * memory["v"] + g
        return theta - (1 - beta1) * memory["rate"] * eta * memory["v"]
    m, a = ema(t, beta1, GRADIENTS), ema(t, beta2, GRADIENTS**2)
    p = -eta * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(a) + eps)
    gamma = (p @ p) / -(p @ g)
    memory["lam"] = beta2 * memory.get("lam", 0) + (1 - beta2) * gamma
    corrected = memory["lam"] / (1 - beta2**t)
    agree = {
        "paper": t > 1 and abs(corrected - gamma) < 1e-9,
        "relative": abs(corrected - gamma) < 0.01 * corrected,
        "step": corrected > 0,
    }[criterion]
    first = {"paper": 2, "relative": 500, "step": 1}[criterion]
    if agree and t >= (first if k_min is None else k_min):
        memory["rate"], memory["v"] = corrected / eta, 0
    return theta + p


MATRIX = torch.from_numpy(np.diag(np.arange(1.0, 8)) + 0.1)
SOME = {"betas": (0.7, 0.98), "eps": 1e-3}
CASES = {
    **{
        f"steepest-{norm}-{unit}": (optim.steepest, paper_steepest, hyper)
        for unit in (False, True)
        for norm, hyper in (
            *((n, {"norm": n, "unit": unit}) for n in ("l1", "l2", "linf")),
            ("P", {"norm": MATRIX, "unit": unit}),
        )
    },
    "rms_mean": (optim.rms_mean, paper_rms_mean, {"eps": 1e-3}),
    "adagrad": (optim.adagrad, paper_adagrad, {"eps": 1e-3}),
    "adagrad-options": (
        optim.adagrad,
        paper_adagrad,
        {"eps": 1e-3, "lr_decay": 0.1, "initial_accumulator_value": 0.2},
    ),
    "rmsprop": (optim.rmsprop, paper_rmsprop, {"alpha": 0.9, "eps": 1e-3}),
    "rmsprop-zero": (optim.rmsprop, paper_rmsprop, {"alpha": 0.9, "init": "zero"}),
    "rmsprop-torch": (optim.rmsprop, paper_rmsprop, {"eps": 1e-3, "variant": "torch"}),
    "rmsprop-options": (
        optim.rmsprop,
        paper_rmsprop,
        {"alpha": 0.9, "eps": 1e-3, "momentum": 0.8, "centered": True},
    ),
    "amsgrad": (optim.amsgrad, paper_amsgrad, SOME),
    "amsgrad-torch": (optim.amsgrad, paper_amsgrad, {**SOME, "variant": "torch"}),
    "adabound": (optim.adabound, paper_adabound, {**SOME, "final_lr": 0.05}),
    "adabound-code": (
        optim.adabound,
        paper_adabound,
        {**SOME, "final_lr": 0.05, "variant": "code"},
    ),
    "radam": (optim.radam, paper_radam, SOME),
    "radam-torch": (optim.radam, paper_radam, {**SOME, "variant": "torch"}),
    "radam-never": (optim.radam, paper_radam, {"betas": (0.9, 0.6)}),
    "nadam": (optim.nadam, paper_nadam, {**SOME, "momentum_decay": 0.3}),
    "nadam-torch": (optim.nadam, paper_nadam, {**SOME, "variant": "torch"}),
    "adamw": (optim.adamw, paper_adamw, {**SOME, "weight_decay": 0.3}),
    "sgdw": (optim.sgdw, paper_sgdw, {"momentum": 0.8, "weight_decay": 0.3}),
    "lars": (
        optim.lars,
        paper_lars,
        {"momentum": 0.8, "weight_decay": 9.0, "trust": 0.02},
    ),
    "lars-off": (optim.lars, paper_lars, {"weight_decay": 0.1, "adapt": False}),
    "lamb": (optim.lamb, paper_lamb, {**SOME, "weight_decay": 0.3}),
    "lamb-off": (optim.lamb, paper_lamb, {**SOME, "adapt": False}),
    "swats": (optim.swats, paper_swats, SOME),
    "swats-relative": (
        optim.swats,
        paper_swats,
        {"betas": (0.5, 0.5), "eps": 1e-3, "criterion": "relative", "k_min": 50},
    ),
    "swats-step": (optim.swats, paper_swats, {"criterion": "step", "k_min": 20}),
}
EACH = pytest.mark.parametrize("name", CASES)


def trajectory(rule, hyper, lr=None):
    theta = torch.from_numpy(START)
    state, path = rule.init(theta), []
    for t, (g, eta) in enumerate(zip(GRADIENTS, RATES, strict=True), 1):
        delta, state = rule.update(
            torch.from_numpy(g), state, theta, t, lr=eta, **hyper
        )
        theta = theta - delta
        path.append(theta.numpy())
    return np.array(path)


def agrees(rule, paper, hyper):
    ours, theirs = trajectory(rule, hyper), paper(**hyper)
    return np.allclose(ours, theirs, rtol=1e-11, atol=1e-12)


@EACH
def test_equals_the_paper_over_300_steps_with_a_changing_rate(name):
    assert agrees(*CASES[name])


@pytest.mark.parametrize(
    "name", [name for name in CASES if "-" not in name] + ["steepest-l2-False"]
)
def test_defaults_are_the_papers(name):
    rule, paper, _ = CASES[name]
    assert agrees(rule, paper, {})


def test_both_phases_of_swats_are_in_the_comparison():
    rule, _, hyper = CASES["swats-relative"]
    theta = torch.from_numpy(START)
    state, switched = rule.init(theta), []
    for t, (g, eta) in enumerate(zip(GRADIENTS, RATES, strict=True), 1):
        _, state = rule.update(torch.from_numpy(g), state, theta, t, lr=eta, **hyper)
        switched.append(state["rate"].item() != 0)
    assert 50 <= switched.index(True) + 1 < 290
    assert all(switched[switched.index(True) :])


MUTANTS = [
    ("steepest-l1-False", "g.abs().argmax", "g.argmax"),
    ("steepest-l1-True", "d / dual", "d"),
    ("steepest-l2-True", ".sum(-1, keepdim=True).sqrt()", ".sum(-1, keepdim=True)"),
    ("steepest-linf-False", "* g.sign()", "* -g.sign()"),
    ("steepest-linf-False", "g.abs().sum(-1, keepdim=True) * g.sign()", "g.sign()"),
    ("steepest-P-False", "norm.to(g), g", "norm.to(g).inverse(), g"),
    ("rms_mean", ") / t", ") / (t + 1)"),
    ("rms_mean", "g.square() - state", "g.square() + state"),
    ("rms_mean", ") / t", ")"),
    ("rms_mean", "(sigma + eps)", "(v + eps).sqrt()"),
    ("adagrad", "past + g.square()", "past + (g.square() - past) / t"),
    ("adagrad", "(v.sqrt() + eps)", "(v + eps).sqrt()"),
    ("adagrad", "lr * g", "-lr * g"),
    ("adagrad", "past + g.square()", "g.square()"),
    ("adagrad-options", "(t - 1) * lr_decay", "t * lr_decay"),
    ("adagrad-options", "if t > 1 else", "if t > 2 else"),
    ("rmsprop", "alpha * past + (1 - alpha)", "(1 - alpha) * past + alpha"),
    ("rmsprop", 't == 1 and init == "g0"', 't == 1 and init == "zero"'),
    ("rmsprop", "lr * g / (sigma + eps)", "lr * g / (v + eps).sqrt()"),
    ("rmsprop", "t == 1 and init", "init"),
    ("rmsprop-zero", 'and init == "g0" ', ""),
    ("rmsprop-torch", ' and variant == "paper"', ""),
    ("rmsprop-options", "v - a.square()", "v"),
    ("rmsprop-options", "(1 - alpha) * g  # (4)", "g"),
    ("rmsprop-options", "momentum * state", "state"),
    ("amsgrad", 'torch.maximum(state["v_max"], v)', "v"),
    ("amsgrad", "torch.maximum", "torch.minimum"),
    ("amsgrad", "delta = lr * m / (", "delta = lr * m / (1 - beta1**t) / ("),
    ("amsgrad", 'beta2 * state["v"] +', 'beta2 * state["v_max"] +'),
    ("amsgrad", "(v_max.sqrt() + eps)", "(v_max + eps).sqrt()"),
    ("amsgrad-torch", "v_hat = v_max /", "v_hat = v /"),
    ("amsgrad-torch", "v_max / (1 - beta2**t)", "v_max"),
    ("amsgrad-torch", "m / (1 - beta1**t)", "m"),
    ("adabound", " / t**0.5", ""),
    ("adabound", " / t**0.5", " / t"),
    ("adabound", "_clip(lr / (v.sqrt() + eps), lower, upper)", "lr / (v.sqrt() + eps)"),
    ("adabound", "beta2=beta2", "beta2=beta1"),
    ("adabound-code", "lr * scale /", "lr /"),
    ("adabound-code", "rate * m  # (8)", "rate * m / (1 - beta1**t)"),
    ("radam", "1 - beta1**t)  # (3)", "1)"),
    ("radam", "rect * m_hat * correction", "m_hat * correction"),
    ("radam", "m_hat * correction", "m_hat"),
    ("radam", "THRESHOLD[variant]", "5.0"),
    ("radam", "delta = lr * m_hat  # (8)", "delta = lr * m"),
    ("radam-torch", "THRESHOLD[variant]", "4.0"),
    ("radam-never", "delta = lr * m_hat  # (8)", "delta = 0 * m_hat"),
    ("nadam", "mu_next / (1 - pi * mu_next)", "mu / (1 - pi * mu_next)"),
    ("nadam", "(1 - pi * mu_next)", "(1 - pi)"),
    ("nadam", "(1 - mu) / (1 - pi)", "(1 - beta1) / (1 - pi)"),
    ("nadam", "(t + 1) * psi", "t * psi"),
    ("nadam", "decay = mu if", "decay = beta1 if"),
    ("nadam", "* 0.96 ** (t * psi)", "* 0.96 ** ((t - 1) * psi)"),
    ("nadam", "v / (1 - beta2**t)", "v"),
    ("nadam-torch", "else beta1", "else mu"),
    ("nadam-torch", "pi.to(torch.get_default_dtype())", "pi"),
    ("adamw", "+ weight_decay * theta)", ") + weight_decay * theta"),
    ("adamw", "+ weight_decay * theta", "+ weight_decay * g"),
    ("adamw", "(1 - beta1) * g ", "(1 - beta1) * (g + weight_decay * theta) "),
    ("adamw", "+ weight_decay * theta", "- weight_decay * theta"),
    ("adamw", "m / (1 - beta1**t)", "m"),
    ("sgdw", "lr * weight_decay", "weight_decay"),
    ("sgdw", "m + lr * weight_decay * theta", "m"),
    ("sgdw", "+ lr * g  # (1)", "+ lr * (g + weight_decay * theta)"),
    ("lars", "trust * size / (slope", "trust * slope / (size"),
    ("lars", "(slope + weight_decay * size)", "slope"),
    ("lars", "+ lr * zeta * (g", "+ lr * (g"),
    ("lars", "(g + weight_decay * theta)", "g"),
    ("lars", "trust * size", "size"),
    ("lars-off", "if adapt else", "if not adapt else"),
    ("lamb", " + weight_decay * theta", ""),
    ("lamb", "(_ratio(theta, r) if adapt else 1.0)", "_ratio(r, theta)"),
    ("lamb", "(_ratio(theta, r) if adapt else 1.0)", "_ratio(theta, m_hat)"),
    ("lamb", "v / (1 - beta2**t)", "v"),
    ("lamb-off", "if adapt else 1.0", ""),
    ("swats-step", "(1 - beta1) * state[", "state["),
    ("swats-step", "torch.where(switch, 0.0, m)", "m"),
    ("swats-step", 'beta1 * state["m"] + g  #', "g  #"),
    ("swats-step", "torch.where(in_sgd, buf, ", "(lambda *a: a[-1])("),
    ("swats-step", "scale * m /", "m /"),
]


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_comparison_with_the_paper_kills_the_mutant(mutate, name, old, new):
    rule, paper, hyper = CASES[name]
    wrong = replace(rule, update=mutate(rule.update, old, new))
    assert not agrees(wrong, paper, hyper)


PARTS = [
    ("radam", "rectifier", "rho_t > threshold", "rho_t > threshold + 1"),
    ("radam", "rectifier", "** 0.5  # (6)", ""),
    ("radam", "rectifier", "2 * t * beta2**t", "2 * beta2**t"),
    ("radam", "rectifier", "2 / (1 - beta2) - 1", "2 / (1 - beta2)"),
    ("radam", "rectifier", "(rho_t - 4) * (rho_t - 2)", "(rho_t - 4)"),
    ("adabound", "bounds", "* t + 1)", "* t)"),
    ("adabound", "bounds", "(1 + 1 /", "(1 - 1 /"),
    ("adabound", "_clip", "rate.clamp(lower, upper)", "rate.clamp_min(lower)"),
    ("swats-relative", "_agree", "0.01 * sgd_lr", "0.1 * sgd_lr"),
    ("swats-relative", "_agree", "t < first", "t < first - 40"),
    ("swats-step", "_agree", "t < first", "t <= first"),
    ("swats-relative", "judge", "pp / pg", "pg / pp"),
    ("swats-relative", "judge", "pp / pg", "-pp / pg"),
    ("swats-relative", "judge", 'beta2 * state["lam"] +', '0.9 * state["lam"] +'),
    ("swats-relative", "judge", "(1 - beta2) * gamma", "gamma"),
    ("swats-step", "judge", "lam / (1 - beta2**t)", "lam"),
    ("swats-relative", "judge", "sgd_lr / lr", "sgd_lr"),
    ("swats-step", "judge", '(state["rate"] == 0) & now', "now"),
    ("lamb", "_ratio", "size / length", "length / size"),
]


@pytest.mark.parametrize(("name", "part", "old", "new"), PARTS)
def test_mutants_of_a_rules_parts_die_too(mutate, monkeypatch, name, part, old, new):
    rule, paper, hyper = CASES[name]
    scope = rule.update.__globals__
    scope = scope if part in scope else scope["judge"].__globals__
    monkeypatch.setitem(scope, part, mutate(scope[part], old, new))
    assert not agrees(rule, paper, hyper)


def test_names_are_rules():
    assert adabound_rule.name == "adabound"
    assert radam_rule.hyper == ("lr", "betas", "eps", "variant")
