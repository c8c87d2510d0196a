"""The tale as numbers: windows, parts, and the mutants that they kill."""

import importlib
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from coursekit import data
from coursekit.device import generator

PAGE = importlib.import_module("coursekit.data.text")


def check_letters_and_numbers_are_inverse():
    tale = data.text()
    assert tale.alphabet == "".join(sorted(set(tale.content)))
    assert tale.decode(tale.encode(tale.content)) == tale.content
    assert tale.encode(tale.alphabet).tolist() == list(range(len(tale.alphabet)))
    assert tale.encode("").tolist() == []
    assert tale.decode(torch.cat((tale.train, tale.test))) == tale.content
    assert tale.train.dtype == torch.int64


def check_the_test_part_is_the_end():
    tale = data.text()
    assert len(tale.test) == round(0.1 * len(tale.content))
    assert tale.content.endswith(tale.decode(tale.test))
    assert tale.content.startswith(tale.decode(tale.train))
    assert len(data.text(test_share=0.25).test) == round(0.25 * len(tale.content))
    assert len(data.text(test_share=0.0).test) == 0
    assert len(data.Text("abcde" * 8).test) == 4


def check_a_target_is_the_next_letter():
    tale = data.text()
    for part in ("train", "test"):
        x, y = tale.batch(10, 20, part=part)
        assert x.shape == y.shape == (10, 20)
        assert torch.equal(x[:, 1:], y[:, :-1])
        whole = (
            tale.content[: tale.n_train]
            if part == "train"
            else tale.content[tale.n_train :]
        )
        for row, target in zip(x, y, strict=True):
            assert tale.decode(row) + tale.decode(target[-1:]) in whole
    x, y = tale.batch()
    assert x.shape == (16, 32)
    assert torch.equal(x, tale.batch(part="train", seed=0).x)


def check_every_start_is_drawn():
    tale = data.Text("abcdefgh", test_share=0.0)
    x, y = tale.batch(400, 3)
    assert {tale.decode(row) for row in x} == {"abc", "bcd", "cde", "def", "efg"}
    assert {tale.decode(row)[-1] for row in y} == set("defgh")


def check_seeds_and_generators():
    tale, before = data.text(), torch.get_rng_state()
    assert torch.equal(tale.batch(seed=2).x, tale.batch(seed=2).x)
    assert not torch.equal(tale.batch(seed=2).x, tale.batch(seed=3).x)
    draw = generator(0)
    assert not torch.equal(tale.batch(generator=draw).x, tale.batch(generator=draw).x)
    assert torch.equal(torch.get_rng_state(), before)


def check_windows_side_by_side_cover_the_part():
    tale = data.Text("abcdefghij", test_share=0.0)
    x, y = tale.windows(3, part="train")
    assert [tale.decode(row) for row in x] == ["abc", "def", "ghi"]
    assert [tale.decode(row) for row in y] == ["bcd", "efg", "hij"]
    x, y = tale.windows(4, part="train")
    assert [tale.decode(row) for row in x] == ["abcd", "efgh"]
    whole = data.text()
    x, y = whole.windows()
    assert x.shape[1] == 32
    assert torch.equal(x.flatten(), whole.test[: x.numel()])
    assert torch.equal(y.flatten(), whole.test[1 : x.numel() + 1])
    assert len(whole.test) - 1 - x.numel() < 32


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_text(check):
    check()


@given(st.text(alphabet="abc \n", min_size=3, max_size=60), st.integers(1, 9))
def test_any_text_is_read_whole(content, T):
    tale = data.Text(content, test_share=0.0)
    assert tale.decode(tale.train) == content
    if len(content) > T:
        x, y = tale.batch(5, T, part="train")
        assert torch.equal(x[:, 1:], y[:, :-1])


