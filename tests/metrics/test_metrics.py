"""The metrics against scikit-learn, counting pairs, laws, and the mutants they kill."""

import importlib
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from coursekit import metrics

PAGES = {
    name: importlib.import_module(f"coursekit.metrics.{name}")
    for name in ("_arrays", "accuracy", "auc", "log_loss")
}
RNG = np.random.default_rng(7)
TARGET = RNG.integers(0, 2, 300)
SCORES = RNG.normal(size=300) + 0.7 * TARGET
TIED = SCORES.round(0)  # many ties
SCORED = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-4, 4)), min_size=2, max_size=40
)


def count_pairs(y, s):
    """AUC by its meaning: the share of pairs in order, ties one half."""
    y, s = np.asarray(y, bool), np.asarray(s, float)
    gap = s[y][:, None] - s[~y][None, :]
    return ((gap > 0) + 0.5 * (gap == 0)).mean()


def check_auc_counts_pairs():
    for s in (SCORES, TIED, -SCORES, np.zeros(300)):
        assert metrics.auc(TARGET, s) == pytest.approx(count_pairs(TARGET, s))
        assert metrics.auc(TARGET, s) == pytest.approx(roc_auc_score(TARGET, s))
    few = (np.arange(300) < 5).astype(int)
    assert metrics.auc(few, TIED) == pytest.approx(count_pairs(few, TIED))


def check_one_class_has_no_auc():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a silent 0/0 would be nan as well
        for y, s in (([1, 1], [0.1, 0.2]), ([0, 0], [0.1, 0.2]), ([], [])):
            assert math.isnan(metrics.auc(y, s))


def check_log_loss_is_scikit_learns():
    p = 1 / (1 + np.exp(-SCORES))
    ours = metrics.log_loss(TARGET, p)
    assert ours == pytest.approx(sklearn_log_loss(TARGET, p), rel=1e-12)
    table = RNG.dirichlet(np.ones(4), 50)
    y = np.arange(50) % 4
    ours = metrics.log_loss(y, table)
    assert ours == pytest.approx(sklearn_log_loss(y, table), rel=1e-12)


def check_certain_mistakes_cost_infinity_unless_clipped():
    assert metrics.log_loss([1], [0.0]) == math.inf
    assert metrics.log_loss([1, 0], [1.0, 0.0]) == 0
    clipped = metrics.log_loss([1], [0.0], clip=1e-3)
    assert clipped == pytest.approx(-math.log(1e-3))
    assert metrics.log_loss([1], [1.0], clip=0.1) == pytest.approx(-math.log(0.9))


def check_accuracy_is_scikit_learns():
    table = RNG.normal(size=(60, 4))
    y = RNG.integers(0, 4, 60)
    expected = accuracy_score(y, table.argmax(1))
    assert metrics.accuracy(y, table) == pytest.approx(expected)
    assert metrics.accuracy(y, table.argmax(1)) == pytest.approx(expected)
    assert metrics.accuracy(y, y) == 1
    assert metrics.accuracy([[0, 1]], [[[1.0, 0.0], [1.0, 0.0]]]) == pytest.approx(0.5)
    assert metrics.accuracy([0], [[1.0, 1.0]]) == 1  # the first of a tie
    boxes, y = RNG.normal(size=(3, 4, 5)), RNG.integers(0, 5, (3, 4))
    assert metrics.accuracy(y, boxes) == pytest.approx((boxes.argmax(2) == y).mean())
    assert metrics.accuracy(2, [0.1, 0.2, 0.9]) == 1


def check_the_edges_of_probabilities_and_clips_are_taken():
    assert metrics.log_loss([0, 1], [0.0, 1.0]) == 0
    clipped = metrics.log_loss([1, 1], [0.3, 1.0], clip=0.49)
    assert clipped == pytest.approx(-(math.log(0.49) + math.log(0.51)) / 2)
    table = [[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]]
    assert metrics.log_loss([2, 1], table) == pytest.approx(-math.log(0.5) / 2)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_metric(check):
    check()


# ---- laws


@given(SCORED)
def test_auc_asks_only_for_the_order(pairs):
    y, s = np.array(pairs).T
    assume(0 < y.sum() < y.size)
    area = metrics.auc(y, s)
    assert area == pytest.approx(count_pairs(y, s))
    assert metrics.auc(y, np.exp(0.3 * s)) == pytest.approx(area)
    assert metrics.auc(y, -s) == pytest.approx(1 - area)
    assert metrics.auc(1 - y, s) == pytest.approx(1 - area)
    order = np.argsort(s + 10 * y)
    assert metrics.auc(y[order], s[order]) == pytest.approx(area)


