"""What the optimizers do in closed form, and laws that no implementation may break."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import optim
from coursekit.optim import LARS, SWATS, l2_gradient, with_l2
from coursekit.optim.adabound import bounds
from coursekit.optim.radam import rectifier

DOUBLE = {"dtype": torch.float64}


def scalar_run(rule, gradients, lr=1.0, start=0.0, project=None, **hyper):
    """Movements on one number; a gradient may be a function of it."""
    theta = torch.tensor([start], **DOUBLE)
    state, moved = rule.init(theta), []
    for t, g in enumerate(gradients, 1):
        g = torch.full_like(theta, g) if isinstance(g, float) else g(theta)
        rate = lr(t) if callable(lr) else lr
        delta, state = rule.update(g, state, theta, t, lr=rate, **hyper)
        theta = theta - delta
        if project:
            theta = theta.clamp(*project)
        moved.append(delta.item())
    return moved, theta.item()


# E-14, K-19, K-20: what the step becomes under a constant gradient.


def test_adagrads_step_falls_as_one_over_root_t_and_the_mean_forms_does_not():
    ones = [3.0] * 400
    adagrad, _ = scalar_run(optim.adagrad, ones)
    assert adagrad[-1] == pytest.approx(400**-0.5, rel=1e-9)
    for rule in (optim.rms_mean, optim.rmsprop):
        moved, _ = scalar_run(rule, ones)
        assert moved == pytest.approx([1.0] * 400, rel=1e-8)


def test_the_mean_form_with_a_falling_rate_is_adagrad():
    gradients = torch.randn(50, generator=torch.Generator().manual_seed(1)).tolist()
    mean, _ = scalar_run(optim.rms_mean, gradients, lr=lambda t: 0.1 / t**0.5, eps=0.0)
    total, _ = scalar_run(optim.adagrad, gradients, lr=0.1, eps=0.0)
    assert mean == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(("alpha", "factor"), [(0.99, 10.0), (0.9, 10**0.5)])
def test_rmsprops_first_step_is_the_rate_or_more_by_where_it_starts(alpha, factor):
    for hyper, expected in (
        ({}, 1.0),
        ({"init": "zero"}, factor),
        ({"variant": "torch"}, factor),
    ):
        moved, _ = scalar_run(optim.rmsprop, [-7.0], alpha=alpha, eps=0.0, **hyper)
        assert moved[0] == pytest.approx(-expected, rel=1e-12)


# E-17, K-29: one gradient of 10⁵ after many of 1.

SPIKE = [1.0] * 20_000 + [1e5] + [1.0] * 1000


def test_adam_moves_31_62_rates_at_the_spike_and_next_to_nothing_after():
    moved, _ = scalar_run(optim.adam, SPIKE, betas=(0.0, 0.999), eps=0.0)
    assert moved[20_000] == pytest.approx(1000**0.5, rel=1e-3)
    assert sum(moved[19_001:20_000]) == pytest.approx(999, rel=1e-3)
    assert moved[20_001] == pytest.approx(10**-3.5, rel=1e-3)
    assert sum(moved[20_001:]) == pytest.approx(0.41, abs=0.01)


def test_with_momentum_the_spike_is_paid_out_over_fifty_steps():
    moved, _ = scalar_run(optim.adam, SPIKE, betas=(0.9, 0.999), eps=0.0)
    assert moved[20_000] == pytest.approx(3.163, rel=1e-3)
    assert sum(moved[20_001:20_051]) == pytest.approx(28.47, rel=1e-3)


def test_amsgrad_remembers_the_spike_for_ever():
    gradients = [1.0, 1e3] + [1.0] * 20_000
    hyper = {"betas": (0.0, 0.999), "eps": 0.0}
    amsgrad, _ = scalar_run(optim.amsgrad, gradients, **hyper)
    adam, _ = scalar_run(optim.adam, gradients, **hyper)
    assert amsgrad[-1] == pytest.approx(1 / 1e3 / 0.001**0.5, rel=1e-3)
    assert adam[-1] == pytest.approx(1.0, rel=1e-3)


# E-18: Adam walks away from the optimum, AMSGrad to it.


@pytest.mark.parametrize(
    ("large", "small", "period", "betas", "right"),
    [(1010.0, -10.0, 101, (0.9, 0.99), -0.8), (3.0, -1.0, 3, (0.0, 0.1), -0.9)],
)
def test_adam_ends_at_the_wrong_wall_and_amsgrad_at_the_right_one(
    large, small, period, betas, right
):
    gradients = [large if t % period == 1 else small for t in range(1, 20_001)]
    ends = [
        scalar_run(
            rule,
            gradients,
            lr=lambda t: 0.5 / t**0.5,
            project=(-1.0, 1.0),
            betas=betas,
            eps=0.0,
        )[1]
        for rule in (optim.adam, optim.amsgrad)
    ]
    assert ends[0] > 0.9
    assert ends[1] < right


# E-19 and E-20: bounds and rectifier.


@pytest.mark.parametrize(
    ("t", "expected"),
    [(1, (9.99e-5, 100.1)), (1000, (0.05, 0.2)), (10_000, (0.0909, 0.11))],
)
def test_adabounds_bounds(t, expected):
    found = bounds(t, final_lr=0.1, beta2=0.999)
    assert found == pytest.approx(expected, rel=1e-3)


def test_adabound_ends_as_sgd_with_momentum_whatever_the_rate():
    theta = torch.zeros(3, **DOUBLE)
    g = torch.tensor([1e-4, 1.0, 1e4], **DOUBLE)
    state = {"m": g.clone(), "v": g.square()}
    for lr in (1e-6, 1.0):
        hyper = {"lr": lr, "betas": (0.9, 0.5), "variant": "code"}
        delta, _ = optim.adabound.update(g, state, theta, 10**6, **hyper)
        assert torch.allclose(delta, 0.1 * g, rtol=1e-5)


@pytest.mark.parametrize(
    ("t", "expected"), [(5, 0.0173), (100, 0.215), (1000, 0.645), (5000, 0.983)]
)
def test_radams_rectifier(t, expected):
    assert rectifier(t, 0.999) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("beta2", [0.9, 0.99, 0.999])
def test_radam_starts_at_update_5_in_the_paper_and_6_in_torch(beta2):
    starts = {
        name: next(t for t in range(1, 20) if rectifier(t, beta2, threshold=c))
        for name, c in (("paper", 4.0), ("torch", 5.0))
    }
    assert starts == {"paper": 5, "torch": 6}


@pytest.mark.parametrize("beta2", [0.1, 0.5, 0.6])
def test_a_short_memory_never_passes_four(beta2):
    assert all(rectifier(t, beta2) == 0 for t in range(1, 2000))


def test_the_rectifier_of_many_models_is_that_of_each():
    betas = torch.tensor([[0.3], [0.6], [0.9], [0.999]], **DOUBLE)
    for t in (1, 4, 5, 6, 300):
        alone = [float(rectifier(t, beta)) for beta in betas.flatten().tolist()]
        assert rectifier(t, betas).flatten().tolist() == pytest.approx(alone)


# E-24b, K-33: one step of NAdam by hand.


def test_nadam_with_a_constant_momentum_by_hand():
    b1, b2, gs = 0.9, 0.999, [2.0, -1.0]
    moved, _ = scalar_run(optim.nadam, gs, momentum_decay=1e9, eps=0.0)
    m = b1 * (1 - b1) * gs[0] + (1 - b1) * gs[1]
    v = b2 * (1 - b2) * gs[0] ** 2 + (1 - b2) * gs[1] ** 2
    m_hat = b1 * m / (1 - b1**3) + (1 - b1) * gs[1] / (1 - b1**2)
    assert moved[1] == pytest.approx(m_hat / (v / (1 - b2**2)) ** 0.5, rel=1e-12)


def test_the_papers_weights_of_nadam_sum_to_one():
    """A constant gradient is returned as it is; in torch's form not quite."""
    moved, _ = scalar_run(optim.nadam, [1.0] * 5, eps=0.0, momentum_decay=0.5)
    by_torch, _ = scalar_run(
        optim.nadam, [1.0] * 5, eps=0.0, momentum_decay=0.5, variant="torch"
    )
    mus = [0.9 * (1 - 0.5 * 0.96 ** (t * 0.5)) for t in range(1, 7)]
    product = mus[0]
    expected = mus[1] * (1 - mus[0]) / (1 - product * mus[1]) + 1
    assert moved[0] == pytest.approx(expected, rel=1e-12)
    assert abs(by_torch[0] - moved[0]) > 0.01


