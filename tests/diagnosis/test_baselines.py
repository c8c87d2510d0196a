"""The baselines: closed forms, scikit-learn's own scores, and mutants."""

import importlib
import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from coursekit.diagnosis import baseline_suite

page = importlib.import_module("coursekit.diagnosis.baseline_suite")
table_page = importlib.import_module("coursekit.diagnosis.baselines")
NAMES = ["constant", "linear", "svm", "neighbours", "mlp"]


def classes(n=60, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, 2)) * [1.0, 30.0]
    y = (x[:, 0] + x[:, 1] / 30 + 0.3 * draw.normal(size=n) > 0.5).astype(int)
    y[x[:, 0] > 1] = 2
    return x[: n // 2], y[: n // 2], x[n // 2 :], y[n // 2 :]


def numbers(n=60, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, 2)) * [1.0, 30.0]
    y = 500 + 80 * x[:, 0] + 2 * x[:, 1] + 5 * draw.normal(size=n)
    return x[: n // 2], y[: n // 2], x[n // 2 :], y[n // 2 :]


def check_classes():
    x, y, x_new, y_new = sets = classes()
    table = page.baseline_suite(*sets)
    assert [row.name for row in table.rows] == NAMES
    assert table.task == "classes"
    p = np.bincount(y) / len(y)
    row = table["constant"]
    assert row.train_loss == pytest.approx(-(p * np.log(p)).sum())
    assert row.test_loss == pytest.approx(-np.log(p[y_new]).mean())
    assert row.train_score == p.max()
    scaler = StandardScaler().fit(x)
    linear = LogisticRegression(max_iter=1000).fit(scaler.transform(x), y)
    near = KNeighborsClassifier(5).fit(scaler.transform(x), y)
    for part, target, kind in ((x, y, "train"), (x_new, y_new, "test")):
        z = scaler.transform(part)
        expected = log_loss(target, linear.predict_proba(z), labels=[0, 1, 2])
        assert getattr(table["linear"], f"{kind}_loss") == pytest.approx(expected)
        score = linear.score(z, target)
        assert getattr(table["linear"], f"{kind}_score") == pytest.approx(score)
        counts = 5 * near.predict_proba(z)
        p_y = (counts[np.arange(len(z)), target] + 1 / 3) / 6
        loss = getattr(table["neighbours"], f"{kind}_loss")
        assert loss == pytest.approx(-np.log(p_y).mean())
    for name in ("svm", "mlp"):
        assert 0 < table[name].train_loss < 0.8 * table["constant"].train_loss
        assert table[name].train_score > 0.8


def check_numbers():
    x, y, x_new, y_new = sets = numbers()
    table = page.baseline_suite(*sets)
    assert [row.name for row in table.rows] == NAMES
    assert table.task == "numbers"
    assert table["constant"].train_loss == pytest.approx(y.var())
    assert table["constant"].train_score == pytest.approx(0, abs=1e-12)
    scaler = StandardScaler().fit(x)
    linear = Ridge().fit(scaler.transform(x), y)
    guess = linear.predict(scaler.transform(x_new))
    assert table["linear"].test_loss == pytest.approx(((guess - y_new) ** 2).mean())
    assert table["linear"].test_score == pytest.approx(r2_score(y_new, guess))
    for name in ("svm", "mlp"):
        assert table[name].train_loss < 0.5 * table["constant"].train_loss


def check_reading():
    row = table_page.Baseline
    table = table_page.Baselines(
        (
            row("constant", "class frequencies", 2.3, 2.3, 0.1, 0.1),
            row("linear", "logistic regression", 0.5, 0.6, 0.9, 0.8),
            row("svm", "SVM <rbf>", 0.01, 0.3, 1.0, 0.9),
            row("mlp", "MLP", 0.05, 0.3, 1.0, 0.9),
        ),
        "classes",
    )
    assert table.diagnose(0.7, 0.7) == "optimization"
    assert table.diagnose(0.55, 0.7) == "bias"
    assert table.diagnose(0.55, 0.7, tol=0.02) == "optimization"
    assert table.diagnose(0.55, 0.7, within=["mlp", "linear"]) == "optimization"
    assert table.diagnose(0.55, 0.7, within="mlp") == "optimization"
    assert table.diagnose(0.55, 0.7, within=("constant",)) == "bias"
    assert table.diagnose(0.05, 0.7) == "overfitting or mismatch"
    text = table.sentence(0.7, 0.7)
    assert "0.7 is above the 0.5 of logistic regression" in text
    assert "Diagnosis: optimization" in text
    assert "optimization" in table.sentence(0.3, 0.3, within="mlp")
    assert "not above the 0.05 of MLP" in table.sentence(0.05, 0.05, within="mlp")
    lines = str(table).splitlines()
    assert len(lines) == 5
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split() == [
        "logistic",
        "regression",
        "0.500",
        "0.600",
        "0.900",
        "0.800",
    ]
    html = table._repr_html_()
    assert html.count("<tr>") == 5
    assert html.count('scope="row"') == 4
    assert "SVM &lt;rbf&gt;" in html
    assert "test accuracy" in html
    assert "squared error" not in html
    head = str(table_page.Baselines(table.rows, "numbers")).splitlines()[0]
    assert "train squared error" in head
    assert "test R²" in head


CHECKS = [check_classes, check_numbers, check_reading]


@pytest.mark.parametrize("check", CHECKS)
def test_baselines(check):
    check()


@pytest.mark.parametrize(
    ("owner", "function", "old", "new", "check"),
    [
        (page, "_score_classes", "1 / C", "1", check_classes),
        (page, "_score_classes", "/ (k + 1)", "/ k", check_classes),
        (page, "_score_classes", "k * p", "p", check_classes),
        (page, "_score_classes", "argmax(1)", "argmin(1)", check_classes),
        (page, "_score_numbers", "1 - error / spread", "error / spread", check_numbers),
        (page, "_score_numbers", "np.square(", "np.abs(", check_numbers),
        (page, "_scaled", "StandardScaler(), model", "model", check_numbers),
        (page, "baseline_suite", "model.fit(x, y)", "model.fit(x_new, y_new)", None),
        (page, "baseline_suite", "train[0], test[0]", "test[0], train[0]", None),
        (page, "baseline_suite", "train[1], test[1]", "test[1], train[1]", None),
        (page, "baseline_suite", '.kind == "f"', '.kind == "i"', None),
    ],
)
def test_the_scores_kill_the_mutant(
    mutate, monkeypatch, owner, function, old, new, check
):
    monkeypatch.setattr(owner, function, mutate(getattr(owner, function), old, new))
    with pytest.raises((AssertionError, ValueError)):
        (check or check_classes)()


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("_best", "min(", "max("),
        ("_best", "row.train_loss", "row.test_score"),
        ("diagnose", ".train_loss", ".test_loss * 2"),
        ("diagnose", ", tol=tol", ""),
        ("diagnose", '("constant", "linear")', '("constant",)'),
        ("sentence", "train > best.train_loss", "train < best.train_loss"),
        ("sentence", ", within=within", ""),
        ("_repr_html_", "escape(row[0])", "row[0]"),
        ("_table", 'self.task == "numbers"', 'self.task == "classes"'),
    ],
)
def test_the_reading_kills_the_mutant(mutate, monkeypatch, method, old, new):
    wrong = mutate(getattr(table_page.Baselines, method), old, new)
    monkeypatch.setattr(table_page.Baselines, method, wrong)
    with pytest.raises(AssertionError):
        check_reading()


