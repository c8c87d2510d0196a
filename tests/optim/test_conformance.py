"""PyTorch's own optimizer inputs and the generic checks of its test suite, on ours."""

import copy
import pickle
import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler, swa_utils

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
    Steepest,
)

CLASSES = [
    *(GD, SGD, SGDM, NAG, Steepest, RMSMean, AdaGrad, RMSProp, Adam, AMSGrad),
    *(AdaBound, RAdam, NAdam, AdamW, SGDW, SWATS, LARS, LAMB),
]
EACH = pytest.mark.parametrize("make", CLASSES)
DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
        ],
    ),
]
ON = pytest.mark.parametrize("device", DEVICES)
# Words about how torch computes, not what.
HOW = {"foreach", "fused", "capturable", "differentiable"}


def translate(name, kwargs):
    """Our class and words for torch's, or None where torch has another method."""
    words = {k: v for k, v in kwargs.items() if k not in HOW}
    words.setdefault("lr", {"SGD": 1e-3, "NAdam": 2e-3}.get(name, 1e-3))
    if name == "SGD":
        momentum, nesterov = words.pop("momentum", 0), words.pop("nesterov", False)
        if words.pop("dampening", 0):
            return None
        if nesterov:
            return NAG, {**words, "momentum": momentum, "variant": "torch"}
        if momentum:
            return SGDM, {**words, "momentum": momentum, "convention": "torch"}
        return SGD, words
    if words.pop("decoupled_weight_decay", False):
        return None
    if words.pop("amsgrad", False):
        return (AMSGrad, {**words, "variant": "torch"}) if name == "Adam" else None
    kinds = {"Adagrad": AdaGrad, "RMSprop": RMSProp, "Adam": Adam, "AdamW": AdamW}
    kinds |= {"NAdam": NAdam, "RAdam": RAdam}
    return (kinds[name], {**words, "variant": "torch"}) if name in kinds else None


# In a process of its own: the module changes torch's global flags, and imports a
# package for expected outputs that these inputs do not need.
READ = """
import pickle, sys, types, unittest
sys.modules["expecttest"] = types.SimpleNamespace(TestCase=unittest.TestCase)
from torch.testing._internal.common_optimizers import optim_db
cases = [
    (info.optim_cls.__name__, case.desc, case.kwargs)
    for info in optim_db
    for case in info.optim_inputs_func(device="cpu")
]
sys.stdout.buffer.write(pickle.dumps(cases))
"""


@pytest.fixture(scope="module")
def torchs_inputs():
    """Name, words of torch, our class and our words of every input of a method here."""
    command = [sys.executable, "-c", READ]
    done = subprocess.run(command, capture_output=True, check=True)
    found = []
    for name, desc, kwargs in pickle.loads(done.stdout):
        ours = translate(name, kwargs)
        if ours is not None:
            theirs = {k: v for k, v in kwargs.items() if k not in HOW}
            theirs.setdefault("lr", ours[1]["lr"])
            found.append((f"{name}: {desc}", getattr(torch.optim, name), theirs, *ours))
    return found


def regression(device="cpu", dtype=torch.float64, seed=0):
    """Parameters of several shapes, one with gaps, and the closure of a loss."""
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn(10, 5, 2, generator=draw)[..., 0]
    bias, x = torch.randn(10, generator=draw), torch.randn(5, generator=draw)
    params = [nn.Parameter(p.to(device, dtype)) for p in (weight, bias)]
    x = x.to(device, dtype)

    def loss_of(optimizer):
        optimizer.zero_grad()
        loss = (params[0].mv(x) + params[1]).square().sum()
        loss.backward()
        return loss

    return params, loss_of


def after(kind, kwargs, device, steps):
    words = {
        k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()
    }
    params, loss_of = regression(device)
    optimizer = kind(params, **words)
    for _ in range(steps):
        optimizer.step(lambda: loss_of(optimizer))
    return torch.cat([p.detach().flatten() for p in params])


@ON
def test_equals_torch_on_torchs_inputs(torchs_inputs, device):
    start = torch.cat([p.detach().flatten() for p in regression(device)[0]])
    for label, theirs, words, make, own in torchs_inputs:
        expected = after(theirs, words, device, 40)
        ours = after(make, own, device, 40)
        gap = (ours - expected).abs().max()
        assert gap <= 1e-12 * (1 + expected.abs().max()), f"{label}: {gap}"
        assert not torch.equal(ours, start), label
    assert len(torchs_inputs) > 40


