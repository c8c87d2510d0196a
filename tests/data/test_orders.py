"""In which order examples are served: mini-batches, streams, curricula."""

import importlib
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import data
from coursekit.device import generator

PAGES = {
    name: importlib.import_module(f"coursekit.data.{name}")
    for name in ("minibatches", "stream", "curriculum", "_draw")
}
LAW = settings(max_examples=40, deadline=None)


def rows(n):
    x = torch.arange(n)[:, None] * torch.tensor([1, 10])
    return x, torch.arange(n)


def epoch(batches):
    return torch.cat([y for _, y in batches])


# ---- mini-batches


def check_an_epoch_serves_every_example_once():
    for n, B in ((1, 1), (7, 3), (6, 3), (5, 8), (40, 1)):
        for shuffle in ("each", "once", "none"):
            batches = data.minibatches(*rows(n), B, shuffle=shuffle)
            served = list(batches)
            assert len(served) == len(batches) == math.ceil(n / B)
            assert [len(y) for _, y in served[:-1]] == [B] * (len(served) - 1)
            assert len(served[-1][1]) == n - B * (len(served) - 1)
            assert sorted(torch.cat([y for _, y in served]).tolist()) == list(range(n))


def check_inputs_stay_with_their_targets():
    x, y = rows(50)
    for shuffle in ("each", "once", "with_replacement"):
        for xb, yb in data.minibatches(x, y, 8, shuffle=shuffle):
            assert torch.equal(xb, x[yb])
        for (a, b), yb in data.minibatches((x, 3 * y), y, 8, shuffle=shuffle):
            assert torch.equal(a, x[yb])
            assert torch.equal(b, 3 * yb)


def check_the_four_orders_over_two_epochs():
    x, y = rows(200)
    first, second = {}, {}
    for shuffle in ("each", "once", "none", "with_replacement"):
        batches = data.minibatches(x, y, 16, shuffle=shuffle)
        first[shuffle], second[shuffle] = epoch(batches), epoch(batches)
        assert batches.epochs == 2
    assert torch.equal(first["none"], y)
    assert torch.equal(second["none"], y)
    assert torch.equal(first["once"], second["once"])
    assert not torch.equal(first["once"], y)
    assert not torch.equal(first["each"], second["each"])
    assert not torch.equal(first["each"], y)
    drawn = first["with_replacement"]
    assert len(drawn) == 200
    assert not torch.equal(drawn, second["with_replacement"])
    assert 100 < len(drawn.unique()) < 155


def check_drawing_with_replacement_misses_one_in_e():
    draw = generator(0)
    orders = [
        data.epoch_order(300, replacement=True, generator=draw) for _ in range(100)
    ]
    missing = np.mean([1 - len(order.unique()) / 300 for order in orders])
    assert abs(missing - (1 - 1 / 300) ** 300) < 0.006
    assert set(torch.cat(orders).tolist()) == set(range(300))
    order = data.epoch_order(300, generator=draw)
    assert sorted(order.tolist()) == list(range(300))
    assert not torch.equal(order, data.epoch_order(300, generator=draw))


def check_the_last_short_batch_can_be_dropped():
    x, y = rows(10)
    kept = data.minibatches(x, y, 4, shuffle="none", drop_last=True)
    assert len(kept) == 2
    assert [yb.tolist() for _, yb in kept] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(data.minibatches(x, y, 5, drop_last=True)) == 2


def check_the_number_of_updates():
    table = {(1000, 32): (32, 31), (64, 32): (2, 2), (20, 1): (20, 20), (3, 7): (1, 0)}
    for (n, B), (all_of_them, full) in table.items():
        assert data.updates_per_epoch(n, B) == all_of_them
        assert data.updates_per_epoch(n, B, drop_last=True) == full


