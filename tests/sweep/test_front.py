"""Call sweep as users do: every kind of data, of length and of mistake."""

import multiprocessing
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models
from coursekit.sweep import arguments, grid, memory, sweep
from coursekit.sweep.arguments import read_until, when
from coursekit.sweep.progress import Progress

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 6)), RNG.integers(4, size=60)
TEST = RNG.normal(size=(20, 6)), RNG.integers(4, size=20)
QUIET: dict[str, Any] = {"workers": 1, "progress": False}
ROWS = grid(lr=[0.1], seed=range(2))


def net(width: int = 5) -> nn.Module:
    return models.MLP([6, width, 4])


def tokens() -> nn.Module:
    return nn.Sequential(nn.Embedding(9, 5), nn.Flatten(), nn.Linear(15, 4))


@pytest.mark.parametrize(
    ("model", "data", "loss"),
    [
        (net, (X, Y), "cross_entropy"),
        (net, [X.astype(np.float32), Y.astype(np.uint8).astype(int)], "cross_entropy"),
        (net, (torch.tensor(X), torch.tensor(Y)), "cross_entropy"),
        (net, (X.tolist(), Y.tolist()), "cross_entropy"),
        (tokens, (RNG.integers(9, size=(60, 3)), Y), "cross_entropy"),
        (net, (X, RNG.normal(size=(60, 4))), "mse"),
        (net, (X, RNG.normal(size=(60, 4))), lambda z, y: (z - y).abs().mean()),
        (net, (X, Y, *TEST), "cross_entropy"),
    ],
)
def test_kinds_of_data(model: Any, data: Any, loss: Any) -> None:
    """Arrays, lists, tensors, tokens, real targets, losses of one's own."""
    runs = sweep(model, data, ROWS, steps=30, loss=loss, **QUIET)
    assert runs.status == ["done"] * 2
    assert (runs.loss[:, -5:].mean(1) < runs.loss[:, :5].mean(1)).all()


def test_a_named_tuple_of_the_package() -> None:
    """What the loaders return goes in as it is."""
    from coursekit import data

    runs = sweep(
        models.MLP([64, 8, 10]), data.digits(), ROWS, steps=5, probes="test_acc",
        **QUIET,
    )  # fmt: skip
    assert runs.final("test_acc").shape == (2,)


def test_epochs_of_different_batch_sizes() -> None:
    """Two passes: 60 examples by 10, 25 and all; the arrays end in NaN."""
    rows = grid(lr=[0.1], batch_size=[10, 25, None], seed=[1])
    runs = sweep(net, (X, Y), rows, epochs=2, probes=["train_loss"], **QUIET)
    assert runs.updates.tolist() == [12, 5, 2]
    assert runs.loss.shape == (3, 12)
    assert (~np.isnan(runs.loss)).sum(1).tolist() == [12, 5, 2]
    assert runs.moments.tolist() == [2, 5, 12]
    measured = ~np.isnan(runs.probes["train_loss"])
    assert measured.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert np.isfinite(runs.final("train_loss")).all()
    for row in range(3):
        loss = nn.functional.cross_entropy(
            runs.model(row)(torch.tensor(X).float()), torch.tensor(Y)
        )
        assert loss.item() == pytest.approx(runs.final("train_loss")[row], rel=1e-5)


def test_half_an_epoch_and_subsets() -> None:
    """Passes count on the subset of a run, and are rounded up."""
    rows = grid(lr=[0.1], batch_size=[8], n_train=[20, 60])
    runs = sweep(net, (X, Y), rows, epochs=0.5, **QUIET)
    assert runs.updates.tolist() == [2, 4]


def test_every_and_until() -> None:
    """Measured at 0, 10, …, the end; a run stops at the first value low enough."""
    rows = grid(lr=[0.5, 1e-4], seed=[0])
    words: dict[str, Any] = {"probes": ["train_loss"], "every": 10, **QUIET}
    runs = sweep(net, (X, Y), rows, steps=95, until={"train_loss": 1.2}, **words)
    assert runs.moments.tolist() == [*range(0, 95, 10), 95]
    assert runs.status == ["stopped", "done"]
    values = runs.probes["train_loss"]
    stop = runs.updates[0] // 10
    assert values[0, stop] <= 1.2 < values[0, stop - 1]
    assert runs.final("train_loss")[0] == values[0, stop]
    assert np.isnan(values[0, stop + 1 :]).all()
    assert runs.updates[1] == 95


def test_depths_have_norms_of_their_own() -> None:
    """A probe with an entry a layer: nets of several depths in one array."""

    def deep(depth: int) -> nn.Module:
        return models.MLP([6, *[5] * depth, 4])

    rows = grid(lr=[0.1], depth=[1, 3])
    runs = sweep(deep, (X, Y), rows, steps=3, probes=["grad_norm"], **QUIET)
    norms = runs.final("grad_norm")
    assert norms.shape == (2, 8)
    assert (~np.isnan(norms)).sum(1).tolist() == [4, 8]


