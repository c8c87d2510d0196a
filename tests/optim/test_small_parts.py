"""Rules as records, L2, clipping by value, what a wrapper hands on, and defaults."""

import copy
import importlib
import inspect
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import optim
from coursekit.optim import Rule

PAGES = {
    name: importlib.import_module(f"coursekit.optim.{name}")
    for name in ("clip", "rule", "weight_decay", "wrapper")
}
CHECKS: dict[str, list] = {}


def of(*parts):
    def enter(check):
        for part in parts:
            CHECKS.setdefault(part, []).append(check)
        return check

    return enter


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


# ---- what a rule does unless it is told otherwise

ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
PAPER = {"variant": "paper"}
DEFAULTS = {
    "adabound": {**ADAM, "final_lr": 0.1, **PAPER},
    "adagrad": {
        **{"lr": 1e-2, "eps": 1e-10, "lr_decay": 0.0},
        **{"initial_accumulator_value": 0.0, **PAPER},
    },
    "adam": ADAM | PAPER,
    "adamw": {**ADAM, "weight_decay": 1e-2, **PAPER},
    "amsgrad": ADAM | PAPER,
    "gd": {},
    "lamb": {**ADAM, "eps": 1e-6, "weight_decay": 1e-2, "adapt": True},
    "lars": {"momentum": 0.9, "weight_decay": 0.0, "trust": 1e-3, "adapt": True},
    "nadam": {**ADAM, "lr": 2e-3, "momentum_decay": 4e-3, **PAPER},
    "nag": {"momentum": 0.9, **PAPER},
    "radam": ADAM | PAPER,
    "rms_mean": {"lr": 1e-2, "eps": 1e-10},
    "rmsprop": {
        **{"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "init": "g0"},
        **{"momentum": 0.0, "centered": False, **PAPER},
    },
    "sgd": {},
    "sgdm": {"momentum": 0.9, "convention": "velocity"},
    "sgdw": {"momentum": 0.9, "weight_decay": 1e-2},
    "steepest": {"norm": "l2", "unit": False},
    "swats": {**ADAM, "criterion": "paper", "k_min": None},
}
CLASSES = {
    thing.rule.name: thing
    for thing in (getattr(optim, name) for name in optim.__all__)
    if inspect.isclass(thing) and hasattr(thing, "rule")
}


def test_the_table_names_every_rule():
    rules = {n for n in optim.__all__ if isinstance(getattr(optim, n), Rule)}
    assert rules == set(DEFAULTS) == set(CLASSES)


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_of_a_rule_and_of_its_class(defaults_of, name):
    rule = getattr(optim, name)
    assert defaults_of(rule.update) == DEFAULTS[name]
    common = {"weight_decay": 0.0, "maximize": False}
    assert defaults_of(CLASSES[name]) == common | DEFAULTS[name]
    if "lr" in DEFAULTS[name]:
        theta, g = draw(5), draw(5, seed=1)
        given = rule.update(g, rule.init(theta), theta, 1, **DEFAULTS[name])
        left = rule.update(g, rule.init(theta), theta, 1)
        assert torch.equal(given[0], left[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GradientNoise", {"eta": 0.3, "gamma": 0.55, "seed": 0}),
        ("Lookahead", {"k": 5, "alpha": 0.5}),
        ("ClipNorm", {}),
        ("ClipValue", {"low": None}),
        ("RuleOptimizer", {"weight_decay": 0.0, "maximize": False}),
        ("clip_norm", {"batch_dims": 0}),
        ("clip_value", {"low": None}),
    ],
)
def test_defaults_of_what_is_no_rule(defaults_of, name, expected):
    assert defaults_of(getattr(optim, name)) == expected


# ---- rules as records


def update(g, state, theta, t, *, lr, norm="l2", momentum=0.9, odd=1):
    """Take the arguments that the checks below are about."""
    return lr * g, state


def record(**options):
    return PAGES["rule"].Rule("plain", lambda theta: {}, update, **options)


@of("rule")
def check_a_rule_reads_its_hyperparameters_from_its_update():
    rule = record()
    assert rule.hyper == ("lr", "norm", "momentum", "odd")
    assert rule.signature == inspect.signature(update)
    assert (rule.choices, rule.checks) == ({}, {})
    assert (rule.scope, rule.scalars, rule.pieces) == ("element", (), True)
    with pytest.raises(AttributeError):
        rule.name = "other"


@of("rule")
def check_words_and_checks_of_its_own_come_first():
    seen = []
    rule = record(
        choices={"norm": ("l1", "l2")},
        checks={"odd": lambda *got: seen.append(got), "lr": lambda *got: None},
    )
    rule.check(odd=-7, lr="any", norm="l1", momentum=0.5)
    assert seen == [("odd", -7)]
    with pytest.raises(ValueError, match="norm: expected one of 'l1', 'l2', got 'l3'"):
        rule.check(norm="l3")
    with pytest.raises(TypeError, match=r"eps: plain has no such .* it has lr, norm"):
        rule.check(eps=1.0)
    with pytest.raises(TypeError, match="odd: plain has no such"):
        record().check(odd=1)


FINE = {
    "lr": [0, 0.0, 1e9],
    "eps": [0, 1.0],
    "weight_decay": [0, 2.0],
    "lr_decay": [0, 0.5],
    "momentum_decay": [0, 0.5],
    "initial_accumulator_value": [0, 0.5],
    "final_lr": [1e-9, 3.0],
    "trust": [1e-9, 3.0],
    "momentum": [0, 0.999],
    "alpha": [0, 0.999],
    "adapt": [True, False],
    "centered": [True, False],
    "unit": [True, False],
    "betas": [(0, 0), (0.999, 0.0), [0.1, 0.9]],
    "k_min": [1, 10],
}
WRONG = {
    "lr": [-1e-9, float("inf"), float("nan")],
    "eps": [-1e-9],
    "weight_decay": [-1e-9],
    "lr_decay": [-1e-9],
    "momentum_decay": [-1e-9],
    "initial_accumulator_value": [-1e-9],
    "final_lr": [0, -1.0],
    "trust": [0, -1.0],
    "momentum": [1.0, -1e-9],
    "alpha": [1.0, -1e-9],
    "adapt": [1, None],
    "centered": [0, "no"],
    "unit": [0],
    "betas": [(1.0, 0.5), (0.5, 1.0), (-0.1, 0.5), (0.5,), (0.1, 0.2, 0.3), 0.9],
    "k_min": [0, 1.5],
}


@of("rule")
def check_ranges_of_hyperparameters_are_those_of_the_papers():
    def takes(
        g, state, theta, t, *, lr, eps, weight_decay, lr_decay, momentum_decay,
        initial_accumulator_value, final_lr, trust, momentum, alpha, adapt,
        centered, unit, betas, k_min,
    ):  # fmt: skip
        """Name all arguments that have a check in common."""

    rule = PAGES["rule"].Rule("all", lambda theta: {}, takes)
    assert set(rule.hyper) == set(FINE) == set(WRONG)
    for name in rule.hyper:
        for value in FINE[name]:
            rule.check(**{name: value})
        for value in WRONG[name]:
            with pytest.raises((TypeError, ValueError), match=rf"{name}(\[\d\])?: "):
                rule.check(**{name: value})


# ---- L2 as a term of the gradient


@of("weight_decay")
def check_l2_adds_to_the_gradient_before_anything_else():
    l2, with_l2 = PAGES["weight_decay"].l2_gradient, PAGES["weight_decay"].with_l2
    theta, g = draw(3, 5), draw(3, 5, seed=1)
    kept = g.clone(), theta.clone()
    decay = torch.tensor([[0.0], [0.1], [2.0]], dtype=torch.float64)
    np.testing.assert_allclose(l2(g, theta, decay), g + decay * theta, rtol=1e-14)
    rule = with_l2(optim.sgdm)
    ours, state = rule.update(
        g, rule.init(theta), theta, 1, lr=0.1, momentum=0.5, weight_decay=0.3
    )
    torch.testing.assert_close(ours, 0.1 * (g + 0.3 * theta), rtol=1e-12, atol=0)
    ours, _ = rule.update(g, state, theta, 2, lr=0.1, momentum=0.5, weight_decay=0.3)
    torch.testing.assert_close(ours, 0.15 * (g + 0.3 * theta), rtol=1e-12, atol=0)
    plain, _ = rule.update(g, rule.init(theta), theta, 1, lr=0.1)
    torch.testing.assert_close(plain, 0.1 * g, rtol=1e-12, atol=0)
    assert torch.equal(g, kept[0])
    assert torch.equal(theta, kept[1])


@of("weight_decay")
def check_a_rule_with_l2_has_one_more_hyperparameter():
    with_l2 = PAGES["weight_decay"].with_l2
    rule = with_l2(optim.adam)
    assert rule.name == "adam_l2"
    assert rule.hyper == (*optim.adam.hyper, "weight_decay")
    extra = rule.signature.parameters["weight_decay"]
    assert (extra.kind, extra.default) == (extra.KEYWORD_ONLY, 0.0)
    for name in ("init", "choices", "checks", "scope", "scalars", "pieces"):
        assert getattr(rule, name) == getattr(optim.adam, name)
    with pytest.raises(ValueError, match="got adamw; its own decay is there"):
        with_l2(optim.adamw)
    with pytest.raises(ValueError, match="got adam_l2"):
        with_l2(rule)


# ---- clipping by value


@of("clip")
def check_values_are_clipped_as_numpy_clips_them():
    gs = [draw(4, 3), draw(2, seed=1), torch.zeros(0).double()]
    kept = [g.clone() for g in gs]
    clip = PAGES["clip"].clip_value
    for bounds in ((0.5,), (0.5, -0.1), (2.0, 0.3), (-0.1, -0.7)):
        low = {} if len(bounds) == 1 else {"low": bounds[1]}
        ours = clip(gs, bounds[0], **low)
        floor = low.get("low", -bounds[0])
        for clipped, g in zip(ours, gs, strict=True):
            np.testing.assert_array_equal(clipped, np.clip(g.numpy(), floor, bounds[0]))
            assert clipped is not g
    assert all(map(torch.equal, gs, kept))
    assert clip([], 1.0) == []


@of("clip")
def check_an_empty_range_is_refused():
    clip, wrap = PAGES["clip"].clip_value, PAGES["clip"].ClipValue
    base = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    for call in (
        lambda *a, **k: clip([], *a, **k),
        lambda *a, **k: wrap(base, *a, **k),
    ):
        for value in (0.0, -1.0):
            with pytest.raises(ValueError, match="value: expected bounds low < value"):
                call(value)
        for low in (1.0, 2.0):
            with pytest.raises(ValueError, match="value: expected bounds low < value"):
                call(1.0, low=low)
        with pytest.raises(ValueError, match=r"value: .* NaN"):
            call(float("nan"))
        with pytest.raises(TypeError, match="low: expected a number"):
            call(1.0, low="0")


@of("clip", "wrapper")
def check_the_base_sees_clipped_gradients():
    for options in ({}, {"low": -0.1}):
        theta = nn.Parameter(torch.zeros(5).double())
        base = torch.optim.SGD([theta], lr=2.0)
        optimizer = PAGES["clip"].ClipValue(base, 0.5, **options)
        g = theta.grad = draw(5)
        kept = g.clone()
        optimizer.step()
        expected = -2 * np.clip(g.numpy(), options.get("low", -0.5), 0.5)
        np.testing.assert_allclose(theta.detach().numpy(), expected, rtol=1e-14)
        assert theta.grad is g
        assert torch.equal(g, kept)


# ---- what a wrapper does around its base


class Halved(optim.GradientWrapper):
    """Halve all gradients, and remember how often."""

    own = ("count",)

    def __init__(self, base):
        super().__init__(base)
        self.count = 0

    def transform(self, gradients):
        self.count += 1
        self.seen = gradients
        return [g / 2 for g in gradients]


def two_groups():
    params = [nn.Parameter(draw(3, seed=k)) for k in range(4)]
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.5}]
    base = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    return params, base, Halved(base)


