"""Kernels, terms and buffers against the rule itself, through all that may happen."""

import copy
import sys

import pytest
import torch
from torch import nn

from coursekit.optim import (
    GD,
    LAMB,
    LARS,
    NAG,
    SGD,
    SGDM,
    SGDW,
    SWATS,
    AdaBound,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    NAdam,
    RAdam,
    RMSMean,
    RMSProp,
)
from coursekit.optim.engine import fused as dispatch
from coursekit.optim.engine.batch import Batch
from coursekit.optim.engine.fused import fused_step
from coursekit.optim.engine.passes import run
from coursekit.optim.engine.sums import Sums
from coursekit.optim.engine.term import Term
from coursekit.optim.engine.vector import Vector, joined

CASES = {
    "GD": (GD, {}),
    "SGD": (SGD, {}),
    "SGDM-velocity": (SGDM, {"momentum": 0.8}),
    "SGDM-torch": (SGDM, {"convention": "torch"}),
    "SGDM-ema": (SGDM, {"convention": "ema", "momentum": 0.7}),
    "SGDM-0": (SGDM, {"momentum": 0.0}),
    "NAG-paper": (NAG, {"momentum": 0.8}),
    "NAG-torch": (NAG, {"variant": "torch"}),
    "SGDW": (SGDW, {"momentum": 0.8, "weight_decay": 0.3}),
    "LARS": (LARS, {"trust": 0.1, "weight_decay": 0.2}),
    "LARS-off": (LARS, {"weight_decay": 0.2, "adapt": False}),
    "RMSMean": (RMSMean, {"eps": 1e-3}),
    "AdaGrad": (AdaGrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    "RMSProp": (RMSProp, {"alpha": 0.9}),
    "RMSProp-options": (RMSProp, {"momentum": 0.8, "centered": True, "eps": 1e-3}),
    "Adam": (Adam, {"betas": (0.8, 0.98), "eps": 1e-3}),
    "Adam-eps_hat": (Adam, {"variant": "eps_hat", "eps": 1e-3}),
    "Adam-betas-0": (Adam, {"betas": (0.0, 0.0), "eps": 1e-3, "variant": "eps_hat"}),
    "AdamW": (AdamW, {"weight_decay": 0.3}),
    "AMSGrad": (AMSGrad, {"eps": 1e-3}),
    "AMSGrad-torch": (AMSGrad, {"variant": "torch", "betas": (0.7, 0.9)}),
    "AdaBound": (AdaBound, {"final_lr": 0.05}),
    "AdaBound-code": (AdaBound, {"final_lr": 0.05, "variant": "code"}),
    "RAdam": (RAdam, {"betas": (0.8, 0.98), "eps": 1e-2}),
    "RAdam-torch": (RAdam, {"variant": "torch", "eps": 1e-2}),
    "NAdam": (NAdam, {"momentum_decay": 0.3}),
    "NAdam-torch": (NAdam, {"variant": "torch"}),
    "LAMB": (LAMB, {"eps": 1e-2, "weight_decay": 0.3}),
    "LAMB-off": (LAMB, {"adapt": False}),
    "SWATS": (SWATS, {"criterion": "step", "k_min": 20}),
}
DTYPES = {"float64": torch.float64, "float32": torch.float32}
SHAPES = [(4, 3), (3,), (), (0, 2), (2, 5)]


def life(make, hyper, dtype, weight_decay=None, maximize=False, steps=160):
    """Run an optimizer through a long life, and the rule by hand beside it.

    Two groups, tensors with gaps in memory, gradients that come and go, a rate that
    changes, a round trip through state_dict and a deep copy on the way.
    """
    draw = torch.Generator().manual_seed(7)
    thetas = [nn.Parameter(torch.randn(s, generator=draw).to(dtype)) for s in SHAPES]
    gap = torch.randn(3, 4, generator=draw).to(dtype).t()
    thetas.append(nn.Parameter(gap))
    rule, joint = make.rule, make.rule.scope == "group"
    words = dict(hyper)
    if weight_decay is not None:
        words["weight_decay"] = weight_decay
    groups = [{"params": thetas[:2]}, {"params": thetas[2:], "lr": 0.02}]
    optimizer = make(groups, lr=0.05, maximize=maximize, **words)
    mirror = [theta.detach().clone().reshape(-1) for theta in thetas]
    states, counts = [rule.init(x) for x in mirror], [0] * len(thetas)
    sets = [[0, 1], [2, 3, 4, 5]]
    if joint:
        joined_states = [rule.init(torch.cat([mirror[i] for i in s])) for s in sets]
    for step in range(steps):
        for k, group in enumerate(optimizer.param_groups):
            group["lr"] = (0.05, 0.02)[k] / (1 + step % 50) ** 0.5
        thetas = [p for group in optimizer.param_groups for p in group["params"]]
        for i, theta in enumerate(thetas):
            g = torch.randn(theta.shape, generator=draw).to(dtype)
            off = not joint and (step + 2 * i) % 7 == 3
            theta.grad = None if off else g * 10.0 ** (i - 3)
        for k, members in enumerate(sets):
            group = optimizer.param_groups[k]
            own = {name: group[name] for name in rule.hyper}
            l2 = 0.0 if "weight_decay" in rule.hyper else group["weight_decay"]

            def slope(i, sign=-1 if maximize else 1, l2=l2, all_of=thetas):
                return sign * all_of[i].grad.reshape(-1) + l2 * mirror[i]

            if joint:
                delta, joined_states[k] = rule.update(
                    torch.cat([slope(i) for i in members]),
                    joined_states[k],
                    torch.cat([mirror[i] for i in members]),
                    step + 1,
                    **own,
                )
                parts = delta.split([mirror[i].numel() for i in members])
                for i, part in zip(members, parts, strict=True):
                    mirror[i] = mirror[i] - part
                continue
            for i in members:
                if thetas[i].grad is not None:
                    counts[i] += 1
                    delta, states[i] = rule.update(
                        slope(i), states[i], mirror[i], counts[i], **own
                    )
                    mirror[i] = mirror[i] - delta
        optimizer.step()
        if step == 60:
            saved = copy.deepcopy(optimizer.state_dict())
            groups = [{"params": thetas[:2]}, {"params": thetas[2:]}]
            optimizer = make(groups, lr=0.7, **words)
            optimizer.load_state_dict(saved)
        if step == 90:
            optimizer = copy.deepcopy(optimizer)
    ours = torch.cat([theta.detach().reshape(-1) for theta in thetas])
    return ours, torch.cat(mirror)


def agrees(name, dtype="float64", **options):
    ours, expected = life(*CASES[name], DTYPES[dtype], **options)
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    return torch.allclose(ours, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_equals_the_rule_through_a_long_life(name, dtype):
    assert agrees(name, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in CASES if n not in {"SWATS", "LARS"}])
def test_equals_the_rule_uphill_and_with_a_penalty(name, dtype):
    own = "weight_decay" in CASES[name][0].rule.hyper
    options = {"maximize": True, "weight_decay": None if own else 0.1}
    assert agrees(name, dtype, steps=20, **options)


KERNELS = {
    "sgdm": [{"convention": w} for w in ("velocity", "torch", "ema")],
    "nag": [{"variant": w} for w in ("paper", "torch")],
    "sgdw": [{"weight_decay": 0.1}],
    "lars": [{"trust": 0.1, "weight_decay": 0.1, "adapt": w} for w in (True, False)],
    "amsgrad": [{"variant": w} for w in ("paper", "torch")],
    "radam": [{"variant": w} for w in ("paper", "torch")],
    "lamb": [{"weight_decay": 0.1, "adapt": True}],
    "adam": [{"variant": "paper"}],
    "adamw": [{"weight_decay": 0.1}],
    "adagrad": [{"lr_decay": 0.1, "initial_accumulator_value": 0.0}],
    "gd": [{}],
    "swats": [
        {"criterion": "step", "k_min": 4},
        {"criterion": "paper", "k_min": None},
    ],
}
RULES = {make.rule.name: make.rule for make, _ in CASES.values()}


def kernel_agrees(name, words, steps=9, maximize=False, l2=0.0):
    """The kernel alone on float32, each call of it done, against the rule."""
    rule = RULES[name]
    draw = torch.Generator().manual_seed(8)
    sizes = (40,) if rule.scope == "group" else (5, 300)
    thetas = [torch.randn(n, generator=draw) for n in sizes]
    states = [rule.init(theta) for theta in thetas]
    twins = [(x.double(), rule.init(x.double())) for x in thetas]
    common = {"momentum": 0.8, "betas": (0.8, 0.9), "eps": 1e-2, **words}
    hyper = {k: v for k, v in common.items() if k in rule.hyper}
    done = []
    for t in range(1, steps + 1):
        hyper["lr"] = 0.1 / t
        gs = [torch.randn(x.shape, generator=draw) for x in thetas]
        given = [g.clone() for g in gs]
        done.append(fused_step(name, Batch(thetas, gs, states, t, hyper, l2, maximize)))
        assert all(map(torch.equal, gs, given))
        for i, g in enumerate(gs):
            theta, state = twins[i]
            slope = (-1 if maximize else 1) * g.double() + l2 * theta
            if not done[-1]:
                new, kept = rule.update(slope, state, theta, t, **hyper)
                thetas[i].copy_(theta - new)
                states[i] = {k: v.float() for k, v in kept.items()}
            delta, state = rule.update(slope, state, theta, t, **hyper)
            twins[i] = theta - delta, state
    assert any(done)
    pairs = [(x, y[0]) for x, y in zip(thetas, twins, strict=True)]
    pairs += [
        (own[name], twin[1][name])
        for own, twin in zip(states, twins, strict=True)
        for name in own
    ]
    return all(torch.allclose(x.double(), y, rtol=1e-4, atol=1e-5) for x, y in pairs)


def penalty(name, words):
    """These two leave an L2 penalty to the rule."""
    alone = name == "swats" or (name, words) == ("nag", {"variant": "paper"})
    return 0.0 if alone else 0.1


EVERY = [(name, words) for name, many in KERNELS.items() for words in many]


@pytest.mark.parametrize(("name", "words"), EVERY)
def test_a_kernel_and_its_state_equal_the_rule(name, words):
    assert kernel_agrees(name, words)


@pytest.mark.parametrize(
    ("name", "words"), [case for case in EVERY if "weight_decay" not in case[1]]
)
def test_a_kernel_goes_uphill_with_a_penalty(name, words):
    assert kernel_agrees(name, words, maximize=True, l2=penalty(name, words))


REFUSED = [
    ("sgdm", {"momentum": 0.0, "convention": "velocity", "lr": 0.1}),
    ("sgdm", {"momentum": 0.9, "convention": "velocity", "lr": torch.tensor(0.1)}),
    ("sgdm", {"momentum": 0.9, "convention": "velocity", "lr": 1e-13}),
    ("lamb", {"adapt": False, "betas": (0.9, 0.9), "eps": 0.1, "weight_decay": 0.1}),
    ("nadam", {"lr": 0.1}),
]
SWATS_WORDS = {"betas": (0.9, 0.9), "eps": 0.1, "criterion": "step", "k_min": 9}


@pytest.mark.parametrize(("name", "hyper"), REFUSED)
def test_a_kernel_that_says_no_has_changed_nothing(name, hyper):
    theta = torch.ones(3)
    state = RULES[name].init(theta)
    before = {k: v.clone() for k, v in state.items()}
    hyper = {"lr": 0.1, **hyper}
    assert not fused_step(name, Batch([theta], [theta + 1], [state], 1, hyper))
    assert theta.tolist() == [1, 1, 1]
    assert all(torch.equal(state[k], before[k]) for k in state)


def swats_leaves_to_the_rule_what_its_kernels_do_not_say():
    theta = torch.ones(3)
    cases = [(0.1, 0.0, 0.9), (0.1, 0.5, 0.9), (0.0, 0.5, 0.0)]
    for l2, rate, beta1 in cases:
        state = {**RULES["swats"].init(theta), "rate": torch.tensor([rate])}
        hyper = {"lr": 0.1, **SWATS_WORDS, "betas": (beta1, 0.9)}
        batch = Batch([theta], [theta + 1], [state], 1, hyper, l2)
        if fused_step("swats", batch):
            return False
    return True


def test_swats_leaves_to_the_rule_what_its_kernels_do_not_say():
    assert swats_leaves_to_the_rule_what_its_kernels_do_not_say()


def swats_goes_on_with_the_rate_it_found():
    """Three updates of SGD by hand, from the state after the switch."""
    theta, m = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.25])
    state = {**RULES["swats"].init(theta), "m": m.clone(), "rate": torch.tensor([0.3])}
    expected, buf = theta.double(), m.double()
    hyper = {"lr": 0.1, **SWATS_WORDS}
    for t in range(1, 4):
        g = torch.tensor([1.0, -1.0]) * t
        buf = 0.9 * buf + g
        expected = expected - (1 - 0.9) * 0.3 * 0.1 * buf
        if not fused_step("swats", Batch([theta], [g], [state], t, hyper)):
            return False
    close = torch.allclose(theta.double(), expected, atol=1e-6)
    kept = torch.equal(state["v"], torch.zeros(2)) and state["rate"].item() > 0
    return close and kept and torch.allclose(state["m"].double(), buf, atol=1e-6)