@EACH
@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"lr": -0.5}, ValueError),
        ({"lr": float("nan")}, ValueError),
        ({"lr": 0.1, "weight_decay": -1.0}, ValueError),
        ({"lr": 0.1, "betas": (1.0, 0.0)}, ValueError),
        ({"lr": 0.1, "betas": (0.0, 1.0)}, ValueError),
        ({"lr": 0.1, "eps": -1e-8}, ValueError),
        ({"lr": 0.1, "momentum": -0.5}, ValueError),
        ({"lr": 0.1, "momentum_decay": -0.2}, ValueError),
        ({"lr": 0.1, "lr_decay": -0.5}, ValueError),
        ({"lr": 0.1, "differentiable": True}, TypeError),
        ({"lr": 0.1, "capturable": True}, TypeError),
    ],
    ids=lambda v: getattr(v, "__name__", None) or "-".join(v),
)
def test_torchs_bad_inputs_are_refused(make, bad, error):
    known = {*make.rule.hyper, "weight_decay"}
    foreign = not set(bad) <= known
    with pytest.raises(TypeError if foreign else error):
        make([nn.Parameter(torch.ones(2))], **bad)


@EACH
def test_wrong_parameter_lists_are_refused(make):
    theta = nn.Parameter(torch.ones(2))
    with pytest.raises(TypeError, match="params argument"):
        make(theta, lr=0.1)
    with pytest.raises(ValueError, match="non-leaf"):
        make([theta * 2], lr=0.1)
    with pytest.raises(ValueError, match="more than one parameter group"):
        make([{"params": theta}, {"params": theta}], lr=0.1)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        make([theta, theta], lr=0.1)


@ON
@EACH
def test_goes_in_the_right_direction_in_every_dtype(make, device):
    dtypes = torch.float64, torch.float32, torch.bfloat16, torch.float16
    for dtype in dtypes:
        for maximize in (False, True):
            params, loss_of = regression(device, dtype)
            lr = 1.0 if make in (LARS, LAMB) else 1e-2
            lr = 1e-3 if make in (GD, SGD, SGDM, NAG, SGDW, Steepest) else lr
            optimizer = make(
                params, lr=lr if make is not LAMB else 1e-2, maximize=maximize
            )
            first = loss_of(optimizer).item()
            for _ in range(8):
                optimizer.step(lambda o=optimizer, f=loss_of: f(o))
            last = loss_of(optimizer).item()
            assert (last > first) if maximize else (last < first)
            assert all(p.dtype == dtype for p in params)


@EACH
@pytest.mark.parametrize("shape", [(), (1,)])
def test_the_rate_may_be_a_tensor(make, shape):
    runs = []
    for lr in (0.01, torch.full(shape, 0.01, dtype=torch.float64)):
        params, loss_of = regression()
        optimizer = make(params, lr=lr)
        for _ in range(10):
            optimizer.step(lambda o=optimizer, f=loss_of: f(o))
        runs.append(torch.cat([p.detach().flatten() for p in params]))
    torch.testing.assert_close(*runs, rtol=1e-9, atol=1e-12)


@EACH
def test_no_gradients_no_step(make):
    params, _ = regression()
    before = [p.detach().clone() for p in params]
    optimizer = make(params, lr=0.1)
    optimizer.step()
    assert all(map(torch.equal, params, before))
    assert not optimizer.state


@EACH
def test_zero_gradients_move_nothing_without_decay(make):
    params, _ = regression()
    before = [p.detach().clone() for p in params]
    optimizer = make(params, lr=0.1, weight_decay=0.0)
    for p in params:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert all(map(torch.equal, params, before))
    assert all(optimizer.state[p] for p in params)


@EACH
def test_a_decay_shrinks_what_has_no_gradient_and_only_its_group(make):
    params, _ = regression()
    before = [p.detach().clone() for p in params]
    groups = [{"params": params[:1], "weight_decay": 0.5}, {"params": params[1:]}]
    optimizer = make(groups, lr=0.1, weight_decay=0.0)
    for p in params:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert (params[0] * before[0].sign()).sum() < before[0].abs().sum()
    assert torch.equal(params[1], before[1])


