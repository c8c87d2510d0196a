"""Early stopping: curves by hand, a second implementation, models, mutants."""

import copy
import importlib
import io
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from coursekit import regularization as reg
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.regularization.{name}")
    for name in ("stopping_rule", "early_stopping")
}
NAN = math.nan


def plain(losses, patience, min_delta=0.0):
    """Written the other way round: from the whole history, anew at every step."""
    for end in range(1, len(losses) + 1):
        best = -1
        for i in range(end):
            level = losses[best] - min_delta if best >= 0 else math.inf
            if losses[i] < level:
                best = i
        if end - 1 - best >= patience:
            return best, end, True
    return best, len(losses), False


class Weights(nn.Module):
    """One weight and one buffer that say at which step they were."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("seen", torch.zeros(1, dtype=torch.long))

    def set(self, step):
        with torch.no_grad():
            self.weight.fill_(step)
        self.seen.fill_(step)
        return self

    def get(self):
        assert self.weight.item() == self.seen.item()
        return int(self.weight)


def run(stopping, values, start=0):
    model = Weights()
    for step, value in enumerate(values, start):
        if stopping.step(value, model.set(step)):
            break
    return model.get()


# ---- checks that mutants have to fail


def check_curves_by_hand():
    for losses, patience, expected in [
        ([3, 2, 1, 2, 3, 0], 2, (2, 5, True)),
        ([3, 2, 1, 2, 3, 0], 3, (5, 6, False)),
        ([1, 1, 1], 2, (0, 3, True)),
        ([1, 2, 0.5, 0.6, 0.4], 1, (0, 2, True)),
        ([5, 4, NAN, 3, NAN, NAN], 2, (3, 6, True)),
        ([NAN, NAN, 1], 2, (-1, 2, True)),
        ([NAN, math.inf, 1], 3, (2, 3, False)),
        ([], 2, (-1, 0, False)),
    ]:
        state = reg.early_stop(losses, patience)
        assert (state.best_step, state.step, state.stopped) == expected
    curve = iter([1, 2, 2, 0])
    assert reg.early_stop(curve, 2).stopped
    assert next(curve) == 0  # read no further than needed
    update = PAGES["stopping_rule"].update
    assert update(reg.StopState(1.0), 0.5, patience=3).best_step == 0
    state = reg.early_stop([3.0, 2.0, 2.5], 5)
    assert state == reg.StopState(2.0, 1, 1, 3, False)


def check_a_small_progress_does_not_count():
    losses = [1.0, 0.9375, 0.875, 0.8125]
    assert reg.early_stop(losses, 2, min_delta=0.125).stopped
    assert reg.early_stop(losses, 3, min_delta=0.125).best_step == 3
    assert reg.early_stop([1.0, 0.875], 3, min_delta=0.125).best_step == 0
    assert reg.early_stop([1.0, 0.8125], 3, min_delta=0.125).best_step == 1


def check_generalization_loss():
    assert reg.generalization_loss(0.75, 0.5) == 50
    assert reg.generalization_loss(0.5, 0.5) == 0
    assert reg.generalization_loss(0.25, 0.5) == -50
    assert reg.generalization_loss(0.1, 0.0) == math.inf
    assert reg.generalization_loss(0.0, 0.0) == 0
    assert math.isnan(reg.generalization_loss(NAN, 0.5))


def check_a_large_rise_ends_the_run_at_once():
    for alpha, expected in ((49, 3), (50, 5), (60, 5)):
        stopping = reg.EarlyStopping(patience=3, alpha=alpha)
        run(stopping, [3, 2, 3, 2.5, 2.5, 1])
        assert (stopping.state.step, stopping.stopped) == (expected, True)
        assert stopping.best == 2
    first = reg.EarlyStopping(patience=3, alpha=10)
    assert [first.step(1.0), first.step(2.0)] == [False, True]
    waits = reg.EarlyStopping(patience=3, alpha=10)
    assert not waits.step(NAN)
    assert not waits.step(1.0)
    assert not waits.step(NAN)


def check_the_best_parameters_come_back():
    losses = [3, 2, 1, 1.5, 1.2, 0.5]
    stopping = reg.EarlyStopping(patience=2)
    assert run(stopping, losses) == 2
    assert (stopping.best, stopping.best_step, stopping.stopped) == (1, 2, True)
    keeps = reg.EarlyStopping(patience=2, restore=False)
    assert run(keeps, losses) == 4
    model = Weights().set(9)
    keeps.restore_best(model)
    assert model.get() == 2
    running = reg.EarlyStopping(patience=4)
    assert run(running, losses[:5]) == 4
    running.restore_best(model.set(9))
    assert model.get() == 2
    diverged = reg.EarlyStopping(patience=2)
    assert run(diverged, [NAN, NAN]) == 1
    assert diverged.stopped


def check_larger_is_better_in_mode_max():
    stopping = reg.EarlyStopping(2, 0.0, "max")
    assert run(stopping, [0.5, 0.7, 0.6, 0.7, 0.9]) == 1
    assert (stopping.best, stopping.best_step) == (0.7, 1)
    least = reg.EarlyStopping(2, 0.125, "max")
    run(least, [0.5, 0.5625, 0.625, 0.9])
    assert least.best_step == 0


def check_after_the_stop_nothing_changes():
    stopping = reg.EarlyStopping(patience=1)
    model = Weights()
    for step, loss in enumerate([1.0, 2.0]):
        stopping.step(loss, model.set(step))
    before = stopping.state
    assert stopping.step(0.1, model.set(7))
    assert stopping.state == before
    assert model.get() == 7


def check_a_run_resumes():
    losses = [5, 3, 4, 3.5, 2, 2.5, 2.6, 2.7, 2.8]
    for cut in range(1, 8):
        whole = reg.EarlyStopping(patience=3)
        end = run(whole, losses)
        first = reg.EarlyStopping(patience=3)
        run(first, losses[:cut])
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        file.seek(0)
        second = reg.EarlyStopping(patience=3)
        second.load_state_dict(torch.load(file, weights_only=True))
        assert run(second, losses[cut:], cut) == end == 4
        assert second.state == whole.state


def check_the_copy_is_a_copy():
    stopping = reg.EarlyStopping()
    model = Weights().set(1)
    stopping.step(1.0, model)
    saved = stopping.state_dict()
    for kept in (stopping.best_parameters, saved["best_parameters"]):
        assert kept["weight"].device.type == "cpu"
        assert not kept["weight"].requires_grad
    model.set(5)
    saved["best_parameters"]["weight"].fill_(8)
    other = reg.EarlyStopping()
    other.load_state_dict(saved)
    saved["best_parameters"]["weight"].fill_(9)
    assert other.best_parameters["weight"].item() == 8
    stopping.restore_best(model)
    assert model.get() == 1


def check_older_parameters_do_not_pass_for_the_best():
    stopping = reg.EarlyStopping(patience=1)
    stopping.step(1.0, Weights())
    stopping.step(0.5)
    assert stopping.best_parameters is None
    model = Weights().set(3)
    assert stopping.step(2.0, model)
    assert model.get() == 3


def check_defaults():
    stopping = reg.EarlyStopping()
    assert stopping.hyper == {"patience": 10, "min_delta": 0.0, "alpha": math.inf}
    assert (stopping.sign, stopping.restore) == (1, True)
    assert (stopping.best, stopping.best_step) == (math.inf, -1)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_stopping(check):
    check()


# ---- laws


LOSSES = st.lists(st.sampled_from([NAN, 0.0, 1.0, 2.0, 3.0, 4.0]), max_size=12)


@given(LOSSES, st.integers(1, 4), st.sampled_from([0.0, 1.0, 1.5]))
def test_a_second_implementation_agrees(losses, patience, min_delta):
    state = reg.early_stop(losses, patience, min_delta=min_delta)
    if losses:
        expected = plain(losses, patience, min_delta)
        assert (state.best_step, state.step, state.stopped) == expected
    assert state.best_step < 0 or state.best == losses[state.best_step]


@given(LOSSES, st.integers(1, 4))
def test_the_class_follows_the_rule(losses, patience):
    stopping = reg.EarlyStopping(patience)
    for loss in losses:
        if stopping.step(loss):
            break
    assert stopping.state == reg.early_stop(losses, patience)


def test_the_state_of_a_model_with_extra_entries_and_tied_weights_is_kept():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    before = copy.deepcopy(model.state_dict())
    stopping = reg.EarlyStopping(patience=1)
    stopping.step(1.0, model)
    model(torch.randn(8, 3, generator=generator(0))).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert not torch.equal(model[1].running_mean, before["1.running_mean"])
    assert stopping.step(2.0, model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert model[2].weight is model[0].weight


def test_tensors_and_numpy_numbers_are_values_too():
    stopping = reg.EarlyStopping(patience=1)
    stopping.step(torch.tensor(0.5, requires_grad=True))
    assert stopping.best == pytest.approx(0.5)
    assert type(stopping.state.best) is float


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="patience: expected an integer >= 1, got 0"):
        reg.EarlyStopping(0)
    with pytest.raises(ValueError, match="patience: expected an integer >= 1, got 0"):
        reg.early_stop([1.0], 0)
    with pytest.raises(ValueError, match="min_delta: expected a finite number >= 0"):
        reg.EarlyStopping(min_delta=-1)
    with pytest.raises(ValueError, match="min_delta: expected a finite number >= 0"):
        reg.early_stop([1.0], 1, min_delta=-1)
    with pytest.raises(ValueError, match="mode: expected one of 'min', 'max', got"):
        reg.EarlyStopping(mode="least")
    with pytest.raises(ValueError, match="alpha: expected a finite number > 0, got 0"):
        reg.EarlyStopping(alpha=0)
    with pytest.raises(ValueError, match="alpha: expected None with mode='max'"):
        reg.EarlyStopping(mode="max", alpha=5)
    with pytest.raises(ValueError, match=r"expected parameters to restore, got none"):
        reg.EarlyStopping().restore_best(Weights())
    with pytest.raises(ValueError, match="only losses >= 0 have a generalization loss"):
        reg.generalization_loss(1.0, -0.5)


@pytest.mark.gpu
def test_the_copy_of_a_model_on_the_gpu_is_on_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    stopping = reg.EarlyStopping(patience=1)
    model = Weights().cuda()
    stopping.step(1.0, model.set(1))
    assert not stopping.best_parameters["weight"].is_cuda
    assert stopping.step(2.0, model.set(2))
    assert model.get() == 1
    assert model.weight.is_cuda


MUTANTS = [
    ("stopping_rule", "update", "loss < best - min_delta", "loss <= best - min_delta"),
    ("stopping_rule", "update", "loss < best - min_delta", "loss < best"),
    ("stopping_rule", "update", "loss < best - min_delta", "loss < best + min_delta"),
    ("stopping_rule", "update", "loss, step, 0  #", "loss, step, bad  #"),
    ("stopping_rule", "update", "loss, step, 0  #", "loss, step + 1, 0  #"),
    ("stopping_rule", "update", "loss, step, 0  #", "best - min_delta, step, 0  #"),
    ("stopping_rule", "update", "bad + 1", "bad + 2"),
    ("stopping_rule", "update", "delta: float = 0.0", "delta: float = 1.0"),
    ("stopping_rule", "update", "bad >= patience", "bad > patience"),
    ("stopping_rule", "update", "bad >= patience", "bad + 1 >= patience"),
    ("stopping_rule", "update", "> alpha", ">= alpha"),
    ("stopping_rule", "update", "stopped or gen", "stopped and gen"),
    ("stopping_rule", "update", "stopped = stopped or gen", "stopped = gen"),
    ("stopping_rule", "update", "step + 1, stopped", "step, stopped"),
    ("stopping_rule", "update", "    if stopped:", "    if False:"),
    ("stopping_rule", "update", "and best_step >= 0", "and best_step >= 1"),
    ("stopping_rule", "generalization_loss", "100 *", "1 *"),
    ("stopping_rule", "generalization_loss", "best - 1)", "best)"),
    ("stopping_rule", "generalization_loss", "loss / best", "best / loss"),
    ("stopping_rule", "generalization_loss", "if loss > 0 else", "if loss < 0 else"),
    ("stopping_rule", "early_stop", "            break", "            pass"),
    ("stopping_rule", "early_stop", ", min_delta=min_delta)", ")"),
    ("early_stopping", "EarlyStopping", "patience: int = 10", "patience: int = 5"),
    ("early_stopping", "EarlyStopping", "delta: float = 0.0", "delta: float = 1e-4"),
    ("early_stopping", "EarlyStopping", 'mode: str = "min"', 'mode: str = "max"'),
    ("early_stopping", "EarlyStopping", "bool = True", "bool = False"),
    (
        "early_stopping",
        "EarlyStopping",
        'mode == "min" else -1',
        'mode == "min" else 1',
    ),
    ("early_stopping", "EarlyStopping", "self.sign * self.state", "self.state"),
    ("early_stopping", "EarlyStopping", "self.sign * float(value)", "float(value)"),
    (
        "early_stopping",
        "EarlyStopping",
        "best_step > before.best_step",
        "best_step >= before.best_step",
    ),
    (
        "early_stopping",
        "EarlyStopping",
        "else _copy(model.state_dict())",
        "else model.state_dict()",
    ),
    ("early_stopping", "EarlyStopping", "and self.restore and", "and"),
    (
        "early_stopping",
        "EarlyStopping",
        "if self.state.best_step > before.best_step:",
        "if model and self.state.best_step > before.best_step:",
    ),
    (
        "early_stopping",
        "EarlyStopping",
        "self.stopped and not before.stopped",
        "self.stopped",
    ),
    (
        "early_stopping",
        "EarlyStopping",
        "None if parameters is None else _copy(parameters)",
        "parameters",
    ),
    (
        "early_stopping",
        "EarlyStopping",
        "None if kept is None else _copy(kept)",
        "kept",
    ),
    ("early_stopping", "EarlyStopping", "= StopState(**saved)", "= StopState()"),
    ("early_stopping", "_copy", 'to("cpu", copy=True)', 'to("cpu")'),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), reg)
    assert is_killed(CHECKS, right, old, new, places)
