r"""Let the rate fall along half a cosine, once or again and again.

*Cosine annealing* is one decay from :math:`\eta` to :math:`\eta_{min}`: slow,
fast, slow. *SGDR* is cosine annealing **with** warm restarts: at the end of a
period the rate jumps back up and the weights are kept, which is what "warm"
means. The loss jumps up with the rate; only the ends of the periods compare.
"""

import math

from .._validate import check_positive, check_range

__all__ = ["cosine", "sgdr"]


def cosine(t: float, total: float, *, lr: float = 1.0, lr_min: float = 0.0) -> float:
    r"""Anneal the rate from :math:`\eta` to :math:`\eta_{min}` in T units of time.

    .. math::

        \eta_t = \eta_{min} + \tfrac12 (\eta - \eta_{min})
        \bigl(1 + \cos \pi \min(t/T, 1)\bigr) \qquad (1)

    Args:
        t: Time, ≥ 0; updates or epochs already made.
        total: The length T > 0, in the unit of t.
        lr: The first rate η ≥ 0; 1 gives the factor for ``LambdaLR``.
        lr_min: The last rate, between 0 and ``lr``.

    Returns:
        :math:`\eta_t`; after T it stays at :math:`\eta_{min}`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(cosine(t, 100, lr=0.1), 3) for t in (0, 50, 100, 130)]
        [0.1, 0.05, 0.0, 0.0]

    Notes:
        ``torch.optim.lr_scheduler.CosineAnnealingLR(T_max=T)`` is the same up
        to T, but goes *up* again after it, along the same cosine.

    References:
        Loshchilov, Hutter (2017), SGDR, arXiv 1608.03983, eq. 5 within the
        first period.
    """
    t = check_positive("t", t, zero=True)
    T = check_positive("total", total)
    return _half_cosine(min(t / T, 1), lr, lr_min)  # (1)


def sgdr(
    t: float,
    t0: float,
    t_mult: float = 1.0,
    *,
    lr: float = 1.0,
    lr_min: float = 0.0,
) -> float:
    r"""Anneal the rate along a cosine and restart it after every period.

    .. math::

        \sum_{j<i} T_j &\le t < \sum_{j \le i} T_j,
        \quad T_i = T_0\, T_{mult}^i \qquad (1) \\
        T_{cur} &= t - \sum_{j<i} T_j \qquad (2) \\
        \eta_t &= \eta_{min} + \tfrac12 (\eta - \eta_{min})
        \bigl(1 + \cos(\pi\, T_{cur}/T_i)\bigr) \qquad (3)

    Args:
        t: Time, ≥ 0; updates or epochs already made.
        t0: The first period :math:`T_0` > 0, in the unit of t.
        t_mult: The factor :math:`T_{mult}` ≥ 1 from one period to the next.
        lr: The rate η ≥ 0 after every restart; 1 gives the factor for
            ``LambdaLR``.
        lr_min: The rate that a period ends with, between 0 and ``lr``.

    Returns:
        :math:`\eta_t`. The end of a period is the start of the next one, so
        at t = T₀ it is η again and :math:`\eta_{min}` itself is not reached.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(sgdr(t, 10, 2), 3) for t in (0, 5, 10, 20, 30)]
        [1.0, 0.5, 1.0, 0.5, 1.0]

    Notes:
        ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`` is the same
        for whole :math:`T_0` and :math:`T_{mult}`, the only ones it takes.

    References:
        Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm
        restarts, arXiv 1608.03983, eq. 5.
    """
    t = check_positive("t", t, zero=True)
    period = check_positive("t0", t0)
    factor = check_range("t_mult", t_mult, 1, math.inf, open_high=True)
    if factor == 1:
        t = t % period
    # Subtracting periods finds the restarts exactly; a logarithm rounds there.
    while t >= period:  # (1)
        t -= period  # (2)
        period *= factor
    return _half_cosine(t / period, lr, lr_min)  # (3)


def _half_cosine(progress: float, lr: float, lr_min: float) -> float:
    eta = check_positive("lr", lr, zero=True)
    eta_min = check_range("lr_min", lr_min, 0, eta, hint="it is the lowest rate")
    return eta_min + (eta - eta_min) * (1 + math.cos(math.pi * progress)) / 2