def test_swats_goes_on_with_the_rate_it_found():
    assert swats_goes_on_with_the_rate_it_found()


@pytest.mark.parametrize("reason", ["gaps", "bfloat16", "device"])
def test_a_kernel_takes_neither_gaps_nor_short_floats(monkeypatch, reason):
    theta = torch.ones(4, 2, dtype=torch.bfloat16 if reason == "bfloat16" else None)
    theta = theta.t() if reason == "gaps" else theta
    if reason == "device":
        monkeypatch.setattr(dispatch, "_known", lambda *_: False)
    batch = Batch([theta], [theta + 1], [{}], 1, {"lr": 0.1})
    assert not fused_step("gd", batch)


def test_a_missing_kernel_is_known_to_be_missing():
    assert dispatch._known("_fused_sgd_", "cpu")
    assert not dispatch._known("_fused_nothing_", "cpu")
    assert not dispatch._known("_fused_sgd_", "nowhere")


# The algebra of terms against plain tensors.

X, Y = (
    torch.tensor(x, dtype=torch.float64) for x in ([1.0, -2.0, 4.0], [3.0, 0.5, 2.0])
)
ALGEBRA = {
    "sum": lambda x, y: 0.9 * x + 0.1 * y,
    "sum-swapped": lambda x, y: 0.1 * x + 0.9 * y,
    "difference": lambda x, y: 2 * x - 3 * y,
    "number-minus": lambda x, y: 1 - 2 * x,
    "tensor-minus": lambda x, y: torch.ones(3, dtype=x.dtype) - 2 * x,
    "tensor-over": lambda x, y: torch.ones(3, dtype=x.dtype) / (2 * y),
    "tensor-times": lambda x, y: Y * (2 * x),
    "tensor-plus": lambda x, y: Y + 2 * x,
    "product": lambda x, y: 0.5 * x + 2 * (x * y),
    "product-first": lambda x, y: 2 * (x * y) + 0.5 * x,
    "products": lambda x, y: x * y + 3 * y.square(),
    "quotient": lambda x, y: 0.5 * x + 2 * (x / (3 * y)),
    "quotients": lambda x, y: x / y + y / x,
    "reciprocal": lambda x, y: 2 / (4 * y),
    "zero": lambda x, y: 0.0 * x + 0.0 * y,
    "zero-plus": lambda x, y: 0.0 * x + 1.5,
    "over-zero": lambda x, y: x / (0.0 * y),
    "number-over-zero": lambda x, y: 2 / (0.0 * y),
    "far": lambda x, y: 1e-12 * x + 1e12 * (x * y),
    "far-number": lambda x, y: 1e-12 * x + 1e3,
    "by-number": lambda x, y: x / 4 + 1,
    "by-zero": lambda x, y: y / 0.0,
    "root": lambda x, y: (4 * y).sqrt() + 0.5,
    "root-negative": lambda x, y: (-4 * x).sqrt(),
    "square": lambda x, y: (3 * x).square(),
    "abs": lambda x, y: (-3 * x).abs(),
    "minus": lambda x, y: -(x * y),
    "clamp": lambda x, y: (2 * x).clamp(-1.0, 3.0),
    "clamp-negative": lambda x, y: (-2 * x).clamp(-1.0, 3.0),
    "clamp-min": lambda x, y: (2 * x - y).clamp_min(0),
    "valued-twice": lambda x, y: (lambda p: torch.maximum(p, y) + torch.minimum(p, y))(
        2 * x
    ),
    "maximum": lambda x, y: torch.maximum(2 * x, 3 * y),
    "where": lambda x, y: torch.where(torch.tensor([True]), 2 * x, y),
    "where-not": lambda x, y: torch.where(torch.tensor([False]), 2 * x, y),
    "where-each": lambda x, y: torch.where(X > 0, 2 * x, y),
    "one-element": lambda x, y: torch.tensor([0.5], dtype=x.dtype) * x + y,
    "norm": lambda x, y: torch.linalg.vector_norm(-2 * x, dim=-1, keepdim=True),
    "sum-along": lambda x, y: (3 * x).sum(-1, keepdim=True),
    "dot": lambda x, y: (2 * (x * y)).sum(-1, keepdim=True),
    "sum-quotient": lambda x, y: (2 * (x / y)).sum(-1, keepdim=True),
    "other": lambda x, y: (2 * x).exp() + y,
    "other-function": lambda x, y: torch.exp(2 * x),
    "reused": lambda x, y: (lambda p: p * y + p)(x / y),
}


