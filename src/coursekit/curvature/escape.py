r"""Find the way out of a saddle, where the gradient is zero and points nowhere.

.. math::

    H u &= \lambda_{min} u, \quad \lVert u \rVert = 1 \qquad (1) \\
    u &\leftarrow -\mathrm{sign}(g^T u)\, u \qquad (2)

If :math:`\lambda_{min} < 0`, a step s along u changes the loss by
:math:`s\, g^T u + \tfrac12 \lambda_{min} s^2 + O(s^3)`: both terms go down. Exactly at
the critical point :math:`g^T u = 0` and both signs of u do. How far to go the
direction does not tell: a step is too long where the cubic term takes over.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_range
from ._function import Function
from .hessian import gradient
from .spectrum import top_eigenpairs, top_eigenvalues

__all__ = ["escape_direction"]


def escape_direction(
    f: Function,
    theta: Float[Tensor, " p"],
    *,
    tol: float | None = None,
    seed: int = 0,
) -> Float[Tensor, " p"]:
    r"""Return the direction of the most negative curvature, turned downhill.

    Args:
        f: A scalar function of one vector.
        theta: The point θ, ``[p]``, at or near a critical point.
        tol: Relative size up to which an eigenvalue counts as zero, in [0, 1); None
            is the root of the type's resolution, as for ``classify``.
        seed: Seed of the random start of the eigenvalue iteration.

    Shape:
        as θ.

    Returns:
        u of length 1. Where :math:`g^T u = 0` its largest entry is positive.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If there is no negative eigenvalue, or an argument is out of its
            range.
        RuntimeError: If the eigenvalues did not converge.

    Example:
        >>> f = lambda w: (1 - w[0] * w[1]) ** 2
        >>> u = escape_direction(f, torch.zeros(2))
        >>> u, f(0.5 * u)
        (tensor([0.7071, 0.7071]), tensor(0.7656))

    Notes:
        Dauphin et al. divide the gradient along *every* eigenvector by
        :math:`|\lambda_i|` (saddle-free Newton); this is the one direction that descent
        cannot see.

    References:
        Dauphin et al. (2014), Identifying and attacking the saddle point problem in
        high-dimensional non-convex optimization, arXiv 1406.2572, section 4.
    """
    values, vectors = top_eigenpairs(f, theta, 1, which="smallest", seed=seed)
    scale = top_eigenvalues(f, theta, 1, which="magnitude", seed=seed).abs()
    share = torch.finfo(theta.dtype).eps ** 0.5
    if tol is not None:
        share = check_range("tol", tol, 0, 1, open_high=True)
    if not values[0] < -share * scale[0]:
        raise ValueError(
            f"theta: expected a point with a negative eigenvalue, got a smallest one "
            f"of {values[0].item():.3g}; at a minimum there is no way down"
        )
    u = vectors[:, 0]  # (1)
    slope = gradient(f, theta) @ u
    if slope == 0:
        slope = -u[u.abs().argmax()]
    return -slope.sign() * u  # (2)
