"""Splits and choices against scikit-learn, closed forms, laws, and mutants."""

import importlib
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from coursekit import selection

PAGES = {
    name: importlib.import_module(f"coursekit.selection.{name}")
    for name in ("_check", "splits", "three_way", "choose")
}
LAW = settings(max_examples=50, deadline=None)


def classes(n, seed=0):
    return np.random.default_rng(seed).choice(3, n, p=[0.6, 0.3, 0.1])


# ---- folds and hold-out


def check_folds_part_the_examples():
    for n, K in ((10, 5), (11, 5), (14, 5), (7, 7), (2, 2), (100, 3)):
        folds = selection.kfold_indices(n, K)
        assert len(folds) == K
        assert sorted(np.concatenate([f.valid for f in folds])) == list(range(n))
        sizes = [len(f.valid) for f in folds]
        assert max(sizes) - min(sizes) <= 1
        assert sizes == sorted(sizes, reverse=True)
        for train, valid in folds:
            assert sorted([*train, *valid]) == list(range(n))
            assert train.tolist() == sorted(train)
            assert valid.tolist() == sorted(valid)
            assert train.dtype == valid.dtype == np.int64


def check_folds_without_shuffling_are_every_kth():
    folds = selection.kfold_indices(11, 3, shuffle=False)
    assert [f.valid.tolist() for f in folds] == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]
    assert selection.holdout_indices(9, 3, shuffle=False).valid.tolist() == [0, 3, 6]


def check_seeds_of_folds():
    first, same, other = (selection.kfold_indices(30, 3, seed=s) for s in (1, 1, 2))
    assert all(
        np.array_equal(a.valid, b.valid) for a, b in zip(first, same, strict=True)
    )
    assert not np.array_equal(first[0].valid, other[0].valid)
    assert first[0].valid.tolist() != list(range(0, 30, 3))
    assert len(selection.kfold_indices(30)) == 5
    default = selection.kfold_indices(30, 5, seed=0, shuffle=True)
    assert np.array_equal(selection.kfold_indices(30)[0].valid, default[0].valid)
    order = np.random.default_rng(0).permutation(30)
    assert default[2].valid.tolist() == sorted(order[2::5])


def check_stratified_folds_are_balanced_as_scikit_learns():
    for n, K in ((60, 5), (101, 4), (97, 3)):
        y = classes(n)
        ours = selection.kfold_indices(n, K, stratify=torch.from_numpy(y))
        theirs = StratifiedKFold(K).split(y, y)
        found = np.array([np.bincount(y[f.valid], minlength=3) for f in ours])
        expected = np.array([np.bincount(y[v], minlength=3) for _, v in theirs])
        assert (found.max(0) - found.min(0) <= 1).all()
        assert np.array_equal(np.sort(found, 0), np.sort(expected, 0))
        sizes = found.sum(1)
        assert sizes.max() - sizes.min() <= 1
        assert sorted(np.concatenate([f.valid for f in ours])) == list(range(n))
        moved = selection.kfold_indices(n, K, stratify=y, seed=1)
        assert not np.array_equal(moved[0].valid, ours[0].valid)


def check_a_holdout_is_the_first_fold():
    for n in (10, 11, 12, 13, 20, 97):
        y = np.arange(n) % 2
        for K in (2, 3, 4, 5):
            for stratify in (None, y):
                fold = selection.kfold_indices(n, K, stratify=stratify, seed=4)[0]
                held = selection.holdout_indices(n, 1 / K, stratify=stratify, seed=4)
                assert np.array_equal(fold.valid, held.valid)
                assert np.array_equal(fold.train, held.train)


def check_sizes_of_a_holdout():
    table = {0.2: 20, 0.1: 10, 0.205: 21, 0.99: 99, 0.001: 1, 7: 7, 99: 99}
    for part, size in table.items():
        train, valid = selection.holdout_indices(100, part)
        assert len(valid) == size
        assert sorted([*train, *valid]) == list(range(100))
    assert len(selection.holdout_indices(1000, 0.29).valid) == 290
    assert len(selection.holdout_indices(50).valid) == 10
    y = np.repeat([0, 1, 2], [60, 30, 10])
    held = selection.holdout_indices(100, 0.3, stratify=y).valid
    assert np.bincount(y[held]).tolist() == [18, 9, 3]
    held = selection.holdout_indices(100, 23, stratify=y).valid
    assert len(held) == 23
    assert np.abs(np.bincount(y[held]) - [13.8, 6.9, 2.3]).max() < 1
    a, b = (selection.holdout_indices(100, seed=s).valid for s in (0, 1))
    assert not np.array_equal(a, b)
    assert np.array_equal(a, selection.holdout_indices(100, 0.2, shuffle=True).valid)


