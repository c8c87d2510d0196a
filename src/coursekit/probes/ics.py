r"""Measure how far a layer's gradient turns when the layers before it move.

The update of layer i is computed as if the layers before it stood still, yet
they are updated at the same time. With the weights before the update,
:math:`W^t`, and after it, :math:`W^{t+1}`:

.. math::

    G &= \nabla_{W_i} L(W^t_1, \dots, W^t_{i-1}, W^t_i, \dots, W^t_k)
    \qquad (1) \\
    W^{t+1}_j &= W^t_j - \eta\, \nabla_{W_j} L \qquad (2) \\
    G' &= \nabla_{W_i} L(W^{t+1}_1, \dots, W^{t+1}_{i-1}, W^t_i, \dots, W^t_k)
    \qquad (3) \\
    \text{change} &= \|G - G'\| / \|G\| \qquad (4) \\
    \cos &= \langle G, G' \rangle / (\|G\|\,\|G'\|) \qquad (5)

This is internal covariate shift as an optimizer would feel it. If batch norm
helped by reducing it, the change would be smaller and the cosine larger with
batch norm. It is often the other way round.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from .._validate import check_count, check_positive
from ..layers import LinearMap
from .quiet import Loss, quiet, quiet_gradients

__all__ = ["ICS", "ics"]


class ICS(NamedTuple):
    r"""Hold the shift of one layer's gradient.

    Attributes:
        change: Relative change (4); 0 means that the layers before do not
            matter.
        cosine: Cosine (5) of the angle between the two gradients.
        difference: :math:`\|G - G'\|`, the paper's own measure.
        before: :math:`\|G\|`.
        after: :math:`\|G'\|`.
    """

    change: float
    cosine: float
    difference: float
    before: float
    after: float


def ics(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    layer: int,
    lr: float = 0.1,
    loss: Loss = cross_entropy,
    *,
    updated: Mapping[str, Tensor] | None = None,
    redraw: bool = False,
) -> ICS:
    r"""Return the change of a layer's gradient after the preceding layers moved.

    Args:
        model: Any module; used in the mode (train or eval) it is in. It
            registers its layers in the order of the forward pass.
        x: Inputs, batch first.
        y: Targets, as the loss takes them.
        layer: Number i of the linear map (``Linear`` or ``Conv``), from 2:
            the first one has none before it.
        lr: Learning rate η > 0 of the step (2) of gradient descent.
        loss: ``loss(model(x), y)``, a scalar.
        updated: Parameters by name after a step of any other optimizer, in
            place of (2), for example a copy of ``model.state_dict()``.
        redraw: Whether (3) draws dropout masks and noise anew, as the next
            update will. By default both gradients see the same ones, so that
            the change is due to the weights alone.

    Returns:
        Relative change, cosine and norms. The model stays as it is.

    Raises:
        ValueError: If there is no such layer, its weight is frozen, the rate
            is not positive, or its gradient is 0 or not finite.
        TypeError: If ``layer`` is not whole.

    Example:
        >>> from coursekit.init import initialize
        >>> from coursekit.models import MLP
        >>> model = initialize(MLP([2, 8, 8, 2]), "he_normal", seed=0)
        >>> x, y = torch.eye(2), torch.tensor([0, 1])
        >>> shift = ics(model, x, y, layer=2, lr=0.1)
        >>> 0 < shift.change < 1, shift.cosine < 1
        (True, True)

    Notes:
        All parameters before the layer count as preceding: biases, and the
        gain and bias of a norm, whose statistics are those of the batch.

    References:
        Santurkar, Tsipras, Ilyas, Madry (2018), How does batch normalization
        help optimization?, arXiv 1805.11604, definition 2.1.
    """
    name = _weight_name(model, check_count("layer", layer, least=2))
    eta = check_positive("lr", lr)
    _, gradients = quiet_gradients(model, x, y, loss)
    if name not in gradients:
        raise ValueError(f"layer: expected a trainable one, got {name!r}, frozen")
    G = gradients[name].double()  # (1)
    own = dict(model.named_parameters())
    moved = {n: own[n].detach() - eta * g for n, g in gradients.items()}  # (2)
    before = [n for n in list(own)[: list(own).index(name)] if n in gradients]
    preceding = _choose(before, moved if updated is None else updated)
    with quiet(model, x) as buffers, torch.no_grad():
        if redraw:  # a pass for nothing moves the generators on
            functional_call(model, buffers, (x,))
        _, again = quiet_gradients(model, x, y, loss, preceding)
    G_after = again[name].double()  # (3)
    size, difference = G.norm().item(), (G - G_after).norm().item()
    if not 0 < size < float("inf"):
        raise ValueError(
            f"layer: expected a finite gradient other than 0, got one of norm {size} "
            f"for {name!r}; the layer is dead or the net has diverged"
        )
    change = difference / size  # (4)
    after = G_after.norm().item()
    cosine = (G * G_after).sum().item() / (size * after or 1.0)  # (5)
    return ICS(change, cosine, difference, size, after)


def _choose(names: list[str], moved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    missing = [name for name in names if name not in moved]
    if missing:
        raise ValueError(
            f"updated: expected the parameters before the layer, got none named "
            f"{missing[0]!r}; hand in a copy of model.state_dict() after the step"
        )
    return {name: moved[name] for name in names}


def _weight_name(model: nn.Module, layer: int) -> str:
    maps = [n for n, part in model.named_modules() if isinstance(part, LinearMap)]
    if layer > len(maps):
        raise ValueError(
            f"layer: expected 2 to {len(maps)}, got {layer}; the model has "
            f"{len(maps)} linear maps"
        )
    return f"{maps[layer - 1]}.weight"
