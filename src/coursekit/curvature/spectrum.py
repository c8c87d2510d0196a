r"""Compute the eigenvalues at one end of the Hessian's spectrum.

A pair :math:`(\lambda_i, u_i)` of

.. math:: H u_i = \lambda_i u_i, \qquad \lVert u_i \rVert = 1

is a direction and the curvature along it. A handful from either end answers most
questions: the largest limits the learning rate, a negative one is a way down. They
come from Hessian–vector products by the Lanczos iteration (see ``lanczos``), here
ARPACK's, which restarts with what it has learnt and so keeps few directions. With up
to 128 parameters the whole matrix costs no more than the products, and is used.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from .._validate import check_count, check_in, check_range
from ._function import Function, draw_start
from .hvp import HessianOperator

__all__ = ["Eigenpairs", "top_eigenpairs", "top_eigenvalues"]

DENSE = 128
ARPACK = {"largest": "LA", "smallest": "SA", "magnitude": "LM"}


class Eigenpairs(NamedTuple):
    r"""Hold eigenvalues and eigenvectors, the most extreme first.

    Attributes:
        values: :math:`\lambda_i`, ``[k]``.
        vectors: :math:`u_i` as columns of length 1, ``[p, k]``.
    """

    values: Float[Tensor, " k"]
    vectors: Float[Tensor, "p k"]


def top_eigenvalues(
    f: Function,
    theta: Float[Tensor, " p"],
    k: int = 5,
    *,
    which: str = "largest",
    tol: float = 1e-6,
    max_iter: int | None = None,
    seed: int = 0,
) -> Float[Tensor, " k"]:
    r"""Return k eigenvalues of the Hessian, the most extreme first.

    Args:
        f: A scalar function of one vector.
        theta: The point θ, ``[p]``.
        k: How many, from 1 to p.
        which: ``"largest"`` and ``"smallest"`` count with the sign, ``"magnitude"``
            by :math:`|\lambda|`.
        tol: Where to stop: residual :math:`\lVert Hu - \lambda u\rVert` relative to
            |λ|, in [0, 1); 0 asks for all digits. λ itself is better: its error goes
            with the square of the residual, over the gap to the next eigenvalue.
        max_iter: Restarts allowed; None is ARPACK's 10 p.
        seed: Seed of the random start.

    Shape:
        ``[p]`` to ``[k]``.

    Returns:
        :math:`\lambda_1, \dots, \lambda_k`.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If an argument is out of its range, or the gradient at θ is not
            finite.
        RuntimeError: If ``max_iter`` restarts were not enough.

    Example:
        >>> eigs = torch.arange(1, 201).double()
        >>> f = lambda theta: (eigs * theta.square()).sum() / 2
        >>> top_eigenvalues(f, torch.zeros(200).double(), 3)
        tensor([200.0000, 199.0000, 198.0000], dtype=torch.float64)

    Notes:
        Exact copies of an eigenvalue may be missed, as always with one start vector.

    References:
        Lehoucq, Sorensen, Yang (1998), ARPACK users' guide, SIAM.
        Ghorbani, Krishnan, Xiao (2019), arXiv 1901.10159, for Lanczos on nets.
    """
    return top_eigenpairs(
        f, theta, k, which=which, tol=tol, max_iter=max_iter, seed=seed
    ).values


def top_eigenpairs(
    f: Function,
    theta: Float[Tensor, " p"],
    k: int = 5,
    *,
    which: str = "largest",
    tol: float = 1e-6,
    max_iter: int | None = None,
    seed: int = 0,
) -> Eigenpairs:
    r"""Return k eigenvalues of the Hessian together with their directions.

    Args:
        f: A scalar function of one vector.
        theta: The point θ, ``[p]``.
        k: How many, from 1 to p.
        which: ``"largest"``, ``"smallest"`` or ``"magnitude"``.
        tol: Relative residual to stop at, in [0, 1).
        max_iter: Restarts allowed; None is ARPACK's 10 p.
        seed: Seed of the random start.

    Shape:
        values ``[k]``, vectors ``[p, k]``.

    Returns:
        Eigenvalues, and eigenvectors as columns; a vector's sign is arbitrary.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If an argument is out of its range, or the gradient at θ is not
            finite.
        RuntimeError: If ``max_iter`` restarts were not enough.

    Example:
        >>> pairs = top_eigenpairs(lambda w: w[0] * w[1], torch.zeros(2), 1)
        >>> pairs.values, pairs.vectors[:, 0].abs()
        (tensor([1.]), tensor([0.7071, 0.7071]))
    """
    check_in("which", which, ARPACK)
    tol = check_range("tol", tol, 0, 1, open_high=True)
    options = {"tol": tol, "maxiter": max_iter}
    H = HessianOperator(f, theta)
    if not bool(H.gradient.isfinite().all()):
        raise ValueError("f: expected a finite gradient at theta, got NaN or infinity")
    p = H.theta.numel()
    if check_count("k", k) > p:
        raise ValueError(f"k: expected at most the {p} eigenvalues there are, got {k}")
    if p <= DENSE or k == p:
        values, vectors = _dense(H)
    else:
        values, vectors = _arpack(H, k, which, options, seed)
    first = _most_extreme(values, which)[:k]
    return Eigenpairs(values[first].to(H.theta), vectors[:, first].to(H.theta))


def _dense(H: HessianOperator) -> tuple[Tensor, Tensor]:
    identity = torch.eye(H.theta.numel(), dtype=H.theta.dtype, device=H.theta.device)
    rows = H(identity).double()
    return torch.linalg.eigh((rows + rows.mT) / 2)


class _Products(LinearOperator):
    def __init__(self, H: HessianOperator) -> None:
        p, self.product = H.theta.numel(), H
        # ARPACK knows two types; in a longer one than θ's it would chase rounding
        kind = np.float64 if H.theta.dtype == torch.float64 else np.float32
        super().__init__(np.dtype(kind), (p, p))

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self.array(
            self.product(torch.from_numpy(v.ravel()).to(self.product.theta))
        )

    def array(self, v: Tensor) -> np.ndarray:
        return v.cpu().to(torch.float64).numpy().astype(self.dtype)


def _arpack(
    H: HessianOperator, k: int, which: str, options: dict[str, Any], seed: int
) -> tuple[Tensor, Tensor]:
    start, operator = draw_start(H.theta, seed), _Products(H)
    if not bool(H(start).any()):  # ARPACK refuses the zero matrix
        return torch.zeros(k), torch.eye(H.theta.numel())[:, :k]
    v0 = operator.array(start)
    try:
        values, vectors = eigsh(operator, k, which=ARPACK[which], v0=v0, **options)
    except ArpackNoConvergence as error:
        raise RuntimeError(
            f"{len(error.eigenvalues)} of {k} eigenvalues reached a residual of "
            f"{options['tol']}; raise tol or max_iter, or compute in float64"
        ) from error
    return torch.from_numpy(values), torch.from_numpy(vectors)


def _most_extreme(values: Tensor, which: str) -> Tensor:
    key = values.abs() if which == "magnitude" else values
    return key.argsort(descending=which != "smallest", stable=True)
