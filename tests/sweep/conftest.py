"""Run the core of the sweep engine without its front, and hold it to the plain loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import pytest
import torch
from torch import Tensor

from coursekit.sweep import plain_loop
from coursekit.sweep.birth import build
from coursekit.sweep.data import read_data
from coursekit.sweep.measure import make_probes
from coursekit.sweep.nets import choose_path
from coursekit.sweep.plan import Task, buckets
from coursekit.sweep.run import Job, run_block
from coursekit.sweep.setting import read_setting

CPU = torch.device("cpu")


@dataclass
class Core:
    """Hold what came of some settings, in their order."""

    losses: list[Tensor]
    tensors: list[dict[str, Tensor]]
    status: list[str]
    paths: list[str]
    reasons: list[str]
    probes: list[dict[str, Tensor]] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)


def run_core(
    model: Any,
    data: Any,
    settings: Sequence[Mapping[str, Any]],
    *,
    steps: int = 40,
    path: str = "auto",
    size: int = 100,
    loss: Any = "cross_entropy",
    dtype: torch.dtype = torch.float64,
    probes: Any = (),
    moments: Sequence[int] = (),
    until: Mapping[str, float] | None = None,
) -> Core:
    """Run settings in blocks of at most ``size``, in this process."""
    read = [read_setting(row, model) for row in settings]
    sets = read_data(data, dtype, CPU)
    given = {"probes": make_probes(probes), "moments": list(moments), "dtype": dtype}
    given["until"] = until or {}
    job = Job(model, sets, read, loss, **given)
    n = len(read)
    core = Core(
        [Tensor()] * n, [{}] * n, [""] * n, [""] * n, [""] * n, [{}] * n, [0] * n
    )
    for rows in buckets(read, [steps] * n):
        pair = [build(model, read[r], dtype, sets.few(2)) for r in (rows[0], rows[-1])]
        chosen, reason = choose_path(pair, sets.few(16))
        chosen = chosen if path == "auto" else path
        for start in range(0, len(rows), size):
            block = tuple(rows[start : start + size])
            record = run_block(job, Task(block, chosen, steps))
            for i, row in enumerate(block):
                named = {**record.parameters, **record.buffers}
                core.losses[row] = record.losses[i]
                core.tensors[row] = {name: value[i] for name, value in named.items()}
                core.probes[row] = {name: v[i] for name, v in record.probes.items()}
                core.status[row] = record.status[i]
                core.updates[row] = int(record.updates[i])
                core.paths[row], core.reasons[row] = chosen, reason
    return core


def close(ours: Tensor, theirs: Tensor) -> None:
    """Compare at 1e-12, relative where numbers are above 1."""
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12, equal_nan=True)


def hold_to_the_loop(
    model: Any, data: Any, settings: Sequence[Mapping[str, Any]], **words: Any
) -> Core:
    """Run settings side by side and one by one, and compare every number."""
    core = run_core(model, data, settings, **words)
    plain = {k: words[k] for k in ("loss", "dtype") if k in words}
    plain = {"dtype": torch.float64, **plain}
    for row, setting in enumerate(settings):
        alone = plain_loop(model, data, setting, words.get("steps", 40), **plain)
        made = len(alone.losses)
        close(core.losses[row][:made], torch.tensor(alone.losses, dtype=plain["dtype"]))
        assert core.losses[row][made:].isnan().all()
        assert core.updates[row] == sum(map(isfinite, alone.losses))
        wanted = alone.model.state_dict()
        for name, value in core.tensors[row].items():
            close(value, wanted[name])
    return core


@pytest.fixture
def core() -> Callable[..., Core]:
    """Run settings in blocks, in this process."""
    return run_core


@pytest.fixture
def equal() -> Callable[..., Core]:
    """Compare settings side by side with the plain loop."""
    return hold_to_the_loop
