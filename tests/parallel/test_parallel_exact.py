"""Divided batches, layers and both: gradients equal those of one worker, to rounding.

The oracle is autograd on the whole model and the whole batch. The mutants below are run
against the same checks.
"""

import importlib
import pkgutil
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from coursekit import parallel
from coursekit.device import generator
from coursekit.models import MLP
from coursekit.parallel import pipeline

PAGES = {
    page.name: importlib.import_module(f"coursekit.parallel.{page.name}")
    for page in pkgutil.iter_modules(parallel.__path__)
    if page.name != "distributed"
}
EXACT = {"rtol": 0, "atol": 1e-14}
LAW = settings(max_examples=25, deadline=None)


def net(widths=(5, 7, 6, 3), seed=0, norm=None):
    model = MLP(widths, "tanh", norm=norm).double()
    g = generator(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=g, dtype=p.dtype) / 2)
    return model


def batch(n=12, d=5, seed=1):
    g = generator(seed)
    x = torch.randn(n, d, generator=g, dtype=torch.float64)
    return x, torch.randint(3, (n,), generator=g)


def shards_of(x, y, sizes):
    return list(zip(x.split(sizes), y.split(sizes), strict=True))


def full(model, x, y, loss=cross_entropy):
    params = [p for p in model.parameters() if p.requires_grad]
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    grads = torch.autograd.grad(loss(model(x), y), params, allow_unused=True)
    return {
        n: torch.zeros_like(p) if g is None else g
        for n, p, g in zip(names, params, grads, strict=True)
    }


def equal(ours, theirs, **tolerance):
    assert list(ours) == list(theirs)
    for name, grad in theirs.items():
        torch.testing.assert_close(ours[name], grad, **(EXACT | tolerance))


def gap(ours, theirs):
    return max((ours[n] - theirs[n]).abs().max().item() for n in theirs)


# ---- the batch divided


def check_weighted_shards_are_the_batch():
    model, (x, y) = net(), batch()
    for sizes in ([12], [4, 4, 4], [1, 2, 9], [6, 5, 1]):
        step = parallel.data_parallel_step(model, shards_of(x, y, sizes))
        equal(step, full(model, x, y))
    target = torch.randn(12, 3, generator=generator(4), dtype=torch.float64)
    step = parallel.data_parallel_step(model, shards_of(x, target, [3, 9]), mse_loss)
    equal(step, full(model, x, target, mse_loss))


def check_the_plain_mean_is_the_mean_of_the_workers():
    model, (x, y) = net(), batch()
    shards = shards_of(x, y, [1, 2, 9])
    plain = parallel.data_parallel_step(model, shards, weighted=False)
    each = [full(model, *shard) for shard in shards]
    equal(plain, {n: sum(g[n] for g in each) / 3 for n in each[0]})
    assert gap(plain, full(model, x, y)) > 0.01
    even = shards_of(x, y, [4, 4, 4])
    plain = parallel.data_parallel_step(model, even, weighted=False)
    equal(plain, full(model, x, y))


def check_batch_norm_breaks_the_equality():
    model, (x, y) = net(norm=nn.BatchNorm1d), batch()
    shards = shards_of(x, y, [3, 4, 5])
    step = parallel.data_parallel_step(model, shards)
    assert gap(step, full(model, x, y)) > 0.01
    model.eval()
    step = parallel.data_parallel_step(model, shards)
    equal(step, full(model, x, y))


# ---- the layers divided


def check_a_split_model_has_the_gradients_of_the_whole():
    model, (x, y) = net(), batch()
    for cuts in (1, 2, [1, 3], [2, 4], [1, 2, 3, 4]):
        for M in (1, 2, 5, 12):
            split = parallel.SplitModel(model, cuts, ["cpu"] * (len_of(cuts) + 1))
            equal(split.gradients(x, y, micro_batches=M), full(model, x, y))
            torch.testing.assert_close(split(x), model(x), **EXACT)
    equal(split.gradients(x, y), full(model, x, y))
    target = torch.randn(12, 3, generator=generator(4), dtype=torch.float64)
    ours = parallel.SplitModel(model, 2).gradients(x, target, mse_loss, 5)
    equal(ours, full(model, x, target, mse_loss))