@EACH
def test_it_can_be_printed(make):
    text = repr(make([nn.Parameter(torch.ones(1))], lr=0.5))
    assert text.startswith(make.__name__)
    assert "lr: 0.5" in text


@EACH
def test_state_dict_does_not_depend_on_the_identity_of_parameters(make):
    dicts = []
    for _ in range(2):
        params, loss_of = regression()
        optimizer = make(params, lr=0.01)
        for _ in range(4):
            optimizer.step(lambda o=optimizer, f=loss_of: f(o))
        dicts.append(optimizer.state_dict())
    assert dicts[0]["param_groups"] == dicts[1]["param_groups"]
    torch.testing.assert_close(dicts[0]["state"], dicts[1]["state"], rtol=0, atol=0)


@EACH
@pytest.mark.parametrize("split", [False, True])
def test_loading_goes_on_in_another_dtype(make, split):
    """From float64 to float32: state follows the parameter, the count stays."""

    def groups(params):
        return [{"params": [p], "lr": 0.01} for p in params] if split else params

    params, loss_of = regression()
    optimizer = make(groups(params), lr=0.02)
    for _ in range(4):
        optimizer.step(lambda: loss_of(optimizer))
    saved = copy.deepcopy(optimizer.state_dict())
    others, other_loss = regression(dtype=torch.float32)
    with torch.no_grad():
        for q, p in zip(others, params, strict=True):
            q.copy_(p)
    other = make(groups(others), lr=0.5)
    given = copy.deepcopy(saved)
    other.load_state_dict(given)
    assert given["param_groups"] == saved["param_groups"]
    torch.testing.assert_close(given["state"], saved["state"], rtol=0, atol=0)
    for _ in range(3):
        optimizer.step(lambda: loss_of(optimizer))
        other.step(lambda: other_loss(other))
    for p, q in zip(params, others, strict=True):
        torch.testing.assert_close(
            q.double(), p.detach().double(), rtol=1e-3, atol=1e-4
        )
        tensors = [v for v in other.state[q].values() if isinstance(v, torch.Tensor)]
        assert all(v.dtype == torch.float32 for v in tensors)
        assert other.state[q]["step"] == 7


@EACH
def test_a_state_from_before_an_option_existed_can_be_loaded(make):
    params, loss_of = regression()
    optimizer = make(params, lr=0.01)
    optimizer.step(lambda: loss_of(optimizer))
    saved = optimizer.state_dict()
    for name in ("maximize", *set(make.rule.hyper) - {"lr"}):
        del saved["param_groups"][0][name]
    optimizer.load_state_dict(saved)
    optimizer.step(lambda: loss_of(optimizer))
    assert optimizer.param_groups[0]["maximize"] is False


@EACH
def test_named_parameters_and_plain_ones_exchange_states(make):
    net = nn.Linear(3, 2)
    named, plain = make(net.named_parameters(), lr=0.01), make(net.parameters(), lr=0.5)
    net(torch.ones(3)).sum().backward()
    named.step()
    assert named.param_groups[0]["param_names"] == ["weight", "bias"]
    plain.load_state_dict(named.state_dict())
    assert plain.param_groups[0]["lr"] == pytest.approx(0.01)
    plain.step()


@EACH
def test_pickle_and_deepcopy_keep_everything_public(make):
    params, loss_of = regression()
    optimizer = make(params, lr=0.01)
    for _ in range(3):
        optimizer.step(lambda: loss_of(optimizer))
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        public = {k for k in vars(optimizer) if not k.startswith("_")}
        assert {k for k in vars(other) if not k.startswith("_")} == public
        own = other.param_groups[0]["params"]
        for p, q in zip(params, own, strict=True):
            q.grad = p.grad
        twin = copy.deepcopy(params)
        other.step()
        assert not any(map(torch.equal, own, twin))