@given(SCORED, st.integers(1, 5))
def test_auc_does_not_depend_on_the_share_of_positives(pairs, times):
    y, s = np.array(pairs).T
    assume(0 < y.sum() < y.size)
    repeated = np.concatenate([np.arange(y.size)] + [np.flatnonzero(y)] * times)
    assert metrics.auc(y[repeated], s[repeated]) == pytest.approx(metrics.auc(y, s))


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=30))
def test_two_columns_are_the_binary_case(p):
    y = np.arange(len(p)) % 2
    table = np.stack([1 - np.array(p), p], -1)
    assert metrics.log_loss(y, table) == pytest.approx(metrics.log_loss(y, p))


@given(st.floats(0.05, 0.95))
def test_the_share_of_positives_is_the_best_constant(p):
    y = np.arange(20) < 6
    best = metrics.log_loss(y, np.full(20, 0.3))
    assert metrics.log_loss(y, np.full(20, p)) >= best - 1e-12


def test_a_million_scores_lose_no_pair():
    y = np.arange(10**6) % 2
    assert metrics.auc(y, np.arange(10**6)) == pytest.approx(
        0.5 + 1e-6, rel=0, abs=1e-12
    )


# ---- what is taken


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_tensors_of_any_type_and_on_the_graph_are_taken(dtype):
    s = torch.tensor(TIED, dtype=dtype, requires_grad=True)
    y = torch.tensor(TARGET)
    assert metrics.auc(y, s) == metrics.auc(TARGET, TIED)
    assert metrics.auc(y.float(), s) == metrics.auc(TARGET, TIED)
    p = torch.sigmoid(s)
    as_array = p.detach().double().numpy()
    assert metrics.log_loss(y, p) == metrics.log_loss(TARGET, as_array)
    assert metrics.accuracy(y, s > 0) == metrics.accuracy(TARGET, TIED > 0)
    assert type(metrics.auc(y, s)) is float


