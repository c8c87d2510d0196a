r"""Define four classics of numerical optimization, in two variables.

They were made to be hard for a method in one way each: a bent valley, several minima,
flat regions beside steep corners, a best minimum between worse ones. Each takes points
:math:`\theta = (x, y)` on the last axis and batches over the axes before it. The table
``surfaces.SURFACES`` lists all their critical points.
"""

from jaxtyping import Float
from torch import Tensor

from ._points import split_xy

__all__ = ["beale", "himmelblau", "rosenbrock", "three_hump_camel"]


def rosenbrock(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return Rosenbrock's valley: bent, flat along its floor, minimum at (1, 1).

    .. math:: L &= (1 - x)^2 + 100\,(y - x^2)^2

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> rosenbrock(torch.tensor([[-1.2, 1.0], [1.0, 1.0]]))
        tensor([24.2000,  0.0000])

    References:
        Rosenbrock (1960), An automatic method for finding the greatest or least value
        of a function, The Computer Journal 3.
    """
    x, y = split_xy(theta)
    return (1 - x).square() + 100 * (y - x.square()).square()


def himmelblau(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a surface with four equal minima, four saddles and one maximum.

    .. math:: L &= (x^2 + y - 11)^2 + (x + y^2 - 7)^2

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> himmelblau(torch.tensor([[3.0, 2.0], [0.0, 0.0]]))
        tensor([  0., 170.])

    References:
        Himmelblau (1972), Applied Nonlinear Programming.
    """
    x, y = split_xy(theta)
    return (x.square() + y - 11).square() + (x + y.square() - 7).square()


def beale(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return Beale's function: flat around its minimum (3, ½), steep in the corners.

    .. math::

        L &= (\tfrac{3}{2} - x + xy)^2 + (\tfrac{9}{4} - x + xy^2)^2
        + (\tfrac{21}{8} - x + xy^3)^2

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> beale(torch.tensor([[3.0, 0.5], [0.0, 1.0]]))
        tensor([ 0.0000, 14.2031])

    References:
        Beale (1958), On an iterative method for finding a local minimum of a function
        of more than one variable, Princeton.
    """
    x, y = split_xy(theta)
    terms = (c - x + x * y**k for c, k in ((1.5, 1), (2.25, 2), (2.625, 3)))
    first, second, third = (term.square() for term in terms)
    return first + second + third


def three_hump_camel(theta: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
    r"""Return a surface whose best minimum lies between two worse ones.

    .. math:: L &= 2x^2 - \tfrac{21}{20} x^4 + \tfrac16 x^6 + xy + y^2

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Values ``[*]``.

    Example:
        >>> import torch
        >>> three_hump_camel(torch.tensor([[0.0, 0.0], [1.7476, -0.8738]]))
        tensor([0.0000, 0.2986])

    References:
        Dixon, Szegö (1978), Towards Global Optimisation 2, North-Holland.
    """
    x, y = split_xy(theta)
    return 2 * x.square() - 1.05 * x**4 + x**6 / 6 + x * y + y.square()
