r"""Judge probabilities by the surprise at what happened.

.. math::

    \ell = -\frac1n \sum_r \ln p_{r,\,y_r} \qquad (1)

The order of the examples is not enough here, the probabilities must be
calibrated: predicting the share of positives for everyone is the best constant.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import binary, classes, numbers

__all__ = ["log_loss"]


def log_loss(y: ArrayLike, probs: ArrayLike, *, clip: float = 0.0) -> float:
    r"""Return the mean of :math:`-\ln p` of what happened, in nats.

    Args:
        y: Targets, 0 or 1 for probabilities ``[n]``, class indices for
            ``[n, classes]``.
        probs: :math:`p(y = 1)` of every example, or the probability of every
            class.
        clip: Probabilities are moved into [clip, 1 − clip], 0 ≤ clip < 1/2.

    Shape:
        y ``[n]``, probs ``[n]`` or ``[n, classes]``.

    Returns:
        The loss; infinity if what happened had the probability 0 and nothing
        is clipped.

    Raises:
        ValueError: If shapes do not match, a class is out of range, or a
            probability lies outside [0, 1].

    Example:
        >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
        0.6931
        >>> round(log_loss([2], [[0.2, 0.3, 0.5]]), 4)
        0.6931

    Notes:
        scikit-learn clips at the resolution of the type, so that a certain
        mistake costs about 36 there; here it costs infinity unless ``clip``
        says otherwise.
    """
    p = numbers("probs", probs)
    if p.size and (p.min() < 0 or p.max() > 1):
        raise ValueError(
            f"probs: expected probabilities in [0, 1], got {p.min():g} to "
            f"{p.max():g}; scores need a softmax or a sigmoid first"
        )
    if not 0 <= clip < 0.5:
        raise ValueError(f"clip: expected a number in [0, 0.5), got {clip!r}")
    if p.ndim == 1:
        target = binary(y).astype(int)
        p = np.stack([1 - p, p], axis=-1)
    else:
        target = classes("y", y)
    _check_table(target, p)
    p_y = p[np.arange(target.size), target].clip(clip, 1 - clip)
    with np.errstate(divide="ignore"):
        return float(-np.log(p_y).mean())  # (1)


def _check_table(target: NDArray[Any], p: NDArray[Any]) -> None:
    if p.ndim != 2 or target.shape != p.shape[:1] or not target.size:
        raise ValueError(
            f"probs: expected shape [n] or [n, classes] for n = {target.size} ≥ 1 "
            f"targets, got {p.shape}"
        )
    if target.min() < 0 or target.max() >= p.shape[1]:
        raise ValueError(
            f"y: expected classes 0 to {p.shape[1] - 1}, got {target.min()} to "
            f"{target.max()}"
        )
