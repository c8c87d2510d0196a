r"""Tell from the Hessian's eigenvalues what kind of critical point this is.

Where the gradient is zero, :math:`L(\theta + \Delta\theta) - L(\theta) \approx
\tfrac12 \Delta\theta^T H \Delta\theta`, which in the axes of H's eigenvectors is a
sum of one parabola each. With the counts

.. math::

    n_+ &= \#\{\lambda_i > t\} \qquad (1) \\
    n_- &= \#\{\lambda_i < -t\} \qquad (2) \\
    n_0 &= p - n_+ - n_- \qquad (3)

it is a *minimum* if :math:`n_+ = p`, a *maximum* if :math:`n_- = p`, a *saddle* if
neither :math:`n_+` nor :math:`n_-` is 0. What is left has a zero eigenvalue and all
others of one sign: *undecided*, higher derivatives decide. The signs of H's
**entries** say nothing: [[1, 2], [2, 1]] is a saddle.

The zero of arithmetic is not exact. An eigenvalue counts as zero up to
:math:`t = tol \cdot \max_i |\lambda_i|`, so that the unit of the loss does not
matter. By default tol is the square root of the type's resolution: 1.5e-8 in float64,
3.5e-4 in float32. Rounding is far below that; but a critical point is itself found
only to about half the digits, and its zero eigenvalues are off by as much. The price:
a minimum with a condition number above 1/tol is called undecided.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_range
from .kind import Kind

__all__ = ["Inertia", "classify", "inertia", "minimum_ratio", "negative_share"]

Spectrum = Float[Tensor, "p p"] | Float[Tensor, " p"] | Sequence[float]


class Inertia(NamedTuple):
    r"""Hold the numbers of eigenvalues of each sign.

    Attributes:
        positive: :math:`n_+`, directions that go up.
        negative: :math:`n_-`, directions that go down; the *index* of the point.
        zero: :math:`n_0`, directions without curvature.
    """

    positive: int
    negative: int
    zero: int


def inertia(H: Spectrum, tol: float | None = None) -> Inertia:
    r"""Count eigenvalues by sign, equations (1) to (3).

    Args:
        H: A symmetric matrix ``[p, p]``, or its eigenvalues ``[p]``.
        tol: Size relative to the largest :math:`|\lambda|`, in [0, 1), up to which
            an eigenvalue counts as zero; None is the root of the type's resolution.

    Returns:
        The counts.

    Raises:
        TypeError: If H does not hold real numbers.
        ValueError: If H is empty, not finite, not symmetric, or has other axes, or
            ``tol`` is out of its range.

    Example:
        >>> inertia([3.0, -1.0, 0.0, 2.0])
        Inertia(positive=2, negative=1, zero=1)

    References:
        Golub, Van Loan (2013), Matrix Computations, 4th edition, section 8.1.5.
    """
    eigs, resolution = _eigenvalues(H)
    share = resolution**0.5
    if tol is not None:
        share = check_range("tol", tol, 0, 1, open_high=True)
    t = share * eigs.abs().max()
    positive = int((eigs > t).sum())  # (1)
    negative = int((eigs < -t).sum())  # (2)
    zero = eigs.numel() - positive - negative  # (3)
    return Inertia(positive, negative, zero)


def classify(H: Spectrum, tol: float | None = None) -> Kind:
    r"""Return the verdict of the second-derivative test at a critical point.

    Args:
        H: The Hessian ``[p, p]``, or its eigenvalues ``[p]``.
        tol: Relative size up to which an eigenvalue counts as zero, in [0, 1).

    Returns:
        ``"minimum"``, ``"maximum"``, ``"saddle"`` or ``"undecided"``; a ``Kind``,
        which is a string. It knows the Hessian only: that the gradient is zero is
        the caller's to see.

    Raises:
        TypeError: If H does not hold real numbers.
        ValueError: If H is empty, not finite, not symmetric, or has other axes, or
            ``tol`` is out of its range.

    Example:
        >>> str(classify(torch.tensor([[1.0, 2.0], [2.0, 1.0]])))
        'saddle'
        >>> str(classify([2.0, 0.0])), str(classify([2.0, 0.0, -1.0]))
        ('undecided', 'saddle')

    References:
        Nocedal, Wright (2006), Numerical Optimization, theorems 2.3 and 2.4.
    """
    counts = inertia(H, tol)
    if counts.positive and counts.negative:
        return Kind.SADDLE
    if counts.zero:
        return Kind.UNDECIDED
    return Kind.MINIMUM if counts.positive else Kind.MAXIMUM


def minimum_ratio(H: Spectrum, tol: float | None = None) -> float:
    r"""Return the share of positive eigenvalues, :math:`n_+/p`.

    It is a property of *one* critical point. Directions without curvature count as
    not positive, so a ratio below 1 does not prove that there is a way down: look at
    ``negative_share`` as well.

    Args:
        H: The Hessian ``[p, p]``, or its eigenvalues ``[p]``.
        tol: Relative size up to which an eigenvalue counts as zero, in [0, 1).

    Returns:
        A number from 0 to 1; 1 for a minimum with curvature in all directions.

    Raises:
        TypeError: If H does not hold real numbers.
        ValueError: If H is empty, not finite, not symmetric, or has other axes, or
            ``tol`` is out of its range.

    Example:
        >>> minimum_ratio([3.0, 1.0, 0.0, 0.0]), negative_share([3.0, 1.0, 0.0, 0.0])
        (0.5, 0.0)

    References:
        Dauphin et al. (2014), arXiv 1406.2572, section 3, plots the negative share.
    """
    counts = inertia(H, tol)
    return counts.positive / sum(counts)


def negative_share(H: Spectrum, tol: float | None = None) -> float:
    r"""Return the share of negative eigenvalues, :math:`n_-/p`.

    Args:
        H: The Hessian ``[p, p]``, or its eigenvalues ``[p]``.
        tol: Relative size up to which an eigenvalue counts as zero, in [0, 1).

    Returns:
        A number from 0 to 1: the *index* of the point over p. Above 0 there is a
        way down.

    Raises:
        TypeError: If H does not hold real numbers.
        ValueError: If H is empty, not finite, not symmetric, or has other axes, or
            ``tol`` is out of its range.

    Example:
        >>> negative_share(torch.tensor([[1.0, 2.0], [2.0, 1.0]]))
        0.5

    References:
        Pennington, Bahri (2017), Geometry of neural network loss surfaces via random
        matrix theory, ICML.
    """
    counts = inertia(H, tol)
    return counts.negative / sum(counts)


def _eigenvalues(H: Spectrum) -> tuple[Tensor, float]:
    # in float64, with the resolution of the type they came in
    given = H if isinstance(H, Tensor) else torch.as_tensor(H, dtype=torch.float64)
    if given.is_complex() or given.dtype == torch.bool:
        raise TypeError(f"H: expected real numbers, got {given.dtype}")
    resolution = torch.finfo(given.dtype if given.is_floating_point() else torch.double)
    values = given.detach().double()
    square = values.ndim == 2 and values.shape[0] == values.shape[1]
    if values.numel() == 0 or not (values.ndim == 1 or square):
        raise ValueError(
            f"H: expected a matrix [p, p] or eigenvalues [p], got shape "
            f"{tuple(values.shape)}; take the points of a batch one by one"
        )
    if not bool(values.isfinite().all()):
        raise ValueError("H: expected finite numbers, got NaN or infinity")
    if square:
        _check_symmetric(values, resolution.eps)
        values = torch.linalg.eigvalsh(values)
    return values, resolution.eps


def _check_symmetric(H: Tensor, resolution: float) -> None:
    off = (H - H.mT).abs().max().item()
    if off > resolution**0.5 * H.abs().max().item():
        raise ValueError(
            f"H: expected a symmetric matrix, got entries that differ by {off:.3g} "
            "from their mirror images; a Hessian is symmetric, a Jacobian is not"
        )