def len_of(cuts):
    return len(cuts) if isinstance(cuts, list) else 1


def check_stages_know_only_their_messages():
    model, (x, y) = net(), batch()
    first, second = (parallel.Stage(part) for part in (model[:2], model[2:]))
    for m, rows in enumerate(x.split(5)):
        second.forward(m, first.forward(m, rows))
    assert sorted(first.kept) == [0, 1, 2]
    messages = []
    for m, rows in reversed(list(enumerate(y.split(5)))):
        output = second.kept[m].sent
        delta, value = parallel.loss_signal(output, rows, cross_entropy)
        torch.testing.assert_close(value, cross_entropy(output, rows), **EXACT)
        messages.append(second.backward(m, delta * len(rows) / 12))
        first.backward(m, messages[-1])
    assert not first.kept
    both = {**first.grads, **second.grads}
    names = dict.fromkeys(n for n, _ in model.named_parameters())
    assert set(both) <= {
        f"{k}.{n}" for k in range(9) for n in ("weight", "bias")
    } | set(names)
    middle = model[:2](x).detach().requires_grad_(True)
    (signal,) = torch.autograd.grad(cross_entropy(model[2:](middle), y), middle)
    torch.testing.assert_close(torch.cat(messages[::-1]), signal, **EXACT)


def check_indices_and_unused_parts_pass_through_a_stage():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3)).double()
    tokens = torch.arange(6)
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    split = parallel.SplitModel(model, 1)
    equal(split.gradients(tokens, y, micro_batches=2), full(model, tokens, y))
    chain = net()
    for p in chain[:3].parameters():
        p.requires_grad_(False)
    x, y = batch()
    split = parallel.SplitModel(chain, [1, 2])
    equal(split.gradients(x, y, micro_batches=3), full(chain, x, y))
    frozen = parallel.Stage(nn.ReLU())
    frozen.forward("m", torch.tensor([-1.0, 2.0]))
    assert frozen.backward("m", torch.tensor([5.0, 5.0])).tolist() == [0, 5]
    constant = parallel.Stage(Constant())
    constant.forward("m", torch.ones(2))
    assert constant.backward("m", torch.ones(2)).tolist() == [0, 0]


class Constant(nn.Module):
    def forward(self, x):
        return torch.ones_like(x)


# ---- the schedule


def check_the_pipeline_is_gpipes():
    for S in (1, 2, 3, 5):
        for M in (1, 2, 4, 7):
            schedule = parallel.pipeline_schedule(S, M)
            when = {
                (task, s): t
                for t, tick in enumerate(schedule.ticks)
                for s, task in enumerate(tick)
                if task
            }
            assert len(when) == 2 * S * M
            assert len(schedule.ticks) == 2 * (M + S - 1)
            for s in range(S):
                for m in range(M):
                    forward, backward = (
                        when[parallel.Task(kind, m), s] for kind in "FB"
                    )
                    assert forward == s + m
                    # the time reversed: what was forward last comes back first
                    assert backward == len(schedule.ticks) - 1 - forward
            exact = float(Fraction(S - 1, M + S - 1))
            assert parallel.bubble_fraction(S, M) == pytest.approx(exact)
            assert schedule.bubble == pytest.approx(exact)
    assert (
        str(parallel.pipeline_schedule(2, 2)) == "F0 F1 .  .  B1 B0\n.  F0 F1 B1 B0 ."
    )
    wide = str(parallel.pipeline_schedule(1, 11))
    assert wide.startswith("F0  F1  ")
    assert wide.endswith(" F10 B10 B9  B8  B7  B6  B5  B4  B3  B2  B1  B0")
    assert parallel.bubble_fraction(4, 16) < 0.2


# ---- both


