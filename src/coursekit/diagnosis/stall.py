r"""Tell from a recorded run why its loss no longer falls: look at the gradient.

With the fall f of the loss, its uncertainty u, the gradient ratio r and the
promised fall p of ``stall_evidence``, and thresholds :math:`\tau_f, \tau_g,
\tau_\lambda`:

.. math::

    L \text{ or } g \text{ not finite, or } f < -\max(\tau_f, u)
    &: \text{diverged} \qquad (1) \\
    f > \max(\tau_f, u) &: \text{still falling} \qquad (2) \\
    r > \tau_g,\ p > \tau_f,\ \nabla L \text{ not known}
    &: \text{bouncing} \qquad (3) \\
    r > \tau_g,\ p > \tau_f,\ 2\|\nabla L\|^2 < \|g\|^2
    &: \text{noise floor} \qquad (4) \\
    r > \tau_g,\ p > \tau_f,\ 2\|\nabla L\|^2 \ge \|g\|^2
    &: \text{oscillation} \qquad (5) \\
    \text{otherwise, } \lambda_{min} \text{ not known}
    &: \text{critical point} \qquad (6) \\
    \lambda_{min} < -\tau_\lambda \|g_1\|^2/|L_1| &: \text{saddle point}
    \qquad (7) \\
    \lambda_{min} > \tau_\lambda \|g_1\|^2/|L_1| &: \text{minimum} \qquad (8) \\
    |\lambda_{min}| \le \tau_\lambda \|g_1\|^2/|L_1| &: \text{plateau}
    \qquad (9)

Without a learning rate, the condition on p is left out. In (4) and (5)
:math:`\|\nabla L\|` is the norm of the gradient of the whole set at the end
and :math:`\|g\|` that of a batch, whose square contains the noise: noise floor
means that more than half of it is noise.

That the loss is stuck does not mean that the gradient is small. A run that
jumps from one wall of a valley to the other, or that the noise of its batches
keeps from settling, has a flat loss and a large gradient: it is at no critical
point, and no way of escaping from one would help. The three kinds of failure
need different remedies: more updates, another step, another place.
"""

from collections.abc import Sequence
from enum import StrEnum

from .._validate import check_number, check_positive, check_range
from .evidence import StallEvidence, stall_evidence

__all__ = ["Stall", "diagnose_stall"]


class Stall(StrEnum):
    """Name what a recorded run shows; each is equal to its string."""

    DIVERGED = "diverged"
    FALLING = "still falling"
    BOUNCING = "bouncing"
    NOISE_FLOOR = "noise floor"
    OSCILLATION = "oscillation"
    CRITICAL = "critical point"
    SADDLE = "saddle point"
    MINIMUM = "minimum"
    PLATEAU = "plateau"

    @property
    def advice(self) -> str:
        """What to do next, in a sentence."""
        return ADVICE[self]


ADVICE = {
    Stall.DIVERGED: (
        "Lower the learning rate, warm up or clip the gradient, and start again "
        "from an earlier point."
    ),
    Stall.FALLING: "Nothing is stuck: train longer, or raise the learning rate.",
    Stall.BOUNCING: (
        "The gradient is still large, so this is no critical point: lower the "
        "learning rate; if the full gradient is small, it is the noise of the batches."
    ),
    Stall.NOISE_FLOOR: (
        "Little but the noise of the batches is left: let the learning rate decay or "
        "take larger batches; if the loss is high, diagnose the full gradient."
    ),
    Stall.OSCILLATION: (
        "The steps are too long for the curvature: lower the learning rate, or use "
        "momentum or an adaptive rate."
    ),
    Stall.CRITICAL: (
        "The gradient has become small: compute the smallest eigenvalue of the "
        "Hessian to see what kind of point it is."
    ),
    Stall.SADDLE: (
        "There is a way down: step along the eigenvector of the negative eigenvalue, "
        "or let momentum and noise find it."
    ),
    Stall.MINIMUM: (
        "The run has arrived: if the loss is still too high, ask whether the model "
        "is too small, or start elsewhere."
    ),
    Stall.PLATEAU: (
        "Slope and curvature are both small: look for saturated or dead units, and "
        "change activation, initialization or normalization."
    ),
}


