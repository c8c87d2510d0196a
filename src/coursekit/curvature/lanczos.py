r"""Find extreme eigenvalues from products alone, by projecting on a few directions.

From a start :math:`q_1` of length 1, with :math:`\beta_0 q_0 = 0`,

.. math::

    w &= H q_j \qquad (1) \\
    \alpha_j &= q_j^T w \qquad (2) \\
    w &\leftarrow w - \alpha_j q_j - \beta_{j-1} q_{j-1} \qquad (3) \\
    \beta_j &= \lVert w \rVert \qquad (4) \\
    q_{j+1} &= w / \beta_j \qquad (5)

The :math:`q_j` are orthonormal, and in this basis H is the small tridiagonal matrix T
with α on the diagonal and β beside it. Its eigenvalues, the *Ritz values*, approach
those at both ends of H's spectrum first; twenty steps often give the largest one of
a net with thousands of parameters to six digits. Power iteration uses the same
products and throws all but the last one away.

In finite precision (3) leaves the new direction less and less orthogonal to the old
ones, and eigenvalues appear twice. Here w is therefore orthogonalized against *all*
of them, twice; in exact arithmetic that is (3). One start finds each eigenvalue once:
the copies of a repeated one are invisible to it.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count
from ._function import Function

__all__ = ["Tridiagonal", "lanczos"]


class Tridiagonal(NamedTuple):
    r"""Hold the projection of H on m orthonormal directions.

    Attributes:
        alpha: Diagonal of T, ``[m]``.
        beta: What stands beside it, ``[m − 1]``.
        q: The directions as columns, ``[p, m]``.
        rest: :math:`\beta_m`; 0 where the directions span all that H can reach.
    """

    alpha: Float[Tensor, " m"]
    beta: Float[Tensor, " m_minus_1"]
    q: Float[Tensor, "p m"]
    rest: float

    def matrix(self) -> Float[Tensor, "m m"]:
        """Return T."""
        T = torch.diag(self.alpha)
        return T + torch.diag(self.beta, 1) + torch.diag(self.beta, -1)

    def ritz(self) -> tuple[Float[Tensor, " m"], Float[Tensor, "p m"], Tensor]:
        r"""Return Ritz values, Ritz vectors, and how far each pair is from exact.

        Returns:
            Values in ascending order ``[m]``; vectors as columns ``[p, m]``; the
            residuals :math:`\lVert Hu - \lambda u \rVert` ``[m]``, which also bound
            the distance from λ to the nearest eigenvalue.
        """
        values, s = torch.linalg.eigh(self.matrix())
        return values, self.q @ s, self.rest * s[-1].abs()


def lanczos(apply: Function, start: Float[Tensor, " p"], steps: int) -> Tridiagonal:
    r"""Run m steps of (1) to (5).

    Args:
        apply: v to Hv for a symmetric H, e.g. a ``HessianOperator``.
        start: A vector that is not zero, ``[p]``; best a random one.
        steps: Number m ≥ 1 of products. It ends earlier where :math:`\beta_j` is
            zero up to rounding: then the Ritz values are eigenvalues.

    Returns:
        α, β and the directions.

    Raises:
        ValueError: If the start is zero or not finite, or ``steps`` < 1.

    Example:
        >>> eigs = torch.tensor([9.0, 4.0, 1.0, 0.5])
        >>> values, _, _ = lanczos(lambda v: eigs * v, torch.ones(4), 4).ritz()
        >>> values
        tensor([0.5000, 1.0000, 4.0000, 9.0000])

    Notes:
        ``top_eigenvalues`` runs ARPACK's Lanczos instead: it restarts, so that 20
        directions are kept, not m.

    References:
        Golub, Van Loan (2013), Matrix Computations, 4th edition, algorithm 10.1.1;
        section 10.3 for the loss of orthogonality.
    """
    length = start.norm()
    if start.ndim != 1 or not (length > 0 and length.isfinite()):
        raise ValueError(
            f"start: expected a finite vector [p] other than 0, got shape "
            f"{tuple(start.shape)} of length {length.item()}"
        )
    q, alpha, beta = [start / length], [], []
    for j in range(check_count("steps", steps)):
        w = apply(q[j])  # (1)
        alpha.append(q[j] @ w)  # (2)
        scale = w.norm()
        w = _orthogonal(_orthogonal(w, q), q)  # (3)
        beta.append(w.norm())  # (4)
        if beta[j] <= 10 * torch.finfo(w.dtype).eps * scale:
            beta[j] = torch.zeros_like(beta[j])
            break
        q.append(w / beta[j])  # (5)
    m = len(alpha)
    inner = torch.stack(beta)[: m - 1]
    directions = torch.stack(q[:m], dim=1)
    return Tridiagonal(torch.stack(alpha), inner, directions, beta[-1].item())


def _orthogonal(w: Tensor, q: list[Tensor]) -> Tensor:
    Q = torch.stack(q)
    return w - (Q @ w) @ Q