def term_agrees(name):
    sums = Sums([3])
    got = ALGEBRA[name](
        *(Term(1.0, z, sums=sums.begin()) for z in (X.clone(), Y.clone()))
    )
    got = got.value() if isinstance(got, Term) else got
    expected = ALGEBRA[name](X, Y)
    return torch.allclose(got, expected, rtol=1e-12, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ALGEBRA)
def test_terms_mean_what_tensors_mean(name):
    assert term_agrees(name)


def test_an_average_is_one_operation_and_no_number_is_multiplied_in():
    x, y = Term(1.0, X), Term(1.0, Y)
    average = 0.9 * x + 0.1 * y.square()
    assert average.c == pytest.approx(0.9)
    assert not average.op
    quotient = 0.5 * x / (y.square().sqrt() + 1e-3)
    assert (quotient.op, quotient.c) == ("/", 0.5)


@pytest.mark.parametrize("sizes", [[3], [1, 2]])
def test_sums_over_pieces_are_those_of_the_whole(sizes):
    whole = torch.cat([X, Y])
    one = Sums([6]).begin()
    norm, dot = one.norm(whole), one.sum(whole, whole)
    if len(sizes) == 1:
        two = Sums(sizes, rounds=True)
        for _ in range(2):
            got = []
            for piece in (X, Y):
                two.begin()
                got.append((two.norm(piece), two.sum(piece, piece), two.sum(piece)))
            if two.collecting:
                assert all(x.item() == 1 for part in got for x in part)
                two.close()
        for found in got:
            torch.testing.assert_close(found, (norm, dot, whole.sum()[None]))
    else:
        apart = Sums(sizes).begin()
        torch.testing.assert_close(
            apart.norm(X), torch.stack([X[:1].norm(), X[1:].norm()])
        )
        torch.testing.assert_close(
            apart.sum(X, Y), torch.stack([X[0] * Y[0], (X[1:] * Y[1:]).sum()])
        )
        assert apart.spread(torch.tensor([5.0, 7.0])).tolist() == [5, 7, 7]