# E-24, OPT-28: what decay does to a weight.


def test_decoupled_decay_shrinks_all_weights_alike_and_l2_does_not():
    theta = torch.ones(2, 2000, **DOUBLE)
    scale = torch.tensor([[1.0], [100.0]], **DOUBLE)
    draw = torch.Generator().manual_seed(0)
    runs = {"adamw": optim.adamw, "l2": with_l2(optim.adam)}
    held = {name: theta.clone() for name in runs}
    states = {name: rule.init(theta) for name, rule in runs.items()}
    for t in range(1, 501):
        g = scale * torch.randn(theta.shape, generator=draw, **DOUBLE)
        for name, rule in runs.items():
            delta, states[name] = rule.update(
                g, states[name], held[name], t, lr=1e-3, weight_decay=1.0
            )
            held[name] = held[name] - delta
    mean = {name: value.mean(1).tolist() for name, value in held.items()}
    assert mean["adamw"] == pytest.approx([(1 - 1e-3) ** 500] * 2, rel=0.01)
    assert mean["l2"][0] < 0.75
    assert mean["l2"][1] > 0.97


def test_l2_on_sgd_shrinks_by_the_rate_times_the_coefficient():
    theta = torch.tensor([1.0, -3.0], **DOUBLE)
    rule = with_l2(optim.sgd)
    delta, _ = rule.update(0 * theta, {}, theta, 1, lr=0.1, weight_decay=0.5)
    assert torch.allclose(theta - delta, 0.95 * theta)
    assert rule.hyper == ("lr", "weight_decay")
    assert torch.equal(l2_gradient(theta, theta, 0.0), theta)


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9])
def test_sgdw_and_l2_with_momentum_rest_at_the_same_point(mu):
    """K-65: for an L2 coefficient of (1-μ) λ."""
    ends = []
    for rule, decay in ((optim.sgdw, 0.4), (with_l2(optim.sgdm), 0.4 * (1 - mu))):
        theta = torch.zeros(1, **DOUBLE)
        state = rule.init(theta)
        for t in range(1, 2000):
            delta, state = rule.update(
                theta - 1, state, theta, t, lr=0.05, momentum=mu, weight_decay=decay
            )
            theta = theta - delta
        ends.append(theta.item())
    assert ends[0] == pytest.approx(ends[1], rel=1e-9)
    assert ends[0] == pytest.approx(1 / (1 + 0.4 * (1 - mu)), rel=1e-9)