def test_the_tale_is_prose_of_some_length_in_plain_letters():
    tale = data.text()
    assert 8_000 < len(tale.content) < 20_000
    assert tale.content.isascii()
    assert set(tale.alphabet) - set(tale.decode(tale.train)) == set()
    words = re.findall(r"[a-z]+", tale.content.lower())
    assert len(set(words)) > 500
    counts = tale.train.bincount().double()
    p = counts[counts > 0] / counts.sum()
    assert 2.85 < -(p * p.log()).sum() < 2.95


TALE = data.text()
BAD = [
    (lambda: TALE.encode("jazz"), ValueError, "letters of the text, got 'jz' too"),
    (
        lambda: TALE.decode(torch.tensor([0, 47])),
        ValueError,
        "expected 0 to 46, got 47",
    ),
    (lambda: TALE.decode(torch.tensor([-1])), ValueError, "expected 0 to 46, got -1"),
    (lambda: TALE.batch(0), ValueError, "batch_size: expected an integer >= 1"),
    (lambda: TALE.batch(2, 0), ValueError, "seq_len: expected an integer >= 1"),
    (
        lambda: TALE.batch(2, 1027, part="test"),
        ValueError,
        "at most 1026 letters, got 1",
    ),
    (lambda: TALE.windows(9240, part="train"), ValueError, "at most 9239"),
    (lambda: TALE.batch(part="valid"), ValueError, "part: expected one of 'train'"),
    (lambda: data.text(test_share=1.0), ValueError, r"test_share: .* in \[0, 1\)"),
    (lambda: data.Text("a", test_share=0.0), ValueError, "got 1 of 1; give a longer"),
    (lambda: data.Text(""), ValueError, "got 0 of 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_longest_window_that_fits():
    assert TALE.batch(2, 1026, part="test").x.shape == (2, 1026)
    assert TALE.windows(1026).x.shape == (1, 1026)


@pytest.mark.gpu
def test_batches_lie_on_the_device_asked_for():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, y = data.text(device="cuda").batch(seed=1)
    assert x.is_cuda
    assert y.is_cuda
    assert torch.equal(x.cpu(), data.text().batch(seed=1).x)


MUTANTS = [
    ("Text", "c[index + 1]", "c[index]"),
    ("Text", "x = c[index]", "x = c[index - 1]"),
    ("Text", "len(c) - T, (size", "len(c) - T - 1, (size"),
    ("Text", "len(c) - T, (size", "len(c) - 2 * T, (size"),
    ("Text", "(len(c) - 1) // T", "len(c) // T - 1"),
    ("Text", "c[1 : n * T + 1]", "c[: n * T]"),
    ("Text", "c[: n * T].view", "c[-n * T :].view"),
    ("Text", "self.train if part", "self.test if part"),
    ("Text", "self.content[self.n_train :]", "self.content[self.n_train - 5 :]"),
    ("Text", "self.content[: self.n_train]", "self.content"),
    ("Text", "sorted(set(content))", "reversed(sorted(set(content)))"),
    ("Text", "round(share * len(content))", "int(share * len(content))"),
    ("Text", "test_share: float = 0.1", "test_share: float = 0.2"),
    ("Text", "batch_size: int = 16", "batch_size: int = 32"),
    (
        "Text",
        "seq_len: int = 32,\n        *,\n        part",
        "seq_len: int = 16,\n        *,\n        part",
    ),
    ("Text", 'part: str = "train"', 'part: str = "test"'),
    ("Text", 'part: str = "test"', 'part: str = "train"'),
    ("Text", "source(generator, seed", "source(generator, 0"),
    ("Text", "source(generator, seed", "source(None, seed"),
    ("text", "test_share: float = 0.1", "test_share: float = 0.2"),
    ("text", "test_share=test_share, ", ""),
]


def survives():
    try:
        for check in CHECKS:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, name, old, new):
    wrong = mutate(getattr(PAGE, name), old, new)
    for where in (PAGE, data):
        if callable(getattr(where, name, None)):
            monkeypatch.setattr(where, name, wrong)
    assert not survives()
