r"""Descend along gradients that are τ updates old.

An asynchronous worker computes its gradient at parameters that others have
updated τ times by the moment it is applied. Let every gradient be that old:

.. math::

    \theta_{t+1} &= \theta_t - \eta\, \nabla L(\theta_{t-\tau}) \qquad (1)

On the parabola :math:`L = \tfrac\lambda2 \theta^2` this is a linear recursion
of the last τ + 1 iterates, :math:`u_{t+1} = A u_t` with
:math:`u_t = (\theta_t, \dots, \theta_{t-\tau})`; the first row of A is

.. math::

    \theta_{t+1} &= 1 \cdot \theta_t + 0 + \dots
    - \eta\lambda\, \theta_{t-\tau} \qquad (2)

and the others shift. It converges if the spectral radius of A is below 1. At
the limit a root of :math:`z^{\tau+1} - z^\tau + \eta\lambda = 0` lies on the
unit circle, :math:`z = e^{i\omega}`, and
:math:`\eta\lambda = z^\tau (1 - z)` is real and positive, first at
:math:`\omega = \pi/(2\tau+1)`, where its size is :math:`|1-z|`:

.. math::

    \eta_{max} &= \frac{2}{\lambda}
    \sin \frac{\pi}{2(2\tau+1)} \qquad (3)

That is 2/λ without delay, 1/λ for τ = 1, and about π/(2λτ) for large τ. With a
bounded delay descent is therefore stable on any bowl if its rate is small
enough; what staleness costs is that factor, about :math:`4\tau/\pi`. The
closer the rate to the limit, the slower the decay, so watching a run is a poor
way to find the limit.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count, check_number, check_positive

__all__ = [
    "companion_matrix",
    "delayed_gradient_descent",
    "largest_stable_lr",
    "spectral_radius",
]


def largest_stable_lr(tau: int, curvature: float) -> float:
    r"""Return :math:`\eta_{max}` of equation (3).

    Args:
        tau: Delay τ ≥ 0 in updates.
        curvature: λ > 0, the (largest) second derivative.

    Returns:
        The rate at which the recursion neither grows nor decays; below it, it
        decays.

    Raises:
        TypeError: If the delay is not a whole number.
        ValueError: If an argument is out of its range.

    Example:
        >>> [round(largest_stable_lr(tau, 1.0), 3) for tau in (0, 1, 2, 4, 8, 16)]
        [2.0, 1.0, 0.618, 0.347, 0.185, 0.095]

    References:
        Levin, May (1976), A note on difference-delay equations, Theoretical
        Population Biology 9, for the condition on
        :math:`u_{t+1} = u_t - q\, u_{t-\tau}`.
    """
    tau = check_count("tau", tau, least=0)
    curvature = check_positive("curvature", curvature)
    return 2 / curvature * math.sin(math.pi / (2 * (2 * tau + 1)))  # (3)


def companion_matrix(tau: int, lr: float, curvature: float) -> Tensor:
    r"""Return A, which maps the last τ + 1 iterates to the next τ + 1.

    Args:
        tau: Delay τ ≥ 0 in updates.
        lr: Learning rate η ≥ 0.
        curvature: λ, of either sign.

    Shape:
        ``[tau + 1, tau + 1]``, float64.

    Returns:
        The matrix of equation (2).

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> companion_matrix(2, 0.5, 1.0)
        tensor([[ 1.0000,  0.0000, -0.5000],
                [ 1.0000,  0.0000,  0.0000],
                [ 0.0000,  1.0000,  0.0000]], dtype=torch.float64)
    """
    tau = check_count("tau", tau, least=0)
    rate = check_positive("lr", lr, zero=True) * check_number("curvature", curvature)
    A = torch.diag(torch.ones(tau, dtype=torch.float64), -1)
    A[0, 0] += 1
    A[0, tau] -= rate  # (2)
    return A


def spectral_radius(matrix: Tensor) -> float:
    r"""Return the largest size of an eigenvalue, the rate of growth a step.

    Args:
        matrix: A square matrix.

    Returns:
        A number ≥ 0; below 1 everything decays.

    Raises:
        ValueError: If the matrix is not square or not finite.

    Example:
        >>> round(spectral_radius(companion_matrix(1, 1.0, 1.0)), 9)
        1.0
    """
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] > 0
    if not square or not matrix.isfinite().all():
        raise ValueError(
            f"matrix: expected a square matrix of finite numbers, got shape "
            f"{tuple(matrix.shape)}"
        )
    return torch.linalg.eigvals(matrix).abs().max().item()


def delayed_gradient_descent(
    theta: Float[Tensor, "..."],
    gradient: Callable[[Tensor], Tensor],
    lr: float,
    tau: int,
    updates: int,
) -> Float[Tensor, "time ..."]:
    r"""Return the iterates of equation (1).

    Args:
        theta: The start, used for all iterates before it as well.
        gradient: Maps parameters to the gradient of the loss.
        lr: Learning rate η ≥ 0.
        tau: Delay τ ≥ 0 in updates.
        updates: How many.

    Shape:
        theta ``[*]``; iterates ``[updates + 1, *]``.

    Returns:
        :math:`\theta_0, \theta_1, \dots`

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> start = torch.tensor(1.0)
        >>> delayed_gradient_descent(start, lambda x: x, lr=0.5, tau=1, updates=3)
        tensor([ 1.0000,  0.5000,  0.0000, -0.2500])
    """
    eta = check_positive("lr", lr, zero=True)
    tau = check_count("tau", tau, least=0)
    path = [theta]
    for t in range(check_count("updates", updates, least=0)):
        path.append(path[t] - eta * gradient(path[max(t - tau, 0)]))  # (1)
    return torch.stack(path)
