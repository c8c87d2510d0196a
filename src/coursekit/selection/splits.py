r"""Cut the examples into parts that share none, before anything is fitted.

Whatever is chosen by a part, be it weights, a degree or the moment to stop, is fitted
to that part, and its loss there is too low. So each purpose gets its own: *training*
for weights, *validation* for choices, *test* for one honest number at the end.

With N examples in K folds, fold k is every K-th example of a random order π:

.. math::

    V_k &= \{\pi_i : i \bmod K = k\} \qquad (1) \\
    T_k &= \{0, \dots, N-1\} \setminus V_k \qquad (2)

so that the sizes differ by at most 1, also when K does not divide N. To *stratify*, π
is sorted by class, and then each fold has each class in proportion, to within one
example: with few examples or a rare class, luck would otherwise decide which folds
are hard. A hold-out with a share 1/K is fold 0 of the same order.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from .._validate import check_count
from ..metrics._arrays import array_of
from ._check import Indices, dealt, order_of, share_of

__all__ = ["Fold", "holdout_indices", "kfold_indices"]


class Fold(NamedTuple):
    """Hold the indices of one training and one validation part.

    Attributes:
        train: Indices to fit to, in increasing order.
        valid: Indices to judge by.
    """

    train: Indices
    valid: Indices


def kfold_indices(
    n: int,
    n_folds: int = 5,
    *,
    stratify: Any = None,
    shuffle: bool = True,
    seed: int = 0,
) -> list[Fold]:
    r"""Return K folds, equations (1) and (2); each example is once in ``valid``.

    Args:
        n: Number of examples N.
        n_folds: Number of folds K, from 2 to N; N is leave-one-out.
        stratify: Classes ``[n]`` that each fold has in proportion; None for
            none, as for regression.
        shuffle: Whether the order is random; without, neighbours in the data go
            to different folds.
        seed: Decides a random order.

    Returns:
        K pairs of index arrays (int64).

    Raises:
        ValueError: If a number is out of its range, or a class has fewer
            examples than there are folds.

    Example:
        >>> [fold.valid.tolist() for fold in kfold_indices(5, 2, shuffle=False)]
        [[0, 2, 4], [1, 3]]

    Notes:
        ``sklearn.model_selection.KFold`` takes blocks of the order instead of
        every K-th place; after shuffling that makes no difference, and without
        it this form spoils less where data are sorted.

    References:
        Stone (1974), Cross-validatory choice and assessment of statistical
        predictions, Journal of the Royal Statistical Society B 36(2), 111–147.
    """
    n, K = check_count("n", n), check_count("n_folds", n_folds, least=2)
    if n < K:
        raise ValueError(
            f"n_folds: expected at most n = {n}, got {K}; some folds would be empty"
        )
    pi = order_of(n, stratify, shuffle, seed)
    _check_classes(stratify, pi, K)
    every = np.arange(n)
    folds = []
    for k in range(K):
        valid = np.sort(pi[every % K == k])  # (1)
        train = np.setdiff1d(every, valid)  # (2)
        folds.append(Fold(train, valid))
    return folds


def _check_classes(stratify: Any, order: Indices, least: int) -> None:
    if stratify is None:
        return
    classes, counts = np.unique(array_of(stratify)[order], return_counts=True)
    if counts.min() < least:
        raise ValueError(
            f"stratify: expected at least {least} examples of each class, got "
            f"{counts.min()} of class {classes[counts.argmin()]}; use fewer folds"
        )


def holdout_indices(
    n: int,
    valid: float = 0.2,
    *,
    stratify: Any = None,
    shuffle: bool = True,
    seed: int = 0,
) -> Fold:
    r"""Return one training and one validation part.

    Args:
        n: Number of examples, at least 2.
        valid: Size of the validation part: an integer number of examples, or a
            share in (0, 1), rounded up.
        stratify: Classes ``[n]`` that both parts have in proportion.
        shuffle: Whether the order is random.
        seed: Decides a random order.

    Returns:
        A pair of index arrays (int64); for a share 1/K it is the first fold of
        ``kfold_indices`` with the same seed.

    Raises:
        ValueError: If a part would be empty, or an argument is out of its range.

    Example:
        >>> train, valid = holdout_indices(10, 0.3)
        >>> len(train), len(valid)
        (7, 3)

    References:
        Arlot, Celisse (2010), A survey of cross-validation procedures for model
        selection, arXiv 0907.4728, section 4.
    """
    n = check_count("n", n, least=2)
    share = share_of("valid", valid, n)
    if (m := math.ceil(share * n)) >= n:
        raise ValueError(
            f"valid: expected fewer than n = {n} examples, got {m}; none would be "
            "left for training"
        )
    order = order_of(n, stratify, shuffle, seed)
    mark = dealt(order, share)
    return Fold(np.sort(order[~mark]), np.sort(order[mark]))