def test_short_neighbours_share_a_buffer_and_long_ones_do_not():
    sizes = [0, 10, 2**15, 5, 0, 2**15 - 5, 1]
    members = [torch.zeros(n) for n in sizes]
    vectors = joined(members, RULES["nadam"])
    assert [v.sizes for v in vectors] == [[0, 10], [2**15], [5, 0, 2**15 - 5], [1]]
    assert [v.whole for v in vectors] == [False, True, False, True]


# Small wrongs of the fast paths.

MUTANTS = [
    ("fused_sgd", "sgdm", "_movement(batch, lr)", "_movement(batch, 1.0, lr)"),
    ("fused_sgd", "sgdm", 'else 1 - batch.hyper["momentum"]', "else 1.0"),
    ("fused_sgd", "sgdm", 'word == "torch"', 'word != "torch"'),
    ("fused_sgd", "nag", "nesterov=True", "nesterov=False"),
    ("fused_sgd", "nag", "_movement(batch, lr, mu)", "_movement(batch, lr)"),
    ("fused_sgd", "nag", "-lr if batch.maximize else lr", "lr"),
    ("fused_sgd", "nag", "batch.weight_decay or ", ""),
    ("fused_sgd", "nag", "alpha=rate", "alpha=0"),
    ("fused_sgd", "sgdw", '1 - lr * batch.hyper["weight_decay"]', "1 - lr"),
    ("fused_sgd", "sgdw", "1 - lr *", "1 + lr *"),
    ("fused_sgd", "sgdw", "return _movement(batch, lr)", "return True"),
    ("fused_sgd", "lars", 'lr * hyper["trust"]', "lr"),
    ("fused_sgd", "lars", "slope + weight_decay * size", "slope"),
    ("fused_sgd", "lars", "share * size", "share"),
    ("fused_sgd", "lars", "= 1 - scale", "= scale"),
    ("fused_sgd", "lars", 'weight_decay=hyper["weight_decay"]', "weight_decay=0.0"),
    ("fused_sgd", "lars", 'if hyper["adapt"] and', "if"),
    ("fused_sgd", "gd", 'batch.hyper["lr"], 0.0', "1.0, 0.0"),
    ("fused_sgd", "_words", '"maximize": batch.maximize', '"maximize": False'),
    (
        "fused_sgd",
        "_words",
        '"weight_decay": batch.weight_decay',
        '"weight_decay": 0.0',
    ),
    ("fused_sgd", "_words", '"is_first_step": False', '"is_first_step": True'),
    ("fused_sgd", "_movement", "dampening=1 - scale, ", ""),
    ("fused_sgd", "_fits", 'batch.hyper["momentum"] > 0 and exact', "exact"),
    ("fused_sgd", "_fits", "and exact", ""),
    ("fused_adam", "adam", 'batch.hyper["variant"] != "eps_hat" and ', ""),
    ("fused_adam", "adamw", '"_fused_adamw_"', '"_fused_adam_"'),
    ("fused_adam", "adamw", ", weight_decay=weight_decay", ""),
    ("fused_adam", "amsgrad", "else LONG_AGO", "else batch.t"),
    ("fused_adam", "amsgrad", '== "torch"', '== "paper"'),
    ("fused_adam", "amsgrad", "amsgrad=True", "amsgrad=False"),
    ("fused_adam", "radam", "rect * batch", "batch"),
    ("fused_adam", "radam", "/ correction", "* correction"),
    ("fused_adam", "radam", "** 0.5", ""),
    ("fused_adam", "radam", "bool(rect > 0) and ", ""),
    ("fused_adam", "radam", "threshold=threshold", ""),
    ("fused_adam", "lamb", "alpha=-batch", "alpha=batch"),
    ("fused_adam", "lamb", "lr=1.0", 'lr=batch.hyper["lr"] * 0 + 2.0, eps=0.0'),
    ("fused_adam", "lamb", "lr * size / r if", "size / r if"),
    ("fused_adam", "lamb", "lr * size / r if", "lr * r / size if"),
    ("fused_adam", "lamb", 'not batch.hyper["adapt"] or ', ""),
    ("fused_adam", "lamb", "_foreach_add_(thetas, rs)", "_foreach_sub_(thetas, rs)"),
    ("fused_adam", "adagrad", "float(batch.t)", "1.0"),
    ("fused_adam", "adagrad", "weight_decay=batch.weight_decay", "weight_decay=0.0"),
    ("fused_adam", "adagrad", "maximize=batch.maximize", "maximize=False"),
    ("fused_adam", "adagrad", " and batch.t == 1", " and False"),
    ("fused_adam", "swats", "1 if batch.maximize else -1", "-1"),
    ("fused_adam", "swats", "sign * torch", "torch"),
    ("fused_adam", "swats", "** 0.5", ""),
    ("fused_adam", "swats", "if switch:", "if False:"),
    ("fused_adam", "swats", "(1 - beta1) *", ""),
    ("fused_adam", "swats", '* hyper["lr"]', ""),
    ("fused_adam", "swats", "batch, beta1, lr", "batch, beta2 / 2, lr"),
    ("fused_sgd", "plain_momentum", "momentum == 0", "False"),
    ("fused_sgd", "plain_momentum", "batch, lr, momentum", "batch, lr, 1.0"),
    ("fused_adam", "swats", " or batch.weight_decay", ""),
    ("fused_adam", "swats", '{"lam": lam, "rate": rate}', '{"rate": rate}'),
    ("fused_adam", "_call", "t or batch.t", "batch.t"),
    ("fused_adam", "_call", '"maximize": batch.maximize', '"maximize": False'),
    (
        "fused_adam",
        "_call",
        '"weight_decay": batch.weight_decay',
        '"weight_decay": 0.0',
    ),
    ("fused", "_dense", "all(map(Tensor.is_contiguous, tensors))", "True"),
    ("fused", "_dense", "dtype in FLOATS and ", ""),
    (
        "passes",
        "_slices",
        "slice(start, start + PIECE)",
        "slice(start, start + PIECE - 1)",
    ),
    ("passes", "_settled", "value.bare()", "pass"),
    ("passes", "_subtract", "alpha=delta.c", "alpha=1"),
    ("passes", "_subtract", "value=-delta.c", "value=delta.c"),
    ("passes", "_subtract", 'delta.op == "*"', 'delta.op == "/"'),
    ("passes", "_write", "out=place", ""),
    ("passes", "_write", "place.fill_(value)", "pass"),
    ("passes", "run", "if rounds:", "if False:"),
    ("passes", "run", 'rule.scope != "element"', "False"),
    ("passes", "run", 'vectors[0].sizes if rule.scope == "tensor" else ()', "()"),
    ("passes", "run", "vector.store()", "pass"),
    ("vector", "joined", "room < 0 and rule.pieces", "False"),
    ("vector", "joined", "room < 0 and rule.pieces", "True"),
    ("vector", "joined", "room = PIECE - theta.numel()", "room = PIECE"),
    ("vector", "same", "len(own) == len(members) and ", ""),
    ("term", "_where", "a if condition else b", "b if condition else a"),
    ("term", "_norm", "abs(x.c) *", "x.c *"),
]
METHODS = [
    ("term", "Term", "bare", 'self.op == "*"', 'self.op != "*"'),
    ("term", "Term", "bare", 'self.y, self.op = None, ""', "pass"),
    ("term", "Term", "value", "x * self.c, 1.0", "x * self.c, self.c"),
    ("term", "Term", "__mul__", "self.c * other.c", "self.c"),
    ("term", "Term", "__truediv__", "self.c / other.c", "self.c * other.c"),
    ("term", "Term", "__truediv__", "if not other.c:", "if False:"),
    ("term", "Term", "__rtruediv__", "other / self.c", "other * self.c"),
    ("term", "Term", "__rtruediv__", "or not self.c", ""),
    ("term", "Term", "__add__", "b.c / a.c", "a.c / b.c"),
    ("term", "Term", "__add__", "other / c", "other"),
    ("term", "Term", "__add__", "abs(b.c) > abs(a.c)", "False"),
    ("term", "Term", "__add__", "not a.c or ", ""),
    ("term", "Term", "sqrt", "self.c**0.5", "self.c"),
    ("term", "Term", "sqrt", "self.c < 0", "False"),
    ("term", "Term", "abs", "abs(self.c)", "self.c"),
    ("term", "Term", "clamp", "end / self.c", "end"),
    ("term", "Term", "clamp", "not self.c > 0", "False"),
    ("term", "Term", "sum", "self.c * self", "self"),
    ("term", "Term", "__rsub__", "-self + other", "self - other"),
    ("sums", "Sums", "begin", "self.at = -1", "pass"),
    ("sums", "Sums", "close", "self.collecting = False", "pass"),
    ("sums", "Sums", "norm", "torch.linalg.vector_norm", "torch.sum"),
    ("sums", "Sums", "sum", "torch.dot(x, y)", "x.sum()"),
    ("sums", "Sums", "_total", "self.at += 1", "self.at = 0"),
    ("sums", "Sums", "spread", "not self.several or ", "True or "),
    ("vector", "Vector", "_adopt", "state[name] = view", "pass"),
    ("vector", "Vector", "_adopt", "a is not b", "False"),
    (
        "vector",
        "Vector",
        "load",
        "self._thetas, self.members",
        "self._gs, self.members",
    ),
    ("passes", "_Step", "look", "-1.0 if batch.maximize else 1.0", "1.0"),
    ("passes", "_Step", "look", "if batch.weight_decay:", "if False:"),
    ("passes", "_Step", "take", "_settled(value, given)", "value"),
    ("passes", "_Step", "take", "state |= scalars", "pass"),
]


