r"""Hold what a search for critical points found, in words and numbers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .._validate import check_in, check_positive
from .classify import classify, minimum_ratio, negative_share
from .kind import Kind

__all__ = ["CriticalPoint", "CriticalPoints", "Ending", "distinct_points"]


class Ending(StrEnum):
    r"""Name how a search ended; each value is a plain word.

    Attributes:
        CONVERGED: The gradient is zero up to the tolerance.
        STALLED: No step makes the gradient smaller, and it is not zero.
        FAR: The search left the ball in which it was to look.
        UNFINISHED: The steps were used up.
        BROKEN: Gradient or Hessian were not finite.

    Example:
        >>> Ending.FAR == "far"
        True
    """

    CONVERGED = "converged"
    STALLED = "stalled"
    FAR = "far"
    UNFINISHED = "unfinished"
    BROKEN = "broken"


class CriticalPoint(NamedTuple):
    r"""Hold the end of one search.

    Attributes:
        theta: Where, ``[p]``.
        loss: Value of the function.
        grad_norm: :math:`\lVert g \rVert`.
        eigenvalues: Of the Hessian, ascending, ``[p]``.
        kind: What the second-derivative test says; undecided where the search did
            not converge.
        ending: How the search ended.
    """

    theta: Float[Tensor, " p"]
    loss: float
    grad_norm: float
    eigenvalues: Float[Tensor, " p"]
    kind: Kind
    ending: Ending

    @property
    def converged(self) -> bool:
        """Whether this is a critical point."""
        return self.ending is Ending.CONVERGED


@dataclass(frozen=True)
class CriticalPoints:
    r"""Hold the ends of many searches, one a row.

    Attributes:
        theta: Where, ``[n, p]``.
        loss: Values of the function, ``[n]``.
        grad_norm: :math:`\lVert g \rVert`, ``[n]``.
        eigenvalues: Of the Hessians, ascending, ``[n, p]``.
        endings: How each search ended.
        tol: Relative size up to which an eigenvalue counts as zero.

    Example:
        >>> from coursekit.curvature import SURFACES, find_critical_points
        >>> starts = torch.tensor([[0.1, 0.2], [0.1, 0.9]]).double()
        >>> found = find_critical_points(SURFACES["strict_saddle"], starts)
        >>> [str(point.kind) for point in found]
        ['saddle', 'minimum']
        >>> found.minimum_ratio(), found.negative_share()
        ([0.5, 1.0], [0.5, 0.0])
    """

    theta: Float[Tensor, "n p"]
    loss: Float[Tensor, " n"]
    grad_norm: Float[Tensor, " n"]
    eigenvalues: Float[Tensor, "n p"]
    endings: tuple[Ending, ...]
    tol: float | None = None

    def __len__(self) -> int:
        return len(self.endings)

    def __getitem__(self, i: int) -> CriticalPoint:
        ending, eigs = self.endings[i], self.eigenvalues[i]
        there = ending is Ending.CONVERGED
        return CriticalPoint(
            self.theta[i],
            self.loss[i].item(),
            self.grad_norm[i].item(),
            eigs,
            classify(eigs, self.tol) if there else Kind.UNDECIDED,
            ending,
        )

    @property
    def converged(self) -> Bool[Tensor, " n"]:
        """Which rows are critical points."""
        return torch.tensor([end is Ending.CONVERGED for end in self.endings])

    def minimum_ratio(self) -> list[float]:
        """Return the share of positive eigenvalues of every row."""
        return [minimum_ratio(eigs, self.tol) for eigs in self.eigenvalues]

    def negative_share(self) -> list[float]:
        """Return the share of negative eigenvalues of every row."""
        return [negative_share(eigs, self.tol) for eigs in self.eigenvalues]

    def select(self, rows: Bool[Tensor, " n"] | Int[Tensor, " m"]) -> "CriticalPoints":
        r"""Return some of the rows.

        Args:
            rows: A mask ``[n]``, or positions ``[m]``.

        Returns:
            The same kind of object.
        """
        if rows.dtype == torch.bool:
            rows = rows.nonzero()[:, 0]
        at = rows.to(self.theta.device)
        return CriticalPoints(
            self.theta[at],
            self.loss[at],
            self.grad_norm[at],
            self.eigenvalues[at],
            tuple(self.endings[i] for i in rows.tolist()),
            self.tol,
        )

    def distinct(self, tol: float = 1e-4, *, by: str = "theta") -> Int[Tensor, " m"]:
        r"""Return the positions of the first row of each group of equal ones.

        Args:
            tol: Distance up to which two are taken for the same, > 0.
            by: ``"theta"`` compares points. ``"spectrum"`` compares loss and
                eigenvalues, which the images of one point under a symmetry of the
                net share: hidden units exchanged, or turned round in sign.

        Returns:
            Positions in ascending order; ``select`` takes them.

        Raises:
            ValueError: If ``tol`` or ``by`` is out of its range.
        """
        check_in("by", by, ("theta", "spectrum"))
        spectrum = torch.cat([self.loss[:, None], self.eigenvalues], dim=1)
        return distinct_points(self.theta if by == "theta" else spectrum, tol)


def distinct_points(points: Float[Tensor, "n d"], tol: float) -> Int[Tensor, " m"]:
    r"""Return the positions of points that have no earlier one within a distance.

    Args:
        points: ``[n, d]``.
        tol: Euclidean distance up to which two are the same, > 0.

    Returns:
        Positions in ascending order, ``[m]``. Points kept are more than tol apart;
        every other one is within tol of one that is kept.

    Raises:
        ValueError: If ``tol`` is not positive.

    Example:
        >>> distinct_points(torch.tensor([[0.0], [1.0], [1.01], [0.0]]), 0.1)
        tensor([0, 1])
    """
    tol = check_positive("tol", tol)
    kept: list[int] = []
    for i, point in enumerate(points):
        apart = (points[kept] - point).norm(dim=-1) > tol
        if bool(apart.all()):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)
