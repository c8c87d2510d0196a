"""Huffman codes, gaps and packed tensors: optimality, round trips, bits, mutants."""

import importlib
import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from coursekit import compression as comp
from coursekit.device import generator

NAMES = ("huffman", "relative_index", "pack", "compressed_size", "masks")
PAGES = {
    name: importlib.import_module(f"coursekit.compression.{name}") for name in NAMES
}


def shortest(counts):
    """Least total length of any prefix code, by trying all sets of lengths."""
    n = len(counts)
    falling = sorted(counts, reverse=True)
    best = math.inf
    for lengths in itertools.combinations_with_replacement(range(1, n), n):
        if sum(2.0**-length for length in lengths) <= 1:  # Kraft
            total = sum(c * length for c, length in zip(falling, lengths, strict=True))
            best = min(best, total)
    return best


def sparse(n=400, share=0.9, seed=0):
    w = torch.randn(n, generator=generator(seed), dtype=torch.float64)
    return w * comp.prune_magnitude(w, share)


# ---- checks that mutants have to fail


def check_a_textbook_code():
    code = comp.huffman({"a": 45, "b": 13, "c": 12, "d": 16, "e": 9, "f": 5})
    assert code.lengths == {"a": 1, "b": 3, "c": 3, "d": 3, "e": 4, "f": 4}
    assert code.mean_length == pytest.approx(2.24)
    assert list(code.codes.items()) == [
        *(("a", "0"), ("b", "100"), ("c", "101"), ("d", "110")),
        *(("e", "1110"), ("f", "1111")),
    ]
    p = np.array([45, 13, 12, 16, 9, 5]) / 100
    assert code.entropy == pytest.approx(-(p * np.log2(p)).sum(), rel=1e-12)
    assert code.encode("face") == "1111" + "0" + "101" + "1110"
    assert code.decode("111101011110") == list("face")


def check_no_prefix_code_is_shorter():
    rng = np.random.default_rng(0)
    for n in (2, 3, 4, 5, 6):
        for counts in rng.integers(1, 40, (6, n)).tolist():
            code = comp.huffman(dict(enumerate(counts)))
            total = code.mean_length * sum(counts)
            assert total == pytest.approx(shortest(counts))


def check_powers_of_two_reach_the_entropy():
    code = comp.huffman({"a": 8, "b": 4, "c": 2, "d": 1, "e": 1})
    assert code.mean_length == pytest.approx(code.entropy, rel=1e-12)
    assert code.mean_length == pytest.approx(1.875)
    flat = comp.huffman({i: 0.125 for i in range(8)})
    assert set(flat.lengths.values()) == {3}
    assert flat.codes[5] == "101"


def check_one_symbol_takes_one_bit():
    code = comp.huffman("aaaa")
    assert code.codes == {"a": "0"}
    assert (code.entropy, code.mean_length) == (0, 1)
    assert math.copysign(1, code.entropy) == 1
    assert code.decode(code.encode("aaa")) == ["a"] * 3


def check_counts_and_symbols():
    symbols = torch.tensor([[3, 3, 7], [3, 0, 7]])
    code = comp.huffman(symbols)
    assert code.counts == {3: 3, 7: 2, 0: 1}
    assert code == comp.huffman({3: 3, 7: 2, 0: 1, 5: 0})
    stream = code.encode(symbols)
    assert code.decode(stream) == [3, 3, 7, 3, 0, 7]
    assert len(stream) == 9
    assert code.decode("") == []


def check_broken_streams_are_refused():
    code = comp.huffman({"a": 2, "b": 1, "c": 1})
    for stream, position in (("01", 1), ("0x0", 1), ("0111", 3), ("2", 0)):
        with pytest.raises(ValueError, match=f"from position {position} on"):
            code.decode(stream)
    with pytest.raises(ValueError, match="symbols with a code, got 'z'"):
        code.encode("abz")


