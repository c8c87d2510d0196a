"""The adapter: everything torch expects of an optimizer, and equality with torch's."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss
from torch.optim import lr_scheduler

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
    RuleOptimizer,
    Steepest,
    nadam,
)

DROP_INS = [
    ("GD", GD, torch.optim.SGD, {}, {}),
    ("SGD", SGD, torch.optim.SGD, {}, {}),
    (
        "SGDM",
        SGDM,
        torch.optim.SGD,
        {"momentum": 0.85, "convention": "torch"},
        {"momentum": 0.85},
    ),
    (
        "NAG",
        NAG,
        torch.optim.SGD,
        {"momentum": 0.85, "variant": "torch"},
        {"momentum": 0.85, "nesterov": True},
    ),
    (
        "Adam",
        Adam,
        torch.optim.Adam,
        {"betas": (0.8, 0.99), "eps": 1e-6, "variant": "torch"},
        {"betas": (0.8, 0.99), "eps": 1e-6},
    ),
    ("Adam-defaults", Adam, torch.optim.Adam, {}, {}),
]
SOME = {"betas": (0.8, 0.99), "eps": 1e-6}
L2 = {"weight_decay": 0.1}
BY_TORCH = {"variant": "torch"}
DROP_INS += [
    ("SGD-L2", SGD, torch.optim.SGD, L2, L2),
    (
        "SGDM-L2",
        SGDM,
        torch.optim.SGD,
        {"convention": "torch", **L2},
        {"momentum": 0.9, **L2},
    ),
    ("Adam-L2", Adam, torch.optim.Adam, {**SOME, **L2}, {**SOME, **L2}),
    *(
        (name, ours, theirs, {**BY_TORCH, **options}, {**fixed, **options})
        for name, ours, theirs, options, fixed in (
            ("AMSGrad", AMSGrad, torch.optim.Adam, SOME, {"amsgrad": True}),
            ("AdaGrad", AdaGrad, torch.optim.Adagrad, {}, {}),
            (
                "AdaGrad-options",
                AdaGrad,
                torch.optim.Adagrad,
                {"lr_decay": 0.05, "initial_accumulator_value": 0.1, **L2},
                {},
            ),
            ("RMSProp", RMSProp, torch.optim.RMSprop, {}, {}),
            ("RMSProp-L2", RMSProp, torch.optim.RMSprop, {"alpha": 0.9, **L2}, {}),
            (
                "RMSProp-options",
                RMSProp,
                torch.optim.RMSprop,
                {"momentum": 0.8, "centered": True, "eps": 1e-3},
                {},
            ),
            ("NAdam", NAdam, torch.optim.NAdam, {}, {}),
            (
                "NAdam-options",
                NAdam,
                torch.optim.NAdam,
                {**SOME, "momentum_decay": 0.02, **L2},
                {},
            ),
            ("RAdam", RAdam, torch.optim.RAdam, {}, {}),
            ("RAdam-options", RAdam, torch.optim.RAdam, {**SOME, **L2}, {}),
            ("AdamW", AdamW, torch.optim.AdamW, {}, {}),
            ("AdamW-options", AdamW, torch.optim.AdamW, {**SOME, **L2}, {}),
        )
    ),
]
PAIRS = pytest.mark.parametrize(
    ("ours", "theirs", "hyper", "torch_hyper"),
    [case[1:] for case in DROP_INS],
    ids=[case[0] for case in DROP_INS],
)
CLASSES = [
    *(GD, SGD, SGDM, NAG, Steepest, RMSMean, AdaGrad, RMSProp, Adam, AMSGrad),
    *(AdaBound, RAdam, NAdam, AdamW, SGDW, SWATS, LARS, LAMB),
]
ALL = pytest.mark.parametrize(
    ("make", "hyper"),
    [
        *((make, {}) for make in CLASSES[4:] if make is not Adam),
        (Steepest, {"norm": "linf", "unit": True}),
        (RMSProp, {"centered": True, "momentum": 0.5}),
        (SWATS, {"criterion": "step", "k_min": 2}),
        (LARS, {"trust": 0.1, "weight_decay": 0.1}),
        (GD, {}),
        (SGD, {}),
        (SGDM, {}),
        (SGDM, {"convention": "ema"}),
        (NAG, {}),
        (Adam, {}),
        (Adam, {"variant": "eps_hat"}),
    ],
    ids=lambda value: (
        getattr(value, "__name__", None) or "-".join(map(str, value.values()))
    ),
)


def small_net(seed=0):
    draw = torch.Generator().manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=draw, dtype=p.dtype))
    return net


def batches(steps, seed=1):
    draw = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(8, 4, generator=draw, dtype=torch.float64)
        yield x, x.prod(dim=1, keepdim=True)


def take(net, optimizer, x, y):
    optimizer.zero_grad()
    loss = mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def groups(net, lr=0.01):
    return [
        {"params": net[0].parameters()},
        {"params": net[2].parameters(), "lr": 0.3 * lr},
    ]


def equal(net, other, **tolerance):
    pairs = zip(net.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(p, q, **tolerance) for p, q in pairs)


def equals_torch(ours, theirs, hyper, torch_hyper, maximize, steps):
    """Two groups and a rate that rises and falls; the gap must stay at rounding."""
    first, second = small_net(), small_net()
    lr = 1e-4 if maximize else 0.01
    a = ours(groups(first, lr), lr=lr, maximize=maximize, **hyper)
    b = theirs(groups(second, lr), lr=lr, maximize=maximize, **torch_hyper)

    def shape(t):
        return min(1.0, (t + 1) / 20) * 0.99**t

    schedules = [lr_scheduler.LambdaLR(o, shape) for o in (a, b)]
    for x, y in batches(steps):
        take(first, a, x, y)
        take(second, b, x, y)
        for schedule in schedules:
            schedule.step()
    moved = not equal(first, small_net())
    return moved and equal(first, second, rtol=1e-12, atol=1e-12)


@PAIRS
@pytest.mark.parametrize(("maximize", "steps"), [(False, 400), (True, 40)])
def test_equals_torch_in_float64(ours, theirs, hyper, torch_hyper, maximize, steps):
    assert equals_torch(ours, theirs, hyper, torch_hyper, maximize, steps)


@pytest.mark.parametrize(
    ("ours", "theirs", "hyper", "torch_hyper"),
    [case[1:] for case in DROP_INS[:6]],
    ids=[case[0] for case in DROP_INS[:6]],
)
def test_the_default_rate_convention_differs_from_torch_when_the_rate_changes(
    ours, theirs, hyper, torch_hyper
):
    """Only SGDM and NAG have two forms; the test above would not see their mix-up."""
    words = {"convention", "variant"} & set(hyper)
    plain = {k: v for k, v in hyper.items() if k not in words}
    first, second = small_net(), small_net()
    a = ours(first.parameters(), lr=0.01, **plain)
    b = theirs(second.parameters(), lr=0.01, **torch_hyper)
    for step, (x, y) in enumerate(batches(30)):
        for optimizer in (a, b):
            optimizer.param_groups[0]["lr"] = 0.01 if step < 15 else 0.001
        take(first, a, x, y)
        take(second, b, x, y)
    assert equal(first, second, rtol=1e-12, atol=1e-12) == (ours not in (SGDM, NAG))


@ALL
def test_state_dict_continues_where_it_stopped(make, hyper, tmp_path):
    data = list(batches(20))
    net = small_net()
    optimizer = make(groups(net), lr=0.02, **hyper)
    for x, y in data[:10]:
        take(net, optimizer, x, y)
    file = tmp_path / "state.pt"
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
    saved = torch.load(file, weights_only=True)
    other = small_net(seed=9)
    other.load_state_dict(saved["net"])
    fresh = make(groups(other), lr=0.5, **hyper)
    fresh.load_state_dict(saved["optimizer"])
    for x, y in data[10:]:
        take(net, optimizer, x, y)
        take(other, fresh, x, y)
    assert [g["lr"] for g in fresh.param_groups] == [0.02, 0.003]
    assert all(
        torch.equal(*pair)
        for pair in zip(net.parameters(), other.parameters(), strict=True)
    )


@ALL
def test_deepcopy_is_independent(make, hyper):
    net = small_net()
    optimizer = make(net.parameters(), lr=0.02, **hyper)
    for x, y in batches(3):
        take(net, optimizer, x, y)
    net2, optimizer2 = copy.deepcopy((net, optimizer))
    for x, y in batches(3, seed=5):
        take(net, optimizer, x, y)
    assert not equal(net, net2)
    for x, y in batches(3, seed=5):
        take(net2, optimizer2, x, y)
    assert equal(net, net2, rtol=0, atol=0)


@ALL
def test_the_gradient_is_the_callers_and_stays_as_it_was(make, hyper):
    theta = nn.Parameter(torch.ones(3))
    theta.grad = torch.tensor([1.0, -2.0, 0.5])
    optimizer = make([theta], lr=0.1, maximize=True, **hyper)
    optimizer.step()
    assert theta.grad.tolist() == [1.0, -2.0, 0.5]
    assert ((theta.detach() - 1) * theta.grad > 0).all()


@ALL
def test_a_parameter_without_gradient_waits(make, hyper):
    """Its update counter stands still too, so that bias correction starts late."""
    early, late = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = make([early, late], lr=0.1, **hyper)
    early.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(late, torch.ones(2))
    assert late not in optimizer.state
    first = early.detach().clone()
    early.grad, late.grad = None, torch.ones(2)
    optimizer.step()
    assert torch.equal(early, first)
    assert torch.equal(late, first)


@ALL
def test_empty_tensors_and_scalars(make, hyper):
    empty, scalar = nn.Parameter(torch.ones(0, 3)), nn.Parameter(torch.tensor(1.0))
    optimizer = make([empty, scalar], lr=0.1, **hyper)
    (empty.sum() + scalar).backward()
    optimizer.step()
    assert empty.shape == (0, 3)
    assert scalar.item() < 1


@ALL
def test_bfloat16_parameters_keep_their_dtype_and_move(make, hyper):
    theta = nn.Parameter(torch.ones(3, dtype=torch.bfloat16))
    lr = 10.0 if make is LARS else 0.1
    optimizer = make([theta], lr=lr, **hyper)
    theta.square().sum().backward()
    optimizer.step()
    assert theta.dtype == torch.bfloat16
    assert (theta < 1).all()
    tensors = [v for v in optimizer.state[theta].values() if torch.is_tensor(v)]
    assert all(v.dtype == torch.bfloat16 for v in tensors)


@ALL
def test_closure_is_called_once_with_gradients_on(make, hyper):
    theta = nn.Parameter(torch.tensor([2.0]))
    optimizer = make([theta], lr=0.01, **hyper)
    calls = []

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = theta.square().sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 4
    assert calls == [True]
    assert theta.item() < 2
    assert theta.requires_grad


def test_an_embedding_with_sparse_gradients_is_refused_in_words():
    table = nn.Embedding(5, 2, sparse=True)
    optimizer = Adam(table.parameters(), lr=0.1)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(TypeError, match=r"Adam expected a dense one.*sparse=False"):
        optimizer.step()


def test_complex_parameters_are_refused_in_words():
    theta = nn.Parameter(torch.ones(2, dtype=torch.complex64))
    optimizer = GD([theta], lr=0.1)
    theta.abs().sum().backward()
    with pytest.raises(TypeError, match="view_as_real"):
        optimizer.step()


@pytest.mark.parametrize(
    "make_schedule",
    [
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=10),
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10),
        lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
        lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, cycle_momentum=True),
    ],
    ids=["one-cycle", "cosine", "plateau", "cyclic"],
)
@pytest.mark.parametrize(
    "make", [make for make in CLASSES if {"momentum", "betas"} & set(make.rule.hyper)]
)
def test_torchs_schedulers_drive_it(make, make_schedule):
    """Those that cycle momentum look for the words momentum and betas."""
    net = small_net()
    optimizer = make(net.parameters(), lr=0.02)
    schedule = make_schedule(optimizer)
    rates = []
    for x, y in batches(8):
        loss = take(net, optimizer, x, y)
        plateau = isinstance(schedule, lr_scheduler.ReduceLROnPlateau)
        schedule.step(loss + 100 * len(rates)) if plateau else schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert len(set(rates)) > 2


def test_a_rate_may_be_a_tensor_as_in_torch():
    theta = nn.Parameter(torch.tensor([1.0]))
    optimizer = SGD([theta], lr=torch.tensor(0.25))
    theta.sum().backward()
    optimizer.step()
    assert theta.item() == pytest.approx(0.75)


def test_groups_have_their_own_hyperparameters_and_are_checked():
    a, b = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = SGDM([a], lr=0.1)
    optimizer.add_param_group({"params": [b], "lr": 0.5, "momentum": 0.0})
    a.grad, b.grad = torch.ones(1), torch.ones(1)
    for _ in range(2):
        optimizer.step()
    assert a.item() == pytest.approx(1 - 0.1 - 0.19)
    assert b.item() == 0
    with pytest.raises(ValueError, match="momentum: expected a number"):
        optimizer.add_param_group({"params": [torch.ones(1)], "momentum": 2})


@pytest.mark.parametrize("make", CLASSES)
def test_wrong_hyperparameters_are_refused_at_once(make):
    with pytest.raises(ValueError, match="lr: expected a finite number >= 0, got -1"):
        make([nn.Parameter(torch.ones(1))], lr=-1)
    with pytest.raises(ValueError, match="empty parameter list"):
        make([], lr=1)


def test_gradient_norm_covers_all_groups_and_stops_a_run():
    net = small_net()
    optimizer = GD(groups(net), lr=0.1)
    assert optimizer.gradient_norm() == 0
    x, y = next(iter(batches(1)))
    mse_loss(net(x), y).backward()
    flat = torch.cat([p.grad.flatten() for p in net.parameters()])
    assert optimizer.gradient_norm() == pytest.approx(flat.norm().item(), rel=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("make", CLASSES)
def test_runs_where_the_parameters_are(make):
    on_cpu, on_gpu = small_net(), small_net().cuda()
    a, b = make(on_cpu.parameters(), lr=0.01), make(on_gpu.parameters(), lr=0.01)
    for x, y in batches(20):
        take(on_cpu, a, x, y)
        take(on_gpu, b, x.cuda(), y.cuda())
    assert equal(on_cpu, on_gpu.cpu(), rtol=1e-9, atol=1e-9)


def test_a_group_is_one_vector_for_a_rule_that_says_so():
    """SWATS on two tensors equals SWATS on both as one, through its switch."""
    whole = nn.Parameter(torch.tensor([1.0, -2.0, 0.5, 3.0, 2.0], dtype=torch.float64))
    parts = [nn.Parameter(part.clone()) for part in whole.detach().split([1, 4])]
    hyper = {"lr": 0.05, "criterion": "step", "k_min": 3}
    a, b = SWATS([whole], **hyper), SWATS(parts, **hyper)
    scale = torch.tensor([1.0, 3.0, 0.2, 5.0, 1.0], dtype=torch.float64)
    for _ in range(8):
        whole.grad = scale * whole.detach()
        for part, s, x in zip(parts, scale.split([1, 4]), parts, strict=True):
            part.grad = s * x.detach()
        a.step()
        b.step()
    assert torch.allclose(torch.cat(parts), whole, rtol=1e-12, atol=0)
    assert a.sgd_rates()[0] == pytest.approx(b.sgd_rates()[0], rel=1e-12)


def test_parameters_that_join_late_are_a_vector_of_their_own():
    """Their averages need their own bias correction."""
    early, late = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = SWATS([early, late], lr=0.1)
    for late_grad in (None, torch.ones(2)):
        early.grad, late.grad = torch.ones(2), late_grad
        optimizer.step()
    assert torch.allclose(late, torch.full((2,), 0.9))
    assert [optimizer.state[p]["step"] for p in (early, late)] == [2, 1]


@pytest.mark.parametrize("make", CLASSES)
def test_grad_scaler_unscales_and_skips(make):
    theta = nn.Parameter(torch.ones(3))
    optimizer = make([theta], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(theta.square().sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    twin = nn.Parameter(torch.ones(3))
    plain = make([twin], lr=0.1)
    twin.square().sum().backward()
    plain.step()
    assert torch.equal(theta, twin)
    theta.grad = torch.full((3,), float("inf"))
    scaler.step(optimizer)
    assert torch.equal(theta, twin)


# The fast paths against the rule itself.


def by_the_rule(rule, theta, gradients, rates, hyper):
    state = rule.init(theta)
    for t, (g, lr) in enumerate(zip(gradients, rates, strict=True), 1):
        delta, state = rule.update(g, state, theta, t, **{**hyper, "lr": lr})
        theta = theta - delta
    return theta


def fast_equals_rule(make, hyper, size, dtype=torch.float64):
    """One tensor of that size, its rate falling, against the rule without adapter."""
    draw = torch.Generator().manual_seed(3)
    start = torch.randn(size, generator=draw).to(dtype)
    gradients = [torch.randn(size, generator=draw).to(dtype) for _ in range(6)]
    rates = [0.1 / t for t in range(1, 7)]
    theta = nn.Parameter(start.clone())
    optimizer = make([theta], lr=0.1, **hyper)
    for g, lr in zip(gradients, rates, strict=True):
        theta.grad, optimizer.param_groups[0]["lr"] = g, lr
        optimizer.step()
    group = optimizer.param_groups[0]
    settings = {name: group[name] for name in make.rule.hyper}
    expected = by_the_rule(make.rule, start, gradients, rates, settings)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    return torch.allclose(theta, expected, rtol=tolerance, atol=tolerance)


def test_layers_keep_their_own_norm():
    """LAMB moves each of two layers by the share of its own norm."""
    layers = [nn.Parameter(torch.full((4,), size)) for size in (1.0, 100.0)]
    optimizer = LAMB(layers, lr=0.1, weight_decay=0.0)
    for layer in layers:
        layer.grad = torch.ones(4)
    optimizer.step()
    assert [layer[0].item() for layer in layers] == pytest.approx([0.9, 90.0])


@ALL
def test_tensors_with_gaps_in_memory_are_updated_in_their_place(make, hyper):
    dense = torch.arange(1.0, 7.0, dtype=torch.float64).reshape(2, 3)
    a, b = nn.Parameter(dense.clone()), nn.Parameter(dense.t().contiguous().t())
    assert not b.is_contiguous()
    optimizers = make([a], lr=0.1, **hyper), make([b], lr=0.1, **hyper)
    for _ in range(4):
        for theta, optimizer in zip((a, b), optimizers, strict=True):
            theta.grad = theta.detach().sin()
            optimizer.step()
    assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_state_of_a_joint_step_is_that_of_each_tensor():
    """Small tensors are updated as one; what is saved has their own shapes."""
    net = small_net()
    optimizer = AMSGrad(net.parameters(), lr=0.1)
    for x, y in batches(3):
        take(net, optimizer, x, y)
    for p in net.parameters():
        state = optimizer.state[p]
        assert all(state[name].shape == p.shape for name in ("m", "v", "v_max"))


def test_joined_tensors_may_come_and_go():
    """Three tensors in one buffer, one of them without a gradient now and then."""
    draw = torch.Generator().manual_seed(4)
    sizes = [5, 3, 30_000, 4, 10_000]
    starts = [torch.randn(n, generator=draw, dtype=torch.float64) for n in sizes]
    thetas = [nn.Parameter(start.clone()) for start in starts]
    optimizer = NAdam(thetas, lr=0.01)
    states, counts = [nadam.init(x) for x in starts], [0] * len(sizes)
    for step in range(9):
        for i, theta in enumerate(thetas):
            theta.grad = None if (step + i) % 4 == 0 else (theta.detach() + i).sin()
            if theta.grad is not None:
                counts[i] += 1
                delta, states[i] = nadam.update(
                    theta.grad, states[i], starts[i], counts[i], lr=0.01
                )
                starts[i] = starts[i] - delta
        optimizer.step()
    for theta, start in zip(thetas, starts, strict=True):
        torch.testing.assert_close(theta.detach(), start, rtol=1e-12, atol=1e-12)


def test_buffers_are_kept_from_step_to_step():
    net = small_net()
    optimizer = NAdam(net.parameters(), lr=0.01)
    places = []
    for x, y in batches(3):
        take(net, optimizer, x, y)
        places.append([optimizer.state[p]["m"].data_ptr() for p in net.parameters()])
    assert places[0] == places[1] == places[2]


def test_mixed_dtypes_are_updated_apart():
    dtypes = torch.float64, torch.float32
    thetas = [nn.Parameter(torch.ones(2, dtype=dtype)) for dtype in dtypes]
    optimizer = NAdam(thetas, lr=0.1)
    for theta in thetas:
        theta.grad = torch.ones_like(theta)
    optimizer.step()
    for theta in thetas:
        assert optimizer.state[theta]["m"].dtype == theta.dtype


def in_several_vectors(make, hyper):
    """Two tensors that are too long to share a buffer, against the rule by hand."""
    draw = torch.Generator().manual_seed(6)
    starts = [
        torch.randn(n, generator=draw, dtype=torch.float64) for n in (30_000, 10_000)
    ]
    thetas = [nn.Parameter(start.clone()) for start in starts]
    # with a tensor for a rate no kernel stands in
    optimizer = make(thetas, lr=torch.tensor(0.05, dtype=torch.float64), **hyper)
    joint = make.rule.scope == "group"
    vectors = [torch.cat(starts)] if joint else starts
    states = [make.rule.init(vector) for vector in vectors]
    for t in range(1, 7):
        gs = []
        for theta in thetas:
            theta.grad = theta.detach().sin() + theta.detach()
            gs.append(theta.grad)
        gs = [torch.cat(gs)] if joint else gs
        optimizer.step()
        for i, g in enumerate(gs):
            delta, states[i] = make.rule.update(
                g, states[i], vectors[i], t, lr=0.05, **hyper
            )
            vectors[i] = vectors[i] - delta
    ours = torch.cat([theta.detach() for theta in thetas])
    return torch.allclose(ours, torch.cat(vectors), rtol=1e-10, atol=1e-12)


SEVERAL = [
    (SWATS, {"criterion": "step", "k_min": 3}),
    (Steepest, {"norm": "linf", "unit": True}),
    (LARS, {"trust": 0.1, "weight_decay": 0.1}),
    (LAMB, {"weight_decay": 0.1}),
]


@pytest.mark.parametrize(("make", "hyper"), SEVERAL)
def test_what_a_rule_sees_as_one_is_one_over_several_vectors(make, hyper):
    assert in_several_vectors(make, hyper)


def test_an_old_state_means_the_defaults():
    theta = nn.Parameter(torch.ones(2))
    optimizer = Adam([theta], lr=0.1)
    saved = optimizer.state_dict()
    del saved["param_groups"][0]["maximize"], saved["param_groups"][0]["eps"]
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["maximize"] is False
    assert optimizer.param_groups[0]["eps"] == pytest.approx(1e-8)


# Small wrongs in the adapter itself.

ADAPTER_MUTANTS = [
    ("_batches", "key[0] + 1", "key[0] + 2"),
    ("_batches", 'state.get("step", 0), ', "0, "),
    ("_batches", "theta.dtype, ", ""),
    ("_batches", "if g is None:", "if False:"),
    ("_batches", '0.0 if "weight_decay" in hyper else ', ""),
    ("_batches", 'else group["weight_decay"]', 'else -group["weight_decay"]'),
    ("_batches", "group[name] for", "self.defaults[name] for"),
    ("_batches", "hyper, l2, ", "hyper, 0.0, "),
    ("_batches", 'group["maximize"])', "False)"),
    ("_batches", "g.layout is not torch.strided", "False"),
    ("_batches", "or g.is_complex()", ""),
    ("_update", "if batch.t == 1:", "if batch.t == 2:"),
    ("_update", "if batch.t == 1:", "if True:"),
    ("_update", '["step"] = batch.t', '["step"] = 0'),
    ("_update", "[vectors] if", "[vectors[:1]] if"),
    ("_update", 'self.rule.scope == "group"', "False"),
    ("_update", 'self.rule.scope == "group"', "True"),
    ("_begin", "value if shared else value.view", "value.view"),
    ("_vectors", "or not same(batch.thetas, vectors)", ""),
    ("_vectors", "self._kept[first] = joined", "joined"),
    ("_vectors", "islice(states, count)", "islice(batch.states, count)"),
    ("_vectors", "islice(gs, count)", "islice(batch.gs, count)"),
    ("step", "loss = closure()", "loss = closure() + closure()"),
    ("step", "torch.enable_grad()", "torch.no_grad()"),
    ("add_param_group", "{**self.defaults, **param_group}", "self.defaults"),
    ("__setstate__", "setdefault(name, value)", "setdefault(name, None)"),
]


def _assert(condition):
    assert condition


def checks():
    named = {case[0]: case for case in DROP_INS}
    for name in ("SGDM", "Adam", "Adam-L2", "AdamW-options", "NAdam"):
        case = named[name]
        for maximize in (False, True):
            yield lambda c=case[1:], m=maximize: _assert(equals_torch(*c, m, 25))
    yield lambda: test_the_gradient_is_the_callers_and_stays_as_it_was(Adam, {})
    yield lambda: test_closure_is_called_once_with_gradients_on(SGDM, {})
    yield lambda: _assert(fast_equals_rule(RMSProp, {"centered": True}, 2**15 + 11))
    yield lambda: _assert(fast_equals_rule(NAdam, {}, 2**15 + 11))
    yield test_joined_tensors_may_come_and_go
    yield test_mixed_dtypes_are_updated_apart
    yield test_buffers_are_kept_from_step_to_step
    yield lambda: _assert(fast_equals_rule(SGDW, {"weight_decay": 0.1}, 50))
    for case in SEVERAL:
        yield lambda c=case: _assert(in_several_vectors(*c))
    yield test_an_old_state_means_the_defaults
    yield test_layers_keep_their_own_norm
    yield test_a_group_is_one_vector_for_a_rule_that_says_so
    yield test_parameters_that_join_late_are_a_vector_of_their_own
    yield test_an_embedding_with_sparse_gradients_is_refused_in_words
    yield test_complex_parameters_are_refused_in_words
    yield test_groups_have_their_own_hyperparameters_and_are_checked


def test_the_checks_pass_without_a_mutant():
    for check in checks():
        check()


@pytest.mark.parametrize(("method", "old", "new"), ADAPTER_MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, method, old, new):
    wrong = mutate(getattr(RuleOptimizer, method), old, new)
    for owner in CLASSES:  # torch gives each class its own step
        monkeypatch.setattr(owner, method, wrong, raising=False)
    killed = 0
    for check in checks():
        try:
            check()
        except (Exception, pytest.fail.Exception):
            killed += 1
            break
    assert killed
