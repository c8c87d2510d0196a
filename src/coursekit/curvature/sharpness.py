r"""Measure the sharpness of a loss: the largest eigenvalue of its Hessian.

Power iteration multiplies by H again and again; from a random v of length 1

.. math::

    u &= H v \qquad (1) \\
    \lambda &= v^T u \qquad (2) \\
    v &\leftarrow u / \lVert u \rVert \qquad (3)

the component along the eigenvector with the largest :math:`|\lambda|` grows faster
than all others, by :math:`|\lambda_1/\lambda_2|` a step. It is three lines, and has
two weaknesses. The eigenvalue it finds may be negative: near a saddle the steepest
direction can go down. And where the first two differ by one percent it needs
hundreds of products. Lanczos uses every product it has made, finds the largest with
its sign, and needs a fraction of them.

Sharpness depends on how a function is written down. In a ReLU net the weights of one
layer can be multiplied by α > 0 and those of the next divided by it: every output
stays, and :math:`\lambda_{max}` takes almost any value. Compare it between runs of
one net under one recipe, or not at all.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from .._validate import check_count, check_in, check_positive
from ._function import Function, draw_start
from .hvp import HessianOperator
from .spectrum import top_eigenvalues

__all__ = ["PowerResult", "lambda_max", "power_iteration"]


class PowerResult(NamedTuple):
    r"""Hold what power iteration found.

    Attributes:
        value: :math:`\lambda`, the Rayleigh quotient of the vector.
        vector: v of length 1, ``[p]``.
        products: How many products Hv it took.
        converged: Whether the residual came below the tolerance.
    """

    value: float
    vector: Tensor
    products: int
    converged: bool


def power_iteration(
    apply: Function,
    start: Float[Tensor, " p"],
    *,
    tol: float = 1e-3,
    max_iter: int = 1000,
) -> PowerResult:
    r"""Return the eigenvalue of the largest magnitude, by (1) to (3).

    Args:
        apply: v to Hv for a symmetric H, e.g. a ``HessianOperator``.
        start: A vector that is not zero, ``[p]``; best a random one.
        tol: Stop at :math:`\lVert Hv - \lambda v\rVert \le tol\,|\lambda|`; > 0. The
            error of λ is of the order of its square.
        max_iter: Number of products allowed, ≥ 1.

    Returns:
        Eigenvalue, eigenvector, products and whether it converged. It cannot where
        λ and −λ are both of the largest magnitude.

    Raises:
        ValueError: If the start is zero or not finite, or a number is out of range.

    Example:
        >>> import torch
        >>> eigs = torch.tensor([2.0, 1.0, -5.0])
        >>> found = power_iteration(lambda v: eigs * v, torch.ones(3))
        >>> round(found.value, 4), found.converged
        (-5.0, True)

    References:
        Golub, Van Loan (2013), Matrix Computations, 4th edition, section 8.2.1.
    """
    tol, max_iter = check_positive("tol", tol), check_count("max_iter", max_iter)
    if not (start.norm() > 0 and start.norm().isfinite()):
        raise ValueError("start: expected a finite vector other than 0")
    v, value = start / start.norm(), 0.0
    for products in range(1, max_iter + 1):
        u = apply(v)  # (1)
        value = v @ u  # (2)
        if (u - value * v).norm() <= tol * value.abs():
            return PowerResult(value.item(), v, products, True)
        v = u / u.norm()  # (3)
    return PowerResult(float(value), v, max_iter, False)


def lambda_max(
    f: Function,
    theta: Float[Tensor, " p"],
    *,
    method: str = "lanczos",
    tol: float | None = None,
    max_iter: int | None = None,
    seed: int = 0,
) -> float:
    r"""Return the largest eigenvalue of the Hessian, with its sign.

    Args:
        f: A scalar function of one vector.
        theta: The point θ, ``[p]``.
        method: ``"lanczos"``; or ``"power"``, which repeats the iteration on
            :math:`H - \lambda I` where the first λ came out negative.
        tol: Relative residual to stop at; None is 1e-6 for Lanczos and 1e-3 for
            power iteration.
        max_iter: Restarts or products allowed; None is 10 p or 1000.
        seed: Seed of the random start.

    Returns:
        :math:`\lambda_{max}`. Gradient descent on a bowl of this curvature diverges
        above a rate of :math:`2/\lambda_{max}`.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If an argument is out of its range, or the gradient at θ is not
            finite.
        RuntimeError: If the iteration did not converge.

    Example:
        >>> import torch
        >>> f = lambda w: w[0] ** 2 - 5 * w[1] ** 2
        >>> lambda_max(f, torch.zeros(2))
        2.0
        >>> round(lambda_max(f, torch.zeros(2), method="power"), 4)
        2.0

    References:
        Keskar et al. (2017), arXiv 1609.04836, on sharpness and batch size.
        Dinh et al. (2017), Sharp minima can generalize for deep nets, arXiv
        1703.04933, on its dependence on the parametrization.
    """
    check_in("method", method, ("lanczos", "power"))
    if method == "lanczos":
        tol = 1e-6 if tol is None else tol
        found = top_eigenvalues(f, theta, 1, tol=tol, max_iter=max_iter, seed=seed)
        return found.item()
    limits = {"tol": 1e-3 if tol is None else tol, "max_iter": max_iter or 1000}
    H = HessianOperator(f, theta)
    v = draw_start(H.theta, seed)
    value = _converged(power_iteration(H, v, **limits))
    if value >= 0:
        return value
    # the shift moves λ_max, now the farthest from zero, to λ_max − λ
    return value + _converged(power_iteration(lambda v: H(v) - value * v, v, **limits))


def _converged(found: PowerResult) -> float:
    if not found.converged:
        raise RuntimeError(
            f"power iteration did not converge in {found.products} products; two "
            'eigenvalues are nearly equal in size: use method="lanczos"'
        )
    return found.value