# ---- three parts


def check_three_parts_are_disjoint_and_sized():
    for n, valid, test in ((100, 0.2, 0.2), (101, 0.2, 0.2), (50, 7, 0.3), (3, 1, 1)):
        split = selection.three_way_split(n, valid=valid, test=test)
        held = split.open_test()
        parts = [*split.train, *split.valid, *held]
        assert sorted(parts) == list(range(n))
        assert len(split.valid) == (
            valid if isinstance(valid, int) else math.ceil(n * valid)
        )
        assert len(held) == (test if isinstance(test, int) else math.ceil(n * test))
        assert sorted(split.development) == sorted([*split.train, *split.valid])
        for part in (split.train, split.valid, held, split.development):
            assert part.tolist() == sorted(part)
    split = selection.three_way_split(100)
    assert repr(split) == "ThreeWaySplit(train=60, valid=20, test=20 opened 0x)"


def check_three_parts_are_stratified():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    for shuffle in (True, False):
        split = selection.three_way_split(100, stratify=y, shuffle=shuffle)
        parts = split.train, split.valid, split.open_test()
        found = [np.bincount(y[part]).tolist() for part in parts]
        assert found == [[36, 18, 6], [12, 6, 2], [12, 6, 2]]


def check_the_test_part_opens_once():
    split = selection.three_way_split(20, seed=3)
    first = split.open_test()
    kept = first.tolist()
    assert split.opened == 1
    assert "opened 1x" in repr(split)
    said = ""
    try:
        split.open_test()
    except RuntimeError as error:
        said = str(error)
    assert "opened 1 time(s) before" in said
    assert split.opened == 1
    again = split.open_test(again=True)
    assert np.array_equal(first, again)
    assert split.opened == 2
    again[:] = 0
    assert first.tolist() == split.open_test(again=True).tolist() == kept