def long_agrees(make, hyper, p=2**15 + 700):
    """One tensor of two pieces, in which what joins them has to be found first."""
    draw = torch.Generator().manual_seed(9)
    start = torch.randn(p, generator=draw, dtype=torch.float64)
    theta, rule = nn.Parameter(start.clone()), make.rule
    optimizer, state = make([theta], lr=0.05, **hyper), rule.init(start)
    for t in range(1, 8):
        theta.grad = (
            torch.randn(p, generator=draw, dtype=torch.float64) + theta.detach()
        )
        delta, state = rule.update(theta.grad, state, start, t, lr=0.05, **hyper)
        start = start - delta
        optimizer.step()
    return torch.allclose(theta, start, rtol=1e-10, atol=1e-12)


LONG = [
    (SWATS, {"criterion": "step", "k_min": 3}),
    (LARS, {"trust": 0.1, "weight_decay": 0.2}),
    (RMSProp, {"centered": True}),
    (NAdam, {}),
]


@pytest.mark.parametrize(("make", "hyper"), LONG)
def test_a_vector_of_several_pieces_equals_the_rule(make, hyper):
    assert long_agrees(make, hyper)


def keep_a_sum(g, state, theta, t, *, lr):
    """A rule that stores what it was given, and a number."""
    new = {"old": theta, "g": 1.0 * g, "n": 2.0, "p": 2.0 * (theta * g)}
    return lr * state["old"], new


