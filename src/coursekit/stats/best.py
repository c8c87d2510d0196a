r"""Find the settings that no paired interval separates from the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .intervals import mean_and_half_width

if TYPE_CHECKING:
    from numpy import bool_
    from numpy.typing import ArrayLike, NDArray


def as_good_as_best(values: ArrayLike, larger_is_better: bool = True) -> NDArray[bool_]:
    """Mark the settings that no paired interval separates from the best one.

    The best is the setting of the best mean. Another is as good if the 95 %
    interval of its paired differences to the best contains zero; overlapping
    ranges of seeds would be a far weaker demand.

    Args:
        values: one measurement for each setting and seed, the same seeds in every
            setting.
        larger_is_better: False for losses.

    Shape:
        values: ``[..., setting, seed]``; each leading index is judged alone.

    Returns:
        Of shape ``[..., setting]``. A setting with a diverged seed is never as
        good as the best; if every setting has one, all are False.

    Raises:
        ValueError: for fewer than two axes or two seeds.

    Example:
        >>> runs = [[0.95, 0.96, 0.94], [0.94, 0.97, 0.94], [0.91, 0.92, 0.91]]
        >>> as_good_as_best(runs).tolist()
        [True, True, False]

    Notes:
        The best mean is partly luck, so the true best is missed less often than
        one in twenty, and equal settings are marked as equal a little too seldom.
    """
    import numpy as np

    v = np.asarray(values, float)
    if v.ndim < 2 or v.shape[-1] < 2 or not v.shape[-2]:
        raise ValueError(
            f"got values of shape {v.shape}; expected [..., setting, seed] with at "
            "least two seeds"
        )
    finite = np.all(np.isfinite(v), axis=-1, keepdims=True)
    score = np.where(finite, v if larger_is_better else -v, 0.0)
    mean_score = np.where(finite, score.mean(-1, keepdims=True), -np.inf)
    best = np.argmax(mean_score, axis=-2, keepdims=True)
    d = score - np.take_along_axis(score, best, axis=-2)
    mean, h = mean_and_half_width(d, 0.95)
    return finite[..., 0] & (np.abs(mean) <= h)
