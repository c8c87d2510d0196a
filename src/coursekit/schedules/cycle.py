r"""Let the rate rise before it falls: cyclical rates and the one-cycle policy.

A rising rate explores, a falling one converges. More exploration is not
better without end: beyond an optimum the noise floor, proportional to the
rate, only rises. The upper bound comes from a learning-rate range test.
"""

import math

from .._validate import check_in, check_positive, check_range

__all__ = ["one_cycle", "triangular"]


def triangular(
    t: float, step_size: float, *, lr: float = 1.0, lr_min: float = 0.0
) -> float:
    r"""Move the rate up and down between two bounds along straight lines.

    .. math::

        c &= \lfloor 1 + t/(2s) \rfloor \qquad (1) \\
        u &= |t/s - 2c + 1| \qquad (2) \\
        \eta_t &= \eta_{min} + (\eta - \eta_{min})(1 - u) \qquad (3)

    Args:
        t: Time, ≥ 0; updates or epochs already made.
        step_size: The length s > 0 of a rise, half a cycle, in the unit of t;
            2 to 10 epochs are usual.
        lr: The upper bound η ≥ 0; 1 gives the factor for ``LambdaLR``.
        lr_min: The lower bound, between 0 and ``lr``; every cycle starts and
            ends there.

    Returns:
        :math:`\eta_t` in cycle c, at the distance u from its peak.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(triangular(t, 4, lr=0.5, lr_min=0.1), 3) for t in (0, 2, 4, 6, 8)]
        [0.1, 0.3, 0.5, 0.3, 0.1]

    Notes:
        ``torch.optim.lr_scheduler.CyclicLR(mode="triangular")`` is the same
        where its two half cycles are equal; it also cycles the momentum unless
        told not to.

    References:
        Smith (2017), Cyclical learning rates for training neural networks,
        arXiv 1506.01186, section 3.
    """
    t = check_positive("t", t, zero=True)
    s = check_positive("step_size", step_size)
    eta = check_positive("lr", lr, zero=True)
    eta_min = check_range("lr_min", lr_min, 0, eta, hint="it is the lower bound")
    c = math.floor(1 + t / (2 * s))  # (1)
    u = abs(t / s - 2 * c + 1)  # (2)
    return eta_min + (eta - eta_min) * (1 - u)  # (3)


def one_cycle(
    t: float,
    total: float,
    *,
    lr: float = 1.0,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    anneal: str = "linear",
) -> float:
    r"""Raise the rate, let it fall again, and end in a very small phase.

    With the start :math:`\eta_0 = \eta/d`, the end :math:`\eta_T =
    \eta_0/d_T`, and an interpolation :math:`[a \to b](u)` from a at u = 0 to b
    at u = 1, straight or along half a cosine:

    .. math::

        \text{rise}:\quad \eta_t &= [\eta_0 \to \eta]
        \bigl(t / (\rho T)\bigr) \qquad (1) \\
        \text{fall}:\quad \eta_t &= [\eta \to \eta_0]
        \bigl(t / (\rho T) - 1\bigr) \qquad (2) \\
        \text{last}:\quad \eta_t &= [\eta_0 \to \eta_T]
        \bigl((t - 2\rho T) / (T - 2\rho T)\bigr) \qquad (3)

    Args:
        t: Time, ≥ 0; updates already made.
        total: The length T > 0 of the whole cycle, in the unit of t.
        lr: The peak η ≥ 0; 1 gives the factor for ``LambdaLR``.
        pct_start: The share :math:`\rho` of the rise, in (0, 0.5); the fall
            takes as long.
        div_factor: d ≥ 1, the peak over the start.
        final_div_factor: :math:`d_T` ≥ 1, the start over the end.
        anneal: ``"linear"``, as published, or ``"cos"``.

    Returns:
        :math:`\eta_t`; after T it stays at the last rate.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(one_cycle(t, 100, lr=1.0), 6) for t in (0, 30, 60, 100)]
        [0.04, 1.0, 0.04, 4e-06]

    Notes:
        ``torch.optim.lr_scheduler.OneCycleLR`` has two phases and cosines
        unless told ``three_phase=True, anneal_strategy="linear"``, cycles the
        momentum too, and places its phases so that the peak is the update
        before :math:`\rho T` and the end is at T − 1. Super-convergence, the
        authors' word for success at very high peaks, needs nets and data that
        stand such peaks; many do not.

    References:
        Smith, Topin (2019), Super-convergence, arXiv 1708.07120, section 3.
        Smith (2018), A disciplined approach to neural network
        hyper-parameters, arXiv 1803.09820, section 4.
    """
    t = check_positive("t", t, zero=True)
    T = check_positive("total", total)
    rho = check_range("pct_start", pct_start, 0, 0.5, open_low=True, open_high=True)
    check_in("anneal", anneal, CURVES)
    curve = CURVES[anneal]
    eta = check_positive("lr", lr, zero=True)
    eta_0 = eta / check_range("div_factor", div_factor, 1, math.inf)
    eta_T = eta_0 / check_range("final_div_factor", final_div_factor, 1, math.inf)
    if t < rho * T:
        return curve(eta_0, eta, t / (rho * T))  # (1)
    if t < 2 * rho * T:
        return curve(eta, eta_0, t / (rho * T) - 1)  # (2)
    if t < T:
        return curve(eta_0, eta_T, (t - 2 * rho * T) / (T - 2 * rho * T))  # (3)
    return eta_T


def _linear(start: float, end: float, u: float) -> float:
    return start + (end - start) * u


def _cos(start: float, end: float, u: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * u)) / 2


CURVES = {"linear": _linear, "cos": _cos}
