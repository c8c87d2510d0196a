r"""Multiply the Hessian with a vector without ever writing the Hessian down.

For p parameters the Hessian has p² entries. Its product with one direction v needs
none of them: it says how the gradient changes along v, and that is the gradient of
one number,

.. math::

    g &= \nabla f(\theta) \qquad (1) \\
    Hv &= \nabla_\theta\,(g^T v), \quad v \text{ fixed} \qquad (2)

so it costs about two gradients in time and memory, whatever p is. A difference
quotient :math:`(\nabla f(\theta + rv) - \nabla f(\theta))/r` costs the same and
rounds: in float32 no r gives more than three or four digits.

Equation (1) does not depend on v. ``HessianOperator`` computes it once, keeps its
graph, and then pays (2) alone for each of many directions.
"""

from jaxtyping import Float
from torch import Tensor
from torch.func import grad, vjp, vmap

from .._validate import check_count
from ._function import Function, check_point, scalar

__all__ = ["HessianOperator", "hvp"]


class HessianOperator:
    r"""Hold the gradient's graph at one point; called with v it returns Hv.

    Args:
        f: A scalar function of one vector.
        theta: The point θ, ``[p]``.
        chunk: How many directions are multiplied at a time; memory grows with it.

    Attributes:
        theta: The point, ``[p]``.
        gradient: :math:`g` at the point, ``[p]``.

    Raises:
        TypeError: If f or θ are not what they should be, or the result of f is not
            a tensor.
        ValueError: If θ is empty, not finite or no vector, or f is not a scalar.

    Example:
        >>> import torch
        >>> H = HessianOperator(lambda w: (1 - w[0] * w[1]) ** 2, torch.zeros(2))
        >>> H(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
        tensor([[ 0., -2.],
                [-2., -2.]])

    Notes:
        The graph lives as long as the object: for a net, the activations of one
        forward and one backward pass.
    """

    def __init__(self, f: Function, theta: Tensor, *, chunk: int = 128) -> None:
        self.chunk = check_count("chunk", chunk)
        self.theta = check_point(theta)
        g = grad(scalar(f))
        self.gradient, self._pullback = vjp(g, self.theta)[:2]  # (1)

    def __call__(self, v: Float[Tensor, "*batch p"]) -> Float[Tensor, "*batch p"]:
        r"""Return Hv for one direction or for many.

        Args:
            v: Directions ``[*, p]``.

        Returns:
            Products ``[*, p]``.

        Raises:
            TypeError: If v is not a tensor of θ's type.
            ValueError: If its last axis does not have θ's size.
        """
        _check_directions(v, self.theta)
        if v.ndim == 1:
            return self._product(v)
        if v.numel() == 0:
            return v.detach().clone()
        flat = v.reshape(-1, v.shape[-1])
        return vmap(self._product, chunk_size=self.chunk)(flat).reshape(v.shape)

    def _product(self, v: Tensor) -> Tensor:
        return self._pullback(v.detach())[0]  # (2)


def hvp(
    f: Function, theta: Float[Tensor, " p"], v: Float[Tensor, "*batch p"]
) -> Float[Tensor, "*batch p"]:
    r"""Return the product of the Hessian at θ with v, equation (2).

    Args:
        f: A scalar function of one vector.
        theta: The point θ, ``[p]``.
        v: Directions ``[*, p]``, in the type of θ.

    Shape:
        as v.

    Returns:
        :math:`Hv`, exact up to rounding.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If θ is empty, not finite or no vector, if f is not a scalar, or
            v does not fit θ.

    Example:
        >>> import torch
        >>> f = lambda theta: theta.pow(3).sum()
        >>> hvp(f, torch.tensor([1.0, 2.0]), torch.tensor([1.0, -1.0]))
        tensor([  6., -12.])

    Notes:
        Pearlmutter differentiates the gradient along v (forward mode); this is the
        other order, gradient of :math:`g^T v` (reverse mode twice). Both are exact
        and equal because H is symmetric. Reverse mode is defined for more layers of
        torch and was the faster one here.

    References:
        Pearlmutter (1994), Fast exact multiplication by the Hessian, Neural
        Computation 6(1), section 2.
    """
    return HessianOperator(f, theta)(v)


def _check_directions(v: Tensor, theta: Tensor) -> None:
    if not isinstance(v, Tensor) or v.dtype != theta.dtype:
        got = v.dtype if isinstance(v, Tensor) else type(v).__name__
        raise TypeError(f"v: expected {theta.dtype} like theta, got {got}; use .to()")
    if v.ndim == 0 or v.shape[-1] != theta.numel():
        raise ValueError(
            f"v: expected directions [..., {theta.numel()}] like theta, got shape "
            f"{tuple(v.shape)}"
        )