def check_gaps_by_hand():
    mask = torch.zeros(20, dtype=torch.bool)
    mask[[0, 3, 8, 17]] = True
    index = comp.relative_index(mask, 2)
    # gaps 0, 2, 4 = one filler + 0, 8 = two fillers + 0
    assert index.gaps.tolist() == [0, 2, 3, 0, 3, 3, 0]
    assert index.kept.tolist() == [1, 1, 0, 1, 0, 0, 1]
    assert index.positions.tolist() == [0, 3, 8, 17]
    wide = comp.relative_index(mask.view(4, 5), 3)
    assert wide.gaps.tolist() == [0, 2, 4, 7, 0]
    assert wide.kept.tolist() == [1, 1, 1, 0, 1]
    none = comp.relative_index(torch.zeros(9, dtype=torch.bool), 3)
    assert len(none.gaps) == len(none.positions) == 0
    every = comp.relative_index(torch.ones(3, 3, dtype=torch.bool), 1)
    assert every.gaps.tolist() == [0] * 9


def check_packing_keeps_the_shared_weights():
    for share, K, b in ((0.9, 8, 4), (0.5, 4, 1), (0.0, 16, 5), (0.99, 32, 2)):
        w = sparse(share=share).view(20, 20)
        packed = comp.pack(w, K, b)
        kept = w != 0
        expected = torch.zeros_like(w)
        expected[kept] = comp.kmeans_share(w[kept], K).values
        assert torch.equal(packed.unpack(), expected)
        assert packed.shape == (20, 20)
        assert len(packed.codebook) == K
    nothing = comp.pack(torch.zeros(3, 4), 4, 2)
    assert torch.equal(nothing.unpack(), torch.zeros(3, 4))
    assert nothing.bits[:2] == (384, 0)


def check_every_bit_is_counted():
    w = sparse(share=0.9)
    index = comp.relative_index(w != 0, 3)
    E, fillers = len(index.gaps), int((~index.kept).sum())
    assert fillers > 5
    packed = comp.pack(w, 8, 3)
    shared = comp.kmeans_share(w[w != 0], 8)
    symbols = Counter([*shared.indices.tolist(), *[8] * fillers])
    streams = 0
    for counts in (symbols, Counter(index.gaps.tolist())):
        code = comp.huffman(counts)
        streams += sum(n * code.lengths[symbol] for symbol, n in counts.items())
    assert packed.bits.dense == 32 * 400
    assert packed.bits.pruned == E * (32 + 3)
    assert packed.bits.shared == E * (4 + 3) + 32 * 8  # 9 symbols take 4 bits
    assert packed.bits.coded == streams + 32 * 8 + 8 * (9 + 8)
    seven = comp.pack(w, 7, 3)  # 8 symbols take 3
    assert seven.bits.shared == E * (3 + 3) + 32 * 7
    assert comp.pack(w).bits == comp.pack(w, 32, 5).bits


def check_the_whole_model_is_counted():
    model = nn.Sequential(nn.Linear(30, 20), nn.BatchNorm1d(20), nn.Linear(20, 10))
    comp.apply_masks(model, comp.prune_magnitude(model, 0.8))
    size = comp.compressed_size(model, n_clusters=4, index_bits=3)
    parts = {
        name: comp.pack(model.get_parameter(name), 4, 3).bits
        for name in ("0.weight", "2.weight")
    }
    assert size.layers == parts
    assert size.other == 32 * (20 + 20 + 20 + 10)
    for stage in comp.StageBits._fields:
        expected = sum(getattr(bits, stage) for bits in parts.values()) + size.other
        assert getattr(size.total, stage) == expected
    assert size.total.dense == 32 * sum(w.numel() for w in model.parameters())
    assert size.ratio == size.total.dense / size.total.coded
    only = comp.compressed_size(model, names=["2.weight"])
    assert list(only.layers) == ["2.weight"]
    assert only.layers["2.weight"] == comp.pack(model[2].weight, 32, 5).bits
    assert only.total.dense == size.total.dense


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_stream(check):
    check()


# ---- laws

COUNTS = st.dictionaries(st.integers(0, 50), st.integers(1, 10**6), min_size=1)