def check_hybrid_steps_are_the_batch():
    model, (x, y) = net(), batch()
    for sizes in ([12], [6, 6], [1, 4, 7], [1, 2, 1, 2, 6]):
        for cut in (1, 2, 3, 4):
            step = parallel.hybrid_step(model, shards_of(x, y, sizes), cut=cut)
            equal(step, full(model, x, y))
    target = torch.randn(12, 3, generator=generator(4), dtype=torch.float64)
    shards = shards_of(x, target, [5, 7])
    equal(
        parallel.hybrid_step(model, shards, mse_loss, cut=2),
        full(model, x, target, mse_loss),
    )


def check_the_head_sees_the_whole_batch():
    """Batch norm in the head is exact; in the trunk it sees a shard."""
    x, y = batch()
    model = net(norm=nn.BatchNorm1d)
    shards = shards_of(x, y, [5, 7])
    equal(parallel.hybrid_step(model, shards, cut=1), full(model, x, y), atol=1e-12)
    step = parallel.hybrid_step(model, shards, cut=2)
    assert gap(step, full(model, x, y)) > 0.01


def check_heads_without_bias_and_frozen_parts():
    x, y = batch()
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3, bias=False))
    model.double()
    for frozen in ((), ("0.weight",), ("2.weight",)):
        for name, p in model.named_parameters():
            p.requires_grad_(name not in frozen)
        for P in (2, 4):  # four workers for three units: one has none
            shards = list(zip(x.tensor_split(P), y.tensor_split(P), strict=True))
            step = parallel.hybrid_step(model, shards, cut=1)
            equal(step, full(model, x, y))


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_division(check):
    check()


@LAW
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 10**6))
def test_any_division_is_the_batch(sizes, seed):
    model, (x, y) = net((5, 4, 3), seed), batch(sum(sizes), seed=seed)
    whole, shards = full(model, x, y), shards_of(x, y, sizes)
    equal(parallel.data_parallel_step(model, shards), whole, atol=1e-13)
    equal(parallel.hybrid_step(model, shards, cut=1), whole, atol=1e-13)
    split = parallel.SplitModel(model, 2)
    equal(split.gradients(x, y, micro_batches=len(sizes)), whole, atol=1e-13)


STEPS = {
    "data": lambda m, x, y: parallel.data_parallel_step(m, [(x[:4], y[:4]), (x, y)]),
    "split": lambda m, x, y: parallel.SplitModel(m, 2).gradients(x, y, micro_batches=3),
    "hybrid": lambda m, x, y: parallel.hybrid_step(m, [(x[:4], y[:4]), (x, y)], cut=3),
}


@pytest.mark.parametrize("kind", STEPS)
def test_nothing_is_changed(kind):
    model, (x, y) = net(norm=nn.BatchNorm1d), batch()
    model.add_module("drop", nn.Dropout(0.3))
    state = {k: v.clone() for k, v in model.state_dict().items()}
    draws, before = torch.random.get_rng_state(), (x.clone(), y.clone())
    STEPS[kind](model, x, y)
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), draws)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])
    assert model.training


@pytest.mark.parametrize("kind", STEPS)
def test_a_caller_without_gradients_gets_them_all_the_same(kind):
    model, (x, y) = net(), batch()
    with torch.no_grad():
        inside = STEPS[kind](model, x, y)
    equal(inside, STEPS[kind](model, x, y))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", STEPS)
def test_other_types_stay_within_their_resolution(kind, dtype):
    model, (x, y) = net(), batch()
    exact = STEPS[kind](model, x, y)
    low = STEPS[kind](model.to(dtype), x.to(dtype), y)
    for name, grad in exact.items():
        assert low[name].dtype == dtype
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(low[name].double(), grad, rtol=0, atol=8 * eps)


def test_a_step_is_taken_with_any_optimizer():
    model, (x, y) = net(), batch()
    twin = net()
    shards = shards_of(x, y, [3, 9])
    ours = torch.optim.Adam(model.parameters(), lr=0.1)
    theirs = torch.optim.Adam(twin.parameters(), lr=0.1)
    for _ in range(5):
        parallel.set_grads(model, parallel.data_parallel_step(model, shards))
        ours.step()
        theirs.zero_grad()
        cross_entropy(twin(x), y).backward()
        theirs.step()
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-12)


