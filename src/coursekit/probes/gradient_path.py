r"""Walk along the gradient and look at loss and gradient on the way.

From the present parameters, with :math:`g = \nabla L(\theta)`, at every step
size η of a list:

.. math::

    L_\eta &= L(\theta - \eta g) \qquad (1) \\
    g_\eta &= \nabla L(\theta - \eta g) \qquad (2) \\
    D_\eta &= \|g - g_\eta\| \qquad (3)

A gradient is a promise that holds at one point. How far ahead it can be
trusted decides how large a step may be: ``loss_range`` looks at
:math:`L_\eta`, ``grad_predictiveness`` and ``effective_beta`` at
:math:`D_\eta`. The walk costs one backward pass a step size; take it once and
hand it to all three.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .._validate import check_positive
from .quiet import Loss, flat, quiet_gradients, trainable

__all__ = ["STEPS", "GradientPath", "gradient_path"]

STEPS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)


class GradientPath(NamedTuple):
    r"""Hold what was seen, one number a step size.

    Attributes:
        steps: Step sizes η.
        losses: :math:`L_\eta`.
        differences: :math:`D_\eta`, in loss/parameter.
        loss: L where the walk starts.
        grad_norm: :math:`\|g\|` where it starts.
    """

    steps: Float[Tensor, " steps"]
    losses: Float[Tensor, " steps"]
    differences: Float[Tensor, " steps"]
    loss: float
    grad_norm: float


def gradient_path(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    steps: Sequence[float] = STEPS,
    loss: Loss = cross_entropy,
) -> GradientPath:
    r"""Return loss and change of the gradient at points along the gradient.

    Args:
        model: Any module; used in the mode (train or eval) it is in, and left
            where it is.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        steps: Step sizes η > 0, at least one.
        loss: ``loss(model(x), y)``, a scalar.

    Returns:
        The walk, in float64 on the CPU; infinite or NaN where it overflows.

    Raises:
        ValueError: If a step is not positive or none is given, no parameter is
            trainable, or the gradient is 0 or not finite.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.fill_(1.0)
        >>> path = gradient_path(  # L = w², g = 2w
        ...     model, torch.ones(1, 1), None, (0.25, 0.5), lambda o, y: (o**2).mean())
        >>> path.losses.tolist(), path.differences.tolist()
        ([0.25, 0.0], [1.0, 2.0])

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), How does batch normalization
        help optimization?, arXiv 1805.11604, § 3.2 and figure 4: steps of one
        half to four times the learning rate 0.1.
    """
    if not len(steps):
        raise ValueError("steps: expected at least one step size, got none")
    etas = [check_positive("steps", eta) for eta in steps]
    start, g = quiet_gradients(model, x, y, loss)
    size = flat(g).norm().item()
    if not 0 < size < float("inf"):
        raise ValueError(
            f"model: expected a finite gradient other than 0, got one of norm {size}; "
            "at a critical point look at the Hessian, after a divergence start again"
        )
    theta = trainable(model)
    losses, differences = [], []
    for eta in etas:
        moved = {name: theta[name].detach() - eta * g[name] for name in g}
        L_eta, g_eta = quiet_gradients(model, x, y, loss, moved)  # (1), (2)
        losses.append(L_eta.item())
        differences.append((flat(g) - flat(g_eta)).norm().item())  # (3)
    columns = torch.tensor([etas, losses, differences], dtype=torch.float64)
    eta, L, D = columns
    return GradientPath(eta, L, D, start.item(), size)
