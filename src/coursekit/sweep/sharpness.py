r"""Find the largest eigenvalue of every model's Hessian, all at once.

From a start :math:`v_1` Lanczos' iteration builds orthonormal vectors in which
the Hessian H is tridiagonal,

.. math::

    w &= H v_j \qquad (1) \\
    \alpha_j &= v_j^\top w \qquad (2) \\
    w &\leftarrow w - \textstyle\sum_{i \le j} v_i\, (v_i^\top w) \qquad (3) \\
    \beta_j &= \lVert w \rVert, \quad v_{j+1} = w / \beta_j \qquad (4)

and the largest eigenvalue of that small matrix approaches :math:`\lambda_{max}`
from below. It is started again from its best vector until the residual is small.
A block's models share the products (1), one double backward pass for all.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from .data import Data
from .feed import Feed
from .net import Net
from .signals import FIXED

__all__ = ["sharpness", "top_eigenvalues"]

Product = Callable[[Tensor], Tensor]
SIZE = 24
RESTARTS = 40


def sharpness(net: Net, feed: Feed, data: Data) -> Float[Tensor, " models"]:
    """Return the largest eigenvalue of the Hessian of each model's loss.

    Args:
        net: The models.
        feed: Their training sets, of which the first 256 examples count.
        data: Not used.

    Returns:
        One number a model; NaN where the curvature is not finite.
    """
    x, y = feed.take(feed.pool[:, :FIXED])
    shapes = [theta.shape for theta in net.trained]
    sizes = [theta[0].numel() for theta in net.trained]

    def product(v: Tensor) -> Tensor:
        parts = zip(v.split(sizes, 1), shapes, strict=True)
        # every product sees the masks of this moment
        with net.untouched():
            found = net.curvature(x, y, [part.reshape(s) for part, s in parts])
        return torch.cat([each.reshape(len(v), -1) for each in found], 1)

    theta = net.trained[0]
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(sum(sizes), generator=draw, dtype=torch.double).to(theta)
    tol = 1e-8 if theta.dtype == torch.float64 else 1e-4
    return top_eigenvalues(product, start.expand(len(theta), -1), tol=tol)


def top_eigenvalues(
    product: Product, start: Float[Tensor, "models p"], *, tol: float
) -> Float[Tensor, " models"]:
    """Find the largest eigenvalue of K symmetric matrices.

    Args:
        product: Multiplies each matrix with a vector of its own, ``[models, p]``.
        start: Vectors to start from.
        tol: Residual at which an eigenvalue counts as found, relative to it.

    Returns:
        The eigenvalues, in float64; NaN where a matrix is not finite.

    Example:
        >>> A = torch.tensor([[[2.0, 1.0], [1.0, 2.0]], [[-1.0, 0.0], [0.0, -4.0]]])
        >>> start = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
        >>> top_eigenvalues(lambda v: (A @ v[..., None])[..., 0], start, tol=1e-6)
        tensor([ 3.0000, -1.0000], dtype=torch.float64)
    """
    v = start
    for _ in range(RESTARTS):
        basis, T, rest = _lanczos(product, v)
        lost = ~T.isfinite().flatten(1).all(1)
        values, vectors = torch.linalg.eigh(torch.where(lost[:, None, None], 0.0, T))
        top, s = values[:, -1], vectors[:, :, -1]
        v = torch.einsum("kjp,kj->kp", basis, s.to(basis))
        small = rest * s[:, -1].abs() <= tol * top.abs()
        if bool((small | lost).all()):
            break
    return torch.where(lost, torch.nan, top)


def _lanczos(product: Product, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    size = min(SIZE, v.shape[1])
    basis, alphas, betas = [v / v.norm(dim=1, keepdim=True)], [], []
    for j in range(size):
        w = product(basis[j])  # (1)
        alphas.append((basis[j] * w).sum(1))  # (2)
        V = torch.stack(basis, 1)
        scale = w.norm(dim=1, keepdim=True)
        for _ in range(2):  # twice, because once leaves a rest of rounding
            w = w - torch.einsum(
                "kjp,kj->kp", V, torch.einsum("kjp,kp->kj", V, w)
            )  # (3)
        beta = w.norm(dim=1, keepdim=True)  # (4)
        # an invariant space is found: what is left of w is rounding
        over = beta <= 100 * torch.finfo(w.dtype).eps * scale
        betas.append(torch.where(over, 0.0, beta).squeeze(1))
        basis.append(torch.where(over, 0.0, w / beta))
    alpha, beta = (torch.stack(each, 1).double() for each in (alphas, betas))
    # a direction that does not exist must not win with its eigenvalue 0
    there = torch.stack([b.norm(dim=1) > 0.5 for b in basis[:size]], 1)
    alpha = torch.where(there, alpha, alpha[:, :1])
    T = torch.diag_embed(alpha)
    if size > 1:
        off = torch.diag_embed(beta[:, : size - 1], 1)
        T = T + off + off.mT
    return torch.stack(basis[:size], 1), T, beta[:, -1]
