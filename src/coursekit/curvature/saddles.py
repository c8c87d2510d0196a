r"""Define polynomials in two variables whose one point of interest can be done by hand.

Each of them takes points :math:`\theta = (x, y)` on the last axis, batches over the
axes before it, and has a critical point at the origin. They are the cases of the
second-derivative test: it decides ``bowl``, ``hidden_saddle``, ``strict_saddle`` and
``two_weights`` there, and is silent about ``monkey_saddle``, ``quartic`` and
``trough``, where an eigenvalue is zero. The table ``surfaces.SURFACES`` lists what is
known of each.
"""

import math

from jaxtyping import Float
from torch import Tensor

from .._validate import check_number, check_positive
from ._points import split_xy

__all__ = [
    "bowl",
    "hidden_saddle",
    "monkey_saddle",
    "quartic",
    "strict_saddle",
    "trough",
    "two_weights",
]


def bowl(
    theta: Float[Tensor, "*batch 2"], *, kappa: float = 10.0, angle: float = 0.0
) -> Float[Tensor, "*batch"]:
    r"""Return a bowl with curvature κ along one axis and 1 across it.

    .. math::

        u &= x\cos\alpha + y\sin\alpha \qquad (1) \\
        w &= y\cos\alpha - x\sin\alpha \qquad (2) \\
        L &= \tfrac12 (\kappa u^2 + w^2) \qquad (3)

    Args:
        theta: Points ``[*, 2]``.
        kappa: Condition number κ > 0; the eigenvalues are κ and 1 everywhere.
        angle: α in degrees between the steep direction and the first axis. A method
            with one rate per coordinate sees the difference, gradient descent does not.

    Returns:
        Values ``[*]``.

    Raises:
        ValueError: If κ is not positive, or the last axis is not of size 2.

    Example:
        >>> import torch
        >>> bowl(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), kappa=100.0)
        tensor([50.0000,  0.5000])
    """
    kappa = check_positive("kappa", kappa)
    alpha = math.radians(check_number("angle", angle))
    x, y = split_xy(theta)
    u = x * math.cos(alpha) + y * math.sin(alpha)  # (1)
    w = y * math.cos(alpha) - x * math.sin(alpha)  # (2)
    return (kappa * u.square() + w.square()) / 2  # (3)


def hidden_saddle(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a surface that rises along both axes and is a saddle all the same.

    .. math:: L &= \tfrac12 (x^2 + 4xy + y^2)

    Every entry of its Hessian [[1, 2], [2, 1]] is positive; its eigenvalues are 3
    along (1, 1) and −1 along (1, −1).

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> hidden_saddle(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]))
        tensor([ 0.5000,  0.5000, -1.0000])
    """
    x, y = split_xy(theta)
    return (x.square() + 4 * x * y + y.square()) / 2


def strict_saddle(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a saddle between two minima, at (0, 1) and (0, −1).

    .. math:: L &= \tfrac12 (x^2 - y^2) + \tfrac14 y^4

    Descent from a point with y = 0 converges to the saddle; from anywhere else it
    leaves, after a wait that grows with :math:`\ln 1/|y|`.

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> strict_saddle(torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
        tensor([ 0.0000, -0.2500])
    """
    x, y = split_xy(theta)
    return (x.square() - y.square()) / 2 + y**4 / 4


def monkey_saddle(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a saddle with three ways down, whose Hessian at the origin is zero.

    .. math:: L &= x^3 - 3xy^2

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> monkey_saddle(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        tensor([ 1., -1.])
    """
    x, y = split_xy(theta)
    return x**3 - 3 * x * y.square()


def quartic(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a minimum about which second derivatives say nothing.

    .. math:: L &= x^4 + y^4

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> quartic(torch.tensor([2.0, 1.0]))
        tensor(17.)
    """
    x, y = split_xy(theta)
    return x**4 + y**4


def trough(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a bowl without curvature along one axis: a whole line of minima.

    .. math:: L &= \tfrac12 x^2

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> trough(torch.tensor([[2.0, 0.0], [0.0, 7.0]]))
        tensor([2., 0.])
    """
    x, _ = split_xy(theta)
    return x.square() / 2


def two_weights(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return the loss of a two-layer linear net with one example, input and target 1.

    .. math:: L &= (1 - w_1 w_2)^2

    The origin is a saddle. Every point of the hyperbola :math:`w_1 w_2 = 1` is a
    minimum and computes the same function, with sharpness :math:`2(w_1^2 + w_2^2)`:
    anything from 4 upwards.

    Args:
        theta: Weights ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> two_weights(torch.tensor([[0.0, 0.0], [4.0, 0.25]]))
        tensor([1., 0.])
    """
    w1, w2 = split_xy(theta)
    return (1 - w1 * w2).square()