@given(COUNTS)
def test_the_mean_length_is_within_one_bit_of_the_entropy(counts):
    code = comp.huffman(counts)
    if len(counts) > 1:
        assert code.entropy - 1e-9 <= code.mean_length < code.entropy + 1
        assert sum(2.0**-n for n in code.lengths.values()) == pytest.approx(1)
    for a, b in itertools.permutations(code.codes.values(), 2):
        assert not b.startswith(a)
    pairs = itertools.combinations(counts, 2)
    assert all(
        code.lengths[a] <= code.lengths[b]
        for a, b in (p if counts[p[0]] > counts[p[1]] else p[::-1] for p in pairs)
        if counts[a] != counts[b]
    )


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60))
def test_coding_loses_nothing(symbols):
    code = comp.huffman(symbols)
    stream = code.encode(symbols)
    assert code.decode(stream) == symbols
    assert len(stream) == round(code.mean_length * len(symbols))


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 6))
def test_gaps_lose_nothing(bits, b):
    mask = torch.tensor(bits)
    index = comp.relative_index(mask, b)
    assert index.positions.tolist() == mask.nonzero().flatten().tolist()
    assert bool((index.gaps < 2**b).all())
    assert bool((index.gaps[~index.kept] == 2**b - 1).all())


def test_equal_counts_give_equal_codes():
    assert comp.huffman("abcd").codes == {"a": "00", "b": "01", "c": "10", "d": "11"}
    assert comp.huffman("abc").codes == comp.huffman("abc").codes


def test_a_dense_matrix_grows_in_the_sparse_format():
    bits = comp.pack(sparse(share=0.0)).bits
    assert bits.pruned > bits.dense > bits.shared


def test_the_headline_is_not_the_ratio():
    """Correction K-71: 90 % fewer weights are not ten times less memory."""
    layer = nn.Linear(200, 200, bias=False)
    comp.apply_masks(layer, comp.prune_magnitude(layer, 0.9))
    total = comp.compressed_size(layer).total
    assert 8 < total.dense / total.pruned < 9
    assert total.dense > total.pruned > total.shared > total.coded


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_types_are_kept_and_weights_left_alone(dtype):
    w = sparse().to(dtype)
    before = w.clone()
    packed = comp.pack(w, 8)
    assert packed.unpack().dtype == dtype
    assert torch.equal(packed.unpack() != 0, w != 0)
    assert torch.equal(w, before)


