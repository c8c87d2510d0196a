r"""Name what is wrong with a trained model from its losses: the decision tree.

With training loss :math:`L`, test loss :math:`L'`, the training loss
:math:`L_r` of a reference that the model could imitate (a shallower or
smaller net), and a tolerance :math:`\tau`:

.. math::

    L \le \tau,\ L' \le L + \tau &: \text{done} \qquad (1) \\
    L \le \tau,\ L' > L + \tau &: \text{overfitting or mismatch} \qquad (2) \\
    L = \infty &: \text{optimization} \qquad (3) \\
    L > \tau,\ L_r \text{ not measured} &: \text{bias or optimization} \qquad (4) \\
    L > \tau,\ L > L_r + \tau &: \text{optimization} \qquad (5) \\
    L > \tau,\ L \le L_r + \tau &: \text{bias} \qquad (6)

A high training loss alone cannot tell a model that is too small from one that
was not optimized, however alike its training and test curves are: that takes a
second model, compared on *training* loss. The test loss plays no part before
the training loss is low. A run that diverged is a failure of optimization
without any comparison, because every model class has members of finite loss.
"""

import math
from enum import StrEnum

from .._validate import check_number, check_positive

__all__ = ["Diagnosis", "diagnose"]


class Diagnosis(StrEnum):
    """Name the five leaves of the tree; each is equal to its string."""

    DONE = "done"
    OVERFITTING_OR_MISMATCH = "overfitting or mismatch"
    OPTIMIZATION = "optimization"
    BIAS = "bias"
    BIAS_OR_OPTIMIZATION = "bias or optimization"

    @property
    def advice(self) -> str:
        """What to do next, in a sentence."""
        return ADVICE[self]


ADVICE = {
    Diagnosis.DONE: "Both losses are low: stop here.",
    Diagnosis.OVERFITTING_OR_MISMATCH: (
        "Get more data, augment or regularize; if the gap stays, compare the "
        "distributions of the two sets."
    ),
    Diagnosis.OPTIMIZATION: (
        "The model diverged, or does worse than a reference it could copy: change the "
        "learning rate, the initialization, the normalization or the optimizer."
    ),
    Diagnosis.BIAS: (
        "No model tried does better: add features or enlarge the model, and "
        "compare again."
    ),
    Diagnosis.BIAS_OR_OPTIMIZATION: (
        "One model cannot tell them apart: train a smaller one and compare the "
        "training losses."
    ),
}


def diagnose(
    train: float,
    test: float,
    ref_train: float | None = None,
    *,
    tol: float = 0.1,
) -> Diagnosis:
    r"""Return the leaf of the decision tree that the losses lead to.

    Args:
        train: Training loss :math:`L` of the model; +∞ for a diverged run.
        test: Test loss :math:`L'`, in the same units.
        ref_train: Training loss :math:`L_r` of a model that this one contains;
            None where it was not measured.
        tol: Tolerance :math:`\tau > 0`: the loss that counts as low, and the
            difference that counts as one.

    Returns:
        The diagnosis, a string with an ``advice``.

    Raises:
        ValueError: If a loss is NaN or the tolerance is not positive.
        TypeError: If a loss is not a number.

    Example:
        >>> diagnose(0.9, 1.0)
        <Diagnosis.BIAS_OR_OPTIMIZATION: 'bias or optimization'>
        >>> str(diagnose(0.9, 1.0, ref_train=0.3))
        'optimization'
        >>> str(diagnose(0.9, 1.0, ref_train=1.0))
        'bias'
        >>> str(diagnose(0.05, 1.0))
        'overfitting or mismatch'

    Notes:
        Bias is what remains when no reference does better; a *larger* model
        that does better confirms it. A reference equal within the tolerance
        proves nothing about optimization: only a lower one does.

    References:
        He, Zhang, Ren, Sun (2016), Deep residual learning for image
        recognition, arXiv 1512.03385, § 1 (the 20- and 56-layer nets).
    """
    hint = "a NaN loss comes from a diverged run: pass math.inf"
    train = check_number("train", train, hint)
    test = check_number("test", test, hint)
    tau = check_positive("tol", tol)
    if train <= tau:
        if test <= train + tau:
            return Diagnosis.DONE  # (1)
        return Diagnosis.OVERFITTING_OR_MISMATCH  # (2)
    if math.isinf(train):
        return Diagnosis.OPTIMIZATION  # (3)
    if ref_train is None:
        return Diagnosis.BIAS_OR_OPTIMIZATION  # (4)
    if train > check_number("ref_train", ref_train, hint) + tau:
        return Diagnosis.OPTIMIZATION  # (5)
    return Diagnosis.BIAS  # (6)
