"""Kill a sweep, corrupt its files, change its parts: what is kept is what was asked."""

import functools
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models, optim
from coursekit.sweep import Sweep, grid, identity, sweep
from coursekit.sweep import checkpoint as module
from coursekit.sweep.identity import digest

LIMIT = 120
X = torch.randn(80, 6, generator=torch.Generator().manual_seed(0))
Y = torch.randint(4, (80,), generator=torch.Generator().manual_seed(1))
ROWS = grid(lr=[0.1, 1e30], width=[4, 5], seed=range(2))
BORN: list[int] = []


def net(width: int = 8, depth: int = 1) -> nn.Module:
    return models.MLP([6, *[width] * depth, 4])


TRAINED: list[int] = []
STOP: list[int] = []


def count(nets: Any, feed: Any, data: Any) -> torch.Tensor:
    TRAINED.append(len(nets.thetas[0]))
    return torch.arange(len(nets.thetas[0])) * 0.0


def stop(nets: Any, feed: Any, data: Any) -> torch.Tensor:
    STOP.append(1)
    if len(STOP) == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return torch.zeros(len(nets.thetas[0]))


def run(folder: Path | None, rows: Any = ROWS, model: Any = net, **words: Any) -> Any:
    TRAINED.clear()
    given = {
        "steps": 20,
        "every": 5,
        "probes": {"acc": "train_acc", "n": count},
        "workers": 1,
        "progress": False,
        "data": (X, Y),
        **words,
    }
    return sweep(model, given.pop("data"), rows, checkpoint=folder, **given)


def close(runs: Any, other: Any) -> None:
    """Compare runs of blocks that were cut otherwise: to rounding."""
    np.testing.assert_allclose(runs.loss, other.loss, rtol=1e-5)
    assert runs.status == other.status
    for ours, theirs in zip(runs.parameters, other.parameters, strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, rtol=1e-5, atol=1e-6)


def same(runs: Any, other: Any) -> None:
    np.testing.assert_array_equal(runs.loss, other.loss)
    np.testing.assert_array_equal(runs.updates, other.updates)
    np.testing.assert_array_equal(runs.moments, other.moments)
    assert runs.status == other.status
    for name, values in other.probes.items():
        np.testing.assert_array_equal(runs.probes[name], values)
    for ours, theirs in zip(runs.parameters, other.parameters, strict=True):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours[name], value)


@pytest.fixture(scope="module")
def whole() -> Any:
    return run(None)


def test_finished_runs_are_not_trained_again(tmp_path: Path, whole: Any) -> None:
    """The second time nothing is trained, and every number is the same."""
    same(run(tmp_path), whole)
    assert TRAINED
    again = run(tmp_path)
    assert not TRAINED
    same(again, whole)
    assert any("checkpoint" in note for note in again.notes)


