r"""Carry the gradient back through a perceptron by hand.

Forward, with :math:`a^0 = x` and the loss a mean over B examples,

.. math::

    z^l &= W^l a^{l-1} + b^l \qquad (1) \\
    a^l &= \phi(z^l) \qquad (2)

and :math:`o = z^L` the output. Backward, from the last layer to the first,

.. math::

    \delta^L &= \partial L / \partial o \qquad (3) \\
    \frac{\partial L}{\partial W^l} &= \textstyle\sum_r \delta^l_r\,
    (a^{l-1}_r)^\top \qquad (4) \\
    \frac{\partial L}{\partial b^l} &= \textstyle\sum_r \delta^l_r \qquad (5) \\
    \delta^{l-1} &= (W^l)^\top \delta^l \odot \phi'(z^{l-1}) \qquad (6)

The matrix in (6) is what a gradient explodes by: the slopes of sigmoid, tanh and
ReLU never exceed 1, so without :math:`W^\top` the signal could only shrink. It is
:math:`\phi'` at z, not at a. And (4) needs the forward signal as well, which is
why training keeps all activations in memory.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from .._validate import check_in
from ..losses import cross_entropy, grad_cross_entropy
from .mlp import MLP, new_activation, split_mlp
from .slopes import slope

__all__ = ["Backprop", "manual_backprop_mlp"]

Layers = Sequence[tuple[Tensor, Tensor | None]]


class Backprop(NamedTuple):
    r"""Hold what one pass forward and back has found, first layer first.

    Attributes:
        loss: The mean loss L.
        weights: :math:`\partial L/\partial W^l`.
        biases: :math:`\partial L/\partial b^l`; None where there is no bias.
        deltas: :math:`\delta^l`, one row an example; each carries the 1/B of
            the mean.
    """

    loss: Tensor
    weights: list[Tensor]
    biases: list[Tensor | None]
    deltas: list[Tensor]


@torch.no_grad()
def manual_backprop_mlp(
    model: MLP | Layers,
    x: Float[Tensor, "*models batch d_in"],
    y: Num[Tensor, "..."],
    *,
    activation: str | Callable[[], nn.Module] = "relu",
    loss: str = "cross_entropy",
) -> Backprop:
    r"""Return the loss, its gradients and every δ, without autograd.

    Args:
        model: An ``MLP`` of linear maps and activations, or its weights: a pair
            ``(W, b)`` a layer, b possibly None, with any leading axes.
        x: Inputs.
        y: For cross-entropy class indices ``[*models, batch]``, for the squared
            error targets of the shape of the output.
        activation: φ, if weights are given; a model brings its own.
        loss: ``"cross_entropy"``, or ``"mse"``, the mean over all entries of
            the output.

    Shape:
        weights ``[*models, out, in]``, biases ``[*models, out]``; the leading
        axes are separate models, each with a loss of its own.

    Returns:
        The results as a ``Backprop``. Nothing is changed, no ``.grad`` either.

    Raises:
        ValueError: If the loss is unknown, shapes do not fit, or there are no
            examples.
        TypeError: If the model has other parts than linear maps and named
            activations.

    Example:
        >>> model = MLP([3, 4, 2], "tanh")
        >>> found = manual_backprop_mlp(model, torch.zeros(5, 3), torch.ones(5).long())
        >>> [tuple(delta.shape) for delta in found.deltas]
        [(5, 4), (5, 2)]

    Notes:
        An example is a row, so :math:`W^\top \delta` of (6) is ``delta @ W``.

    References:
        Rumelhart, Hinton, Williams (1986), Learning representations by
        back-propagating errors, Nature 323, eq. 4 to 7.
    """
    check_in("loss", loss, LOSSES)
    layers, phi = _read(model, activation)
    _check(layers, x)
    a, z = [x], []
    for l, (W, b) in enumerate(layers, 1):
        z.append(a[-1] @ W.mT + (0 if b is None else b.unsqueeze(-2)))  # (1)
        if l < len(layers):
            a.append(phi[l - 1](z[-1]))  # (2)
    value, delta = LOSSES[loss](z[-1], y)  # (3)
    deltas, weights, biases = [], [], []
    for l, (W, b) in reversed(list(enumerate(layers))):
        deltas.insert(0, delta)
        weights.insert(0, delta.mT @ a[l])  # (4)
        biases.insert(0, None if b is None else delta.sum(-2))  # (5)
        if l > 0:
            delta = (delta @ W) * slope(phi[l - 1], z[l - 1])  # (6)
    return Backprop(value, weights, biases, deltas)


def _cross_entropy(o: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    loss = cross_entropy(o, y, reduction="none").mean(-1)
    return loss, grad_cross_entropy(o, y) / o.shape[-2]


def _mse(o: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    if y.shape != o.shape:
        raise ValueError(
            f"y: expected the shape of the output, {tuple(o.shape)}, got "
            f"{tuple(y.shape)}; a broadcast would compare the wrong entries"
        )
    error = o - y
    n = o.shape[-1] * o.shape[-2]
    return error.square().mean((-2, -1)), 2 * error / n


LOSSES = {"cross_entropy": _cross_entropy, "mse": _mse}


def _read(
    model: MLP | Layers, activation: str | Callable[[], nn.Module]
) -> tuple[Layers, list[nn.Module]]:
    if not isinstance(model, nn.Module):
        return model, [new_activation(activation) for _ in model[1:]]
    linear, phi = split_mlp(model)
    if any(getattr(p, "inplace", False) for p in phi):
        raise TypeError(
            "model: expected activations that leave z as it is, got one with "
            "inplace=True; the slope is taken at z"
        )
    return [(p.weight, p.bias) for p in linear], phi


def _check(layers: Layers, x: Tensor) -> None:
    sizes = [x.shape[-1], *(W.shape[-2] for W, _ in layers)]
    read = [W.shape[-1] for W, _ in layers]
    if not layers or x.ndim < 2 or x.shape[-2] == 0 or sizes[:-1] != read:
        shapes = [tuple(W.shape) for W, _ in layers]
        raise ValueError(
            "model, x: expected weights [out, in] that follow one another and x of "
            f"shape [batch, in] with an example, got {shapes} and {tuple(x.shape)}"
        )
