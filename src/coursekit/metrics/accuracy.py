r"""Judge predicted classes by the share of right ones.

.. math::

    \mathrm{acc} = \frac1n \sum_r [\hat y_r = y_r] \qquad (1)

With a rare class it is high for predicting "no" always; ``auc`` of that
constant is 1/2.
"""

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import array_of, classes, numbers

__all__ = ["accuracy"]


def accuracy(y: ArrayLike, predicted: ArrayLike) -> float:
    r"""Return the share of examples whose class is predicted.

    Args:
        y: Class indices.
        predicted: Class indices, or scores (logits, probabilities) of every
            class on one more axis, the last; its largest decides, the first
            of them in a tie.

    Shape:
        y ``[*]``, predicted ``[*]`` or ``[*, classes]``.

    Returns:
        A number in [0, 1].

    Raises:
        TypeError: If classes are not integers.
        ValueError: If shapes do not match, there is no example, or a score is
            NaN.

    Example:
        >>> accuracy([0, 1, 1], [[2.0, 1.0], [0.1, 0.3], [5.0, -5.0]])
        0.6666666666666666

    Notes:
        A single score per example has no argmax: hand in ``scores > 0.5``.
    """
    target = classes("y", y)
    values = array_of(predicted)
    if values.ndim == target.ndim + 1:
        guess = numbers("predicted", values).argmax(axis=-1)
    else:
        guess = classes("predicted", values)
    if guess.shape != target.shape or not target.size:
        raise ValueError(
            f"predicted: expected classes {target.shape} or scores "
            f"{(*target.shape, 'classes')} for at least one example, got "
            f"{values.shape}"
        )
    return float(np.mean(guess == target))  # (1)