# E-21: when SWATS switches.


def test_the_published_criterion_is_met_under_a_constant_gradient():
    theta = torch.ones(2, **DOUBLE)
    state, rates = optim.swats.init(theta), []
    for t in range(1, 6):
        delta, state = optim.swats.update(theta, state, theta, t, lr=0.01, eps=0.0)
        rates.append(state["rate"].item())
    assert rates[0] == 0
    assert rates[1:] == pytest.approx([1.0] * 4)
    assert delta.tolist() == pytest.approx([0.1 * 0.01 * (1 + 0.9 + 0.81)] * 2)


@pytest.mark.parametrize(
    ("hyper", "noise", "switched"),
    [
        ({}, 0.3, False),
        ({}, 0.0, True),
        ({"criterion": "relative"}, 0.0, False),
        ({"criterion": "relative", "k_min": 5}, 0.0, True),
        ({"criterion": "relative", "k_min": 5}, 0.3, False),
        ({"criterion": "step", "k_min": 40}, 0.3, True),
        ({"criterion": "step", "k_min": 60}, 0.3, False),
    ],
)
def test_swats_says_whether_sgd_has_taken_over(hyper, noise, switched):
    """After 50 updates, with a gradient that is constant but for the noise."""
    theta = torch.nn.Parameter(torch.tensor([5.0, -3.0], **DOUBLE))
    optimizer = SWATS([theta], lr=0.01, **hyper)
    for t in range(50):
        theta.grad = torch.ones(2, **DOUBLE) * (1 + noise * (-1) ** t)
        optimizer.step()
    assert (optimizer.sgd_rates()[0] is not None) == switched