def test_set_grads_copies():
    model = nn.Linear(2, 1, bias=False)
    grads = {"weight": torch.ones(1, 2)}
    parallel.set_grads(model, grads)
    model.weight.grad.zero_()
    assert grads["weight"].tolist() == [[1, 1]]


def test_a_split_model_shares_the_parameters_it_was_given():
    model, (x, _) = net(), batch()
    split = parallel.SplitModel(model, 2)
    with torch.no_grad():
        model.linear3.weight.mul_(2)
    torch.testing.assert_close(split(x), model(x), **EXACT)
    assert len(split.stages) == 2
    assert {id(p) for p in split.parameters()} == {id(p) for p in model.parameters()}


@pytest.mark.gpu
def test_stages_on_two_devices_agree_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model, (x, y) = net(), batch()
    whole = full(model, x, y)
    split = parallel.SplitModel(model, 2, ["cpu", "cuda"])
    assert split(x).is_cuda
    ours = split.gradients(x, y, micro_batches=3)
    equal({n: g.cpu() for n, g in ours.items()}, whole, atol=1e-12)
    model = net().cuda()
    step = parallel.data_parallel_step(model, [(x.cuda(), y.cuda())])
    equal({n: g.cpu() for n, g in step.items()}, whole, atol=1e-12)


# ---- bad input