def check_seeds_of_three_parts():
    a, b, c = (selection.three_way_split(40, seed=s).open_test() for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    plain = selection.three_way_split(10, shuffle=False)
    assert plain.open_test().tolist() == [0, 5]


# ---- choices

RNG = np.random.default_rng(0)
X, NOISE = RNG.normal(size=(30, 8)), RNG.normal(size=30)
Y = X[:, 0] + 0.5 * X[:, 1] + NOISE


def ridge(alpha, train, valid):
    model = Ridge(alpha=alpha).fit(X[train], Y[train])
    return torch.tensor(np.mean((model.predict(X[valid]) - Y[valid]) ** 2))


def check_kfold_is_scikit_learns_grid_search():
    alphas = [100.0, 30.0, 10.0, 3.0, 1.0, 0.1]
    ours = selection.kfold(ridge, alphas, 30, 4, seed=2)
    folds = [(f.train, f.valid) for f in selection.kfold_indices(30, 4, seed=2)]
    search = GridSearchCV(
        Ridge(), {"alpha": alphas}, cv=folds, scoring="neg_mean_squared_error"
    ).fit(X, Y)
    np.testing.assert_allclose(ours.mean, -search.cv_results_["mean_test_score"])
    spread = search.cv_results_["std_test_score"] / math.sqrt(3)
    np.testing.assert_allclose(ours.standard_error, spread)
    assert ours.best == search.best_params_["alpha"]
    assert ours.choice == search.best_index_
    assert ours.losses.shape == (6, 4)
    assert ours.settings == tuple(alphas)
    assert selection.kfold(ridge, [1.0], 30).losses.shape == (1, 5)
    default = selection.kfold(ridge, [1.0], 30, 5, seed=0)
    assert np.array_equal(selection.kfold(ridge, [1.0], 30).losses, default.losses)


def check_a_holdout_is_one_column_of_the_folds():
    alphas = [10.0, 1.0, 0.1]
    all_folds = selection.kfold(ridge, alphas, 30, 5, seed=7)
    one = selection.holdout(ridge, alphas, 30, 0.2, seed=7)
    assert np.array_equal(one.losses[:, 0], all_folds.losses[:, 0])
    assert np.array_equal(one.mean, one.losses[:, 0])
    assert np.isnan(one.standard_error).all()
    assert one.choice == one.losses[:, 0].argmin()
    default = selection.holdout(ridge, alphas, 30)
    same = selection.holdout(ridge, alphas, 30, 6, seed=0)
    assert np.array_equal(default.losses, same.losses)


def table(values):
    """A loss that is looked up: row by setting, column by fold."""
    seen = [f.valid.tolist() for f in selection.kfold_indices(9, 3)]
    return lambda setting, train, valid: values[setting][seen.index(valid.tolist())]


def check_the_mean_decides_not_the_best_fold():
    chosen = selection.kfold(table([[0.0, 9.0, 9.0], [4.0, 4.0, 4.0]]), [0, 1], 9, 3)
    assert chosen.best == 1
    np.testing.assert_allclose(chosen.mean, [6.0, 4.0])
    np.testing.assert_allclose(chosen.standard_error, [3.0, 0.0])
    assert "1 of 2 settings in 3 fold(s), loss 4, s.e. 0" in repr(chosen)


def check_of_equal_settings_the_first_wins():
    rows = [[2.0, 3.0, 1.0], [1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [5.0, 5.0, 5.0]]
    assert selection.kfold(table(rows), [0, 1, 2, 3], 9, 3).choice == 0
    assert selection.kfold(table(rows), [3, 2, 1], 9, 3).best == 2


def check_a_diverged_fit_never_wins():
    for bad in (math.nan, math.inf, -math.inf):
        chosen = selection.kfold(table([[0.0, bad, 0.0], [5.0] * 3]), [0, 1], 9, 3)
        assert chosen.best == 1
        assert chosen.mean[0] == math.inf
        assert not np.isfinite(chosen.losses[0, 1])


def check_stratification_reaches_the_folds():
    y = np.repeat([0, 1], [20, 10])
    shares = []

    def keep(setting, train, valid):
        shares.append((y[valid].mean(), len(valid)))
        return 0.0

    selection.kfold(keep, [0], 30, 5, stratify=y)
    assert shares == [(pytest.approx(1 / 3), 6)] * 5
    shares.clear()
    selection.holdout(keep, [0], 30, 0.3, stratify=y)
    assert shares == [(pytest.approx(1 / 3), 9)]


def check_all_settings_see_the_same_folds_and_may_write_into_them():
    seen = []

    def spoil(setting, train, valid):
        seen.append((setting, tuple(train), tuple(valid)))
        train[:], valid[:] = 0, 0
        return 1.0

    selection.kfold(spoil, ["a", "b"], 12, 3)
    a, b = ([pair[1:] for pair in seen if pair[0] == s] for s in "ab")
    assert a == b
    assert len(set(a)) == 3
    assert all(sorted(t + v) == list(range(12)) for t, v in a)


CHECKS = [check for name, check in list(globals().items()) if name[:6] == "check_"]


@pytest.mark.parametrize("check", CHECKS)
def test_selection(check):
    check()


@LAW
@given(st.integers(2, 60), st.integers(2, 12), st.integers(0, 50), st.booleans())
def test_any_folds_part_the_examples(n, K, seed, shuffle):
    if n < K:
        with pytest.raises(ValueError, match="n_folds: expected at most"):
            selection.kfold_indices(n, K)
        return
    folds = selection.kfold_indices(n, K, seed=seed, shuffle=shuffle)
    assert sorted(np.concatenate([f.valid for f in folds])) == list(range(n))
    assert {len(f.valid) for f in folds} <= {n // K, n // K + 1}


@LAW
@given(st.lists(st.integers(8, 25), min_size=1, max_size=4), st.integers(2, 8))
def test_any_classes_are_dealt_to_within_one(counts, K):
    y = np.random.default_rng(0).permutation(np.repeat(range(len(counts)), counts))
    folds = selection.kfold_indices(len(y), K, stratify=y)
    found = np.array([np.bincount(y[f.valid], minlength=len(counts)) for f in folds])
    assert (found.max(0) - found.min(0) <= 1).all()
    assert found.sum(1).max() - found.sum(1).min() <= 1


@LAW
@given(st.integers(3, 80), st.floats(0.02, 0.45), st.floats(0.02, 0.45))
def test_any_three_parts_are_all_examples(n, valid, test):
    if n - math.ceil(n * valid) - math.ceil(n * test) < 1:
        return
    split = selection.three_way_split(n, valid=valid, test=test)
    parts = [*split.train, *split.valid, *split.open_test()]
    assert sorted(parts) == list(range(n))


def test_nothing_warns_when_fits_diverge():
    rows = [[math.inf, math.nan, 1.0], [1.0, 2.0, 3.0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert selection.kfold(table(rows), [0, 1], 9, 3).best == 1


def test_folds_choose_more_steadily_than_one_holdout():
    """The direction of experiment 37: the chosen degree varies less."""
    degrees, chosen = range(1, 9), []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, 20)
        y = 4 * x**3 - 3 * x + 0.3 * rng.normal(size=20)

        def loss(degree, train, valid, x=x, y=y):
            fit = np.polynomial.Legendre.fit(x[train], y[train], degree, domain=[-1, 1])
            return np.mean((fit(x[valid]) - y[valid]) ** 2)

        one = selection.holdout(loss, degrees, 20, 0.2, seed=seed).best
        chosen.append((one, selection.kfold(loss, degrees, 20, 5, seed=seed).best))
    by_one, by_all = np.var(chosen, axis=0)
    assert by_all < 0.5 * by_one


BAD = [
    (lambda: selection.kfold_indices(0), ValueError, "n: expected an integer >= 1"),
    (lambda: selection.kfold_indices(9, 1), ValueError, "n_folds: expected .* >= 2"),
    (lambda: selection.kfold_indices(4, 5), ValueError, "at most n = 4, got 5"),
    (lambda: selection.kfold_indices(9.0), TypeError, "n: expected an integer"),
    (lambda: selection.kfold_indices(9, seed=-1), ValueError, "seed: expected"),
    (lambda: selection.kfold_indices(9, stratify=[0]), ValueError, r"got shape \(1,\)"),
    (
        lambda: selection.kfold_indices(6, 3, stratify=[0, 0, 0, 0, 1, 1]),
        ValueError,
        "at least 3 examples of each class, got 2 of class 1",
    ),
    (lambda: selection.holdout_indices(1), ValueError, "n: expected an integer >= 2"),
    (lambda: selection.holdout_indices(9, 9), ValueError, "fewer than n = 9 examples"),
    (lambda: selection.holdout_indices(2, 0.6), ValueError, "fewer than n = 2"),
    (lambda: selection.holdout_indices(9, 1.0), ValueError, r"valid: .* in \(0, 1\)"),
    (lambda: selection.holdout_indices(9, 0.0), ValueError, r"valid: .* in \(0, 1\)"),
    (lambda: selection.holdout_indices(9, 0), ValueError, "valid: .* >= 1, got 0"),
    (lambda: selection.three_way_split(2), ValueError, "n: expected an integer >= 3"),
    (lambda: selection.three_way_split(9, test=0.8), ValueError, "got 2 and 8; none"),
    (lambda: selection.three_way_split(9, valid=0), ValueError, "valid: expected"),
    (lambda: selection.three_way_split(9, test=1.5), ValueError, "test: expected"),
    (lambda: selection.kfold(ridge, [], 30), ValueError, "settings: expected at least"),
    (
        lambda: selection.kfold(lambda *_: math.nan, [1, 2], 30),
        ValueError,
        "none among 2; all fits diverged",
    ),
    (
        lambda: selection.holdout(lambda *_: None, [1], 30),
        TypeError,
        "one number for setting 1, got None",
    ),
    (
        lambda: selection.holdout(lambda *_: torch.zeros(2), [1], 30),
        TypeError,
        "one number for setting 1",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()


MUTANTS = [
    ("_check", "order_of", "classes[order]", "classes"),
    ("_check", "order_of", "if shuffle", "if not shuffle"),
    (
        "_check",
        "order_of",
        'order[np.argsort(classes[order], kind="stable")]',
        'np.argsort(classes, kind="stable")',
    ),
    ("_check", "order_of", "if stratify is None", "if True"),
    ("_check", "share_of", "limit_denominator(10**6)", "limit_denominator(10)"),
    ("_check", "share_of", ".limit_denominator(10**6)", ""),
    ("_check", "share_of", "Fraction(check_count(name, part), n)", "Fraction(1, n)"),
    ("_check", "dealt", "-(-step // share.denominator)", "step // share.denominator"),
    ("_check", "dealt", "> 0", ">= 0"),
    ("splits", "kfold_indices", "every % K == k", "every * K // n == k"),
    ("splits", "kfold_indices", "every % K == k", "every % (K + 1) == k"),
    ("splits", "kfold_indices", "np.setdiff1d(every, valid)", "every"),
    ("splits", "kfold_indices", "np.sort(pi[every", "(pi[every"),
    ("splits", "kfold_indices", "n_folds: int = 5", "n_folds: int = 10"),
    ("splits", "kfold_indices", "shuffle, seed)", "shuffle, 0)"),
    ("splits", "kfold_indices", "stratify, shuffle", "None, shuffle"),
    ("splits", "holdout_indices", "np.sort(order[~mark])", "np.sort(order)"),
    ("splits", "holdout_indices", "np.sort(order[mark])", "order[mark]"),
    ("splits", "holdout_indices", "valid: float = 0.2", "valid: float = 0.25"),
    ("splits", "holdout_indices", "shuffle, seed)", "shuffle, 0)"),
    ("splits", "holdout_indices", "stratify, shuffle", "None, shuffle"),
    ("three_way", "three_way_split", "shares[1])", "shares[0])"),
    ("three_way", "three_way_split", "Fraction(n_valid, len(rest))", "shares[0]"),
    (
        "three_way",
        "three_way_split",
        "rest[~mark], rest[mark]",
        "rest[mark], rest[mark]",
    ),
    (
        "three_way",
        "three_way_split",
        "rest[~mark], rest[mark]",
        "rest[mark], rest[~mark]",
    ),
    ("three_way", "three_way_split", "stratify, shuffle", "None, shuffle"),
    ("three_way", "three_way_split", "shuffle, seed)", "shuffle, 0)"),
    ("three_way", "three_way_split", "valid: float = 0.2", "valid: float = 0.1"),
    ("three_way", "three_way_split", "test: float = 0.2", "test: float = 0.1"),
    ("three_way", "ThreeWaySplit", "and not again", "and again"),
    ("three_way", "ThreeWaySplit", "if self.opened and", "if self.opened > 1 and"),
    ("three_way", "ThreeWaySplit", "self.opened += 1", "pass"),
    ("three_way", "ThreeWaySplit", "self._test.copy()", "self._test"),
    ("three_way", "ThreeWaySplit", "(self.train, self.valid)))", "(self.train,)))"),
    ("choose", "_choose", "known.sum(1) / K", "known.min(1)"),
    ("choose", "_choose", "known.sum(1) / K", "known.sum(1)"),
    ("choose", "_choose", "mean.argmin()", "mean.argmax()"),
    (
        "choose",
        "_choose",
        "int(mean.argmin())",
        "len(mean) - 1 - int(mean[::-1].argmin())",
    ),
    ("choose", "_choose", "K * (K - 1)", "K * K"),
    ("choose", "_choose", "K * (K - 1)", "K - 1"),
    ("choose", "_choose", "np.sqrt(spread", "(spread"),
    (
        "choose",
        "_choose",
        ".all(1, keepdims=True), losses, np.inf",
        ".any(1, keepdims=True), losses, np.inf",
    ),
    ("choose", "_loss", "fold.train.copy()", "fold.train"),
    ("choose", "_loss", "fold.valid.copy()", "fold.valid"),
    (
        "choose",
        "_loss",
        "fold.train.copy(), fold.valid.copy()",
        "fold.valid.copy(), fold.train.copy()",
    ),
    ("choose", "holdout", "stratify=stratify, ", ""),
    ("choose", "holdout", "seed=seed", "seed=0"),
    ("choose", "holdout", "valid: float = 0.2", "valid: float = 0.3"),
    ("choose", "kfold", "stratify=stratify, ", ""),
    ("choose", "kfold", "seed=seed", "seed=0"),
    ("choose", "kfold", "n_folds: int = 5", "n_folds: int = 4"),
    ("choose", "Selection", "self.settings[self.choice]", "self.settings[0]"),
]


def survives():
    try:
        with np.errstate(all="ignore"):
            for check in CHECKS:
                check()
    except Exception:
        return False
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("page", "name", "old", "new"), MUTANTS)
def test_the_checks_kill_the_mutant(mutate, monkeypatch, page, name, old, new):
    wrong = mutate(getattr(PAGES[page], name), old, new)
    for where in (*PAGES.values(), selection):
        if hasattr(where, name):
            monkeypatch.setattr(where, name, wrong)
    assert not survives()