# Laws.

numbers = st.floats(-100, 100, allow_nan=False, width=32).filter(
    lambda x: abs(x) > 1e-2
)
vectors = st.lists(numbers, min_size=4, max_size=4)
series = st.lists(vectors, min_size=2, max_size=8)
RULES = {
    name: getattr(optim, name)
    for name in (
        *("steepest", "rms_mean", "adagrad", "rmsprop", "amsgrad", "adabound"),
        *("radam", "nadam", "adamw", "sgdw", "swats", "lars", "lamb"),
    )
}
EXTRA = {
    "steepest": [{"norm": n, "unit": u} for n in ("l1", "linf") for u in (True, False)],
    "rmsprop": [{"centered": True, "momentum": 0.5}, {"init": "zero"}],
    "amsgrad": [{"variant": "torch"}],
    "adabound": [{"variant": "code"}],
    "radam": [{"variant": "torch"}, {"betas": (0.9, 0.5)}],
    "nadam": [{"variant": "torch"}],
    "swats": [{"criterion": "step", "k_min": 2}],
    "lars": [{"weight_decay": 0.1}, {"adapt": False}],
    "lamb": [{"adapt": False}],
}
FORMS = [(name, hyper) for name in RULES for hyper in ({}, *EXTRA.get(name, ()))]
EACH = pytest.mark.parametrize(("name", "hyper"), FORMS, ids=str)


def run(rule, gradients, theta, lr, **hyper):
    state = rule.init(theta)
    for t, g in enumerate(gradients, 1):
        delta, state = rule.update(g, state, theta, t, lr=lr, **hyper)
        theta = theta - delta
    return theta


