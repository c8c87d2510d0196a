r"""Judge scores by the order they put the examples in.

For targets y in {0, 1} and scores s, with the midrank of a score among all
scores (ties share the mean of their ranks), :math:`n_1` positive and
:math:`n_0` negative examples:

.. math::

    R &= \textstyle\sum_{r:\, y_r = 1} \mathrm{midrank}(s_r) \qquad (1) \\
    \mathrm{AUC} &= \frac{R - n_1 (n_1 + 1)/2}{n_1 n_0} \qquad (2)

AUC is the probability that a random positive example scores above a random
negative one, a tie counting one half. It asks only for the order of the scores
and does not change with the share of positives.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import binary, numbers

__all__ = ["auc"]


def auc(y: ArrayLike, scores: ArrayLike) -> float:
    r"""Return the area under the ROC curve, equation (2).

    Args:
        y: Targets, 0 or 1.
        scores: One number an example, larger for the positive class; any
            increasing function of it gives the same area.

    Shape:
        both ``[n]``.

    Returns:
        A number in [0, 1]; NaN if only one class is present.

    Raises:
        ValueError: If shapes differ, a target is not 0 or 1, or a score is
            NaN.

    Example:
        >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
        >>> auc([0, 1], [0.3, 0.3])
        0.5

    References:
        Hanley, McNeil (1982), The meaning and use of the area under a receiver
        operating characteristic (ROC) curve, Radiology 143(1), 29–36.
    """
    target, s = binary(y), numbers("scores", scores)
    if s.shape != target.shape:
        raise ValueError(
            f"scores: expected one score for each of {target.shape} targets, got "
            f"shape {s.shape}; take the score of the positive class"
        )
    n1 = int(target.sum())
    n0 = target.size - n1
    if n1 == 0 or n0 == 0:
        return math.nan
    _, group, count = np.unique(s, return_inverse=True, return_counts=True)
    midrank = np.cumsum(count) - (count - 1) / 2
    R = midrank[group][target].sum()  # (1)
    return float((R - n1 * (n1 + 1) / 2) / (n1 * n0))  # (2)