def what_waits_is_computed_in_time():
    from coursekit.optim import Rule

    rule = Rule("keep", lambda theta: {"old": 0 * theta}, keep_a_sum)
    theta, state = torch.ones(3), {"old": torch.full((3,), 0.5)}
    vector = Vector([theta])
    batch = Batch([theta], [torch.full((3,), 7.0)], [state], 1, {"lr": 1.0})
    vector.load(batch.gs, batch.states, ())
    run(rule, [vector], batch)
    return (
        theta.tolist() == [0.5] * 3
        and state["old"].tolist() == [1.0] * 3
        and state["g"].tolist() == [7.0] * 3
        and state["n"].tolist() == [2.0] * 3
        and state["p"].tolist() == [14.0] * 3
    )


def test_a_state_that_is_the_old_parameter_is_the_old_one():
    assert what_waits_is_computed_in_time()


def checks():
    for name in ALGEBRA:
        yield lambda n=name: term_agrees(n)
    yield what_waits_is_computed_in_time
    yield lambda: (1e-12 * Term(1.0, X) + 1e12 * Term(1.0, Y)).c > 1e11
    for name, words in EVERY:
        yield lambda n=name, w=words: kernel_agrees(n, w)
        if "weight_decay" not in words:
            l2 = penalty(name, words)
            yield lambda n=name, w=words, d=l2: kernel_agrees(n, w, maximize=True, l2=d)
    for sizes in ([3], [1, 2]):
        yield lambda s=sizes: test_sums_over_pieces_are_those_of_the_whole(s) is None
    yield lambda: test_short_neighbours_share_a_buffer_and_long_ones_do_not() is None
    for name, hyper in REFUSED:
        yield (
            lambda n=name, h=hyper: (
                test_a_kernel_that_says_no_has_changed_nothing(n, h) is None
            )
        )
    for name in ("Adam-eps_hat", "AdaGrad", "NAG-paper", "RMSProp", "LARS", "LAMB"):
        yield lambda n=name: agrees(n, "float32", steps=12)
        yield lambda n=name: agrees(n, "float64", steps=12)
    for name in ("NAG-paper", "RMSProp", "AdaGrad", "RAdam"):
        yield lambda n=name: agrees(
            n, "float32", steps=12, maximize=True, weight_decay=0.1
        )
    yield swats_leaves_to_the_rule_what_its_kernels_do_not_say
    yield swats_goes_on_with_the_rate_it_found
    yield lambda: agrees("SWATS", steps=30)
    yield lambda: agrees("NAdam", steps=100)
    for case in LONG:
        yield lambda c=case: long_agrees(*c)
    yield lambda: test_bfloat16_and_gaps_keep_their_way() is None