@of("wrapper")
def check_only_gradients_that_are_there_are_handed_over():
    params, _, optimizer = two_groups()
    start = [p.detach().clone() for p in params]
    for k in (0, 2, 3):
        params[k].grad = torch.full((3,), k + 1.0).double()
    given = [p.grad for p in params]
    assert optimizer.step() is None
    assert [g is p.grad for g, p in zip(given, params, strict=True)] == [True] * 4
    assert [g[0].item() for g in optimizer.seen] == [1, 3, 4]
    moves = [(a - b)[0].item() for a, b in zip(start, params, strict=True)]
    assert moves == pytest.approx([0.1 * 0.5, 0, 0.5 * 1.5, 0.5 * 2])


@of("wrapper")
def check_a_closure_is_called_once_with_gradients_on():
    params, _, optimizer = two_groups()
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = sum(p.square().sum() for p in params)
        loss.backward()
        calls.append(torch.is_grad_enabled())
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert calls == [True]
    assert loss.item() > 0
    assert optimizer.count == 1


@of("wrapper")
def check_gradients_come_back_even_after_an_error():
    params, base, optimizer = two_groups()
    g = params[0].grad = draw(3)

    def fail(closure=None):
        raise FloatingPointError

    base.step = fail
    with pytest.raises(FloatingPointError):
        optimizer.step()
    assert params[0].grad is g
    bare = PAGES["wrapper"].GradientWrapper(two_groups()[1])
    with pytest.raises(NotImplementedError, match="GradientWrapper has to define"):
        bare.step()
    with pytest.raises(TypeError, match="base: expected an optimizer, got 3"):
        PAGES["wrapper"].OptimizerWrapper(3)