def test_devices_by_name() -> None:
    runs = sweep(net, (X, Y), ROWS, steps=2, device="cpu", **QUIET)
    assert runs.status == ["done"] * 2


def test_one_setting_alone() -> None:
    """A dictionary in place of a list is one setting."""
    runs = sweep(net, (X, Y), {"lr": 0.1}, steps=2, **QUIET)  # type: ignore[arg-type]
    assert len(runs) == 1


MISTAKES = [
    ({"settings": []}, ValueError, "settings: expected at least one"),
    ({"steps": None}, ValueError, "expected either steps or epochs, got steps=None"),
    ({"epochs": 2}, ValueError, "expected either steps or epochs, got steps=5"),
    ({"steps": 0}, ValueError, "steps: expected an integer >= 1"),
    ({"steps": 1.5}, TypeError, "steps: expected an integer"),
    ({"steps": None, "epochs": -1}, ValueError, "epochs: expected"),
    ({"every": 0}, ValueError, "every: expected an integer >= 1"),
    ({"workers": 0}, ValueError, "workers: expected an integer >= 1"),
    ({"workers": 2.5}, TypeError, "workers: expected an integer"),
    ({"path": "fast"}, ValueError, "path: expected one of 'auto', 'stacked'"),
    ({"device": "tpu"}, ValueError, "device: expected a device, got 'tpu'"),
    ({"probes": ["accuracy"]}, ValueError, "probes: expected train_loss"),
    ({"until": {"train_loss": 1}}, ValueError, "got 'train_loss'; add it to probes="),
    ({"until": {"train_acc": 1}, "probes": ["train_acc"]}, ValueError, "every="),
    (
        {"until": {"train_acc": "low"}, "probes": ["train_acc"], "every": 1},
        TypeError,
        r"until\['train_acc'\]: expected a number",
    ),
    ({"data": (X,)}, ValueError, "data: expected"),
    ({"data": (X, Y[:-1])}, ValueError, "data: expected"),
    ({"data": (X, Y, X)}, ValueError, "data: expected"),
    ({"data": (X[:0], Y[:0])}, ValueError, "data: expected"),
    ({"loss": "hinge"}, ValueError, "loss"),
    ({"memory": "much"}, ValueError, "memory: expected bytes"),
    ({"memory": "1 B"}, MemoryError, "one model in training"),
    ({"memory": "900 TB"}, MemoryError, "900.0 TB asked for, .* there; lower memory="),
    ({"settings": grid(lr=[0.1], rate=[1])}, ValueError, "rate"),
    ({"settings": grid(lr=[0.1], n_train=[61])}, ValueError, "n_train: expected at"),
    ({"settings": grid(lr=[0.1], batch_size=[0])}, ValueError, "batch_size"),
    ({"probes": ["test_acc"]}, ValueError, "probes: expected test data"),
]


@pytest.mark.parametrize(("change", "kind", "text"), MISTAKES)
def test_mistakes_are_named(change: dict[str, Any], kind: Any, text: str) -> None:
    words = {"data": (X, Y), "settings": ROWS, "steps": 5, **QUIET, **change}
    with pytest.raises(kind, match=text):
        sweep(net, words.pop("data"), words.pop("settings"), **words)


def test_the_bar_is_one_and_can_be_silent(capsys: Any) -> None:
    """Notes once, a bar of models times updates; nothing with progress=False."""
    sweep(net, (X, Y), ROWS, steps=7, workers=1)
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("sweep: 2 models: stacked layers") == 1
    assert "14.0" in shown.err
    sweep(net, (X, Y), ROWS, steps=7, **QUIET)
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_the_bar_counts_what_counts() -> None:
    """Blocks at work and ended; what died is taken back."""
    from coursekit.sweep.plan import Task

    class Fake:
        n = 0

        def update(self, n: int) -> None:
            self.n += n

    bar = Progress(100, show=False)
    bar.bar = Fake()
    a, b = Task((0, 1), "loop", 10), Task((2,), "loop", 10)
    bar.at(a, 3)
    bar.at(b, 5)
    assert bar.bar.n == 11
    bar.end(a, finished=False)
    assert bar.bar.n == 5
    bar.end(b)
    assert bar.bar.n == 10
    bar.ticker(a, lambda: True)(4)
    assert bar.bar.n == 18