def test_they_do_not_load_torch():
    code = (
        "import sys; from coursekit import metrics; metrics.auc([0, 1], [0, 1]);"
        "metrics.accuracy([0], [0]); metrics.log_loss([0], [.1]);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_inputs_are_left_as_they_were():
    y, s = TARGET.copy(), SCORES.copy()
    metrics.auc(y, s)
    metrics.accuracy(y, s > 0)
    metrics.log_loss(y, 1 / (1 + np.exp(-s)))
    assert (y == TARGET).all()
    assert (s == SCORES).all()


BAD = [
    (metrics.auc, ([0, 1], [0.1, math.nan]), ValueError, "1 NaN of 2; the model"),
    (metrics.auc, ([0, 1], [0.1]), ValueError, "one score for each of"),
    (metrics.auc, ([0, 1], [[0.1, 0.2]]), ValueError, "score of the positive class"),
    (metrics.auc, ([-1, 1], [0.1, 0.2]), ValueError, r"for -1 and 1 use \(y \+ 1\)"),
    (metrics.auc, ([0, math.nan], [0.1, 0.2]), ValueError, "targets 0 or 1"),
    (metrics.log_loss, ([1], [1.5]), ValueError, r"probabilities in \[0, 1\]"),
    (metrics.auc, ([[0, 1]], [[0.1, 0.2]]), ValueError, r"of shape \[n\], got shape"),
    (metrics.auc, (1, 0.5), ValueError, r"of shape \[n\], got shape"),
    (metrics.log_loss, ([1], [math.nan]), ValueError, "1 NaN of 1"),
    (metrics.log_loss, ([1, 0], [-0.1, 0.5]), ValueError, r"in \[0, 1\], got -0.1"),
    (metrics.log_loss, ([1, 0], [0.5, 1.1]), ValueError, r"in \[0, 1\], got 0.5 to 1"),
    (metrics.log_loss, ([-1], [[0.5, 0.5]]), ValueError, "classes 0 to 1, got -1 to"),
    (metrics.log_loss, ([-1, 0], [[0.5] * 2] * 2), ValueError, "got -1 to 0"),
    (metrics.log_loss, ([0, 3], [[0.5] * 3] * 2), ValueError, "classes 0 to 2, got 0"),
    (metrics.log_loss, ([[0]], [[0.5, 0.5]]), ValueError, "probs: expected shape"),
    (metrics.log_loss, ([[0]], [[[0.5, 0.5]]]), ValueError, "probs: expected shape"),
    (metrics.log_loss, ([0], 0.5), ValueError, "probs: expected shape"),
    (metrics.log_loss, ([0.0], [[0.5, 0.5]]), TypeError, "y: expected integer"),
    (metrics.log_loss, ([2], [[0.5, 0.5]]), ValueError, "classes 0 to 1, got 2"),
    (metrics.log_loss, ([0, 1], [[0.5, 0.5]]), ValueError, "probs: expected shape"),
    (metrics.log_loss, ([], []), ValueError, "probs: expected shape"),
    (metrics.accuracy, ([0, 1], [0]), ValueError, "predicted: expected classes"),
    (metrics.accuracy, ([0, 1], [0.2, 0.9]), TypeError, "integer classes, got float64"),
    (metrics.accuracy, ([0.0], [0]), TypeError, "y: expected integer classes"),
    (metrics.accuracy, ([0], [[0.1, math.nan]]), ValueError, "predicted: .* 1 NaN"),
    (metrics.accuracy, (np.zeros(0, int), np.zeros(0, int)), ValueError, "at least"),
]


@pytest.mark.parametrize(("metric", "args", "kind", "message"), BAD)
def test_bad_input_is_refused_in_words(metric, args, kind, message):
    with pytest.raises(kind, match=message):
        metric(*args)


@pytest.mark.parametrize("clip", [0.5, -1e-9, math.nan])
def test_the_clip_is_below_one_half(clip):
    with pytest.raises(ValueError, match="clip: expected"):
        metrics.log_loss([1], [0.5], clip=clip)


# ---- mutants

MUTANTS = [
    ("auc", "auc", "(count - 1) / 2", "0"),
    ("auc", "auc", "(count - 1) / 2", "(count - 1)"),
    ("auc", "auc", "(count - 1) / 2", "count / 2"),
    ("auc", "auc", "n1 * (n1 + 1) / 2", "n1 * (n1 - 1) / 2"),
    ("auc", "auc", "n1 * (n1 + 1) / 2", "n1 * n1 / 2"),
    ("auc", "auc", "(n1 * n0)", "(n1 * n1)"),
    ("auc", "auc", "[target].sum()", "[~target].sum()"),
    ("auc", "auc", "return math.nan", "return 0.5"),
    ("auc", "auc", "if n1 == 0 or n0 == 0:", "if n1 == 0 and n0 == 0:"),
    ("log_loss", "log_loss", "-np.log(p_y)", "np.log(p_y)"),
    ("log_loss", "log_loss", "[1 - p, p]", "[p, 1 - p]"),
    ("log_loss", "log_loss", ".mean()", ".sum()"),
    ("log_loss", "log_loss", "clip(clip, 1 - clip)", "clip(1e-7, 1 - 1e-7)"),
    ("log_loss", "log_loss", "clip(clip, 1 - clip)", "clip(clip, 1)"),
    ("log_loss", "log_loss", "clip: float = 0.0", "clip: float = 1e-3"),
    ("log_loss", "log_loss", "0 <= clip < 0.5", "0 <= clip < 0.25"),
    ("log_loss", "log_loss", "p.max() > 1", "p.max() >= 1"),
    ("log_loss", "log_loss", "p.min() < 0", "p.min() <= 0"),
    ("log_loss", "_check_table", ">= p.shape[1]", ">= p.shape[1] - 1"),
    ("accuracy", "accuracy", "argmax(axis=-1)", "argmax(axis=1)"),
    ("accuracy", "accuracy", "guess == target", "guess != target"),
    ("accuracy", "accuracy", "argmax(axis=-1)", "argmax(axis=0)"),
    ("accuracy", "accuracy", "argmax(axis=-1)", "argmin(axis=-1)"),
]


def survives():
    try:
        for check in CHECKS:
            check()
    except Exception:
        return False
    return True


@pytest.mark.parametrize(("page", "function", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, function, old, new):
    wrong = mutate(getattr(PAGES[page], function), old, new)
    for where in (PAGES[page], metrics):
        if callable(getattr(where, function, None)):
            monkeypatch.setattr(where, function, wrong)
    assert not survives()