def test_bfloat16_and_gaps_keep_their_way():
    for theta in (torch.ones(4, dtype=torch.bfloat16), torch.ones(4, 2).t()):
        assert not fused_step("gd", Batch([theta], [theta + 1], [{}], 1, {"lr": 0.1}))


def survives():
    for check in checks():
        try:
            if not check():
                return False
        except (Exception, pytest.fail.Exception):
            return False
    return True


def test_all_checks_pass_without_a_mutant():
    assert survives()


def module(name):
    folder = "coursekit.optim" if name == "adapter" else "coursekit.optim.engine"
    return sys.modules[f"{folder}.{name}"]


@pytest.mark.parametrize(("file", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, file, function, old, new):
    home = module(file)
    right = getattr(home, function)
    wrong = mutate(right, old, new)
    monkeypatch.setattr(home, function, wrong)
    for other in ("adapter", "passes", "fused", "fused_adam", "term"):
        if getattr(module(other), function, None) is right:
            monkeypatch.setattr(module(other), function, wrong)
    if getattr(sys.modules[__name__], function, None) is right:
        monkeypatch.setattr(sys.modules[__name__], function, wrong)
    for name, (operation, kernel) in list(dispatch.KERNELS.items()):
        if kernel is right:
            monkeypatch.setitem(dispatch.KERNELS, name, (operation, wrong))
    for key, short in list(module("term").SHORT.items()):
        if short is right:
            monkeypatch.setitem(module("term").SHORT, key, wrong)
    assert not survives()


@pytest.mark.parametrize(("file", "kind", "method", "old", "new"), METHODS)
def test_the_checks_kill_the_mutant_of_a_method(
    mutate, monkeypatch, file, kind, method, old, new
):
    owner = getattr(module(file), kind)
    wrong = mutate(getattr(owner, method), old, new)
    monkeypatch.setattr(owner, method, wrong)
    if method in ("__mul__", "__add__"):
        monkeypatch.setattr(owner, f"__r{method[2:]}", wrong)
    assert not survives()