def check_seeds_and_generators_of_batches():
    x, y = rows(60)
    seen = torch.get_rng_state()
    same = [epoch(data.minibatches(x, y, 8, seed=5)) for _ in range(2)]
    assert torch.equal(*same)
    assert not torch.equal(same[0], epoch(data.minibatches(x, y, 8, seed=6)))
    many = {tuple(epoch(data.minibatches(x, y, seed=s)).tolist()) for s in range(16)}
    assert len(many) == 16
    default = epoch(data.minibatches(x, y))
    assert torch.equal(default, epoch(data.minibatches(x, y, 32, seed=0)))
    assert len(data.minibatches(x, y)) == 2
    assert torch.equal(default, epoch(data.minibatches(x, y, 7, shuffle="each")))
    draw = generator(3)
    mine = epoch(data.minibatches(x, y, 8, generator=draw))
    assert torch.equal(mine, torch.randperm(60, generator=generator(3)))
    assert not torch.equal(epoch(data.minibatches(x, y, 8, generator=draw)), mine)
    # neither the numbers of a model born from the same seed
    assert not torch.equal(same[0], torch.randperm(60, generator=generator(5)))
    assert torch.equal(seen, torch.get_rng_state())


def check_an_epoch_is_fixed_when_it_begins():
    x, y = rows(30)
    batches = data.minibatches(x, y, 5)
    outer = iter(batches)
    _, first = next(outer)
    inner = epoch(batches)
    rest = torch.cat([first] + [yb for _, yb in outer])
    assert sorted(rest.tolist()) == sorted(inner.tolist()) == list(range(30))
    assert not torch.equal(rest, inner)
    assert batches.epochs == 2


