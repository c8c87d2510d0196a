r"""Train models that are easy to train, as a yardstick for the one that is not.

What gives no usable probabilities is first turned into them. With C classes
and k neighbours, of which :math:`n_c` have class c,

.. math::

    p_c = \frac{n_c + 1/C}{k + 1} \qquad (1)

so that a class without a neighbour costs much, but not infinitely much; the
scores of the support vector machine go through a logistic function, fitted on
folds that it was not trained on. Then every model is scored by the same two
numbers. With the probability :math:`p_r` that it gave to the class that came,

.. math::

    L = -\frac1N \sum_r \ln p_r \qquad (2)

which is the mean cross-entropy, in nats, that a network is trained on, and
the accuracy. For numbers it is the mean squared error and R².

The losses on the training set are not all of one kind: a training example is
its own nearest neighbour, and the linear models are regularized.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validate import check_count, check_in
from ..metrics import log_loss
from ._arrays import check_sets, codes, inputs, targets
from .baselines import Baseline, Baselines

__all__ = ["baseline_suite"]

Array = NDArray[Any]
NEIGHBOURS = 5


def baseline_suite(
    x_train: ArrayLike,
    y_train: ArrayLike,
    x_test: ArrayLike,
    y_test: ArrayLike,
    seed: int = 0,
    *,
    task: str = "auto",
) -> Baselines:
    r"""Train a constant, a linear model, an SVM, neighbours and a small MLP.

    Args:
        x_train: Training inputs, n of them, whatever ``np.asarray`` takes, or
            tensors; all axes behind the first are joined.
        y_train: Training targets: classes, by number or name, or real numbers.
        x_test: Test inputs.
        y_test: Test targets.
        seed: Of the MLP's weights and batches and of the SVM's folds.
        task: ``"classes"``, ``"numbers"``, or ``"auto"``: real-valued targets
            are numbers, everything else is classes.

    Shape:
        x ``[n, *features]``, y ``[n]`` or ``[n, 1]``.

    Returns:
        A table with losses, accuracies (R² for numbers), and a method that
        diagnoses a model against it.

    Raises:
        ValueError: If shapes do not match, something is not finite, there are
            fewer than two classes or two examples of one, or the test set has
            a class that the training set lacks.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)  # xor: no linear model can
        >>> table = baseline_suite(x[:100], y[:100], x[100:], y[100:])
        >>> round(table["constant"].train_loss, 2)
        0.69
        >>> table["svm"].train_score > 0.9 > 0.7 > table["linear"].train_score
        True
        >>> str(table.diagnose(0.9, 0.9))  # worse than a linear model
        'optimization'

    Notes:
        scikit-learn's models with its defaults, after scaling every feature
        by its training deviation: logistic or ridge regression, an SVM with a
        Gaussian kernel, 5 neighbours, one hidden layer of 64 ReLUs under Adam
        for at most 200 epochs.

    References:
        Platt (1999), Probabilistic outputs for support vector machines, in:
        Advances in Large Margin Classifiers, MIT Press (the logistic function).
        Niculescu-Mizil, Caruana (2005), Predicting good probabilities with
        supervised learning, ICML (whom it helps).
    """
    from sklearn.exceptions import ConvergenceWarning

    check_in("task", task, ("auto", "classes", "numbers"))
    seed = check_count("seed", seed, least=0)
    x, y = inputs("x_train", x_train), targets("y_train", y_train)
    x_new, y_new = inputs("x_test", x_test), targets("y_test", y_test)
    check_sets(x, y, x_new, y_new)
    if task == "auto":
        task = "numbers" if y.dtype.kind == "f" else "classes"
    if task == "classes":
        y, y_new = codes(y, y_new)
    models = _classifiers(seed, y) if task == "classes" else _regressors(seed, len(y))
    score = _score_classes if task == "classes" else _score_numbers
    rows = []
    for name, (words, model) in models.items():
        with warnings.catch_warnings():
            # an MLP stopped after 200 epochs is a baseline all the same
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, y)
        train, test = score(name, model, x, y), score(name, model, x_new, y_new)
        rows.append(Baseline(name, words, train[0], test[0], train[1], test[1]))
    return Baselines(tuple(rows), task)


def _classifiers(seed: int, y: Array) -> dict[str, tuple[str, Any]]:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    folds = StratifiedKFold(
        min(3, np.bincount(y).min()), shuffle=True, random_state=seed
    )
    svm = CalibratedClassifierCV(
        SVC(),
        method="sigmoid",
        ensemble=False,  # pyright: ignore[reportArgumentType]
        cv=folds,
    )
    mlp = MLPClassifier(hidden_layer_sizes=(64,), random_state=seed)
    near = KNeighborsClassifier(min(NEIGHBOURS, len(y)))
    return {
        "constant": ("class frequencies", DummyClassifier(strategy="prior")),
        "linear": ("logistic regression", _scaled(LogisticRegression(max_iter=1000))),
        "svm": ("support vector machine", _scaled(svm)),
        "neighbours": (f"{near.n_neighbors} nearest neighbours", _scaled(near)),
        "mlp": ("MLP, 64 hidden units", _scaled(mlp)),
    }


def _regressors(seed: int, n: int) -> dict[str, tuple[str, Any]]:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    def centred(model: Any) -> Any:
        return TransformedTargetRegressor(model, transformer=StandardScaler())

    mlp = centred(MLPRegressor(hidden_layer_sizes=(64,), random_state=seed))
    near = KNeighborsRegressor(min(NEIGHBOURS, n))
    return {
        "constant": ("mean of the targets", DummyRegressor()),
        "linear": ("ridge regression", _scaled(Ridge())),
        "svm": ("support vector machine", _scaled(centred(SVR()))),
        "neighbours": (f"{near.n_neighbors} nearest neighbours", _scaled(near)),
        "mlp": ("MLP, 64 hidden units", _scaled(mlp)),
    }


def _scaled(model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def _score_classes(name: str, model: Any, x: Array, y: Array) -> tuple[float, float]:
    p = model.predict_proba(x)
    if name == "neighbours":
        k, C = model[-1].n_neighbors, p.shape[1]
        p = (k * p + 1 / C) / (k + 1)  # (1)
    loss = log_loss(y, p, clip=1e-12)  # (2)
    return loss, float((p.argmax(1) == y).mean())


def _score_numbers(name: str, model: Any, x: Array, y: Array) -> tuple[float, float]:
    error = float(np.square(model.predict(x) - y).mean())
    spread = float(y.var())
    return error, 1 - error / spread if spread else float("nan")
