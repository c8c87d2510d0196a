r"""Boil a recorded run down to the numbers that tell why it stalls.

Of n updates the last :math:`w = \lceil \omega n \rceil` are the window, cut
into an earlier and a later half with the mean losses :math:`\bar L_1, \bar
L_2` and the standard errors :math:`s_1, s_2` of these means:

.. math::

    f &= (\bar L_1 - \bar L_2) / |\bar L_1| \qquad (1) \\
    u &= 2 \sqrt{2}\, \min(s_1, s_2) / |\bar L_1| \qquad (2) \\
    r &= \|g\|_{\text{window}} / \|g\|_{\text{start}} \qquad (3) \\
    p &= \eta \sum_{t \in \text{later half}} \|g_t\|^2 / |\bar L_1| \qquad (4)

f is the share of the loss that was still lost within half a window, u its
uncertainty. r compares the gradient norm in the window, a median, with the
largest in the first twentieth of the run. p is the share of the loss that
gradient descent with the rate η *promises* for the later half: to first
order, a step lowers the loss by :math:`\eta\|g\|^2`. All four are pure
numbers, so that neither the unit of the loss nor that of the parameters
matters.
"""

import math
from collections.abc import Sequence
from itertools import chain
from statistics import fmean, median, pvariance
from typing import NamedTuple

from .._validate import check_positive, check_range

__all__ = ["StallEvidence", "stall_evidence"]

HEAD = 0.05
LEAST = 8


class StallEvidence(NamedTuple):
    r"""Hold the numbers behind ``diagnose_stall``; NaN after a divergence.

    Attributes:
        finite: Whether every recorded number is finite.
        fall: f, the relative fall of the loss; negative if it rises.
        uncertainty: u, two standard errors of f.
        grad_norm: Median gradient norm in the window, in loss/parameter.
        grad_ratio: r, the gradient norm of the window over that of the start.
        promise: p, the relative fall that the gradients promise; None where
            no rate is known.
        curvature: :math:`\|g\|^2/|L|` at the start, the unit in which an
            eigenvalue of the Hessian counts as small.
    """

    finite: bool
    fall: float
    uncertainty: float
    grad_norm: float
    grad_ratio: float
    promise: float | None
    curvature: float


def stall_evidence(
    losses: Sequence[float],
    grad_norms: Sequence[float],
    *,
    lr: float | None = None,
    window: float = 0.3,
) -> StallEvidence:
    r"""Return the evidence (1) to (4) from the losses and gradient norms of a run.

    Args:
        losses: Loss of every update, at least 8; NaN and ∞ are taken as the
            signs of divergence that they are.
        grad_norms: Gradient norm of every update, as many.
        lr: Learning rate η > 0 of gradient descent, for p.
        window: ω in (0, 1], the share of the run that counts as its end; never
            fewer than 4 updates.

    Returns:
        The four numbers, and two that give them a scale.

    Raises:
        ValueError: If the lists differ in length or are too short, a norm is
            negative, or an argument is out of its range.

    Example:
        >>> evidence = stall_evidence([4, 3, 2, 1, 1, 1, 1, 1], [1.0] * 8)
        >>> evidence.fall, evidence.grad_ratio
        (0.0, 1.0)

    Notes:
        (2) takes the losses of a half as independent, and their noise as the
        same in both halves; the smaller error is the one that the slope of a
        steep fall or rise has inflated less. A straight line still adds to u,
        at most half of what it adds to f.
    """
    L, g = [float(v) for v in losses], [float(v) for v in grad_norms]
    _check(L, g)
    check_range("window", window, 0, 1, open_low=True)
    eta = None if lr is None else check_positive("lr", lr)
    if not all(map(math.isfinite, chain(L, g))):
        nan = math.nan
        return StallEvidence(False, nan, nan, nan, nan, None, nan)
    width = max(4, math.ceil(window * len(L)))
    earlier, later = L[-width : -(width // 2)], L[-(width // 2) :]
    L_1, L_2 = fmean(earlier), fmean(later)
    level = abs(L_1)
    fall = _ratio(L_1 - L_2, level)  # (1)
    s_1, s_2 = _error(earlier), _error(later)
    uncertainty = _ratio(math.sqrt(8) * min(s_1, s_2), level)  # (2)
    start = max(g[: max(1, math.ceil(HEAD * len(g)))])
    grad_norm = median(g[-width:])
    grad_ratio = _ratio(grad_norm, start)  # (3)
    squares = sum(value**2 for value in g[-(width // 2) :])
    promise = None if eta is None else _ratio(eta * squares, level)  # (4)
    curvature = _ratio(start**2, abs(L[0]))
    return StallEvidence(
        True, fall, uncertainty, grad_norm, grad_ratio, promise, curvature
    )


def _error(values: list[float]) -> float:
    return math.sqrt(pvariance(values) / len(values))


def _ratio(part: float, whole: float) -> float:
    if part == 0:
        return 0.0
    return part / whole if whole else math.copysign(math.inf, part)


def _check(losses: list[float], norms: list[float]) -> None:
    if len(losses) != len(norms) or len(losses) < LEAST:
        raise ValueError(
            f"losses, grad_norms: expected as many of one as of the other and at least "
            f"{LEAST}, got {len(losses)} and {len(norms)}; record both at every update"
        )
    if any(norm < 0 for norm in norms):
        raise ValueError(
            f"grad_norms: expected norms, >= 0, got {min(norms)}; a signed slope is "
            "no norm"
        )