def test_hooks_run_around_step_and_state_dict():
    params, loss_of = regression()
    optimizer, seen = Adam(params, lr=0.01), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.register_state_dict_pre_hook(lambda *_: seen.append("saving"))
    optimizer.register_state_dict_post_hook(lambda _, d: {**d, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(
        lambda _, d: {k: v for k, v in d.items() if k != "extra"}
    )
    optimizer.register_load_state_dict_post_hook(lambda *_: seen.append("loaded"))
    optimizer.step(lambda: loss_of(optimizer))
    saved = optimizer.state_dict()
    optimizer.load_state_dict(saved)
    assert seen == ["before", "after", "saving", "loaded"]
    assert saved["extra"] == 1


@pytest.mark.parametrize("to_none", [False, True])
def test_zero_grad(to_none):
    params, loss_of = regression()
    optimizer = Adam(params, lr=0.01)
    loss_of(optimizer)
    optimizer.zero_grad(set_to_none=to_none)
    assert all(p.grad is None if to_none else not p.grad.any() for p in params)


def sequential(o):
    parts = [lr_scheduler.ConstantLR(o, 0.5, 3), lr_scheduler.ExponentialLR(o, 0.9)]
    return lr_scheduler.SequentialLR(o, parts, milestones=[4])


SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, 3),
    "multi-step": lambda o: lr_scheduler.MultiStepLR(o, [2, 5]),
    "linear": lambda o: lr_scheduler.LinearLR(o),
    "polynomial": lambda o: lr_scheduler.PolynomialLR(o, 12),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
    "one-cycle": lambda o: lr_scheduler.OneCycleLR(
        o,
        0.02,
        total_steps=12,
        cycle_momentum=bool({"betas", "momentum"} & {*o.defaults}),
    ),
    "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1),
    "sequential": sequential,
    "chained": lambda o: lr_scheduler.ChainedScheduler([
        lr_scheduler.LinearLR(o),
        lr_scheduler.ExponentialLR(o, 0.9),
    ]),
    "swa": lambda o: swa_utils.SWALR(o, swa_lr=0.001, anneal_epochs=4),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@EACH
def test_schedules_of_torch_give_what_the_rule_gives_by_hand(make, schedule):
    """The numbers that the schedule wrote, given to the rule itself, give the same."""
    params, loss_of = regression()
    optimizer = make(params, lr=0.01)
    plan, rule = SCHEDULES[schedule](optimizer), make.rule
    joint = rule.scope == "group"
    thetas = [p.detach().clone().reshape(-1) for p in params]
    thetas = [torch.cat(thetas)] if joint else thetas
    states = [rule.init(theta) for theta in thetas]
    for t in range(1, 11):
        loss = optimizer.step(lambda: loss_of(optimizer))
        hyper = {name: optimizer.param_groups[0][name] for name in rule.hyper}
        gs = [p.grad.reshape(-1) for p in params]
        gs = [torch.cat(gs)] if joint else gs
        for i, g in enumerate(gs):
            delta, states[i] = rule.update(g, states[i], thetas[i], t, **hyper)
            thetas[i] = thetas[i] - delta
        by_name = schedule == "plateau"
        plan.step(loss.item()) if by_name else plan.step()
    ours = torch.cat([p.detach().reshape(-1) for p in params])
    torch.testing.assert_close(ours, torch.cat(thetas), rtol=1e-11, atol=1e-12)


@EACH
def test_averaged_models_and_scaler_work_beside_it(make):
    net = nn.Linear(3, 1)
    optimizer = make(net.parameters(), lr=0.01)
    averaged, scaler = swa_utils.AveragedModel(net), torch.amp.GradScaler("cpu")
    for _ in range(3):
        optimizer.zero_grad()
        scaler.scale(net(torch.ones(2, 3)).square().mean()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        averaged.update_parameters(net)
    assert int(averaged.n_averaged) == 3
    assert scaler.get_scale() > 0


@EACH
def test_mixed_dtypes_and_shapes_in_one_group(make):
    dtypes = torch.float64, torch.float32, torch.bfloat16
    params = [nn.Parameter(torch.ones(2, dtype=d)) for d in dtypes]
    params += [nn.Parameter(torch.ones(0)), nn.Parameter(torch.tensor(1.0))]
    lr = 10.0 if make is LARS else 0.1
    optimizer = make(params, lr=lr)
    for _ in range(3):
        for p in params:
            p.grad = torch.ones_like(p)
        optimizer.step()
    assert all((p < 1).all() for p in params)


def test_no_warning_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in CLASSES:
            params, loss_of = regression()
            optimizer = make(params, lr=0.01)
            optimizer.step(lambda o=optimizer, f=loss_of: f(o))
            assert optimizer.state[params[0]]["step"] == 1