MINIBATCH_CHECKS = [f for name, f in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", MINIBATCH_CHECKS)
def test_minibatches(check):
    check()


@LAW
@given(st.integers(1, 40), st.integers(1, 50), st.booleans())
def test_the_count_is_what_an_epoch_makes(n, B, drop_last):
    number = data.updates_per_epoch(n, B, drop_last=drop_last)
    if number:
        batches = data.minibatches(*rows(n), B, drop_last=drop_last)
        assert len(list(batches)) == len(batches) == number
    else:
        assert drop_last
        assert n < B


def test_variance_of_a_batch_mean_with_and_without_replacement():
    N, B = 30, 10
    values = torch.arange(N, dtype=torch.float64)
    variance = values.var(correction=0)
    for shuffle, factor in (("with_replacement", 1), ("each", (N - B) / (N - 1))):
        batches = data.minibatches(values, values, B, shuffle=shuffle)
        means = [yb.mean() for _ in range(1500) for _, yb in batches]
        ratio = torch.stack(means).sub(values.mean()).square().mean() / variance * B
        assert ratio.item() == pytest.approx(factor, rel=0.1)


# ---- streams


def numbers(n, *, generator, start=0):
    torch.rand(1, generator=generator)
    return torch.arange(start, start + n)[:, None], torch.arange(start, start + n)


def check_a_stream_of_stored_pairs_passes_once_in_order():
    x, y = rows(6)
    passing = data.stream((x, y))
    pairs = list(passing)
    assert [tuple(a.shape) + tuple(b.shape) for a, b in pairs] == [(1, 2, 1)] * 6
    assert torch.equal(torch.cat([a for a, _ in pairs]), x)
    assert torch.equal(torch.cat([b for _, b in pairs]), y)
    assert list(passing) == []
    assert [b.item() for _, b in data.stream((x, y), 4)] == [0, 1, 2, 3]
    assert list(data.stream((x, y), 0)) == []


def check_a_stream_of_a_function_never_ends_and_mixes_its_blocks():
    y = [b.item() for _, b in itertools.islice(data.stream(numbers), 192)]
    for block in (y[:64], y[64:128], y[128:]):
        assert sorted(block) == list(range(64))
        assert block != sorted(block)
    assert y[:64] != y[64:128]
    passing = data.stream(numbers, 100, start=7)
    pairs = list(itertools.islice(passing, 300))
    assert len(pairs) == 100
    assert all(torch.equal(a[:, 0], b) and len(b) == 1 for a, b in pairs)
    assert min(b.item() for _, b in pairs) == 7
    assert list(passing) == []


def check_seeds_of_streams():
    def of(**options):
        passing = data.stream(data.moons, 70, **options)
        return torch.cat([x for x, _ in itertools.islice(passing, 200)])

    assert torch.equal(of(seed=1), of(seed=1))
    assert torch.equal(of(), of(seed=0))
    assert not torch.equal(of(seed=1), of(seed=2))
    assert torch.equal(of(generator=generator(4)), of(generator=generator(4)))
    assert len(of().unique(dim=0)) == 70
    labels = [y.item() for _, y in itertools.islice(data.stream(data.moons), 64)]
    assert sum(labels) == 32


STREAM_CHECKS = [
    check_a_stream_of_stored_pairs_passes_once_in_order,
    check_a_stream_of_a_function_never_ends_and_mixes_its_blocks,
    check_seeds_of_streams,
]


@pytest.mark.parametrize("check", STREAM_CHECKS)
def test_stream(check):
    check()


# ---- curricula


def check_orders_are_sorted_both_ways():
    score = torch.rand(50, generator=generator(0), dtype=torch.float64)
    easy, hard = (data.curriculum_order(score, k) for k in ("easy_first", "hard_first"))
    assert easy.tolist() == np.argsort(score.numpy()).tolist()
    assert hard.tolist() == np.argsort(-score.numpy()).tolist()
    assert torch.equal(data.curriculum_order(score), easy)
    mixed = data.curriculum_order(score, "random")
    assert sorted(mixed.tolist()) == list(range(50))
    assert not torch.equal(mixed, easy)
    assert not torch.equal(mixed, hard)


def check_equally_hard_examples_are_mixed():
    score = torch.tensor([1, 0] * 40)
    orders = {
        kind: data.curriculum_order(score, kind, seed=3)
        for kind in ("easy_first", "hard_first", "random")
    }
    easy, hard = orders["easy_first"], orders["hard_first"]
    assert torch.equal(easy[:40], hard[40:])
    assert torch.equal(easy[40:], hard[:40])
    mixed = orders["random"]
    assert torch.equal(mixed[score[mixed] == 0], easy[:40])
    assert easy[:40].tolist() != sorted(easy[:40].tolist())
    assert not torch.equal(easy, data.curriculum_order(score, seed=4))
    assert torch.equal(easy, data.curriculum_order(score, seed=3))
    drawn = data.curriculum_order(score, "random", generator=generator(9))
    assert torch.equal(drawn, torch.randperm(80, generator=generator(9)))


def check_pacing_is_the_formula():
    for n in (1, 10, 97, 1000):
        for start in (0.01, 0.2, 1.0):
            for p in (0.5, 1.0, 2.0, 3.0):
                for t in (0, 1, 49.5, 99, 100, 101, 500):
                    share = (start**p + (1 - start**p) * t / 100) ** (1 / p)
                    exact = min(1.0, share) * n
                    ours = data.pacing(t, 100, n, start=start, p=p)
                    assert exact - 1e-6 <= ours < exact + 1
                    assert 1 <= ours <= n
    assert [data.pacing(t, 10, 100) for t in (0, 5, 10, 11)] == [20, 60, 100, 100]
    assert [data.pacing(0, 1, n) for n in (5, 50, 35, 1000)] == [1, 10, 7, 200]
    assert data.pacing(5, 10, 100, p=2) == math.ceil(100 * math.sqrt(0.52))
    assert data.pacing(0, 10, 3) == 1


CURRICULUM_CHECKS = [
    check_orders_are_sorted_both_ways,
    check_equally_hard_examples_are_mixed,
    check_pacing_is_the_formula,
]


@pytest.mark.parametrize("check", CURRICULUM_CHECKS)
def test_curriculum(check):
    check()


@LAW
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=30),
    st.sampled_from(["easy_first", "hard_first", "random"]),
)
def test_every_kind_shows_the_same_multiset(scores, kind):
    order = data.curriculum_order(torch.tensor(scores), kind)
    assert sorted(order.tolist()) == list(range(len(scores)))


@LAW
@given(st.integers(1, 500), st.floats(0.01, 1), st.floats(0.3, 4))
def test_the_pace_never_falls_and_ends_at_all(n, start, p):
    counts = [data.pacing(t, 20, n, start=start, p=p) for t in range(30)]
    assert counts == sorted(counts)
    assert counts[20:] == [n] * 10
    assert 1 <= counts[0] <= math.ceil(start * n)