W = torch.ones(3, 2)
BAD = [
    (lambda: comp.huffman([]), ValueError, "at least one symbol, got none"),
    (lambda: comp.huffman({"a": 0}), ValueError, "at least one symbol, got none"),
    (lambda: comp.huffman({"a": -1}), ValueError, "count of 'a': expected a finite"),
    (lambda: comp.huffman({"a": math.inf}), ValueError, "count of 'a': expected"),
    (lambda: comp.relative_index(W, 3), TypeError, "truth values, got torch.float32"),
    (lambda: comp.relative_index(W > 0, 0), ValueError, "bits: expected an integer >="),
    (lambda: comp.relative_index(W > 0, 31), ValueError, r"bits: .* in \[1, 30\]"),
    (lambda: comp.pack(W, 0), ValueError, "n_clusters: expected an integer >= 1"),
    (lambda: comp.pack(W, 2, 0), ValueError, "bits: expected an integer >= 1"),
    (lambda: comp.pack(W / 0), ValueError, "w: expected finite numbers"),
    (lambda: comp.pack(W.long()), TypeError, "w: expected a floating-point tensor"),
    (lambda: comp.compressed_size(nn.ReLU()), ValueError, "names: expected parameters"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    w = sparse()
    packed = comp.pack(w.cuda(), 8)
    assert packed.unpack().is_cuda
    assert torch.equal(packed.unpack().cpu() != 0, w != 0)
    index = comp.relative_index(w.cuda() != 0, 3)
    assert torch.equal(index.positions.cpu(), w.nonzero().flatten())


MUTANTS = [
    ("huffman", "_probabilities", "n / total", "n"),
    ("huffman", "_lengths", "p_u + p_v, next", "max(p_u, p_v), next"),
    ("huffman", "_lengths", "p_u + p_v, next", "p_u * p_v, next"),
    ("huffman", "_lengths", "in u + v:", "in u:"),
    ("huffman", "_lengths", "lengths[symbol] += 1", "lengths[symbol] += 2"),
    ("huffman", "_lengths", "else 1)", "else 2)"),
    ("huffman", "_lengths", "(p_a, next(tie)", "(-p_a, next(tie)"),
    ("huffman", "_canonical", "(code + 1)", "code"),
    ("huffman", "_canonical", "(length - before)", "length"),
    ("huffman", "_canonical", "item[1]", "-item[1]"),
    ("huffman", "_canonical", "0{length}b", "b"),
    ("huffman", "HuffmanCode", "-sum(p_a * math.log2", "sum(p_a * math.log2"),
    ("huffman", "HuffmanCode", "math.log2", "math.log"),
    ("huffman", "HuffmanCode", "return H + 0.0", "return H"),
    ("huffman", "HuffmanCode", "sum(p[a] * len(code)", "sum(1 / len(p) * len(code)"),
    ("huffman", "HuffmanCode", "start = end", "start = end - 1"),
    ("huffman", "HuffmanCode", "if start < len(stream)", "if False"),
    ("huffman", "HuffmanCode", "range(1, len(stream) + 1)", "range(1, len(stream))"),
    ("huffman", "huffman", " if n}", "}"),
    ("relative_index", "relative_index", "new_tensor([-1])) - 1", "new_tensor([-1]))"),
    ("relative_index", "relative_index", "new_tensor([-1])", "new_tensor([0])"),
    ("relative_index", "relative_index", "f = g >> b", "f = (g - 1) >> b"),
    ("relative_index", "relative_index", "f = g >> b", "f = 0 * g"),
    ("relative_index", "relative_index", "2**b - 1)", "2**b)"),
    ("relative_index", "relative_index", "g - (f << b)", "g - f"),
    ("relative_index", "RelativeIndex", "cumsum(0) - 1)", "cumsum(0))"),
    ("relative_index", "RelativeIndex", "(self.gaps + 1)", "self.gaps"),
    ("relative_index", "RelativeIndex", "[self.kept]", ""),
    ("pack", "pack", "w[w != 0], K)", "w, K)"),
    ("pack", "pack", "full_like(gaps, K)", "full_like(gaps, 0)"),
    (
        "pack",
        "pack",
        "len(gaps) * (FLOAT_BITS + b)",
        "int(kept.sum()) * (FLOAT_BITS + b)",
    ),
    ("pack", "pack", "(FLOAT_BITS + b)", "FLOAT_BITS"),
    ("pack", "pack", "log2(K + 1)) + b)", "log2(K)) + b)"),
    ("pack", "pack", "log2(K + 1)) + b)", "log2(K + 1)))"),
    ("pack", "pack", "+ b) + FLOAT_BITS * K", "+ b)"),
    ("pack", "pack", "FLOAT_BITS * K + tables", "tables"),
    ("pack", "pack", "FLOAT_BITS * K + tables", "FLOAT_BITS * K"),
    ("pack", "pack", "(K + 1 + 2**index", "(K + 2**index"),
    ("pack", "pack", "(K + 1 + 2**index_bits)", "(K + 1)"),
    ("pack", "pack", "len(indices) + len(steps)", "len(indices)"),
    ("pack", "pack", "len(indices) + len(steps)", "len(steps)"),
    ("pack", "pack", "n_clusters: int = 32", "n_clusters: int = 16"),
    ("pack", "pack", "index_bits: int = 5", "index_bits: int = 4"),
    ("pack", "Packed", "symbols < len", "symbols <= len"),
    ("compressed_size", "compressed_size", "if name not in layers", ""),
    ("compressed_size", "compressed_size", "sum(stage) + other", "sum(stage)"),
    ("compressed_size", "compressed_size", "FLOAT_BITS * sum", "sum"),
    (
        "compressed_size",
        "compressed_size",
        "n_clusters: int = 32",
        "n_clusters: int = 8",
    ),
    (
        "compressed_size",
        "compressed_size",
        "index_bits: int = 5",
        "index_bits: int = 4",
    ),
    ("compressed_size", "CompressedSize", "dense / self", "pruned / self"),
    ("compressed_size", "CompressedSize", "self.total.coded", "self.total.shared"),
]


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(is_killed, page, function, old, new):
    right, places = getattr(PAGES[page], function), (*PAGES.values(), comp)
    assert is_killed(CHECKS, right, old, new, places)