@EACH
@settings(max_examples=8, deadline=None)
@given(data=series, lrs=st.tuples(st.floats(1e-3, 1), st.floats(1e-3, 1)))
def test_stacked_models_equal_each_alone(name, hyper, data, lrs):
    rule, one = RULES[name], torch.tensor(data, **DOUBLE)
    both = torch.stack((one, one.flip(1) * 3), dim=1)
    theta = torch.tensor([[1.0, 2.0, -1.0, 0.5], [0.0, 3.0, 1.0, 1.0]], **DOUBLE)
    rows = torch.tensor(lrs, **DOUBLE)[:, None]
    stacked = run(rule, both, theta, rows, **hyper)
    for k in range(2):
        alone = run(rule, both[:, k], theta[k], lrs[k], **hyper)
        torch.testing.assert_close(stacked[k], alone, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", [n for n in RULES if "betas" in RULES[n].hyper])
def test_every_model_may_have_its_own_betas(name):
    rule = RULES[name]
    draw = torch.Generator().manual_seed(2)
    gradients = torch.randn(12, 2, 3, generator=draw, **DOUBLE)
    theta = torch.ones(2, 3, **DOUBLE)
    pairs = [(0.5, 0.6), (0.9, 0.99)]
    betas = tuple(torch.tensor(b, **DOUBLE)[:, None] for b in zip(*pairs, strict=True))
    stacked = run(rule, gradients, theta, 0.1, betas=betas)
    for k, pair in enumerate(pairs):
        alone = run(rule, gradients[:, k], theta[k], 0.1, betas=pair)
        torch.testing.assert_close(stacked[k], alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["rms_mean", "adagrad", "rmsprop", "amsgrad", "nadam"])
@settings(max_examples=20, deadline=None)
@given(data=series, exponent=st.integers(-20, 20))
def test_without_eps_the_scale_of_the_loss_is_not_seen(name, data, exponent):
    gradients, theta = torch.tensor(data, **DOUBLE), torch.zeros(4, **DOUBLE)
    once = run(RULES[name], gradients, theta, 0.1, eps=0.0)
    scaled = run(RULES[name], gradients * 2.0**exponent, theta, 0.1, eps=0.0)
    torch.testing.assert_close(scaled, once, rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(data=series, exponent=st.integers(-20, 20))
def test_lars_and_lamb_see_neither_the_scale_of_the_loss_nor_that_of_the_layer(
    data, exponent
):
    gradients = torch.tensor(data, **DOUBLE)
    theta = torch.tensor([1.0, 2.0, -1.0, 0.5], **DOUBLE)
    for rule, hyper in (
        (optim.lars, {"trust": 0.1}),
        (optim.lamb, {"eps": 0.0, "weight_decay": 0.0}),
    ):
        once = run(rule, gradients, theta, 0.1, **hyper)
        scaled = run(rule, gradients * 2.0**exponent, theta, 0.1, **hyper)
        torch.testing.assert_close(scaled, once, rtol=1e-9, atol=1e-12)
        larger = run(rule, gradients, 8 * theta, 0.1, **hyper)
        torch.testing.assert_close(larger, 8 * once, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("size", "slope"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_a_zero_norm_makes_the_local_rate_one(size, slope):
    theta, g = torch.full((3,), size), torch.full((3,), slope)
    delta, _ = optim.lars.update(g, optim.lars.init(theta), theta, 1, lr=0.5)
    assert delta.tolist() == [0.5 * slope] * 3
    delta, _ = optim.lamb.update(
        g, optim.lamb.init(theta), theta, 1, lr=0.5, weight_decay=0.0
    )
    assert delta.tolist() == pytest.approx([0.5 * slope] * 3, rel=1e-5)


def test_an_update_of_lamb_moves_the_share_of_the_layer_that_the_rate_says():
    theta = torch.randn(5, 6, generator=torch.Generator().manual_seed(0), **DOUBLE)
    delta, _ = optim.lamb.update(theta.sin(), optim.lamb.init(theta), theta, 1, lr=0.1)
    assert torch.allclose(delta.norm(dim=-1), 0.1 * theta.norm(dim=-1))


def test_layers_of_lars_are_the_tensors_of_a_group():
    weight = torch.nn.Parameter(torch.full((2, 3), 2.0))
    bias = torch.nn.Parameter(torch.ones(2))
    groups = [{"params": [weight]}, {"params": [bias], "adapt": False}]
    optimizer = LARS(groups, lr=1.0, trust=0.5)
    weight.grad, bias.grad = torch.full((2, 3), 10.0), torch.ones(2)
    optimizer.step()
    assert torch.allclose(weight, torch.ones(2, 3))
    assert bias.tolist() == [0, 0]


@settings(max_examples=30, deadline=None)
@given(g=vectors)
def test_a_unit_step_is_as_steep_as_its_norm_allows(g):
    """No other step of the same length goes down further."""
    g = torch.tensor(g, **DOUBLE)
    a = torch.randn(4, 4, generator=torch.Generator().manual_seed(1), **DOUBLE)
    matrix = a @ a.T + torch.eye(4, **DOUBLE)
    lengths = {
        "l1": lambda x: x.abs().sum(-1),
        "l2": lambda x: x.norm(dim=-1),
        "linf": lambda x: x.abs().amax(-1),
        matrix: lambda x: ((x @ matrix) * x).sum(-1).sqrt(),
    }
    others = torch.randn(200, 4, generator=torch.Generator().manual_seed(2), **DOUBLE)
    for norm, length in lengths.items():
        step, _ = optim.steepest.update(g, {}, g, 1, lr=1.0, norm=norm, unit=True)
        assert length(step).item() == pytest.approx(1, rel=1e-9)
        best = (others / length(others)[:, None]) @ g
        assert (step @ g).item() >= best.max().item() - 1e-9


def test_of_equal_gradients_l1_moves_the_first_and_zero_moves_nothing():
    g = torch.tensor([1.0, -2.0, 2.0, -2.0])
    step, _ = optim.steepest.update(g, {}, g, 1, lr=0.5, norm="l1")
    assert step.tolist() == [0, -1, 0, 0]
    for norm in ("l1", "l2", "linf", torch.eye(4)):
        for unit in (True, False):
            hyper = {"lr": 1.0, "norm": norm, "unit": unit}
            step, _ = optim.steepest.update(0 * g, {}, g, 1, **hyper)
            assert step.tolist() == [0] * 4


@EACH
def test_a_rule_changes_none_of_its_inputs(name, hyper):
    rule = RULES[name]
    g = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    theta = torch.randn(4, 5, generator=torch.Generator().manual_seed(2))
    _, state = rule.update(g, rule.init(theta), theta, 1, lr=0.1, **hyper)
    for t in (2, 3, 7):
        before = [g.clone(), theta.clone(), *(s.clone() for s in state.values())]
        delta, new = rule.update(g, state, theta, t, lr=0.1, **hyper)
        after = [g, theta, *state.values()]
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        delta.zero_()
        assert torch.equal(theta, before[1])
        assert torch.equal(g, before[0])
        state = new


@EACH
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_dtype_and_shape_follow_the_parameters(name, hyper, dtype):
    rule = RULES[name]
    for shape in ((2, 3), (2, 0), (2, 0, 3)):
        theta = torch.ones(shape, dtype=dtype)
        delta, state = rule.update(theta, rule.init(theta), theta, 1, lr=0.1, **hyper)
        assert delta.dtype == dtype
        assert delta.shape == theta.shape
        for entry, value in state.items():
            assert value.dtype == dtype
            assert value.shape == (
                (*shape[:-1], 1) if entry in rule.scalars else theta.shape
            )


# Bad input.


@pytest.mark.parametrize(
    ("name", "hyper", "error", "message"),
    [
        ("steepest", {"norm": "l3"}, ValueError, "'l1', 'l2', 'linf', got 'l3'"),
        ("steepest", {"norm": torch.ones(2, 3)}, ValueError, "symmetric matrix"),
        (
            "steepest",
            {"norm": torch.tensor([[1.0, 2.0], [0.0, 1.0]])},
            ValueError,
            "symmetric",
        ),
        ("steepest", {"norm": -torch.eye(2)}, ValueError, "positive definite"),
        ("steepest", {"unit": 1}, TypeError, "unit: expected True or False"),
        ("adagrad", {"lr_decay": -1}, ValueError, "lr_decay"),
        ("adagrad", {"initial_accumulator_value": -1}, ValueError, "initial"),
        ("rmsprop", {"alpha": 1.0}, ValueError, r"alpha.*\[0, 1\)"),
        ("rmsprop", {"init": "one"}, ValueError, "'g0', 'zero'"),
        ("rmsprop", {"centered": "yes"}, TypeError, "centered"),
        ("amsgrad", {"variant": "keras"}, ValueError, "'paper', 'torch'"),
        ("adabound", {"final_lr": 0.0}, ValueError, "final_lr"),
        ("adabound", {"variant": "torch"}, ValueError, "'paper', 'code'"),
        ("radam", {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]"),
        ("nadam", {"momentum_decay": -1}, ValueError, "momentum_decay"),
        ("adamw", {"weight_decay": float("inf")}, ValueError, "weight_decay"),
        ("sgdw", {"momentum": -0.1}, ValueError, "momentum"),
        ("sgdw", {"weight_decay": -1}, ValueError, "weight_decay"),
        ("swats", {"criterion": "never"}, ValueError, "'relative', 'step'"),
        ("swats", {"k_min": 0}, ValueError, "k_min"),
        ("swats", {"k_min": 2.5}, TypeError, "k_min"),
        ("lars", {"trust": 0}, ValueError, "trust"),
        ("lars", {"adapt": 0}, TypeError, "adapt"),
        ("lamb", {"eps": -1}, ValueError, "eps"),
        ("lamb", {"momentum": 0.9}, TypeError, "lamb has no such hyperparameter"),
    ],
)
def test_errors_say_what_was_got_and_what_was_expected(name, hyper, error, message):
    with pytest.raises(error, match=message):
        RULES[name].check(**hyper)


def test_a_rule_with_a_decay_of_its_own_gets_no_second_one():
    with pytest.raises(ValueError, match="adamw; its own"):
        with_l2(optim.adamw)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("lars", "(size > 0) & (slope > 0)", "slope > 0"),
        ("lars", "(size > 0) & (slope > 0)", "size > 0"),
        ("steepest", "torch.where(dual > 0, d / dual, 0.0)", "d / dual"),
        (
            "steepest",
            "g.abs().argmax(-1, keepdim=True)",
            "3 - g.abs().flip(-1).argmax(-1, keepdim=True)",
        ),
    ],
)
def test_the_edge_cases_kill_the_mutant(mutate, monkeypatch, name, old, new):
    rule = RULES[name]
    wrong = replace(rule, update=mutate(rule.update, old, new))
    monkeypatch.setattr(optim, name, wrong)
    checks = {
        "lars": lambda: [
            test_a_zero_norm_makes_the_local_rate_one(*pair)
            for pair in ((0.0, 1.0), (1.0, 0.0))
        ],
        "steepest": test_of_equal_gradients_l1_moves_the_first_and_zero_moves_nothing,
    }
    with pytest.raises(AssertionError):
        checks[name]()


def a_zero_gradient_does_not_switch():
    theta = torch.ones(2)
    state = optim.swats.init(theta)
    for t, g in enumerate((theta, theta, 0 * theta), 1):
        _, state = optim.swats.update(
            g, state, theta, t, lr=0.1, criterion="step", k_min=3
        )
    assert state["rate"].item() == 0
    assert state["lam"].item() > 0


def test_swats_waits_where_there_is_no_gradient():
    a_zero_gradient_does_not_switch()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(pg != 0) & _agree", "_agree"),
        ("(pg != 0) & (state", "(pg == 0) & (state"),
        ("(pg != 0) & (state", "(state"),
        (' & (state["rate"] == 0), lam', ", lam"),
    ],
)
def test_a_judge_without_its_edge_case_is_found(mutate, monkeypatch, old, new):
    scope = optim.swats.update.__globals__
    monkeypatch.setitem(scope, "judge", mutate(scope["judge"], old, new))
    with pytest.raises(AssertionError):
        the_judge_is_right()


def the_judge_is_right():
    a_zero_gradient_keeps_the_average()
    sgd_has_no_use_for_adams_averages()


def sgd_has_no_use_for_adams_averages():
    theta = torch.ones(2)
    state = optim.swats.init(theta)
    for t in (1, 2):
        _, state = optim.swats.update(theta, state, theta, t, criterion="step", k_min=2)
    _, later = optim.swats.update(3 * theta, state, theta, 3)
    assert state["rate"].item() > 0
    assert all(torch.equal(later[k], state[k]) for k in ("v", "lam", "rate"))


def test_sgd_has_no_use_for_adams_averages():
    sgd_has_no_use_for_adams_averages()


def test_a_swats_that_goes_on_averaging_is_found(mutate, monkeypatch):
    wrong = mutate(optim.swats.update, 'torch.where(in_sgd, state["v"], v)', "v")
    monkeypatch.setattr(optim, "swats", replace(optim.swats, update=wrong))
    with pytest.raises(AssertionError):
        sgd_has_no_use_for_adams_averages()


def a_zero_gradient_keeps_the_average():
    a_zero_gradient_does_not_switch()
    theta = torch.ones(2)
    state = optim.swats.init(theta)
    past = []
    for t, g in enumerate((theta, 0 * theta), 1):
        _, state = optim.swats.update(g, state, theta, t, lr=0.1)
        past.append(state["lam"].item())
    assert past[0] == past[1] > 0


def test_a_zero_gradient_keeps_the_average():
    a_zero_gradient_keeps_the_average()
