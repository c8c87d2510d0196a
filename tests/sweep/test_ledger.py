"""Bookkeeping of blocks: what is run again, halved, lost, or ends the sweep."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from coursekit.sweep import grid
from coursekit.sweep import ledger as module
from coursekit.sweep.data import read_data
from coursekit.sweep.ledger import Ledger, halves
from coursekit.sweep.memory import is_out_of_memory
from coursekit.sweep.plan import Task
from coursekit.sweep.run import Job
from coursekit.sweep.setting import read_setting


def net() -> nn.Module:
    return nn.Linear(2, 1)


def job(n: int) -> Job:
    rows = [read_setting(row, net) for row in grid(lr=[0.1], seed=range(n))]
    data = read_data((torch.zeros(4, 2), torch.zeros(4, 1)), torch.float32, CPU)
    return Job(net, data, rows, "mse")


CPU = torch.device("cpu")
WHOLE = Task((0, 1, 2), "stacked", 10, (10,))


def book(cls: Any = Ledger, n: int = 3) -> Any:
    done: list[Any] = []
    ledger = cls(job(n), [WHOLE], lambda task, record: done.append((task, record)))
    ledger.records = done
    return ledger


def dies_of(ledger: Any, row: int) -> list[tuple[int, ...]]:
    """Let every block with this row die, finish the others; return what was run."""
    run = []
    while (task := ledger.take()) is not None:
        run.append(task.rows)
        assert len(run) < 40
        if row in task.rows:
            ledger.died(task, "killed by signal 9")
        else:
            ledger.finished(task, "record")
    return run


def check_deaths(cls: Any) -> None:
    """A block is tried twice, then halves once each, then a single run twice."""
    ledger = book(cls)
    run = dies_of(ledger, 1)
    assert run == [(0, 1, 2), (0, 1, 2), (0,), (1, 2), (1,), (1,), (2,)]
    assert [task.rows for task, _ in ledger.lost] == [(1,)]
    assert [task.rows for task, _ in ledger.records] == [(0,), (2,)]
    assert all((t.steps, t.path, t.moments) == (10, "stacked", (10,)) for t, _ in
               ledger.records)  # fmt: skip
    assert ledger.error is None


def check_memory(cls: Any) -> None:
    """Out of memory halves at once; a single run ends the sweep with what to lower."""
    ledger = book(cls)
    run = []
    while (task := ledger.take()) is not None:
        run.append(task.rows)
        assert len(run) < 40
        if len(task.rows) > 1:
            ledger.failed(task, RuntimeError("can't allocate memory: 9 bytes"))
        else:
            ledger.finished(task, "record")
    assert run == [(0, 1, 2), (0,), (1, 2), (1,), (2,)]
    assert ledger.error is None
    ledger.failed(Task((1,), "stacked", 10), MemoryError())
    assert isinstance(ledger.error, MemoryError)
    assert "seed=1" in str(ledger.error)
    assert "batch_size" in str(ledger.error)


def check_errors(cls: Any) -> None:
    """The first error stays, and nothing new is begun."""
    ledger = book(cls)
    first, second = ValueError("first"), ValueError("second")
    assert not ledger.stopping
    ledger.failed(WHOLE, first)
    ledger.failed(WHOLE, second)
    assert ledger.error is first
    assert ledger.stopping
    assert ledger.take() is None
    assert len(ledger.waiting) == 1
    assert first.__notes__ == [
        "sweep: in a block of 3 settings that share lr=0.1, the first of which is "
        "lr=0.1, seed=0"
    ]


def check_interruption(cls: Any) -> None:
    """After Ctrl-C no block is handed out; those that wait stay."""
    wishes = [False]
    ledger = cls(job(3), [WHOLE, WHOLE], lambda *_: None, lambda: wishes[0])
    assert ledger.take() is WHOLE
    wishes[0] = True
    assert ledger.stopping
    assert ledger.take() is None


def check_all(cls: Any) -> None:
    for check in CHECKS:
        check(cls)


CHECKS = (check_deaths, check_memory, check_errors, check_interruption)


@pytest.mark.parametrize("check", CHECKS)
def test_books(check: Callable[[Any], None]) -> None:
    check(Ledger)


LEDGER = [
    ("self.deaths[task] < ATTEMPTS", "self.deaths[task] <= ATTEMPTS"),
    ("self.deaths[task] += 1", "self.deaths[task] += 2"),
    ("self.waiting.appendleft(task)", "self.waiting.append(task)"),
    ("deaths=ATTEMPTS - 1", "deaths=0"),
    ("if len(half.rows) > 1 else 0", "if len(half.rows) > 0 else 0"),
    ("reversed(halves(task))", "halves(task)"),
    ("if not is_out_of_memory(error):", "if is_out_of_memory(error):"),
    ("self.error is not None or", "self.error is None and"),
    ("or self.interrupted()", "or False"),
    ("and not self.stopping else", "else"),
    ("enough.__cause__ = error", "enough = error"),
    ("self.done(task, record)", "pass"),
    (
        "self.error = self.error or blamed(self.job, task, error)",
        "self.error = blamed(self.job, task, error)",
    ),
    ("which = words(self.job, task.rows[0])\n            enough",
     "which = words(self.job, 0)\n            enough"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), LEDGER)
def test_mutants_of_the_ledger(old: str, new: str, mutate: Any) -> None:
    wrong = mutate(Ledger, old, new)
    with pytest.raises((AssertionError, AttributeError)):
        check_all(wrong)


def check_halves(function: Any) -> None:
    task = Task((5, 3, 8, 1, 2), "loop", 7, (0, 7))
    first, second = function(task)
    assert (first.rows, second.rows) == ((5, 3), (8, 1, 2))
    assert first.moments == second.moments == (0, 7)


@pytest.mark.parametrize(
    ("old", "new"),
    [("task.rows[middle:]", "task.rows[middle + 1:]"), ("// 2", "// 3"),
     ("rows=second", "rows=second[::-1]")],
)  # fmt: skip
def test_mutants_of_halves(old: str, new: str, mutate: Any) -> None:
    check_halves(halves)
    with pytest.raises(AssertionError):
        check_halves(mutate(halves, old, new))


def test_the_guilty_setting_is_found() -> None:
    """Of a block, the one whose factory raises is named."""

    def make() -> nn.Module:
        if torch.initial_seed() == 2:
            raise OSError("no file")
        return net()

    rows = [read_setting(row, make) for row in grid(lr=[0.1], seed=range(3))]
    found = Job(make, job(1).data, rows, "mse")
    error = module.blamed(found, WHOLE, OSError("no file"))
    assert error.__notes__ == ["sweep: in the setting lr=0.1, seed=2"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_out_of_memory_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_other_errors_are_not_out_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes"))
    assert not is_out_of_memory(ValueError("out of memory"))