def diagnose_stall(
    losses: Sequence[float],
    grad_norms: Sequence[float],
    *,
    lr: float | None = None,
    full_grad_norm: float | None = None,
    min_eigenvalue: float | None = None,
    window: float = 0.3,
    flat: float = 0.02,
    small: float = 0.1,
    curvature_tol: float = 1e-3,
) -> Stall:
    r"""Return what a run shows: falling, bouncing, a critical point, or divergence.

    Args:
        losses: Loss of every update, at least 8, of a loss whose floor is 0
            or above.
        grad_norms: Gradient norm of every update, as many.
        lr: Learning rate η > 0 of gradient descent or SGD. Hand it in where
            the gradient may have been small from the first update on: by its
            shape alone a run that begins on a plateau is like one that
            bounces.
        full_grad_norm: :math:`\|\nabla L\|` ≥ 0 on the whole data set at the
            end; ``probes.grad_norm_trace`` can record it.
        min_eigenvalue: Smallest eigenvalue :math:`\lambda_{min}` of the
            Hessian at the end.
        window: Share ω in (0, 1] of the run that counts as its end.
        flat: :math:`\tau_f` > 0: a loss that changes by less than this share
            within half a window is flat.
        small: :math:`\tau_g` in (0, 1): a gradient below this share of the
            first one is small.
        curvature_tol: :math:`\tau_\lambda` ≥ 0, in units of
            :math:`\|g_1\|^2/|L_1|` at the start.

    Returns:
        The diagnosis, a string with an ``advice``.

    Raises:
        ValueError: If the lists do not fit or are too short, a norm is
            negative, or an argument is out of its range.
        TypeError: If an argument is not a number.

    Example:
        >>> from coursekit.diagnosis import diagnose_stall
        >>> flat = [2.0, 1.4, 1.1] + [1.0] * 20
        >>> diagnose_stall(flat, [3.0] * 23)
        <Stall.BOUNCING: 'bouncing'>
        >>> str(diagnose_stall(flat, [3.0, 1.0, 0.3] + [0.01] * 20))
        'critical point'
        >>> str(diagnose_stall([0.9**t for t in range(20)], [1.0] * 20))
        'still falling'
        >>> str(diagnose_stall(flat, [1e-6] * 23, lr=0.1))
        'critical point'

    Notes:
        The defaults are those under which the runs of the tests, from a valley
        to a net with vanishing gradients, are told apart. ``lr`` is meant for
        SGD: under Adam a step does not shrink with the gradient. That the
        Hessian is positive at one point says nothing of lower minima
        elsewhere.

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, § 8.2.1 and figure
        8.1: a gradient norm that grows while training succeeds; § 8.2.2: look at
        the norm before blaming a local minimum.
    """
    tau_f = check_positive("flat", flat)
    tau_g = check_range("small", small, 0, 1, open_low=True, open_high=True)
    tau_l = check_positive("curvature_tol", curvature_tol, zero=True)
    seen = stall_evidence(losses, grad_norms, lr=lr, window=window)
    least = max(tau_f, seen.uncertainty)
    if not seen.finite or seen.fall < -least:
        return Stall.DIVERGED  # (1)
    if seen.fall > least:
        return Stall.FALLING  # (2)
    promised = seen.promise is None or seen.promise > tau_f
    if seen.grad_ratio > tau_g and promised:
        return _large(seen, full_grad_norm)
    return _small(seen, min_eigenvalue, tau_l)


def _large(seen: StallEvidence, full_grad_norm: float | None) -> Stall:
    if full_grad_norm is None:
        return Stall.BOUNCING  # (3)
    full = check_positive("full_grad_norm", full_grad_norm, zero=True)
    if 2 * full**2 < seen.grad_norm**2:
        return Stall.NOISE_FLOOR  # (4)
    return Stall.OSCILLATION  # (5)


def _small(seen: StallEvidence, min_eigenvalue: float | None, tau_l: float) -> Stall:
    if min_eigenvalue is None:
        return Stall.CRITICAL  # (6)
    lam = check_number("min_eigenvalue", min_eigenvalue)
    if lam < -tau_l * seen.curvature:
        return Stall.SADDLE  # (7)
    if lam > tau_l * seen.curvature:
        return Stall.MINIMUM  # (8)
    return Stall.PLATEAU  # (9)