X, Y = batch()
LINE = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).double()
TIED = nn.Sequential(nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 5))
TIED[2].weight = TIED[0].weight
STILL = nn.Sequential(nn.ReLU(), nn.ReLU())
ONE = [(X, Y)]
BAD = [
    (lambda: parallel.data_parallel_step(LINE, []), "at least one .x, y., got none"),
    (lambda: parallel.data_parallel_step(LINE, [(X[:0], Y[:0])]), "got 0 and 0"),
    (lambda: parallel.data_parallel_step(LINE, [*ONE, (X, Y[:3])]), r"shards\[1\].*12"),
    (lambda: parallel.data_parallel_step(STILL, ONE), "Sequential without any"),
    (
        lambda: parallel.data_parallel_step(LINE, ONE, lambda o, y: o),
        "loss: expected a scalar",
    ),
    (lambda: parallel.hybrid_step(LINE, ONE, cut=3), "from 1 to 2, got 3"),
    (lambda: parallel.hybrid_step(LINE, ONE, cut=0), "cut: expected"),
    (lambda: parallel.hybrid_step(LINE, [], cut=1), "got none"),
    (lambda: parallel.hybrid_step(STILL, ONE, cut=1), "without any"),
    (lambda: parallel.hybrid_step(LINE, ONE, lambda o, y: o, cut=1), "scalar"),
    (lambda: parallel.SplitModel(LINE, []), r"between 1 and 2, got \[\]"),
    (lambda: parallel.SplitModel(LINE, 3), r"between 1 and 2, got \[3\]"),
    (lambda: parallel.SplitModel(LINE, [2, 1]), r"got \[2, 1\]"),
    (lambda: parallel.SplitModel(LINE, [1, 1]), r"got \[1, 1\]"),
    (lambda: parallel.SplitModel(LINE, 0), "cuts: expected an integer >= 1"),
    (lambda: parallel.SplitModel(LINE, 1, ["cpu"]), "each of 2 stages, got 1"),
    (lambda: parallel.SplitModel(TIED, 1), "share the parameter"),
    (
        lambda: parallel.SplitModel(LINE, 1).gradients(X, Y, micro_batches=13),
        "at most the 12 examples, got 13",
    ),
    (lambda: parallel.SplitModel(LINE, 1).gradients(X[:0], Y[:0]), "got 0 and 0"),
    (lambda: parallel.SplitModel(STILL, 1).gradients(X, Y), "without any"),
    (lambda: parallel.pipeline_schedule(0, 1), "stages: expected an integer >= 1"),
    (lambda: parallel.pipeline_schedule(1, 0), "micro_batches: expected an integer"),
    (lambda: parallel.bubble_fraction(0, 1), "stages: expected"),
    (lambda: parallel.bubble_fraction(1, 0), "micro_batches: expected"),
    (lambda: parallel.set_grads(LINE, {}), "belong to another model"),
    (
        lambda: parallel.set_grads(
            nn.Linear(2, 1, bias=False), {"weight": torch.ones(2, 1)}
        ),
        r"expected shape \(1, 2\), got \(2, 1\)",
    ),
    (lambda: parallel.Stage(LINE).backward(0, X), "got 0; backward comes"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_only_chains_can_be_cut():
    for call in (
        lambda: parallel.SplitModel(nn.Linear(5, 3), 1),
        lambda: parallel.hybrid_step(nn.Linear(5, 3).double(), ONE, cut=1),
    ):
        with pytest.raises(TypeError, match=r"got Linear; only a chain can be cut"):
            call()


def test_a_name_stands_for_one_pass():
    stage = parallel.Stage(nn.Linear(2, 1))
    stage.forward("m", torch.ones(1, 2))
    with pytest.raises(ValueError, match="got 'm' a second time"):
        stage.forward("m", torch.ones(1, 2))


# ---- mutants

MUTANTS = [
    ("data_parallel", "data_parallel_step", "n_k / n if weighted", "n_k if weighted"),
    ("data_parallel", "data_parallel_step", "n_k / n if weighted", "1 / P if weighted"),
    (
        "data_parallel",
        "data_parallel_step",
        "n_k / n if weighted",
        "n / (n_k * P**2) if weighted",
    ),
    ("data_parallel", "data_parallel_step", "else 1 / P", "else 1 / n"),
    ("data_parallel", "data_parallel_step", "else 1 / P", "else n_k / n"),
    ("data_parallel", "data_parallel_step", "weighted: bool = True", "weighted=False"),
    ("data_parallel", "data_parallel_step", "w_k * g_k[name]", "g_k[name]"),
    (
        "data_parallel",
        "data_parallel_step",
        "for x, y in shards]",
        "for x, y in shards[:1] * P]",
    ),
    ("shards", "sum_of", ".sum(0)", ".mean(0)"),
    (
        "shards",
        "mean_loss_gradient",
        "(model, x, y, loss)",
        "(model, x, y, lambda o, t: 2 * loss(o, t))",
    ),
    ("stage", "Stage", "received.detach().to(", "(2 * received.detach()).to("),
    ("stage", "Stage", "self.grads[name] + G", "G"),
    ("stage", "Stage", "self.grads[name] + G", "self.grads[name] - G"),
    (
        "stage",
        "Stage",
        "results[0] if a.requires_grad",
        "-results[0] if a.requires_grad",
    ),
    ("stage", "Stage", "a.requires_grad_(True)", "pass"),
    ("stage", "Stage", "delta.to(out)", "torch.ones_like(out)"),
    ("stage", "Stage", "len(wanted) - len(self.params)", "0"),
    ("stage", "Stage", "self.kept.pop(key)", "self.kept[key]"),
    ("stage", "Stage", "torch.zeros_like(a) if", "torch.ones_like(a) if"),
    (
        "stage",
        "loss_signal",
        "torch.autograd.grad(value, leaf)[0]",
        "2 * torch.autograd.grad(value, leaf)[0]",
    ),
    ("stage", "loss_signal", "value.detach()", "value.detach() * 2"),
    ("split_model", "_run", "len(xs[m]) / n * delta", "delta"),
    ("split_model", "_run", "len(xs[m]) / n * delta", "delta / len(xs)"),
    ("split_model", "_run", "s - 1] = back", "s] = back"),
    ("split_model", "_run", "task, s + 1]", "task, s]"),
    ("split_model", "_run", "elif s < last", "elif s <= last"),
    ("split_model", "_run", "ys[m]", "ys[0]"),
    ("split_model", "SplitModel", "micro_batches: int = 1", "micro_batches: int = 0"),
    (
        "split_model",
        "SplitModel",
        "for low, high in pairwise(edges)",
        "for low, high in list(pairwise(edges))[::-1]",
    ),
    (
        "split_model",
        "SplitModel",
        "x = stage(x.to(device))",
        "x = stage(x.to(device)) * 2",
    ),
    ("pipeline", "bubble_fraction", "(S - 1) / (M + S - 1)", "(S - 1) / (M + S)"),
    ("pipeline", "bubble_fraction", "(S - 1) / (M + S - 1)", "S / (M + S - 1)"),
    ("pipeline", "bubble_fraction", "(S - 1) / (M + S - 1)", "(S - 1) / M"),
    ("pipeline", "pipeline_schedule", "forward = s + m", "forward = s * M + m"),
    ("pipeline", "pipeline_schedule", "forward = s + m", "forward = S - 1 - s + m"),
    ("pipeline", "pipeline_schedule", "(S - 1 - s) + (M - 1 - m)", "(S - 1 - s) + m"),
    ("pipeline", "pipeline_schedule", "(S - 1 - s) + (M - 1 - m)", "s + (M - 1 - m)"),
    ("pipeline", "pipeline_schedule", "2 * (M + S - 1)", "2 * (M + S)"),
    ("pipeline", "pipeline_schedule", '"F", m', '"B", m'),
    (
        "pipeline",
        "Schedule",
        "entries.count(None) / len(entries)",
        "1 - entries.count(None) / len(entries)",
    ),
    ("pipeline", "Schedule", 'else "."', 'else "-"'),
    ("hybrid", "_sum_over_workers", "sum_of(", "len(workers) ** -1 * sum_of("),
    (
        "hybrid",
        "_sum_over_workers",
        "worker.backward(0, delta)",
        "worker.backward(0, delta * len(delta))",
    ),
    ("hybrid", "_Divided", "sum_of(message", "next(message"),
    ("hybrid", "_Divided", "torch.cat(z, -1)", "torch.cat(z[::-1], -1)"),
    (
        "hybrid",
        "_Divided",
        "delta.split(self.sizes, -1)",
        "delta.split(self.sizes, -1)[::-1]",
    ),
    (
        "hybrid",
        "_Divided",
        "torch.cat([s.grads[key] for s in self.stages])",
        "torch.cat([s.grads[key] for s in self.stages[::-1]])",
    ),
    (
        "hybrid",
        "_divide",
        "part.out_features * k // workers",
        "k * (part.out_features // workers)",
    ),
    ("hybrid", "_Rows", "[low:high]", "[low - high :]"),
    (
        "hybrid",
        "_Rows",
        'h, self.get_parameter("weight"), bias',
        'h, self.get_parameter("weight")',
    ),
    ("hybrid", "hybrid_step", "parts[cut:]", "parts[cut + 1 :]"),
    ("hybrid", "hybrid_step", "reversed(head)", "head"),
    ("hybrid", "hybrid_step", "delta.split(sizes)", "delta.split(sizes[::-1])"),
    ("hybrid", "hybrid_step", "y for _, y in shards", "y for _, y in shards[::-1]"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), parallel)
    assert is_killed(CHECKS, right, old, new, places)


def test_the_checks_pass_without_a_mutant():
    for check in CHECKS:
        check()


def test_a_schedule_that_breaks_an_order_is_noticed():
    """A message that was not sent yet is not there to be read."""
    x, y = batch()
    split = parallel.SplitModel(net(), 2)
    good = parallel.pipeline_schedule(2, 2).ticks
    stages = [parallel.Stage(part) for part in split.stages]
    with pytest.raises(KeyError):
        PAGES["split_model"]._run(
            pipeline.Schedule(good[::-1]),
            stages,
            x.tensor_split(2),
            y.tensor_split(2),
            cross_entropy,
        )