def test_the_same_seed_gives_the_same_table():
    sets = classes()
    assert baseline_suite(*sets, seed=1) == baseline_suite(*sets, seed=1)
    other = baseline_suite(*sets, seed=2)
    assert other["mlp"] != baseline_suite(*sets, seed=1)["mlp"]
    assert other["linear"] == baseline_suite(*sets, seed=1)["linear"]


def test_anything_array_like_is_taken():
    x, y, x_new, y_new = classes()
    expected = baseline_suite(x, y, x_new, y_new)
    inputs = torch.tensor(x, requires_grad=True), torch.tensor(x_new)
    tensors = baseline_suite(inputs[0], torch.tensor(y), inputs[1], torch.tensor(y_new))
    assert tensors == expected
    lists = baseline_suite(x.tolist(), y.tolist(), x_new.tolist(), y_new.tolist())
    assert lists == expected
    images = baseline_suite(x[:, None], y[:, None], x_new[:, None], y_new[:, None])
    assert images == expected
    words = np.array(["a", "b", "c"])
    assert baseline_suite(x, words[y], x_new, words[y_new]) == expected
    half = torch.tensor(x).bfloat16()
    assert baseline_suite(half, y, x_new, y_new)["constant"] == expected["constant"]
    assert baseline_suite(x, y * 1.0, x_new, y_new * 1.0, task="classes") == expected
    assert baseline_suite(x, y, x_new, y_new, task="numbers").task == "numbers"


def test_few_examples_and_constant_targets():
    x, y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
    assert "4 nearest" in baseline_suite(x, y, x, y)["neighbours"].words
    flat = baseline_suite(x, np.ones(4), x, np.ones(4))["constant"]
    assert flat.train_loss == 0
    assert math.isnan(flat.train_score)


X, Y, X_NEW, Y_NEW = classes()


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ((X[:, 0], Y, X_NEW, Y_NEW), r"x_train: expected .*needs shape \[n, 1\]"),
        ((X * math.nan, Y, X_NEW, Y_NEW), "x_train: expected finite.*60 that are not"),
        ((X, Y[:-1], X_NEW, Y_NEW), "y_train: expected 30 targets.*got 29"),
        ((X, Y, X_NEW, Y_NEW[:-1]), "y_test: expected 30 targets.*got 29"),
        ((X, Y, X_NEW[:, :1], Y_NEW), "x_test: expected 2 features .*got 1"),
        ((X, np.eye(3)[Y], X_NEW, Y_NEW), r"one-hot rows become classes by argmax"),
        ((X, Y * 0, X_NEW, Y_NEW * 0), "two classes or more .*got 1"),
        ((X, np.arange(30), X_NEW, Y_NEW), "two examples each, got 30 with 1"),
        ((X, Y % 2, X_NEW, Y_NEW), "y_test: expected classes of the training set"),
        ((X, Y * math.nan, X_NEW, Y_NEW), "y_train: expected finite targets"),
    ],
)
def test_bad_input_is_refused_in_words(sets, message):
    with pytest.raises(ValueError, match=message):
        baseline_suite(*sets)


def test_unknown_names_are_refused():
    table = baseline_suite(X, Y, X_NEW, Y_NEW)
    with pytest.raises(ValueError, match="name: expected one of 'constant'"):
        table["tree"]
    with pytest.raises(ValueError, match="within: expected at least one"):
        table.diagnose(1.0, 1.0, within=())
    with pytest.raises(ValueError, match="task: expected one of"):
        baseline_suite(X, Y, X_NEW, Y_NEW, task="text")
