r"""Find a learning rate by letting it grow until the loss explodes.

Train for n updates with rates that grow by one factor each, and watch the
loss:

.. math::

    \eta_k &= \eta_{min}\,(\eta_{max}/\eta_{min})^{k/(n-1)},
    \quad k = 0, \dots, n-1 \qquad (1) \\
    m_k &= \rho\, m_{k-1} + (1-\rho)\, L_k, \quad m_{-1} = 0 \qquad (2) \\
    \bar L_k &= m_k / (1 - \rho^{k+1}) \qquad (3) \\
    \bar L_k &> c \min_{j \le k} \bar L_j \ \text{or } L_k \text{ not finite:}
    \ \text{stop} \qquad (4)

The curve is flat (too small to matter), falls, turns and explodes. What
can be read off stands in ``coursekit.schedules.lr_suggest``.

It is a quick estimate, good to a factor of about ten: it sees the first
hundred updates of one start and every rate for one update only. A minimum at
an end of the range means that the range was too narrow, and says nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from .._validate import check_count, check_positive, check_range
from .lr_suggest import suggest_argmin, suggest_steepest

__all__ = ["LRRangeTest", "lr_range_test"]


@dataclass(frozen=True)
class LRRangeTest:
    r"""Hold the curve of a range test and what it suggests.

    Attributes:
        lrs: Rates :math:`\eta_k` that were used.
        losses: Losses :math:`L_k`, as the steps returned them.
        smoothed: :math:`\bar L_k`; where the last loss was not finite it has
            no smoothed one.
        argmin: :math:`\eta_{argmin}`, about the largest rate that still works.
        steepest: :math:`\eta_{steep}`, the more careful choice.
        warnings: What makes the result doubtful, in sentences; empty if
            nothing does.
    """

    lrs: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    argmin: float
    steepest: float
    warnings: tuple[str, ...]


def lr_range_test(
    step: Callable[[float], float],
    lr_min: float = 1e-5,
    lr_max: float = 10.0,
    n_steps: int = 100,
    *,
    smoothing: float = 0.8,
    diverge: float = 4.0,
) -> LRRangeTest:
    r"""Sweep the learning rate over one short training run.

    Args:
        step: One training update: called with η, it returns the loss of its
            batch, as a number. It keeps what it trains.
        lr_min: :math:`\eta_{min}` > 0, the first rate.
        lr_max: :math:`\eta_{max}` above it, the last rate.
        n_steps: n ≥ 3 updates.
        smoothing: ρ in [0, 1); 0 for losses without noise. The average lags
            by ρ/(1−ρ) updates.
        diverge: c > 1, the rise over the best loss that ends the test.

    Returns:
        The curve and its suggestions.

    Raises:
        ValueError: If an argument is out of its range, or the first losses
            are not finite.
        TypeError: If ``n_steps`` is not whole or ``step`` returns no number.

    Example:
        Gradient descent on L = w², stable for rates below 1. The weight is
        the test's own, so that nothing has to be put back:

        >>> w = [1.0]
        >>> def step(lr):
        ...     loss = w[0] ** 2
        ...     w[0] -= lr * 2 * w[0]
        ...     return loss
        >>> test = lr_range_test(step, 1e-3, 100, 60, smoothing=0)
        >>> round(test.steepest, 2), round(test.argmin, 2)
        (0.05, 1.12)
        >>> test.warnings
        ()

    Notes:
        The test trains what ``step`` trains, to ruin. To begin afresh copy
        before it and restore after it::

            before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
            test = lr_range_test(step)
            model.load_state_dict(before[0])
            optimizer.load_state_dict(before[1])

        or let ``coursekit.probes.lr_range`` work on copies. The paper grows
        the rate linearly and looks at accuracy. :math:`\eta_{argmin}` lies at
        the edge of stability, often past it, since the loss turns only some
        updates later; on the digits it was within a factor of ten of the best
        rate all the same, as :math:`\eta_{steep}` was. Dividing it by ten, a
        common rule, gave rates that were too small there, by how much
        depended on the net.

        (4) is meant for losses ≥ 0: as long as the smallest is not positive,
        only a loss that is not finite ends the test.

    References:
        Smith (2017), Cyclical learning rates for training neural networks,
        arXiv 1506.01186, § 3.3.
    """
    low = check_positive("lr_min", lr_min)
    high = check_range("lr_max", lr_max, low, math.inf, open_low=True, open_high=True)
    n = check_count("n_steps", n_steps, least=3)
    rho = check_range("smoothing", smoothing, 0, 1, open_high=True)
    c = check_range("diverge", diverge, 1, math.inf, open_low=True)
    lrs, losses, smoothed, m = [], [], [], 0.0
    for k in range(n):
        lrs.append(low * (high / low) ** (k / (n - 1)))  # (1)
        losses.append(float(step(lrs[-1])))
        if not math.isfinite(losses[-1]):
            break
        m = rho * m + (1 - rho) * losses[-1]  # (2)
        smoothed.append(m / (1 - rho ** (k + 1)))  # (3)
        if smoothed[-1] > c * min(smoothed) > 0:  # (4)
            break
    return _read(lrs, losses, smoothed)


def _read(lrs: list[float], losses: list[float], smoothed: list[float]) -> LRRangeTest:
    if len(smoothed) < 3:
        raise ValueError(
            f"step: expected at least three finite losses, got {losses}; start with a "
            "smaller lr_min"
        )
    lowest = smoothed.index(min(smoothed))
    warnings = []
    if lowest == len(lrs) - 1:
        warnings.append(
            "The loss was still falling at the largest rate: the range is too narrow, "
            "raise lr_max."
        )
    if lowest == 0:
        warnings.append(
            "The loss was lowest at the smallest rate: it never fell; lower lr_min or "
            "look for another cause."
        )
    return LRRangeTest(
        tuple(lrs),
        tuple(losses),
        tuple(smoothed),
        suggest_argmin(lrs, smoothed),
        suggest_steepest(lrs, smoothed),
        tuple(warnings),
    )
