r"""Differentiate once and twice, with zeros where there is no way.

.. math::

    g &= \nabla L(\theta) \qquad (1) \\
    H v &= \nabla (g^\top v) \qquad (2)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["differentiate", "hessian_product"]


def differentiate(
    value: Tensor,
    thetas: Sequence[Tensor],
    slope: Tensor | None = None,
    *,
    graph: bool = False,
) -> list[Tensor]:
    """Differentiate one number.

    Args:
        value: The number, or what it is a function of.
        thetas: What to differentiate with respect to.
        slope: The derivative of the number with respect to ``value``.
        graph: Whether the result can be differentiated again.

    Returns:
        A gradient like each; zeros where there is no way from it to the number.
    """
    return list(
        torch.autograd.grad(
            value,
            thetas,
            slope,
            create_graph=graph,
            allow_unused=True,
            materialize_grads=True,
        )
    )


def hessian_product(
    value: Tensor, thetas: Sequence[Tensor], v: Sequence[Tensor]
) -> list[Tensor]:
    """Multiply the Hessian of one number with a vector.

    Args:
        value: The number.
        thetas: What to differentiate with respect to.
        v: The vector, a tensor like each.

    Returns:
        The product, likewise.
    """
    grads = differentiate(value, thetas, graph=True)  # (1)
    # the zero keeps a way to the parameters where the gradient does not depend on them
    along = sum(((g * d).sum() for g, d in zip(grads, v, strict=True)), 0 * value)
    return differentiate(along, thetas)  # (2)