# ---- bad input

X, Y = rows(4)
BAD = [
    (lambda: data.minibatches(X, Y, 0), ValueError, "batch_size: expected an integer"),
    (lambda: data.minibatches(X, Y, 2.0), TypeError, "batch_size: expected an integer"),
    (lambda: data.minibatches(X, Y[:3], 2), ValueError, r"got \[4, 3\]"),
    (lambda: data.minibatches((X, X[:2]), Y, 2), ValueError, r"got \[4, 2, 4\]"),
    (lambda: data.minibatches(X[:0], Y[:0], 2), ValueError, "at least one"),
    (lambda: data.minibatches(X, torch.tensor(1), 2), ValueError, r"got \[4, 0\]"),
    (lambda: data.minibatches([1], Y, 2), TypeError, "got list; use torch.as_tensor"),
    (lambda: data.minibatches(X, Y, 2, shuffle="always"), ValueError, "shuffle: expec"),
    (lambda: data.minibatches(X, Y, 5, drop_last=True), ValueError, "at most 4 with"),
    (lambda: data.minibatches(X, Y, 2, seed=-1), ValueError, "seed: expected an integ"),
    (lambda: data.minibatches(X, Y, 2, seed=2**32), ValueError, r"seed: .* < 2\*\*32"),
    (lambda: data.updates_per_epoch(0, 2), ValueError, "n: expected an integer >= 1"),
    (lambda: data.epoch_order(0, generator=generator(0)), ValueError, "n: expected"),
    (lambda: data.stream(3), TypeError, "pairs: expected a function .* got int"),
    (lambda: data.stream((X, Y), noise=1), TypeError, r"options \['noise'\]"),
    (lambda: data.stream((X, Y[:2])), ValueError, "got 4 and 2"),
    (lambda: data.stream((X, Y), 5), ValueError, "at least n = 5"),
    (lambda: data.stream((X, Y), -1), ValueError, "n: expected an integer >= 0"),
    (lambda: data.curriculum_order(Y, "easy"), ValueError, "kind: expected one of"),
    (lambda: data.curriculum_order(Y[:0]), ValueError, "difficulty: expected one"),
    (lambda: data.curriculum_order(X), ValueError, r"got shape \(4, 2\)"),
    (lambda: data.curriculum_order(torch.tensor([0, math.nan])), ValueError, "1 NaN"),
    (lambda: data.pacing(-1, 10, 5), ValueError, "t: expected"),
    (lambda: data.pacing(1, 0, 5), ValueError, "total: expected"),
    (lambda: data.pacing(1, 10, 0), ValueError, "n: expected"),
    (lambda: data.pacing(1, 10, 5, start=0), ValueError, r"start: .* in \(0, 1\]"),
    (lambda: data.pacing(1, 10, 5, start=1.1), ValueError, r"start: .* in \(0, 1\]"),
    (lambda: data.pacing(1, 10, 5, p=0), ValueError, "p: expected"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.gpu
def test_batches_come_from_the_device_of_the_data():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, y = rows(20)
    here = list(data.minibatches(x, y, 6))
    there = list(data.minibatches(x.cuda(), y.cuda(), 6))
    for (a, b), (c, d) in zip(here, there, strict=True):
        assert c.is_cuda
        assert d.is_cuda
        assert torch.equal(a, c.cpu())
        assert torch.equal(b, d.cpu())
    assert data.curriculum_order(y.cuda()).is_cuda


# ---- mutants

M, S, C = "minibatches", "stream", "curriculum"
MUTANTS = [
    (M, "updates_per_epoch", "-(-n // B)", "n // B + 1"),
    (M, "updates_per_epoch", "n // B if drop_last", "-(-n // B) if drop_last"),
    (M, "epoch_order", "if replacement", "if not replacement"),
    (M, "epoch_order", "torch.randint(n, (n,)", "torch.randint(n - 1, (n,)"),
    (M, "epoch_order", "torch.randperm(n, generator=generator", "torch.arange(n"),
    (M, "Minibatches", '{"once", "none"}', '{"each", "none"}'),
    (M, "Minibatches", 'shuffle == "once"', 'shuffle == "none"'),
    (M, "Minibatches", "self.epochs + 1", "self.epochs"),
    (M, "Minibatches", "self.n, self.batch_size, drop_last", "self.n, 1, drop_last"),
    (M, "Minibatches", "number * self.batch_size", "number * self.batch_size + 1"),
    (M, "Minibatches", "return self.x[index], self.y[index]", "return self.x, self.y"),
    (M, "Minibatches", "part[index] for", "part[: len(index)] for"),
    (M, "Minibatches", '== "with_replacement"', '!= "with_replacement"'),
    (
        M,
        "Minibatches",
        "return self.x[index], self.y[index]",
        "return self.x[index], self.y[index.flip(0)]",
    ),
    (M, "Minibatches", "replacement=replacement, generator", "generator"),
    (M, "minibatches", 'shuffle: str = "each"', 'shuffle: str = "once"'),
    (M, "minibatches", "batch_size: int = 32", "batch_size: int = 16"),
    (M, "minibatches", "drop_last: bool = False", "drop_last: bool = True"),
    (M, "minibatches", 'source(generator, seed, "mini")', 'source(None, seed, "mini")'),
    (M, "minibatches", 'source(generator, seed, "mini")', 'source(generator, 0, "m")'),
    (S, "stream", "limit is None else limit", "limit is None else len(x)"),
    (S, "stream", "y[r : r + 1]", "y[r]"),
    (S, "stream", "x[r : r + 1]", "x[r - 1 : r]"),
    (S, "stream", "draw, options), limit", "draw, {}), limit"),
    (S, "stream", 'source(generator, seed, "strm")', 'source(generator, 0, "strm")'),
    (S, "stream", "draw, options), limit", "draw, options), None"),
    (S, "_endless", "torch.randperm(BLOCK, generator=draw", "torch.arange(BLOCK"),
    (S, "_endless", "y[r : r + 1]", "y[:1]"),
    (S, "_endless", "**options", "start=0"),
    (C, "curriculum_order", 'kind == "hard_first"', 'kind == "easy_first"'),
    (
        C,
        "curriculum_order",
        "return order[difficulty[order].argsort(stable=True, descending=hard_first)]",
        "return difficulty.argsort(stable=True, descending=hard_first)",
    ),
    (
        C,
        "curriculum_order",
        "return order[difficulty[order].argsort(stable=True, descending=hard_first)]",
        "return difficulty[order].argsort(stable=True, descending=hard_first)",
    ),
    (C, "curriculum_order", 'kind: str = "easy_first"', 'kind: str = "random"'),
    (C, "curriculum_order", "generator, seed,", "generator, 0,"),
    (C, "pacing", "min(1.0, ", "max(0.0, "),
    (C, "pacing", "c0**p + (1 - c0**p) * t / T", "c0**p + t / T"),
    (C, "pacing", "c0**p + (1 - c0**p)", "c0 + (1 - c0)"),
    (C, "pacing", "** (1 / p)", "** p"),
    (C, "pacing", "* t / T", "* t / (T + 1)"),
    (C, "pacing", "math.ceil(c * N", "math.floor(c * N"),
    (C, "pacing", "* (1 - 1e-12)", ""),
    (C, "pacing", "start: float = 0.2", "start: float = 0.1"),
    (C, "pacing", "p: float = 1.0", "p: float = 2.0"),
    ("_draw", "source", "number ^ int", "number | int"),
    ("_draw", "source", "number ^ int.from_bytes", "number ^ 0 * int.from_bytes"),
]
OF_PAGE = {M: MINIBATCH_CHECKS, S: STREAM_CHECKS, C: CURRICULUM_CHECKS}


def survives(checks):
    try:
        for check in checks:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, name, old, new):
    wrong = mutate(getattr(PAGES[page], name), old, new)
    for where in (*PAGES.values(), data):
        if hasattr(where, name) and not isinstance(getattr(where, name), type(math)):
            monkeypatch.setattr(where, name, wrong)
    assert not survives(OF_PAGE.get(page, MINIBATCH_CHECKS))