def starved(model_width: int, room: int, queue: Any) -> None:
    """Train with only so much address space left."""
    # the probe needs 200 MB a model, once there is more than the one that warms up
    x = torch.zeros(4, model_width)
    data = (x, torch.zeros(4, dtype=torch.long))

    def wide() -> nn.Module:
        return nn.Linear(model_width, 10)

    sizes = []

    def probe(nets: Any, feed: Any, data: Any) -> torch.Tensor:
        models = len(nets.thetas[0])
        sizes.append(models)
        if sizes[0] > 1:
            torch.empty(models, 200 * 2**20, dtype=torch.uint8)
        return torch.zeros(models)

    sweep(wide, data, grid(lr=[0.1]), steps=1, probes={"p": probe}, **QUIET)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
    sizes.clear()
    try:
        rows = grid(lr=[0.1], seed=range(16))
        runs = sweep(wide, data, rows, steps=1, probes={"p": probe}, **QUIET)
        queue.put((runs.status, sizes))
    except MemoryError as error:
        queue.put((str(error), sizes))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS")
@pytest.mark.parametrize(("room", "enough"), [(1100, True), (20, False)])
def test_out_of_memory_halves_the_block(room: int, enough: bool) -> None:
    """Real failures of the allocator: smaller blocks, or what to lower."""
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    process = fork.Process(target=starved, args=(8, room * 2**20, queue))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    said, sizes = queue.get()
    if enough:
        assert said == ["done"] * 16
        assert sizes[0] == 16
        assert 1 < sizes[-1] < 8
    else:
        assert "memory: not enough to train lr=0.1, seed=0; lower batch_size" in said
        assert sizes[-1] == 1


def check_when(function: Any) -> None:
    assert function(10, 4) == (0, 4, 8, 10)
    assert function(8, 4) == (0, 4, 8)
    assert function(3, 100) == (0, 3)
    assert function(7, None) == (7,)


@pytest.mark.parametrize(
    ("old", "new"),
    [("range(0, steps, every)", "range(every, steps, every)"),
     ("range(0, steps, every)", "range(0, steps + 1, every)"),
     ("return (steps,)", "return (0, steps)")],
)  # fmt: skip
def test_mutants_of_when(old: str, new: str, mutate: Any) -> None:
    check_when(when)
    with pytest.raises(AssertionError):
        check_when(mutate(when, old, new))


def check_steps(function: Any) -> None:
    from coursekit.sweep.setting import Setting

    def of(size: int | None, n_train: int | None = None) -> Any:
        return Setting(shown={}, batch_size=size, n_train=n_train)

    read = [of(32), of(None), of(64, 40), of(1000), of(7, 20)]
    assert function(read, 100, None, 2) == [7, 2, 2, 2, 6]
    assert function(read, 100, None, 0.1) == [1, 1, 1, 1, 1]
    assert function(read, 100, 9, None) == [9] * 5
    with pytest.raises(ValueError, match="n_train: expected at most 39"):
        function(read, 39, 1, None)
    assert function(read, 40, 1, None) == [1] * 5


@pytest.mark.parametrize(
    ("old", "new"),
    [("math.ceil(", "round("), ("setting.n_train or n for", "n for"),
     ("min(setting.batch_size or size, size)", "(setting.batch_size or size)"),
     ("setting.n_train > n", "setting.n_train >= n")],
)  # fmt: skip
def test_mutants_of_steps(old: str, new: str, mutate: Any) -> None:
    check_steps(arguments.read_steps)
    with pytest.raises((AssertionError, ValueError)):
        check_steps(mutate(arguments.read_steps, old, new))


def test_until_is_read() -> None:
    assert read_until(None, {}, None) == {}
    assert read_until({"a": 1}, {"a": None}, 5) == {"a": 1}


def files(root: Path, **texts: str) -> Path:
    names = {
        "meminfo": "proc/meminfo",
        "statm": "proc/self/statm",
        "limit": "sys/fs/cgroup/memory.max",
        "usage": "sys/fs/cgroup/memory.current",
        "stat": "sys/fs/cgroup/memory.stat",
        "old_stat": "sys/fs/cgroup/memory/memory.stat",
        "old_limit": "sys/fs/cgroup/memory/memory.limit_in_bytes",
        "old_usage": "sys/fs/cgroup/memory/memory.usage_in_bytes",
    }
    for name, text in texts.items():
        path = root / names[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_available_memory(tmp_path: Path, monkeypatch: Any) -> None:
    """The least that system, container and process leave."""
    cpu = torch.device("cpu")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: unlimited)
    root = files(tmp_path, meminfo="MemTotal: 9 kB\nMemAvailable:    5000 kB\n")
    assert memory.available(cpu, root) == 5000 * 1024
    files(root, limit="max\n", usage="7\n")
    assert memory.available(cpu, root) == 5000 * 1024
    files(root, limit="3000\n", usage="1000\n")
    assert memory.available(cpu, root) == 2000
    # what the kernel keeps of files it gives back
    files(root, stat="anon 5\ninactive_file 600\n")
    assert memory.available(cpu, root) == 2600
    files(root, old_limit="1500\n", old_usage="1000\n")
    assert memory.available(cpu, root) == 500
    files(root, old_stat="inactive_file 1\ntotal_inactive_file 30\n")
    assert memory.available(cpu, root) == 530
    files(root, statm="1 2 3\n")
    page = __import__("os").sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (page + 100, page + 100))
    assert memory.available(cpu, root) == 100
    files(root, limit="10\n", usage="2000\n")
    assert memory.available(cpu, root) == 0


