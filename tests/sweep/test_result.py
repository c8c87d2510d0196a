"""Look at runs that were made up by hand, so that every number is known."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from coursekit import models, stats
from coursekit.sweep import Sweep, collect, grid, plan, result, runs, sweep, tables
from coursekit.sweep.training import Record

pd = pytest.importorskip("pandas")
nan, inf = math.nan, math.inf


def made(kind: Any = Sweep) -> Any:
    """Two rates, three seeds; four updates, probes at 0, 2 and 4."""
    settings = grid(lr=[0.1, 1.0], seed=[0, 1, 2])
    loss = np.array([
        *([4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.5, 1.5], [4.0, 3.0, 3.0, 2.0]),
        *([5.0, 4.0, nan, nan], [5.0, 9.0, inf, nan], [5.0, 3.0, 2.0, 1.75]),
    ])
    acc = np.array([
        *([0.1, 0.5, 0.9], [0.1, 0.5, 0.8], [0.1, 0.5, 0.7]),
        *([0.1, 0.6, nan], [0.1, 0.2, nan], [0.1, 0.6, 0.95]),
    ])
    return kind(
        settings=settings,
        loss=loss,
        moments=np.array([0, 2, 4]),
        probes={"test_acc": acc, "norm": np.stack([acc, 2 * acc], -1)},
        status=["done", "done", "done", "stopped", "diverged", "done"],
        updates=np.array([4, 4, 4, 2, 2, 4]),
        parameters=[{"w": np.full(2, row)} for row in range(6)],
        notes=["by hand"],
    )


def check_final(kind: Any) -> None:
    """The last value before the end; none of a diverged run."""
    sweep = made(kind)
    np.testing.assert_array_equal(sweep.final(), [1, 1.5, 2, 4, nan, 1.75])
    np.testing.assert_array_equal(
        sweep.final("test_acc"), [0.9, 0.8, 0.7, 0.6, nan, 0.95]
    )
    np.testing.assert_array_equal(sweep.final("updates"), [4, 4, 4, 2, nan, 4])
    assert sweep.final("norm").shape == (6, 2)
    np.testing.assert_array_equal(sweep.final("norm")[3], [0.6, 1.2])
    sweep.updates[0], sweep.status[0] = 3, "interrupted"
    assert sweep.final()[0] == pytest.approx(2.0)
    assert sweep.final("test_acc")[0] == pytest.approx(0.5)
    sweep.updates[0], sweep.status[0] = 0, "lost"
    assert math.isnan(sweep.final()[0])
    assert sweep.final("test_acc")[0] == pytest.approx(0.1)
    sweep.probes["test_acc"][1, 2] = nan
    assert math.isnan(sweep.final("test_acc")[1])
    with pytest.raises(ValueError, match="one of loss, test_acc, norm, updates"):
        sweep.final("accuracy")


def check_paired(kind: Any) -> None:
    """Seed by seed, in whatever order; a divergence opens the interval."""
    sweep = made(kind)
    low, high = {"lr": 0.1}, {"lr": 1.0}
    open_ = sweep.paired("test_acc", high, low)
    assert open_.diverged == 1
    assert (open_.low, open_.high) == (-inf, inf)
    sweep.status[4] = "done"
    shuffled = sweep[[5, 0, 4, 2, 3, 1]]
    wanted = stats.paired_t_interval([0.6 - 0.9, 0.2 - 0.8, 0.95 - 0.7])
    for each in (sweep, shuffled):
        found = each.paired("test_acc", high, low)
        np.testing.assert_allclose(
            [found.estimate, found.low, found.high],
            [wanted.estimate, wanted.low, wanted.high],
        )
    with pytest.raises(ValueError, match="one number a run"):
        sweep.paired("norm", high, low)
    with pytest.raises(ValueError, match=r"one run a seed.*still differ: lr"):
        sweep.paired("test_acc", {"seed": 0}, {"seed": 1}, by="seed")
    with pytest.raises(ValueError, match="same values of 'seed'"):
        sweep[:5].paired("test_acc", high, low)
    sweep.status[2] = "interrupted"
    with pytest.raises(ValueError, match=r"1 that were interrupted.*checkpoint="):
        sweep.paired("test_acc", high, low)
    sweep.status[2] = "lost"
    with pytest.raises(ValueError, match="1 that were lost"):
        sweep.paired("test_acc", high, low)


def check_finding(kind: Any) -> None:
    """Words, positions, slices, masks, one by one."""
    sweep = made(kind)
    assert len(sweep) == 6
    assert sweep.columns == {"lr": [0.1] * 3 + [1.0] * 3, "seed": [0, 1, 2] * 2}
    assert sweep.axes == {"lr": [0.1, 1.0], "seed": [0, 1, 2]}
    assert sweep[:3].axes == {"seed": [0, 1, 2]}
    assert sweep.where(lr=1.0, seed=1).tolist() == [4]
    assert sweep.where(seed=1).tolist() == [1, 4]
    part = sweep.select(lr=1.0)
    assert part.status == ["stopped", "diverged", "done"]
    assert part.updates.tolist() == [2, 2, 4]
    np.testing.assert_array_equal(part.loss, sweep.loss[3:])
    np.testing.assert_array_equal(part.probes["norm"], sweep.probes["norm"][3:])
    assert [each["w"][0] for each in part.parameters] == [3, 4, 5]
    assert part.moments.tolist() == [0, 2, 4]
    assert part.notes == ["by hand"]
    assert sweep[-1].settings == [{"lr": 1.0, "seed": 2}]
    assert sweep[sweep.updates == 2].settings == sweep.settings[3:5]
    assert [each.settings[0]["seed"] for each in sweep] == [0, 1, 2] * 2
    with pytest.raises(IndexError):
        sweep[6]
    with pytest.raises(ValueError, match="no word 'rate'; there are lr, seed"):
        sweep.where(rate=1)
    with pytest.raises(ValueError, match=r"lr is one of 0.1, 1.0"):
        sweep.where(lr=2)
    groups = sweep.groups()
    assert [words for words, _ in groups] == [{"lr": 0.1}, {"lr": 1.0}]
    assert [rows.tolist() for _, rows in groups] == [[0, 1, 2], [3, 4, 5]]
    assert [w for w, _ in sweep.groups("lr")] == [{"seed": k} for k in range(3)]


def check_summary(function: Any) -> None:
    """Medians over the runs with a value; infinite when half has diverged."""
    sweep = made()
    first, second = function(sweep, "test_acc", "seed")
    assert first == {
        "lr": 0.1, "median": 0.8, "low": 0.7, "high": 0.9, "runs": 3, "diverged": 0
    }  # fmt: skip
    assert second["median"] == pytest.approx(0.775)
    assert (second["low"], second["high"]) == (0.6, 0.95)
    assert (second["runs"], second["diverged"]) == (3, 1)
    sweep.status[5] = "diverged"
    assert function(sweep, "test_acc", "seed")[1]["median"] == inf
    two = function(sweep[2:5], "test_acc", "seed")
    assert [row["median"] for row in two] == [0.7, inf]
    np.testing.assert_allclose(function(sweep, "norm", "seed")[0]["median"], [0.8, 1.6])


def check_wide(function: Any) -> None:
    frame = function(made())
    assert [*frame.columns] == [
        *("lr", "seed", "status", "updates", "loss", "test_acc", "norm[0]", "norm[1]")
    ]
    assert len(frame) == 6
    assert frame["norm[1]"][0] == pytest.approx(1.8)
    assert frame["status"][4] == "diverged"
    assert math.isnan(frame["loss"][4])
    sweep = made()
    for row in sweep.settings:
        row["loss"] = "mse"
    assert function(sweep).columns[2:6].tolist() == [
        "loss",
        "status",
        "updates",
        "final_loss",
    ]


def check_long(function: Any) -> None:
    """One row a run and time; the time of a loss is the update that it makes."""
    frame = function(made(), "test_acc")
    assert [*frame.columns] == ["run", "lr", "seed", "step", "test_acc"]
    assert len(frame) == 6 * 3 - 2
    third = frame[frame.run == 3]
    assert third.step.tolist() == [0, 2]
    assert third.lr.tolist() == [1.0, 1.0]
    assert third.seed.tolist() == [0, 0]
    assert third.test_acc.tolist() == [0.1, 0.6]
    loss = function(made(), "loss")
    assert loss[loss.run == 0].step.tolist() == [1, 2, 3, 4]
    assert loss[loss.run == 4].loss.tolist() == [5.0, 9.0]
    single = made()
    single.updates[4] = 1
    assert function(single, "loss").run.tolist().count(3) == 2
    assert [*function(made(), "norm").columns[-2:]] == ["norm[0]", "norm[1]"]


def check_html(function: Any) -> None:
    sweep = made()
    text = function(sweep)
    assert "0.8 [0.7, 0.9]" in text
    assert "1 stopped, 1 diverged, 1 done" in text
    assert "norm" not in text
    sweep.settings = [{**row, "lr": f"<{row['lr']}>"} for row in sweep.settings]
    assert "&lt;0.1&gt;" in function(sweep)
    sweep.status[5] = "diverged"
    assert "✕" in function(sweep)
    many = made()[[0] * 30]
    many.settings = [{"k": k} for k in range(30)]
    assert function(many).count("<tr>") == 21
    assert "10 settings more" in function(many)


def record_of(rows: int, steps: int, moments: int, shape: tuple[int, ...]) -> Record:
    values = torch.arange(rows * moments * math.prod(shape), dtype=torch.double)
    return Record(
        losses=torch.arange(rows * steps).reshape(rows, steps).float(),
        updates=torch.full((rows,), steps),
        status=["done"] * rows,
        probes={"norm": values.reshape(rows, moments, *shape)},
        parameters={"w": torch.arange(rows).float()},
        buffers={"b": torch.arange(rows).bfloat16() + 10},
    )


def check_collect(function: Any) -> None:
    """Runs of two lengths, measured at other moments, of other shapes."""

    shown = [SimpleNamespace(shown={"k": k}) for k in range(6)]
    job = SimpleNamespace(settings=shown, moments=[0, 2, 3, 4], probes={"norm": None})
    first = plan.Task((3, 0), "loop", 4, (0, 2, 4))
    second = plan.Task((1,), "loop", 3, (0, 3))
    lost = plan.Task((4,), "loop", 4, (0, 2, 4))
    records = [(first, record_of(2, 4, 3, (2,))), (second, record_of(1, 3, 2, (3,)))]
    found = function(job, records, [lost], 4, ["note"])
    assert found.status == ["done", "done", *["interrupted"], "done", "lost",
                            "interrupted"]  # fmt: skip
    assert found.updates.tolist() == [4, 3, 0, 4, 0, 0]
    np.testing.assert_array_equal(found.loss[3], [0, 1, 2, 3])
    np.testing.assert_array_equal(found.loss[0], [4, 5, 6, 7])
    np.testing.assert_array_equal(found.loss[1], [0, 1, 2, nan])
    assert np.isnan(found.loss[[2, 4, 5]]).all()
    norm = found.probes["norm"]
    assert norm.shape == (6, 4, 3)
    np.testing.assert_array_equal(
        norm[3], [[0, 1, nan], [2, 3, nan], [nan] * 3, [4, 5, nan]]
    )
    np.testing.assert_array_equal(norm[1], [[0, 1, 2], [nan] * 3, [3, 4, 5], [nan] * 3])
    assert np.isnan(norm[[2, 4, 5]]).all()
    assert [float(p["w"]) if p else None for p in found.parameters] == [
        *(1, 0, None, 0, None, None)
    ]
    assert found.parameters[3]["b"] == 10
    assert found.notes == ["note"]
    assert found.settings[5] == {"k": 5}
    mixed = [*records, (plan.Task((5,), "loop", 4, (4,)), record_of(1, 4, 1, ()))]
    found = function(job, mixed, [], 4, [])
    assert found.probes["norm"].shape == (6, 4, 3)
    np.testing.assert_array_equal(found.probes["norm"][5, 3], [0, nan, nan])


CHECKS = {
    check_final: Sweep,
    check_paired: Sweep,
    check_finding: Sweep,
    check_summary: tables.summary,
    check_wide: tables.wide_table,
    check_long: tables.long_table,
    check_html: tables.html,
    check_collect: collect.collect,
}


@pytest.mark.parametrize("check", CHECKS)
def test_result(check: Any) -> None:
    check(CHECKS[check])


WRONG = (AssertionError, LookupError, ValueError, TypeError, pytest.fail.Exception)
MUTANTS = [
    (check_final, Sweep, 'side="right"', 'side="left"'),
    (check_final, Sweep, ") - 1\n", ")\n"),
    (check_final, Sweep, "place >= 0 and", "place > 0 and"),
    (check_final, Sweep, 'and self.status[row] != "diverged"', ""),
    (check_final, Sweep, "np.arange(1, self.loss.shape[1] + 1)",
     "np.arange(self.loss.shape[1])"),
    (check_paired, Sweep, "values[a] - values[b]", "values[b] - values[a]"),
    (check_paired, Sweep, "for words in (treatment, control)]",
     "for words in (control, treatment)]"),
    (check_paired, Sweep, "(arms[0][key], arms[1][key]) for key in arms[0]",
     "(a, b) for a, b in zip(arms[0].values(), arms[1].values())"),
    (check_paired, Sweep, "arms[0].keys() != arms[1].keys()", "False"),
    (check_paired, Sweep, "values.ndim > 1", "values.ndim > 2"),
    (check_finding, Sweep, "self.updates[kept]", "self.updates"),
    (check_finding, Sweep, "self.loss[kept]", "self.loss[: len(kept)]"),
    (check_finding, Sweep, "name: values[kept]", "name: values"),
    (check_finding, Sweep, "[self.parameters[row] for row in kept]",
     "self.parameters"),
    (check_summary, tables.summary, "2 * diverged >= len(runs)",
     "2 * diverged > len(runs)"),
    (check_summary, tables.summary, "known.min(0)", "known.max(0)"),
    (check_summary, tables.summary, "np.median(known, 0)", "np.mean(known, 0)"),
    (check_summary, tables.summary, 'sweep.status[run] == "diverged"',
     'sweep.status[run] != "done"'),
    (check_wide, tables.wide_table, 'f"final_{name}" if name in sweep.columns else ',
     ""),
    (check_long, tables.long_table, "times[None] <= limit", "times[None] < limit"),
    (check_long, tables.long_table, "column[run] for run in runs",
     "column[0] for run in runs"),
    (check_html, tables.html, "groups[:SHOWN]", "groups"),
    (check_html, tables.html, ".ndim == 1", ".ndim > 0"),
    (check_collect, collect.collect, '["interrupted"] * n', '["lost"] * n'),
    (check_collect, collect.collect, 'result.status[row] = "lost"', "pass"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "function", "old", "new"), MUTANTS)
def test_mutants(check: Any, function: Any, old: str, new: str, mutate: Any) -> None:
    wrong = mutate(function, old, new)
    with pytest.raises(WRONG):
        check(wrong)
    check(function)


HELPERS = [
    (check_finding, runs.Runs, "len(different) > 1", "len(different) > 0"),
    (check_finding, runs.Runs, "name in row and row[name] == value",
     "row.get(name) != value"),
    (check_finding, runs.Runs, "if name != by}", "}"),
    (check_paired, runs.Runs, "if len(arm) != len(rows):", "if False:"),
    (check_paired, runs.Runs, 'in ("interrupted", "lost")', 'in ("lost",)'),
    (check_paired, runs.Runs, 'in ("interrupted", "lost")', 'in ("interrupted",)'),
]  # fmt: skip


@pytest.mark.parametrize(("check", "function", "old", "new"), HELPERS)
def test_mutants_of_the_table(
    check: Any, function: Any, old: str, new: str, mutate: Any
) -> None:
    wrong = vars(mutate(function, old, new))
    found = ("columns", "axes", "where", "select", "groups", "arm")
    check(Sweep)
    with pytest.raises(WRONG):
        check(type("Wrong", (Sweep,), {name: wrong[name] for name in found}))


PIECES = [
    (check_collect, collect, "_shape", "map(max, zip(*even, strict=True))",
     "map(min, zip(*even, strict=True))"),
    (check_collect, collect, "_enter", "np.searchsorted(result.moments, task.moments)",
     "range(len(task.moments))"),
    (check_collect, collect, "_enter", "{**record.parameters, **record.buffers}",
     "record.parameters"),
    (check_collect, collect, "_enter", "result.updates[rows] = _array(record.updates)",
     "result.updates[rows] = record.losses.shape[1] - 1"),
    (check_long, tables, "_measured", "> 0", "> 1"),
    (check_wide, tables, "_columns", "if values.ndim == 1", "if values.ndim == 9"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "module", "name", "old", "new"), PIECES)
def test_mutants_of_pieces(
    check: Any, module: Any, name: str, old: str, new: str, mutate: Any,
    monkeypatch: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, name, mutate(getattr(module, name), old, new))
    with pytest.raises(WRONG):
        check(CHECKS[check])


def net(width: int = 3, norm: bool = False) -> nn.Module:
    layers = [nn.Linear(6, width), *[nn.BatchNorm1d(width)] * norm, nn.Linear(width, 4)]
    return nn.Sequential(*layers)


X = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
DATA = (X, torch.randint(4, (40,), generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_models_come_back(dtype: torch.dtype) -> None:
    """The rebuilt network has the final loss of its run, buffers included."""
    rows = grid(lr=[0.1], width=[3, 5], norm=[False, True], seed=[4, 7], gain=2.0)
    words: dict[str, Any] = {"steps": 10, "workers": 1, "progress": False}
    found = sweep(net, DATA, rows, probes=["train_loss"], dtype=dtype, **words)
    for row, wanted in enumerate(found.final("train_loss")):
        module = found.model(row)
        assert not module.training
        assert next(module.parameters()).dtype == dtype
        loss = nn.functional.cross_entropy(module(X.to(dtype)), DATA[1])
        tolerance = 2e-2 if dtype == torch.bfloat16 else 1e-5
        assert loss.item() == pytest.approx(wanted, rel=tolerance)
    last = found[-1]
    torch.testing.assert_close(
        last.model(0).state_dict(), found.model(len(found) - 1).state_dict()
    )
    with pytest.raises(IndexError):
        found.model(8)


def test_models_need_a_factory_and_parameters() -> None:
    rows = grid(lr=[0.1], width=[3])
    words: dict[str, Any] = {"steps": 2, "workers": 1, "progress": False}
    found = sweep(net, DATA, rows, **words)
    found.job = None
    with pytest.raises(ValueError, match=r"a file has no code: model\(row, factory\)"):
        found.model(0)
    assert found.model(0, net)[0].weight.shape == (3, 6)
    with pytest.raises(ValueError, match="expected the network of run 0"):
        found.model(0, lambda width: net(width + 1))
    found.parameters[0] = {}
    with pytest.raises(ValueError, match="'done' and has none"):
        found.model(0, net)


def test_a_module_that_all_start_from() -> None:
    start = models.MLP([6, 3, 4])
    words: dict[str, Any] = {"steps": 5, "workers": 1, "progress": False}
    found = sweep(start, DATA, grid(lr=[0.1, 0.2]), **words)
    for row in range(2):
        held = found.model(row).state_dict()
        for name, value in found.parameters[row].items():
            np.testing.assert_array_equal(held[name], value)


def test_pandas_is_asked_for(monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install coursekit\[tables\]"):
        made().to_pandas()


def test_methods_of_the_result() -> None:
    """The methods are the functions."""
    sweep = made()
    assert sweep.summary("test_acc") == tables.summary(sweep, "test_acc", "seed")
    pd.testing.assert_frame_equal(sweep.to_pandas(), tables.wide_table(sweep))
    pd.testing.assert_frame_equal(
        sweep.to_pandas("loss"), tables.long_table(sweep, "loss")
    )
    assert sweep._repr_html_() == tables.html(sweep)
    assert result.Sweep is Sweep
