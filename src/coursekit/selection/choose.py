r"""Choose the setting with the smallest validation loss: of one split, or on average.

.. math::

    \ell_{jk} &= \mathrm{loss\ on\ } V_k \mathrm{\ of\ setting\ } j
    \mathrm{\ fitted\ to\ } T_k \qquad (1) \\
    \bar\ell_j &= \frac1K \sum_k \ell_{jk} \qquad (2) \\
    \mathrm{choice} &= \min\{j : \bar\ell_j = \min_i \bar\ell_i\} \qquad (3) \\
    \mathrm{se}_j &= \sqrt{\frac{\sum_k (\ell_{jk} - \bar\ell_j)^2}{K(K-1)}}
    \qquad (4)

*Hold-out* is K = 1: one of the splits, cheap, and at the mercy of it. *K-fold
cross-validation* judges by the **mean** over K splits, never by the best single fold,
in which the luckiest setting would win. The loss is whatever the task is judged by,
not necessarily a squared error. Of equal settings the first one wins, so list them from
simple to complex. The standard error is a guide, not a test: folds share training data,
so their losses are not independent, and no unbiased estimate of the variance exists.

After the choice, fit the chosen setting to *all* the data. The smallest
:math:`\bar\ell_j` is too good an estimate of its loss: it was picked for being small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from ._check import Indices
from .splits import Fold, holdout_indices, kfold_indices

__all__ = ["Selection", "holdout", "kfold"]

FitAndScore = Callable[[Any, Indices, Indices], float]


@dataclass(frozen=True)
class Selection:
    """Hold the validation losses of all settings and the choice that they led to.

    Attributes:
        settings: What was compared, in the order given.
        losses: Validation losses, ``[setting, fold]``; not finite where a fit
            diverged.
        mean: Mean over folds, ``[setting]``; infinite if one fold diverged.
        standard_error: Its standard error, ``[setting]``; NaN for one fold.
        choice: Number of the setting chosen.
    """

    settings: tuple[Any, ...]
    losses: NDArray[float64]
    mean: NDArray[float64]
    standard_error: NDArray[float64]
    choice: int

    @property
    def best(self) -> Any:
        """The setting chosen."""
        return self.settings[self.choice]

    def __repr__(self) -> str:
        loss, se = self.mean[self.choice], self.standard_error[self.choice]
        of = f"{len(self.settings)} settings in {self.losses.shape[1]} fold(s)"
        return f"Selection({self.best!r} of {of}, loss {loss:.4g}, s.e. {se:.2g})"


def holdout(
    fit_and_score: FitAndScore,
    settings: Sequence[Any],
    n: int,
    valid: float = 0.2,
    *,
    stratify: Any = None,
    seed: int = 0,
) -> Selection:
    r"""Choose by the loss on one validation part.

    Args:
        fit_and_score: Called as ``fit_and_score(setting, train, valid)`` with
            index arrays; fits to the first, scaling included, and returns the loss
            on the second.
        settings: What is compared, from simple to complex.
        n: Number of examples.
        valid: Size of the validation part: a number, or a share in (0, 1).
        stratify: Classes ``[n]`` that both parts have in proportion.
        seed: Decides the split; all settings see the same one.

    Returns:
        Losses ``[setting, 1]`` and the choice.

    Raises:
        TypeError: If a loss is not one number.
        ValueError: If there is no setting, all diverged, or an argument is out
            of its range.

    Example:
        >>> x = np.linspace(-1, 1, 30)
        >>> y = x**2 + 0.1 * np.cos(40 * x)
        >>> def fit_and_score(degree, train, valid):
        ...     line = np.polynomial.Polynomial.fit(x[train], y[train], degree)
        ...     return ((line(x[valid]) - y[valid]) ** 2).mean()
        >>> holdout(fit_and_score, [0, 1, 2], 30).best
        2

    References:
        Arlot, Celisse (2010), A survey of cross-validation procedures for model
        selection, arXiv 0907.4728, section 4.
    """
    fold = holdout_indices(n, valid, stratify=stratify, seed=seed)
    return _choose(fit_and_score, settings, [fold])


def kfold(
    fit_and_score: FitAndScore,
    settings: Sequence[Any],
    n: int,
    n_folds: int = 5,
    *,
    stratify: Any = None,
    seed: int = 0,
) -> Selection:
    r"""Choose by the mean validation loss over K folds, equations (1) to (4).

    Args:
        fit_and_score: Called as ``fit_and_score(setting, train, valid)`` with
            index arrays; fits to the first, scaling included, and returns the loss
            on the second.
        settings: What is compared, from simple to complex.
        n: Number of examples.
        n_folds: Number of folds K, from 2 to n.
        stratify: Classes ``[n]`` that each fold has in proportion.
        seed: Decides the folds; all settings see the same ones.

    Returns:
        Losses ``[setting, fold]``, their means and the choice.

    Raises:
        TypeError: If a loss is not one number.
        ValueError: If there is no setting, all diverged, or an argument is out
            of its range.

    Example:
        >>> x = np.linspace(-1, 1, 30)
        >>> y = x**2 + 0.1 * np.cos(40 * x)
        >>> def fit_and_score(degree, train, valid):
        ...     line = np.polynomial.Polynomial.fit(x[train], y[train], degree)
        ...     return ((line(x[valid]) - y[valid]) ** 2).mean()
        >>> kfold(fit_and_score, [0, 1, 2, 3], 30)
        Selection(2 of 4 settings in 5 fold(s), loss 0.00..., s.e. ...)

    Notes:
        Each fold counts the same. With folds that differ in size by one, pooling
        all examples instead would differ from (2) in the order of 1/n.

    References:
        Stone (1974), Cross-validatory choice and assessment of statistical
        predictions, Journal of the Royal Statistical Society B 36(2), 111–147.
        Bengio, Grandvalet (2004), No unbiased estimator of the variance of
        K-fold cross-validation, JMLR 5, 1089–1105.
    """
    folds = kfold_indices(n, n_folds, stratify=stratify, seed=seed)
    return _choose(fit_and_score, settings, folds)


def _choose(
    fit_and_score: FitAndScore, settings: Sequence[Any], folds: list[Fold]
) -> Selection:
    if not len(settings):
        raise ValueError("settings: expected at least one, got none")
    K = len(folds)
    rows = [
        [_loss(fit_and_score, setting, fold) for fold in folds] for setting in settings
    ]
    losses = np.array(rows)  # (1)
    # A fit that diverged in one fold has no mean: it must not win by leaving it out.
    known = np.where(np.isfinite(losses).all(1, keepdims=True), losses, np.inf)
    mean = known.sum(1) / K  # (2)
    choice = int(mean.argmin())  # (3)
    if not np.isfinite(mean[choice]):
        raise ValueError(
            f"fit_and_score: expected a finite loss in all folds for some setting, got "
            f"none among {len(settings)}; all fits diverged"
        )
    with np.errstate(invalid="ignore"):
        spread = np.square(losses - mean[:, None]).sum(1)
    se = np.sqrt(spread / (K * (K - 1))) if K > 1 else np.full(len(rows), np.nan)  # (4)
    return Selection(tuple(settings), losses, mean, se, choice)


def _loss(fit_and_score: FitAndScore, setting: Any, fold: Fold) -> float:
    loss = fit_and_score(setting, fold.train.copy(), fold.valid.copy())
    try:
        return float(loss)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"fit_and_score: expected one number for setting {setting!r}, got "
            f"{loss!r}; return the mean loss on the validation part"
        ) from error
