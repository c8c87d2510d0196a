r"""Start with a small rate and let it rise: warm-up, and how far to rise.

Warm-up goes from small to *large*; a decay usually follows. Why it helps is
not settled. Explanations compete: few samples behind the adaptive rate of Adam
(Liu et al. 2020, arXiv 1908.03265), gradients that are too large at the start
of Post-LN Transformers, under SGD as well (Xiong et al. 2020, arXiv
2002.04745), and curvature that shrinks during the rise (Kalra, Barkeshli 2024,
arXiv 2406.09405).
"""

import math

from .._validate import check_in, check_positive, check_range

__all__ = ["linear_scaling", "noam", "warmup"]


def warmup(t: float, warmup: float, *, lr: float = 1.0, start: float = 0.0) -> float:
    r"""Raise the rate along a straight line, then keep it.

    .. math::

        u &= \min(t/T_w,\ 1) \qquad (1) \\
        \eta_t &= \eta\,\bigl(s + (1 - s)\, u\bigr) \qquad (2)

    Args:
        t: Time, ≥ 0; updates already made.
        warmup: The length :math:`T_w` ≥ 0 of the rise, in the unit of t; 0
            means no warm-up.
        lr: The rate η ≥ 0 after the rise; 1 gives the factor for
            ``LambdaLR``, or for another schedule.
        start: The share s in [0, 1] of η that the rise begins with.

    Returns:
        :math:`\eta_t`. With the default start the first update, at t = 0, has
        the rate 0; give ``t + 1`` to use it.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [warmup(t, 4, lr=0.8) for t in (0, 1, 4, 9)]
        [0.0, 0.2, 0.8, 0.8]

    Notes:
        ``torch.optim.lr_scheduler.LinearLR(start_factor=s, total_iters=T_w)``
        is the same; it refuses s = 0.

    References:
        Goyal et al. (2017), Accurate, large minibatch SGD, arXiv 1706.02677,
        section 2.2 (gradual warm-up).
    """
    t = check_positive("t", t, zero=True)
    T_w = check_positive("warmup", warmup, zero=True)
    eta = check_positive("lr", lr, zero=True)
    s = check_range("start", start, 0, 1)
    u = min(t / T_w, 1) if T_w else 1  # (1)
    return eta * (s + (1 - s) * u)  # (2)


def noam(t: float, d_model: float, warmup: float, *, lr: float = 1.0) -> float:
    r"""Raise the rate for :math:`T_w` updates, then let it fall like the root of t.

    .. math::

        \eta_t = \eta\, d^{-1/2} \min(t^{-1/2},\ t\, T_w^{-3/2}) \qquad (1)

    Args:
        t: Number of the update, from 1; at t = 0 the rate is 0 by definition.
        d_model: Width d > 0 of the model.
        warmup: :math:`T_w` > 0, the update of the peak.
        lr: A factor η ≥ 0 on the published schedule.

    Returns:
        :math:`\eta_t`; the peak is :math:`\eta / \sqrt{d\, T_w}`, at
        :math:`t = T_w`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(noam(t, 512, 4000), 6) for t in (0, 1000, 4000, 16000)]
        [0.0, 0.000175, 0.000699, 0.000349]

    Notes:
        ``LambdaLR`` begins with t = 0: hand it ``lambda t: noam(t + 1, ...)``
        or its first update does nothing. It is a learning rate for Adam, not a
        factor near 1: give the optimizer ``lr=1``.

    References:
        Vaswani et al. (2017), Attention is all you need, arXiv 1706.03762,
        eq. 3.
    """
    t = check_positive("t", t, zero=True)
    d = check_positive("d_model", d_model)
    T_w = check_positive("warmup", warmup, hint="without warm-up use t**-0.5 itself")
    eta = check_positive("lr", lr, zero=True)
    if t == 0:
        return 0.0
    return eta * d**-0.5 * min(t**-0.5, t * T_w**-1.5)  # (1)


def linear_scaling(
    batch_size: float, reference: float, *, lr: float = 1.0, rule: str = "linear"
) -> float:
    r"""Carry a learning rate over to another batch size.

    .. math::

        \text{linear}:\quad \eta' &= \eta\, B/B_0 \qquad (1) \\
        \text{root}:\quad \eta' &= \eta\, \sqrt{B/B_0} \qquad (2)

    Args:
        batch_size: The new batch size B > 0.
        reference: The batch size :math:`B_0` > 0 for which ``lr`` was found.
        lr: The rate η ≥ 0 at :math:`B_0`.
        rule: ``"linear"`` keeps the mean movement of one epoch of SGD and the
            variance of its noise, ``"root"`` the variance of one *update*.

    Returns:
        The rate for B.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> linear_scaling(1024, 256, lr=0.1)
        0.4

    Notes:
        The linear rule holds while the rate stays well below the limit of
        stability, 2/λ for curvature λ, which does not grow with B; it is used
        with warm-up, and it fails beyond a batch size that depends on the
        problem. Its argument is about SGD; for Adam the same argument gives the
        root, with the betas scaled as well.

    References:
        Goyal et al. (2017), arXiv 1706.02677, section 2.1.
        Malladi, Lyu, Panigrahi, Arora (2022), On the SDEs and scaling rules for
        adaptive gradient algorithms, arXiv 2205.10287 (the root for Adam).
        Krizhevsky (2014), One weird trick for parallelizing convolutional
        neural networks, arXiv 1404.5997 (both rules).
    """
    ratio = check_positive("batch_size", batch_size)
    ratio /= check_positive("reference", reference)
    eta = check_positive("lr", lr, zero=True)
    check_in("rule", rule, ("linear", "root"))
    if rule == "linear":
        return eta * ratio  # (1)
    return eta * math.sqrt(ratio)  # (2)
