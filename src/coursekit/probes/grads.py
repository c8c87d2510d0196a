r"""Measure the gradient of every parameter without touching ``.grad``.

.. math::

    \|G^l\| = \Bigl\|\frac{\partial L}{\partial W^l}\Bigr\|_F \qquad (1)

Norms that differ by orders of magnitude between layers mean that one learning
rate cannot suit all of them. Equal norms do *not* mean that signals survive:
see ``coursekit.probes.signals``.
"""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .._validate import check_in
from ..layers import LinearMap
from .quiet import Loss, quiet_gradients

__all__ = ["grad_norms", "weight_grad_norms"]


def grad_norms(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    *,
    statistic: str = "norm",
) -> dict[str, float]:
    r"""Return the size of the gradient of every parameter, by its name.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: ``loss(model(x), y)``, a scalar.
        statistic: ``"norm"`` for the Euclidean norm, equation (1), ``"rms"``
            for the root mean square, comparable between layers of unequal
            size.

    Returns:
        Name of the parameter → size of its gradient; 0 for a parameter the
        loss does not depend on. Frozen parameters are left out.

    Raises:
        ValueError: If the statistic is unknown or no parameter is trainable.

    Example:
        >>> import torch
        >>> x, y = torch.ones(1, 2), torch.zeros(1, 1)
        >>> model = nn.Linear(2, 1, bias=False)
        >>> grad_norms(model, x, y, lambda o, y: (3 * o).sum())
        {'weight': 4.24...}
    """
    check_in("statistic", statistic, ("norm", "rms"))
    _, gradients = quiet_gradients(model, x, y, loss)
    return {name: _size(g, statistic) for name, g in gradients.items()}


def weight_grad_norms(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    *,
    statistic: str = "norm",
) -> list[float]:
    r"""Return :math:`\|\partial L/\partial W^l\|` of every linear map in order.

    Args:
        model: Any module; used in the mode (train or eval) it is in.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        loss: ``loss(model(x), y)``, a scalar.
        statistic: ``"norm"`` or ``"rms"``; see ``grad_norms``.

    Returns:
        One number a ``Linear`` or ``Conv``, the output layer included, in the
        order of ``model.modules()``.

    Raises:
        ValueError: If the statistic is unknown or no parameter is trainable.

    Example:
        >>> import torch
        >>> from coursekit.models import MLP
        >>> x, y = torch.ones(3, 4), torch.tensor([0, 1, 0])
        >>> len(weight_grad_norms(MLP([4, 6, 5, 2]), x, y))
        3
    """
    sizes = grad_norms(model, x, y, loss, statistic=statistic)
    weights = [
        f"{name}.weight" if name else "weight"
        for name, module in model.named_modules()
        if isinstance(module, LinearMap)
    ]
    return [sizes[name] for name in weights if name in sizes]


def _size(gradient: Tensor, statistic: str) -> float:
    norm = gradient.double().norm().item()  # (1)
    return norm if statistic == "norm" else norm / gradient.numel() ** 0.5
