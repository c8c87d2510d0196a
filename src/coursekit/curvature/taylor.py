r"""Approximate a loss around a point by its value, slope and curvature there.

.. math::

    g &= \nabla f(\theta') \qquad (1) \\
    L(\theta' + \Delta\theta) &\approx f(\theta') + g^T \Delta\theta
    + \tfrac12\, \Delta\theta^T H \Delta\theta \qquad (2)

What is left out shrinks with the cube of :math:`\lVert\Delta\theta\rVert` where the
third derivatives exist: half the displacement, an eighth of the error. At a critical
point the middle term is zero, and the last one alone tells what kind of point it is.
"""

from jaxtyping import Float
from torch import Tensor

from ._function import Function
from .hvp import HessianOperator

__all__ = ["taylor2"]


def taylor2(
    f: Function, theta: Float[Tensor, " p"], delta: Float[Tensor, "*batch p"]
) -> Float[Tensor, "*batch"]:
    r"""Return the second-order expansion of f around θ′ at some displacements.

    Args:
        f: A scalar function of one vector.
        theta: The point θ′ of the expansion, ``[p]``.
        delta: Displacements Δθ, ``[*, p]``.

    Shape:
        ``[*, p]`` to ``[*]``.

    Returns:
        The right-hand side of (2).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If θ′ is empty, not finite or no vector, if f is not a scalar, or
            Δθ does not fit θ′.

    Example:
        >>> import torch
        >>> f = lambda theta: theta.exp().sum()
        >>> delta = torch.tensor([[0.5], [0.25]])
        >>> f(delta.T) - taylor2(f, torch.zeros(1), delta).sum()
        tensor(0.0265)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.1, eq. 4.8.
    """
    H = HessianOperator(f, theta)
    g = H.gradient  # (1)
    curved = (delta * H(delta)).sum(-1)
    return f(H.theta) + delta @ g + curved / 2  # (2)
