r"""Let the learning rate fall by a rule fixed before training.

The noise floor of SGD at a small constant rate :math:`\eta` is proportional to
:math:`\eta`, as long as the gradients of single examples do not all vanish at the
minimum. A rate that falls lowers the floor, and one that falls too early leaves
the distance to the minimum uncovered. The three rules differ in how they spend
the time: in jumps, by the same share always, or ever more slowly.
"""

import math

from .._validate import check_positive, check_range

__all__ = ["exponential", "inverse", "step"]


def step(t: float, step_size: float, gamma: float = 0.5, *, lr: float = 1.0) -> float:
    r"""Multiply the rate by :math:`\gamma` after every k units of time.

    .. math::

        \eta_t = \eta\, \gamma^{\lfloor t/k \rfloor} \qquad (1)

    Args:
        t: Time, ≥ 0; updates or epochs already made.
        step_size: The interval k > 0, in the unit of t.
        gamma: The factor :math:`\gamma` in (0, 1]; 0.5 halves.
        lr: The first rate η ≥ 0; 1 gives the factor for ``LambdaLR``.

    Returns:
        :math:`\eta_t`. At t = k exactly the rate has fallen already.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [step(t, 10, lr=0.8) for t in (0, 9, 10, 25)]
        [0.8, 0.8, 0.4, 0.2]

    Notes:
        ``torch.optim.lr_scheduler.StepLR`` is the same, with γ = 0.1 as its
        default.

    References:
        He, Zhang, Ren, Sun (2016), Deep residual learning for image
        recognition, arXiv 1512.03385, section 4.2: divided by 10 after 32 000
        and 48 000 updates.
    """
    t = check_positive("t", t, zero=True)
    k = check_positive("step_size", step_size)
    gamma = check_range("gamma", gamma, 0, 1, open_low=True)
    return check_positive("lr", lr, zero=True) * gamma ** (t // k)  # (1)


def exponential(t: float, decay: float, *, lr: float = 1.0) -> float:
    r"""Let the rate fall by the same share in every unit of time.

    .. math::

        \eta_t = \eta\, e^{-k t} \qquad (1)

    Args:
        t: Time, ≥ 0; updates or epochs already made.
        decay: The rate of decay k ≥ 0, per unit of t; the rate halves in
            :math:`\ln 2 / k`.
        lr: The first rate η ≥ 0; 1 gives the factor for ``LambdaLR``.

    Returns:
        :math:`\eta_t`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> round(exponential(10, math.log(2) / 5), 12)
        0.25

    Notes:
        ``torch.optim.lr_scheduler.ExponentialLR`` takes :math:`\gamma =
        e^{-k}`. The sum of all rates is finite, :math:`\eta/(1-e^{-k})`:
        started too far away, the weights never arrive.

    References:
        Aggarwal (2018), Neural Networks and Deep Learning, Springer, ch. 3.
    """
    t = check_positive("t", t, zero=True)
    k = check_positive("decay", decay, zero=True)
    return check_positive("lr", lr, zero=True) * math.exp(-k * t)  # (1)


def inverse(t: float, decay: float, *, lr: float = 1.0) -> float:
    r"""Let the rate fall like 1/t.

    .. math::

        \eta_t = \frac{\eta}{1 + k t} \qquad (1)

    Args:
        t: Time, ≥ 0; updates or epochs already made.
        decay: The rate of decay k ≥ 0, per unit of t; the rate halves at
            t = 1/k.
        lr: The first rate η ≥ 0; 1 gives the factor for ``LambdaLR``.

    Returns:
        :math:`\eta_t`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [inverse(t, 0.5) for t in (0, 2, 6)]
        [1.0, 0.5, 0.25]

    Notes:
        It meets both conditions of Robbins and Monro, :math:`\sum \eta_t =
        \infty` (every point can be reached) and :math:`\sum \eta_t^2 < \infty`
        (the noise dies out); an exponential fails the first.

    References:
        Robbins, Monro (1951), A stochastic approximation method, Annals of
        Mathematical Statistics 22(3), 400–407.
    """
    t = check_positive("t", t, zero=True)
    k = check_positive("decay", decay, zero=True)
    return check_positive("lr", lr, zero=True) / (1 + k * t)  # (1)