def check_memory(function: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(function.__globals__, "available", lambda device: 1000)
        cpu = torch.device("cpu")
        function(500, 10, 2, cpu)
        function(None, 1000, 4, cpu)
        with pytest.raises(MemoryError, match=r"2 x 501 B asked .* workers="):
            function(501, 10, 2, cpu)
        with pytest.raises(MemoryError, match=r"1 x 1001 B asked .* lower memory=$"):
            function(1001, 10, 1, cpu)
        with pytest.raises(MemoryError, match="one model in training takes about 1001"):
            function(None, 1001, 1, cpu)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(function.__globals__, "available", lambda device: None)
        function(10**15, 10**15, 9, cpu)


@pytest.mark.parametrize(
    ("old", "new"),
    [("memory * workers > there", "memory > there"),
     ("memory * workers > there", "memory * workers >= there"),
     ("one > there", "one >= there"), ("one > there", "one * workers > there"),
     ("if there is None:", "if there is not None:")],
)  # fmt: skip
def test_mutants_of_memory(old: str, new: str, mutate: Any) -> None:
    check_memory(memory.check_memory)
    with pytest.raises((AssertionError, MemoryError, TypeError, pytest.fail.Exception)):
        check_memory(mutate(memory.check_memory, old, new))


def check_sweep(function: Any, folder: Path, capsys: Any) -> None:
    """Every argument arrives."""
    words: dict[str, Any] = {"steps": 6, "probes": ["train_loss"], **QUIET}
    assert len(function(net, (X, Y), {"lr": 0.1}, **words)) == 1
    runs = function(net, (X, Y), ROWS, every=4, **words)
    assert runs.moments.tolist() == [0, 4, 6]
    assert runs.parameters[0]["linear1.weight"].dtype == np.float32
    rows = grid(lr=[0.1], batch_size=[10, 60])
    assert function(net, (X, Y), rows, epochs=1, **QUIET).moments.tolist() == [1, 6]
    double = function(net, (X, Y), ROWS, dtype=torch.float64, **words)
    assert double.parameters[0]["linear1.weight"].dtype == np.float64
    stopped = function(net, (X, Y), ROWS, every=1, until={"train_loss": 9}, **words)
    assert stopped.status == ["stopped"] * 2
    with pytest.raises(ValueError, match="workers"):
        function(net, (X, Y), ROWS, **{**words, "workers": 0})
    with pytest.raises(ValueError, match="every"):
        function(net, (X, Y), ROWS, every=0, **words)
    with pytest.raises(MemoryError):
        function(net, (X, Y), ROWS, memory="1 B", **words)
    function(net, (X, Y), ROWS, checkpoint=folder, **words)
    assert list(folder.glob("*.npz"))
    looped = function(net, (X, Y), ROWS, path="loop", **words)
    assert looped.notes == ["2 models: one model at a time"]
    capsys.readouterr()
    function(net, (X, Y), ROWS, steps=1, workers=1)
    assert "stacked layers" in "".join(capsys.readouterr())


SWEEP = [
    ("isinstance(settings, Mapping)", "False"),
    ("when(number, every)", "when(number, None)"),
    ("in set(numbers) for", "in numbers[:1] for"),
    ('check_count("workers", workers)', "1"),
    ('check_count("every", every)', "pass"),
    ("read_bytes(memory)", "None"),
    ("checkpoint=checkpoint", "checkpoint=None"),
    ("progress=progress", "progress=False"),
    ("dtype=dtype", "dtype=torch.float64"),
    ("until=read_until(until, found, every)", "until={}"),
    ("conduct.go(path)", 'conduct.go("auto")'),
]


def test_every_argument_arrives(tmp_path: Path, capsys: Any) -> None:
    check_sweep(sweep, tmp_path, capsys)


@pytest.mark.parametrize(("old", "new"), SWEEP)
def test_mutants_of_sweep(
    old: str, new: str, mutate: Any, tmp_path: Path, capsys: Any
) -> None:
    kinds = (AssertionError, AttributeError, ValueError, pytest.fail.Exception)
    with pytest.raises(kinds):
        check_sweep(mutate(sweep, old, new), tmp_path, capsys)