def test_a_larger_grid_trains_what_is_missing(tmp_path: Path, whole: Any) -> None:
    """Other orders, more seeds and more values: the old runs are found."""
    run(tmp_path, ROWS[::2])
    bigger = run(tmp_path, ROWS[::-1])
    close(bigger[::-1], whole)
    assert sum(TRAINED[:1]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"data": (X + 1e-3, Y)},
        {"data": (X, Y.roll(1))},
        {"steps": 21},
        {"every": 4},
        {"loss": "mse", "data": (X, torch.zeros(80, 4))},
        {"loss": lambda z, y: nn.functional.cross_entropy(z, y) * 2},
        {"probes": {"acc": "train_loss", "n": count}},
        {"probes": {"acc": "train_acc", "n": lambda n, f, d: count(n, f, d) + 1}},
        {"until": {"acc": 0.0}},
        {"dtype": torch.float64},
        {"path": "loop"},
        {"model": functools.partial(net, depth=2)},
        {"model": lambda width: nn.Sequential(net(width), nn.Tanh())},
        {"rows": [{**row, "batch_size": 16} for row in ROWS]},
        {"rows": [{**row, "optimizer": optim.adam} for row in ROWS]},
        {"rows": [{**row, "schedule": lambda t: 0.5} for row in ROWS]},
        {"rows": [{**row, "gain": 2.0} for row in ROWS]},
    ],
)
def test_what_differs_is_not_confused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Changed data, model, loss, probes, length: nothing old is taken."""
    run(tmp_path)
    changed = run(tmp_path, **change)
    assert TRAINED
    fresh = run(None, **change)
    same(changed, fresh)


def test_two_functions_of_one_name_are_two(tmp_path: Path) -> None:
    """Schedules and factories are known by their code, not by their name."""
    for factor in (0.5, 0.25):
        rows = grid(lr=[0.1], schedule=lambda t, f=factor: f)
        run(tmp_path, rows)
        assert TRAINED


def test_a_module_is_known_by_its_weights(tmp_path: Path) -> None:
    """The start of all settings is part of what they are."""
    first, second = net(), net()
    rows = grid(lr=[0.1])
    run(tmp_path, rows, first)
    run(tmp_path, rows, first)
    assert not TRAINED
    run(tmp_path, rows, second)
    assert TRAINED


@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "text", "other", "short"])
def test_damaged_files_are_passed_over(tmp_path: Path, whole: Any, damage: str) -> None:
    """Cut, empty, with a flipped byte, or of somebody else: trained again."""
    run(tmp_path)
    for path in tmp_path.glob("*.npz"):
        raw = path.read_bytes()
        wrong = {
            "cut": raw[: len(raw) // 2],
            "empty": b"",
            "flip": raw[:200] + bytes([raw[200] ^ 255]) + raw[201:],
            "text": b"not an archive at all",
        }.get(damage)
        if damage == "other":
            np.savez(path, a=np.zeros(3))
        elif damage == "short":
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files}
            arrays["losses"] = arrays["losses"][:1]
            np.savez(path, **arrays)
        else:
            path.write_bytes(wrong)
    same(run(tmp_path), whole)
    assert TRAINED


def test_interrupted_runs_are_not_stored(tmp_path: Path, whole: Any) -> None:
    """What Ctrl-C cut short is trained anew; what had diverged before is kept."""

    STOP.clear()
    words = {"probes": {"acc": "train_acc", "n": count, "stop": stop}}
    cut = run(tmp_path, **words)
    assert set(cut.status) == {"diverged", "interrupted"}
    STOP.extend([1] * 10)
    full = run(tmp_path, **words)
    assert full.status == whole.status
    np.testing.assert_array_equal(full.loss, whole.loss)


def test_bfloat16_is_kept(tmp_path: Path) -> None:
    """NumPy has no such type; the numbers are the same all the same."""
    rows = grid(lr=[0.1], seed=range(2))
    first = run(tmp_path, rows, dtype=torch.bfloat16)
    second = run(tmp_path, rows, dtype=torch.bfloat16)
    assert not TRAINED
    same(second, first)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: Any) -> None:
    """An error while writing comes back, with what was trained."""

    def full(*args: Any, **arrays: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path)
    assert list(tmp_path.iterdir()) == []


LONG = grid(lr=[0.1], width=[4, 5, 6, 7], seed=range(2))


def slow(nets: Any, feed: Any, data: Any) -> torch.Tensor:
    time.sleep(0.002)
    with open(os.environ["SWEEP_LOG"], "a") as file:
        file.write(f"{nets.thetas[0].shape[1]} ")
    return nets.thetas[0].flatten(1).sum(1).detach()


def long(folder: Path | None, out: Path | None = None) -> Any:
    """Four blocks of two models each, half a second a block."""
    runs = run(folder, LONG, steps=200, every=1, probes={"s": slow})
    if out is not None:
        runs.save(out)
    return runs


def forked(function: Any, *args: Any) -> Any:
    process = multiprocessing.get_context("fork").Process(target=function, args=args)
    process.start()
    return process


def test_killed_and_resumed(tmp_path: Path, monkeypatch: Any) -> None:
    """Kill −9 after two blocks of four, then two at once go on in one folder."""
    kept, log = tmp_path / "kept", tmp_path / "log"
    monkeypatch.setenv("SWEEP_LOG", str(log))
    whole = long(None)
    log.unlink()
    process = forked(long, kept)
    end = time.monotonic() + LIMIT
    while len(list(kept.glob("*.npz"))) < 2:
        assert process.is_alive()
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.1)
    process.kill()
    process.join(LIMIT)
    done = len(list(kept.glob("*.npz")))
    assert done < 4
    log.unlink()
    both = [forked(long, kept, tmp_path / f"{k}.npz") for k in range(2)]
    for k, each in enumerate(both):
        each.join(LIMIT)
        assert each.exitcode == 0
        same(Sweep.load(tmp_path / f"{k}.npz"), whole)
    trained = set(log.read_text().split())
    assert len(trained) == 4 - done


def check_identity(function: Any) -> None:
    """Equal things have one name, different things two."""
    a, b = net(4), net(4)
    c = net(4)
    c.load_state_dict(a.state_dict())

    def closing(k: int) -> Any:
        return lambda x: x * k

    different = [
        *(1, 1.0, "1", None, True, (1, 2), [1, 2], {"a": 1}, {"a": 2}, {1, 2}, {1, 3}),
        *(torch.zeros(2), torch.zeros(2).double(), torch.zeros(2, 1), np.zeros(2)),
        *(torch.zeros(2, dtype=torch.int32), nn.Dropout(0.1), nn.Dropout(0.2)),
        *(lambda x: x.real, lambda x: x.imag, lambda x: x + 2, lambda x, *, k=2: x),
        *(torch.ones(2), a, b, closing(1), closing(2), lambda x: x + 1),
        *(functools.partial(net, width=3), functools.partial(net, width=4), net),
        *(optim.sgd, optim.adam, torch.float32, torch.float64, nn.Linear, nn.Tanh),
        *(lambda x, k=1: x, lambda x, k=2: x, lambda x, *, k=1: x, range(3), range(4)),
        *(lambda: BORN, lambda: LIMIT, a.forward, b.forward, len, max),
        *(nn.Sequential(a), torch.zeros(2).bfloat16(), {"a": (1, {"b": 2})}),
    ]
    names = [function(value) for value in different]
    assert len(set(names)) == len(names)
    assert names == [function(value) for value in different]
    assert function(a) == function(c)
    assert function(closing(3)) == function(closing(3))
    assert function({"x": 1, "y": 2}) == function({"y": 2, "x": 1})


def test_identity() -> None:
    check_identity(digest)


IDENTITY = [
    (identity._array, '("shape", tuple(tensor.shape)), ', ""),
    (identity._array, '("type", str(tensor.dtype)), ', ""),
    (identity._array, "hashlib.sha256(raw)", "hashlib.sha256(b'')"),
    (identity._parts, 'return sorted(pairs, key=lambda pair: pair[0])', "return pairs"),
    (identity._parts, '"words": value.keywords, ', ""),
    (identity._parts, '("of", value.__self__), ', ""),
    (identity._function, "cells = [_content(cell) for cell in value.__closure__ or ()]",
     "cells = []"),
    (identity._function, '("defaults", value.__defaults__), ', ""),
    (identity._function, '("words", value.__kwdefaults__)', '("words", None)'),
    (identity._code, '("constants", plain), ', ""),
    (identity._code, '("names", code.co_names)', '("names", ())'),
    (identity._object, "tensors = [*value.state_dict().items()]", "tensors = []"),
    (identity._object, '("repr", repr(value)), ', ""),
]  # fmt: skip


@pytest.mark.parametrize(("function", "old", "new"), IDENTITY)
def test_mutants_of_identity(
    function: Any, old: str, new: str, mutate: Any, monkeypatch: Any
) -> None:
    wrong = mutate(function, old, new)
    monkeypatch.setattr(identity, function.__name__, wrong)
    with pytest.raises(AssertionError):
        check_identity(digest)


def other_than(**change: Any) -> Any:
    """Make the check that a change is seen."""
    return lambda folder, whole: test_what_differs_is_not_confused(folder, change)


def twice(folder: Path, whole: Any) -> None:
    test_finished_runs_are_not_trained_again(folder, whole)


def text(folder: Path, whole: Any) -> None:
    test_damaged_files_are_passed_over(folder, whole, "text")


FOLDER = [
    (test_interrupted_runs_are_not_stored,
     "for i, status in enumerate(record.status) if status in FINISHED",
     "for i, status in enumerate(record.status)"),
    (twice, "value[rows]", "value[rows[::-1]]"),
    (twice, "record.losses[rows]", "record.losses[rows[::-1]]"),
    (twice, "record.updates[rows]", "record.updates[rows[::-1]]"),
    (twice, "record.status[i] for i in rows", "record.status[-1] for i in rows"),
    (twice, "self.keys[task.rows[i]] for i in rows",
     "self.keys[task.rows[0]] for i in rows"),
    (other_than(loss=lambda z, y: nn.functional.cross_entropy(z, y) * 2),
     '"loss": job.loss,', ""),
    (other_than(probes={"acc": "train_loss", "n": count}),
     '"probes": job.probes,', ""),
    (other_than(data=(X, Y.roll(1))), '"data": job.data,', ""),
    (other_than(until={"acc": 0.2}), '"until": job.until,', ""),
    (other_than(every=4), ", list(task.moments)]", "]"),
    (other_than(path="loop"), "task.path, ", ""),
    (other_than(model=functools.partial(net, depth=2)), "born, task.path", "task.path"),
    (other_than(rows=[{**row, "gain": 2.0} for row in ROWS]), "_words(setting)", "0"),
    (test_a_larger_grid_trains_what_is_missing,
     "if self.keys[row] not in self.stored", ""),
    (text, "except UNREADABLE:", "except ZeroDivisionError:"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FOLDER)
def test_mutants_of_the_folder(
    check: Any, old: str, new: str, mutate: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    """Every part of the fingerprint and of the file is needed by some check."""
    whole = run(None)
    check(tmp_path / "right", whole)
    wrong = mutate(module.Checkpoint, old, new)
    monkeypatch.setattr("coursekit.sweep.conduct.Checkpoint", wrong)
    with pytest.raises((AssertionError, LookupError, TypeError, ValueError)):
        check(tmp_path / "wrong", whole)