@of("wrapper")
def check_everything_else_is_the_bases():
    params, base, optimizer = two_groups()
    assert optimizer.param_groups is base.param_groups
    assert optimizer.state is base.state
    assert optimizer.defaults is base.defaults
    assert len(base.param_groups) == 2
    assert all(map(lambda a, b: a is b, optimizer.parameters(), params))
    extra = nn.Parameter(draw(2))
    optimizer.add_param_group({"params": [extra]})
    assert [len(group["params"]) for group in base.param_groups] == [2, 2, 1]
    optimizer.add_param_group(base.param_groups[0])
    assert len(base.param_groups) == 3
    assert optimizer.parameters()[-1] is extra
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer.zero_grad(set_to_none=False)
    assert all(p.grad.abs().max() == 0 for p in params)
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


def run(optimizer, params, steps):
    for _ in range(steps):
        for p in params:
            p.grad = p.detach() - 1
        optimizer.step()


@of("wrapper")
def check_a_state_dict_takes_what_is_its_own_along():
    params, _, optimizer = two_groups()
    outer = Halved(optimizer)
    run(outer, params, 3)
    outer.count = 70
    saved = copy.deepcopy(outer.state_dict())
    assert saved["wrapper"] == {"count": 70, "base": {"count": 3}}
    assert set(optimizer.state_dict()["wrapper"]) == {"count"}
    again, _, inner = two_groups()
    with torch.no_grad():
        for p, q in zip(again, params, strict=True):
            p.copy_(q)
    both = Halved(inner)
    before = copy.deepcopy(saved)
    both.load_state_dict(saved)
    assert str(before) == str(saved)
    assert (both.count, inner.count) == (70, 3)
    run(outer, params, 2)
    run(both, again, 2)
    assert all(map(torch.equal, params, again))
    for wrong in (inner.base.state_dict(), {**saved, "wrapper": {"slow": 1}}):
        with pytest.raises(ValueError, match="expected one of Halved, got keys"):
            inner.load_state_dict(wrong)


