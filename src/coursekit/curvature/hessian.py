r"""Differentiate a loss once and twice, exactly.

.. math::

    g_i &= \frac{\partial f}{\partial \theta_i} \qquad (1) \\
    H_{i\cdot} &= e_i^T H = \frac{\partial g_i}{\partial \theta} \qquad (2)

Row i of the Hessian is its product with the i-th unit vector, so the whole matrix is
p products. They share one graph, and 128 of them at a time run as one batched
backward pass.

The Hessian of a ReLU net is a statement about one linear piece: away from the kinks
it is exact and blind to them, and *on* a kink, where no second derivative exists, it
is that of the piece which torch's convention picks.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, vjp, vmap

from .._validate import check_count
from ._function import Function, check_point, scalar

__all__ = ["gradient", "hessian"]


def gradient(
    f: Function, theta: Float[Tensor, "*batch p"]
) -> Float[Tensor, "*batch p"]:
    r"""Return the gradient of equation (1).

    Args:
        f: A scalar function of one vector.
        theta: The point θ, or several; leading axes are batched.

    Shape:
        ``[*, p]`` to the same.

    Returns:
        :math:`g`.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If θ is empty or not finite, or f is not a scalar.

    Example:
        >>> f = lambda theta: theta.pow(2).sum()
        >>> gradient(f, torch.tensor([[1.0, 2.0], [0.0, 3.0]]))
        tensor([[2., 4.],
                [0., 6.]])
    """
    theta = check_point(theta, batch=True)
    return _over_leading_axes(grad(scalar(f)), theta)  # (1)


def hessian(
    f: Function, theta: Float[Tensor, "*batch p"], chunk: int = 128
) -> Float[Tensor, "*batch p p"]:
    r"""Return the matrix of second derivatives, equation (2).

    Args:
        f: A scalar function of one vector.
        theta: The point θ, or several; leading axes are batched.
        chunk: Rows computed at a time; memory grows with it, and several hundred
            were slower than one hundred.

    Shape:
        ``[*, p]`` to ``[*, p, p]``.

    Returns:
        :math:`H`, symmetric up to rounding.

    Raises:
        TypeError: If f or θ have the wrong type.
        ValueError: If θ is empty or not finite, f is not a scalar, or ``chunk`` < 1.

    Example:
        >>> hessian(lambda w: (1 - w[0] * w[1]) ** 2, torch.zeros(2))
        tensor([[ 0., -2.],
                [-2.,  0.]])

    Notes:
        ``torch.func.hessian`` computes all columns at once, in forward mode over
        reverse; for p parameters it keeps p copies of every activation.

    References:
        Pearlmutter (1994), Neural Computation 6(1): one row is one product.
    """
    chunk = check_count("chunk", chunk)
    theta = check_point(theta, batch=True)
    g = grad(scalar(f))

    def one(theta: Tensor) -> Tensor:
        pullback = vjp(g, theta)[1]
        identity = torch.eye(theta.numel(), dtype=theta.dtype, device=theta.device)
        return vmap(lambda e: pullback(e)[0], chunk_size=chunk)(identity)  # (2)

    return _over_leading_axes(one, theta)


def _over_leading_axes(function: Function, theta: Tensor) -> Tensor:
    if theta.ndim == 1:
        return function(theta)
    points = theta.flatten(0, -2)
    try:
        result = vmap(function)(points)
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
        # torch has layers, batch norm among them, that it cannot vmap this deep
        result = torch.stack([function(point) for point in points])
    return result.unflatten(0, theta.shape[:-1])
