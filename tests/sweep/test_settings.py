"""Hold the words of a setting, its streams, batches and blocks to what they promise."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from coursekit import optim, schedules
from coursekit.sweep import Named, grid
from coursekit.sweep.feed import Feed, noisy, subset
from coursekit.sweep.plan import block_size, buckets, cut, read_bytes
from coursekit.sweep.setting import Setting, read_setting
from coursekit.sweep.streams import PURPOSES, as_global, reseed, stream

KILLED = (AssertionError, LookupError, TypeError, ValueError, AttributeError)
KILLED = (*KILLED, pytest.fail.Exception)  # an error that was expected did not come


def factory(width: int = 3, norm: Any = None, seed: int = 7) -> nn.Module:
    return nn.Linear(width, seed)


def check_grid(make: Callable[..., Any]) -> None:
    rows = make(a=[1, 2], b=(3, 4), c={"x": 5, "y": 6}, d=torch.tensor([0.5]))
    assert [(r["a"], r["b"], r["c"].name, r["c"].value, r["d"]) for r in rows] == [
        (1, (3, 4), "x", 5, 0.5),
        (1, (3, 4), "y", 6, 0.5),
        (2, (3, 4), "x", 5, 0.5),
        (2, (3, 4), "y", 6, 0.5),
    ]
    assert list(rows[0]) == ["a", "b", "c", "d"]
    assert make() == [{}]
    assert make(a=range(3)) == [{"a": 0}, {"a": 1}, {"a": 2}]
    with pytest.raises(ValueError, match="a: expected at least one value"):
        make(a=[], b=[1])


def check_setting(read: Callable[..., Setting]) -> None:
    cosine = partial(schedules.cosine, total=4)
    row = {"width": 5, "optimizer": Named("A", "Adam"), "lr": 0.1, "seed": 3}
    more = {"schedule": cosine, "batch_size": "full", "clip_norm": 2, "n_train": 9}
    got = read({**row, **more, "weight_decay": 0.2, "model.seed": 8}, factory)
    assert dict(got.model) == {"width": 5, "seed": 8}
    assert (got.rule, got.seed, got.batch_size, got.n_train) == (optim.adam, 3, None, 9)
    assert (got.l2, got.clip_norm, got.clip_value) == (0.2, 2, None)
    assert got.hyper["betas"] == (0.9, 0.999)
    assert got.shown["optimizer"] == "A"
    assert [got.lr(t) for t in (1, 3)] == [0.1 * cosine(0), 0.1 * cosine(2)]
    own = read({"optimizer": "adamw", "weight_decay": 0.3, "lr": 1}, factory)
    assert (own.l2, own.hyper["weight_decay"]) == (0.0, 0.3)
    plain = read({"lr": 0.5}, nn.Linear(1, 1))
    assert (plain.rule, plain.batch_size, plain.lr(9)) == (optim.sgd, 32, 0.5)
    word = read(
        {"optimizer": "rmsprop", "optimizer.init": "zero", "init": None}, factory
    )
    assert word.hyper["init"] == "zero"
    assert read({"optimizer": optim.SGDM, "lr": 1}, factory).rule is optim.sgdm
    noise = read({"lr": 1, "gradient_noise": [0.1, 0.5], "lookahead": (5, 1)}, factory)
    assert (noise.gradient_noise, noise.lookahead) == ((0.1, 0.5), (5, 1))


def test_grids() -> None:
    check_grid(grid)


def test_settings() -> None:
    check_setting(read_setting)


@pytest.mark.parametrize(
    ("row", "error", "words"),
    [
        ({"lr": 1, "widht": 3}, ValueError, "did you mean 'width'"),
        ({"lr": 1, "zzz": 3}, ValueError, "there are .*batch_size"),
        ({"lr": -1}, ValueError, "lr: expected"),
        ({}, ValueError, "lr: sgd has no default"),
        ({"optimizer": "adma"}, ValueError, "optimizer: expected one of adabound"),
        ({"optimizer": torch.optim.SGD}, TypeError, "trains one model at a time"),
        ({"lr": 1, "schedule": 3}, TypeError, "expected a function of the number"),
        ({"lr": 1, "seed": -1}, ValueError, "seed"),
        ({"lr": 1, "batch_size": 0}, ValueError, "batch_size"),
        ({"lr": 1, "n_train": 0}, ValueError, "n_train"),
        ({"lr": 1, "label_noise": 1.1}, ValueError, "label_noise"),
        ({"lr": 1, "gain": 0}, ValueError, "gain"),
        ({"lr": 1, "clip_norm": 0}, ValueError, "clip_norm"),
        ({"lr": 1, "clip_value": -1}, ValueError, "clip_value"),
        ({"lr": 1, "lookahead": 5}, TypeError, "expected a pair"),
        ({"lr": 1, "lookahead": (0, 0.5)}, ValueError, "lookahead"),
        ({"lr": 1, "lookahead": (2, 1.5)}, ValueError, "lookahead"),
        ({"lr": 1, "gradient_noise": (-1, 0)}, ValueError, "gradient_noise"),
        ({"lr": 1, "weight_decay": -1}, ValueError, "weight_decay"),
    ],
)
def test_wrong_words_are_refused_in_words(
    row: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_setting(row, factory)


def check_streams(make: Callable[..., torch.Generator]) -> None:
    drawn = [
        torch.rand(3, generator=make(seed, purpose)).tolist()
        for seed in (0, 1)
        for purpose in PURPOSES
    ]
    drawn.append(torch.rand(3, generator=make(0, "layers", 1)).tolist())
    assert len({tuple(each) for each in drawn}) == len(drawn)
    assert drawn[0] == torch.rand(3, generator=make(0, "order")).tolist()


def test_streams_are_streams_of_their_own() -> None:
    check_streams(stream)
    assert torch.randperm(5, generator=stream(0, "order")).tolist() == [1, 3, 0, 4, 2]


def test_a_generator_is_lent_and_given_back() -> None:
    before = torch.get_rng_state()
    mine, twin = stream(0, "dropout"), stream(0, "dropout")
    with as_global(mine):
        a = torch.rand(3)
    with as_global(mine):
        b = torch.rand(3)
    assert torch.equal(torch.cat([a, b]), torch.rand(6, generator=twin))
    assert torch.equal(torch.get_rng_state(), before)
    net = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    first, second = torch.Generator(), torch.Generator()
    net[0].draw, net[1].draw = first, second  # type: ignore[assignment]
    reseed(net, 3)
    assert first.initial_seed() is not None
    assert not torch.equal(first.get_state(), second.get_state())
    state = first.get_state()
    reseed(net, 3)
    assert torch.equal(first.get_state(), state)


def check_subset(pick: Callable[..., torch.Tensor]) -> None:
    assert pick(5, None, 0).tolist() == list(range(5))
    small, large = pick(20, 5, 1), pick(20, 12, 1)
    assert torch.equal(small, large[:5])
    assert len(set(large.tolist())) == 12
    assert pick(20, 5, 2).tolist() != small.tolist()
    assert pick(20, 20, 1).tolist() != list(range(20))
    with pytest.raises(ValueError, match="n_train: expected at most 20"):
        pick(20, 21, 0)


def check_noise(wrong: Callable[..., torch.Tensor]) -> None:
    y = torch.arange(4000) % 4
    less, more = wrong(y, 0.2, 1), wrong(y, 0.6, 1)
    assert wrong(y, 0.0, 1) is y
    assert bool((wrong(y, 1.0, 1) != y).all())
    assert ((more != y).double().mean() - 0.6).abs() < 0.03
    hit = less != y
    assert torch.equal(less[hit], more[hit])
    counts = torch.bincount((more - y)[more != y] % 4, minlength=4)
    assert counts[0] == 0
    assert counts[1:].min() > 0.28 * counts.sum()
    assert set(more.tolist()) == {0, 1, 2, 3}
    assert not torch.equal(wrong(y, 0.2, 2), less)
    with pytest.raises(TypeError, match="expected classes"):
        wrong(y.double(), 0.2, 1)


def check_feed(make: Callable[..., Feed]) -> None:
    x, y = torch.arange(10.0)[:, None], torch.arange(10)
    read = partial(read_setting, model=nn.Linear(1, 1))
    rows = [{"lr": 1, "seed": s, "batch_size": 4, "n_train": 6} for s in (0, 1, 0)]
    feed = make(x, y, [read(row) for row in rows])
    batches = [feed.batch() for _ in range(39)]  # more than are dealt at once
    for (x0,), y0 in batches:
        assert torch.equal(x0[..., 0].long(), y0)
        assert torch.equal(y0[0], y0[2])
    dealt = torch.cat([labels for _, labels in batches], 1)
    for k in range(3):
        for epoch in dealt[k].split(6):
            assert set(epoch.tolist()) == set(subset(10, 6, rows[k]["seed"]).tolist())
    assert dealt[0].tolist() != dealt[1].tolist()


def test_subsets_and_labels_and_batches() -> None:
    check_subset(subset)
    check_noise(noisy)
    check_feed(Feed)


def check_plan(
    cutting: Any = cut, sizing: Any = block_size, sort: Any = buckets
) -> None:
    assert [len(b) for b in cutting(range(10), 4, 1)] == [3, 4, 3]
    assert [len(b) for b in cutting(range(10), 100, 2)] == [5, 5]
    assert cutting(range(2), 100, 8) == [(0,), (1,)]
    assert [i for b in cutting(range(37), 5, 3) for i in b] == list(range(37))
    assert max(len(b) for b in cutting(range(37), 5, 3)) <= 5
    assert sizing(2**20, 10 * 2**20) == 10
    assert sizing(2**40, None) == 1
    with pytest.raises(MemoryError, match="lower batch_size"):
        sizing(2**20, 2**20 - 1)
    read = partial(read_setting, model=factory)
    rows = [{"width": w, "batch_size": b} for w in (1, 2) for b in (4, 8)]
    words = [{**row, "lr": lr} for lr in (0.1, 0.2) for row in rows]
    settings = [read(row) for row in [*words, {**words[0], "n_train": 3}]]
    assert sort(settings, [5] * 8 + [5]) == [[0, 4], [1, 5], [2, 6], [3, 7], [8]]
    assert sort(settings[:1] * 2, [5, 6]) == [[0], [1]]
    mixed = [read({"lr": 0.1, "optimizer": o}) for o in ("sgd", "adam", "sgd")]
    assert sort(mixed, [1] * 3) == [[1, 0, 2]]


def test_plans() -> None:
    check_plan()
    assert read_bytes("1.5 kB") == 1536
    assert read_bytes(10) == 10
    with pytest.raises(ValueError, match="expected bytes or a text"):
        read_bytes("much")


@given(st.integers(1, 200), st.integers(1, 70), st.integers(1, 9))
def test_blocks_are_nearly_equal_and_complete(n: int, most: int, workers: int) -> None:
    blocks = cut(range(n), most, workers)
    assert [i for block in blocks for i in block] == list(range(n))
    sizes = [len(block) for block in blocks]
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(blocks) >= min(n, workers)


MUTANTS = [
    ("grid.grid", "product(*values.values())", "zip(*values.values())", check_grid),
    ("grid.grid", "if not options", "if False", check_grid),
    ("setting.read_setting", "rule = _rule(words.pop", "rule = _rule(dict(words).pop",
     check_setting),
    ("setting.read_setting", 'l2 = check_positive("weight_decay", words.pop(',
     'l2 = 0 * check_positive("weight_decay", words.pop(', check_setting),
    ("setting.read_setting", 'if "weight_decay" not in rule.hyper', "if True",
     check_setting),
    ("setting.read_setting", '_addressed("optimizer.", words)', "{}", check_setting),
    ("setting.read_setting", "_shown(value) for", "value for", check_setting),
    ("streams.stream", "PURPOSES.index(purpose)", "0", check_streams),
    ("streams.stream", "(seed, ", "(0, ", check_streams),
    ("streams.stream", "*([number] if number else [])", "", check_streams),
    ("feed.subset", '"subset"))[:size]', '"subset"))[-size:]', check_subset),
    ("feed.subset", "if size > n", "if size >= n", check_subset),
    ("feed.subset", "stream(seed,", "stream(0,", check_subset),
    ("feed.noisy", "< share", "> share", check_noise),
    ("feed.noisy", "randint(1,", "randint(0,", check_noise),
    ("feed.noisy", "% classes", "% (classes + 1)", check_noise),
    ("feed.noisy", "+ 1", "", check_noise),
    ("feed.noisy", "stream(seed,", "stream(0,", check_noise),
    ("feed.Feed", "self.n, generator=g", "self.n - 1, generator=g", check_feed),
    ("feed.Feed", "self.pending.tensor_split([size], 1)",
     "(self.pending[:, :size], self.pool[:, :0])", check_feed),
    ("plan.cut", "math.ceil(len(rows) / most)", "len(rows) // most", check_plan),
    ("plan.cut", "workers * math.ceil(blocks / workers)", "blocks", check_plan),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "check"), MUTANTS)
def test_the_checks_kill_the_mutant(
    name: str,
    old: str,
    new: str,
    check: Callable[..., None],
    mutate: Callable[..., Any],
) -> None:
    module, attribute = name.split(".")
    place = importlib.import_module(f"coursekit.sweep.{module}")
    with pytest.raises(KILLED):
        check(mutate(getattr(place, attribute), old, new))


PLAN = [
    ("plan.block_size", "max(1, ", "max(0, "),
    ("plan.block_size", "if one > memory", "if one >= 2 * memory"),
    ("plan.block_size", "memory // one", "memory // one + 1"),
    ("plan.buckets", "bucket(setting, number)", "bucket(setting, 0)"),
    ("plan.buckets", "_neighbours(settings[r])", "r"),
]


@pytest.mark.parametrize(("name", "old", "new"), PLAN)
def test_the_plan_kills_the_mutant(
    name: str, old: str, new: str, mutate: Callable[..., Any]
) -> None:
    attribute = name.split(".")[1]
    place = importlib.import_module("coursekit.sweep.plan")
    wrong = mutate(getattr(place, attribute), old, new)
    word = {"block_size": "sizing", "buckets": "sort"}[attribute]
    with pytest.raises(KILLED):
        check_plan(**{word: wrong})
