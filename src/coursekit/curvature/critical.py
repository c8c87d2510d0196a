r"""Find critical points of any kind: minima, saddles and maxima alike.

Descent ends at minima only, and before that it is slow. A zero of the gradient is a
minimum of :math:`\tfrac12\lVert g\rVert^2`, whatever the signs of H. This is a problem
of least squares with the Jacobian H, for which Levenberg and Marquardt step by

.. math::

    H &= Q \Lambda Q^T \qquad (1) \\
    \nu &= c\, \max_i \lambda_i^2 \qquad (2) \\
    \delta &= -Q\, \frac{\Lambda}{\Lambda^2 + \nu}\, Q^T g
    \quad \bigl( = -(H^2 + \nu I)^{-1} H g \bigr) \qquad (3)

If :math:`\lVert g \rVert` is smaller at :math:`\theta + \delta`, the step is made and
c is divided by 5; otherwise c is multiplied by 2. Small c is Newton's method, which
doubles the digits in each step; large c is a short step of descent on
:math:`\lVert g \rVert^2`. Working with eigenvalues keeps the digits that forming
:math:`H^2` would lose, and gives the spectrum that we want to see anyway.

The method has its price. Squaring H squares its condition number, so that the search
may crawl along a narrow valley of :math:`\lVert g \rVert` until its steps are used up.
And two of its ends are no critical points. Where :math:`Hg = 0` but :math:`g \ne 0`
the search *stalls*, in a minimum of :math:`\lVert g \rVert` that is not zero. And as
the gradient of most nets also vanishes at infinity, it may run off: it is called *far*.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import vmap

from .._validate import check_count, check_positive
from ._function import Function, check_point, scalar
from .found import CriticalPoint, CriticalPoints, Ending
from .hessian import gradient, hessian

__all__ = ["find_critical_point", "find_critical_points", "lm_step"]

DOWN, UP = 5.0, 2.0
FIRST, LAST = 1e-3, 1e12
ENDINGS = tuple(Ending)


def lm_step(
    g: Float[Tensor, "*batch p"],
    eigs: Float[Tensor, "*batch p"],
    Q: Float[Tensor, "*batch p p"],
    c: Float[Tensor, "*batch"] | float,
) -> Float[Tensor, "*batch p"]:
    r"""Return the step δ towards a zero of the gradient, equations (2) and (3).

    Args:
        g: Gradient, ``[*, p]``.
        eigs: Eigenvalues Λ of the Hessian, ``[*, p]``.
        Q: Its eigenvectors as columns, ``[*, p, p]``.
        c: Damping > 0 relative to the largest :math:`\lambda^2`, ``[*]``.

    Shape:
        ``[*, p]``; leading axes are batched.

    Returns:
        δ. Directions without curvature are left alone.

    Example:
        >>> g, eigs = torch.tensor([2.0, -2.0]), torch.tensor([-1.0, 4.0])
        >>> lm_step(g, eigs, torch.eye(2), 1e-9)
        tensor([2.0000, 0.5000])

    References:
        Marquardt (1963), An algorithm for least-squares estimation of nonlinear
        parameters, Journal of SIAM 11(2).
    """
    c = torch.as_tensor(c).to(g)
    nu = c[..., None] * eigs.square().amax(-1, keepdim=True)  # (2)
    # a Hessian of zeros, at an inflection, makes no step rather than 0/0
    gain = eigs / (eigs.square() + nu).clamp_min(torch.finfo(g.dtype).tiny)
    return -(Q @ (gain * (Q.mT @ g[..., None])[..., 0])[..., None])[..., 0]  # (3)


def find_critical_point(
    f: Function,
    theta: Float[Tensor, " p"],
    *,
    g_tol: float = 1e-8,
    bound: float = 100.0,
    max_iter: int = 500,
    tol: float | None = None,
) -> CriticalPoint:
    r"""Search a zero of the gradient from one start.

    Args:
        f: A scalar function of one vector that can be vmapped.
        theta: The start, ``[p]``; float64, as a gradient of 1e-8 asks for.
        g_tol: :math:`\lVert g \rVert` below which a point counts as critical, > 0.
        bound: :math:`\lVert \theta \rVert` above which the search is given up, > 0.
        max_iter: Steps tried, ≥ 1.
        tol: Relative size up to which an eigenvalue counts as zero; see ``classify``.

    Returns:
        Where the search ended and what is there.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If an argument is out of its range.

    Example:
        >>> from coursekit.curvature import SURFACES
        >>> start = torch.tensor([3.0, 0.0]).double()
        >>> found = find_critical_point(SURFACES["himmelblau"], start)
        >>> str(found.ending), str(found.kind), round(found.loss, 4)
        ('converged', 'saddle', 13.3119)

    References:
        Levenberg (1944), A method for the solution of certain non-linear problems in
        least squares, Quarterly of Applied Mathematics 2(2).
    """
    start = check_point(theta)[None]
    limits = {"g_tol": g_tol, "bound": bound, "max_iter": max_iter, "tol": tol}
    return find_critical_points(f, start, **limits)[0]


def find_critical_points(
    f: Function,
    theta: Float[Tensor, "starts p"],
    *,
    g_tol: float = 1e-8,
    bound: float = 100.0,
    max_iter: int = 500,
    tol: float | None = None,
) -> CriticalPoints:
    r"""Search zeros of the gradient from many starts at once.

    Args:
        f: A scalar function of one vector that can be vmapped.
        theta: The starts, ``[n, p]``.
        g_tol: :math:`\lVert g \rVert` below which a point counts as critical, > 0.
        bound: :math:`\lVert \theta \rVert` above which a search is given up, > 0.
        max_iter: Steps tried from each start, ≥ 1.
        tol: Relative size up to which an eigenvalue counts as zero; see ``classify``.

    Returns:
        Where each search ended, in the order of the starts; ``.converged`` tells
        which are critical points, ``.distinct()`` drops repetitions.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If an argument is out of its range, or θ has other axes.

    Example:
        >>> from coursekit.curvature import SURFACES
        >>> starts = 4 * torch.randn(99, 2, generator=torch.Generator().manual_seed(0))
        >>> found = find_critical_points(SURFACES["himmelblau"], starts.double())
        >>> len(found.select(found.converged).distinct())
        9

    Notes:
        All starts advance together, one vmapped gradient for all that still run, and
        each ends as it would alone.

    References:
        Dauphin et al. (2014), arXiv 1406.2572, section 3: the index of critical points
        of a net against their loss.
        Pennington, Bahri (2017), Geometry of neural network loss surfaces via random
        matrix theory, ICML.
    """
    g_tol, bound = check_positive("g_tol", g_tol), check_positive("bound", bound)
    theta = check_point(theta, batch=True).clone()
    if theta.ndim != 2:
        raise ValueError(
            f"theta: expected starts [n, p], got shape {tuple(theta.shape)}"
        )
    f = scalar(f)
    state = _measure(f, theta, torch.full_like(theta[:, 0], FIRST))
    for _ in range(check_count("max_iter", max_iter)):
        runs = _endings(state, g_tol, bound) == ENDINGS.index(Ending.UNFINISHED)
        if not bool(runs.any()):
            break
        state = _advance(f, state, runs)
    endings = tuple(ENDINGS[i] for i in _endings(state, g_tol, bound).tolist())
    loss, size = vmap(f)(state.theta), state.g.norm(dim=-1)
    return CriticalPoints(state.theta, loss, size, state.eigs, endings, tol)


class _State(NamedTuple):
    theta: Tensor
    g: Tensor
    eigs: Tensor
    Q: Tensor
    c: Tensor


def _measure(f: Function, theta: Tensor, c: Tensor) -> _State:
    H, g = hessian(f, theta), gradient(f, theta)
    # LAPACK refuses what is not finite; a NaN gradient lets that start end in words
    usable = H.isfinite().flatten(1).all(1)
    eigs, Q = torch.linalg.eigh(torch.where(usable[:, None, None], H, 0))  # (1)
    return _State(theta, torch.where(usable[:, None], g, torch.nan), eigs, Q, c)


def _advance(f: Function, state: _State, runs: Tensor) -> _State:
    theta, g, eigs, Q, c = (part[runs] for part in state)
    step = lm_step(g, eigs, Q, c)
    # a step that overflows is no step, and is refused as such
    trial = theta + torch.where(step.isfinite(), step, 0)
    better = gradient(f, trial).norm(dim=-1) < g.norm(dim=-1)
    c = torch.where(better, c / DOWN, c * UP)
    new = _State(*(part.clone() for part in state))
    new.c[runs] = c
    if bool(better.any()):
        moved = runs.nonzero()[:, 0][better]
        for part, value in zip(new, _measure(f, trial[better], c[better]), strict=True):
            part[moved] = value
    return new


def _endings(state: _State, g_tol: float, bound: float) -> Tensor:
    size, distance = state.g.norm(dim=-1), state.theta.norm(dim=-1)
    code = torch.full_like(size, ENDINGS.index(Ending.UNFINISHED), dtype=torch.long)
    code[state.c > LAST] = ENDINGS.index(Ending.STALLED)
    code[size < g_tol] = ENDINGS.index(Ending.CONVERGED)
    code[distance >= bound] = ENDINGS.index(Ending.FAR)
    code[~size.isfinite()] = ENDINGS.index(Ending.BROKEN)
    return code