@of("wrapper")
def check_copies_have_a_base_of_their_own():
    params, base, optimizer = two_groups()
    run(optimizer, params, 2)
    # as schedulers do
    optimizer.step = optimizer.step
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert other.count == 2
        assert other.base is not base
        assert other.param_groups is other.base.param_groups
        assert "step" not in vars(other)
        first = other.parameters()[0]
        assert torch.equal(first, params[0])
        run(other, other.parameters(), 1)
        assert not torch.equal(first, params[0])


@pytest.mark.parametrize(
    "check",
    list(dict.fromkeys(check for checks in CHECKS.values() for check in checks)),
)
def test_small_parts(check):
    check()


# ---- mutants

MUTANTS = {
    "clip.clip_value": [
        ("g.clamp(low, value)", "g.clamp(-value, value)"),
        ("g.clamp(low, value)", "g.clamp(max=value)"),
        ("g.clamp(low, value)", "g.clamp_(low, value)"),
        ("-value if low is None", "0.0 if low is None"),
        ("not low < value", "not low <= value"),
        ("not low < value", "low > abs(value)"),
    ],
    "clip.ClipValue.transform": [
        ("low=self.low", "low=None"),
        ("self.value,", "2 * self.value,"),
    ],
    "rule.Rule": [
        ("p.kind is p.KEYWORD_ONLY", "p.kind is not p.KEYWORD_ONLY"),
        ('scope: str = "element"', 'scope: str = "tensor"'),
        ("pieces: bool = True", "pieces: bool = False"),
        ("if name in self.choices:", "if False:"),
        ("self.checks.get(name) or _CHECKS.get(name)", "_CHECKS.get(name)"),
        ("self.checks.get(name) or _CHECKS", "_CHECKS"),
        ("self.checks.get(name) or _CHECKS.get(name)", "self.checks.get(name)"),
        ("name in self.hyper and check", "check"),
    ],
    "rule._at_least_zero": [
        ("zero=True", "zero=False"),
    ],
    "rule._below_one": [
        ("open_high=True", "open_high=False"),
        ("0, 1,", "0.1, 1,"),
    ],
    "rule._yes_or_no": [
        ("not isinstance(value, bool)", "not isinstance(value, int)"),
    ],
    "rule._check_betas": [
        ("open_high=True", "open_high=False"),
        ("len(betas) != 2", "len(betas) < 2"),
        ("enumerate(betas)", "enumerate(betas[:1])"),
    ],
    "weight_decay.l2_gradient": [
        ("g + weight_decay", "g - weight_decay"),
        ("weight_decay * theta", "weight_decay * g"),
        ("weight_decay * theta", "weight_decay"),
        ("weight_decay * theta", "2 * weight_decay * theta"),
    ],
    "weight_decay.with_l2": [
        ('"weight_decay", 0.0)', '"weight_decay", 1.0)'),
        ("default=0.0", "default=0.01"),
        ("g = l2_gradient(g, theta, weight_decay)", "pass"),
        ('"weight_decay" in rule.hyper', 'rule.name == "adamw"'),
        ('name=f"{rule.name}_l2"', "name=rule.name"),
        ("update=update", "update=rule.update"),
    ],
    "wrapper.GradientWrapper.step": [
        ("loss = closure()", "closure()"),
        ("torch.enable_grad()", "torch.no_grad()"),
        ("self.base.step()", "pass"),
        ("self.base.step()", "self.base.step(closure)"),
        ("self.transform([g for", "([g for"),
        ("(ready, given, strict=True)", "([], [])"),
        ("if theta.grad is not None", ""),
    ],
    "wrapper.OptimizerWrapper.parameters": [
        ("self.param_groups", "self.param_groups[:1]"),
    ],
    "wrapper.OptimizerWrapper.add_param_group": [
        ("if not any(", "if not all("),
        ("if not any(", "if True or any("),
    ],
    "wrapper.OptimizerWrapper.zero_grad": [
        ("zero_grad(set_to_none)", "zero_grad()"),
        ("set_to_none: bool = True", "set_to_none: bool = False"),
    ],
    "wrapper.OptimizerWrapper.state_dict": [
        ('own["base"] = inner["wrapper"]', "pass"),
        ("for name in self.own", "for name in ()"),
    ],
    "wrapper.OptimizerWrapper.load_state_dict": [
        ("setattr(self, name, value)", "pass"),
        ("set(own) != set(self.own)", "set(own) - set(self.own)"),
        ("self.base.load_state_dict(inner)", "pass"),
        ("dict(state_dict.get", "(state_dict.get"),
    ],
    "wrapper.OptimizerWrapper.__getstate__": [
        ('if k != "step"', ""),
        ('k != "step"', 'k not in ("step", "base")'),
    ],
}


def survives(page):
    try:
        for check in CHECKS[page]:
            check()
    except (Exception, pytest.fail.Exception):
        return False
    return True


@pytest.mark.parametrize("page", CHECKS)
def test_the_checks_pass_without_a_mutant(page):
    assert survives(page)


@pytest.fixture
def unhooked():
    """Forget the hooks around ``step`` that torch keeps in each class."""

    def forget():
        for kind in (Halved, optim.ClipValue):
            if "step" in vars(kind):
                del kind.step

    forget()
    yield
    forget()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [(name, *change) for name, changes in MUTANTS.items() for change in changes],
)
@pytest.mark.usefixtures("unhooked")
def test_the_checks_kill_the_mutant(mutate, monkeypatch, name, old, new):
    page, *owners, method = name.split(".")
    owner = getattr(PAGES[page], owners[0]) if owners else PAGES[page]
    right = getattr(owner, method)
    wrong = mutate(right, old, new)
    monkeypatch.setattr(owner, method, wrong)
    table = vars(PAGES[page]).get("_CHECKS", {})
    for key in [key for key, check in table.items() if check is right]:
        monkeypatch.setitem(table, key, wrong)
    assert not survives(page)
