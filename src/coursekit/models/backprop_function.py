r"""Give autograd the derivative of a layer, written by hand.

``torch.autograd.Function`` is the place where a formula for a gradient enters
torch. One layer reads a and returns

.. math::

    z &= W a + b \qquad (1) \\
    h &= \phi(z) \qquad (2)

and, handed :math:`g = \partial L/\partial h`, answers

.. math::

    \delta &= g \odot \phi'(z) \qquad (3) \\
    \partial L/\partial a &= W^\top \delta \qquad (4) \\
    \partial L/\partial W &= \textstyle\sum_r \delta_r a_r^\top \qquad (5) \\
    \partial L/\partial b &= \textstyle\sum_r \delta_r \qquad (6)

The backward pass is made of differentiable operations on its own inputs, z
included, which it computes again. So derivatives of any order exist wherever
:math:`\phi` has them, and a Hessian through this layer is right.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .backprop import _read
from .mlp import MLP
from .slopes import slope

__all__ = ["manual_forward_mlp", "manual_layer"]


class _Layer(torch.autograd.Function):
    """Equations (1) and (2), with (3) to (6) as their derivative."""

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, W: Tensor, b: Tensor, phi: nn.Module) -> Tensor:
        z = a @ W.mT + b  # (1)
        return phi(z)  # (2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        *tensors, ctx.phi = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        a, W, b = ctx.saved_tensors
        delta = grads[0] * slope(ctx.phi, a @ W.mT + b)  # (3)
        rows = delta.flatten(0, -2)
        return (
            delta @ W,  # (4)
            rows.mT @ a.flatten(0, -2),  # (5)
            rows.sum(0),  # (6)
            None,
        )


def manual_layer(
    a: Float[Tensor, "*batch n_in"],
    W: Float[Tensor, "n_out n_in"],
    b: Float[Tensor, " n_out"] | None,
    phi: nn.Module,
) -> Float[Tensor, "*batch n_out"]:
    r"""Return φ(W a + b), whose derivative is written by hand.

    Args:
        a: Inputs, at least one axis of examples.
        W: Weights.
        b: Biases; None is 0.
        phi: An activation of ``coursekit.models.activation``.

    Shape:
        ``[*, n_in]`` to ``[*, n_out]``.

    Returns:
        Activations of the layer.

    Raises:
        ValueError: If the shapes do not fit.
        TypeError: If the slope of the activation is not known.

    Example:
        >>> a, W = torch.ones(1, 2), torch.eye(2, requires_grad=True)
        >>> manual_layer(a, W, None, nn.ReLU()).sum().backward()
        >>> W.grad
        tensor([[1., 1.],
                [1., 1.]])

    References:
        Rumelhart, Hinton, Williams (1986), Learning representations by
        back-propagating errors, Nature 323, eq. 4 to 7.
    """
    if a.ndim < 2 or W.ndim != 2 or a.shape[-1] != W.shape[1]:
        raise ValueError(
            f"a, W: expected [*, batch, n_in] and [n_out, n_in], got {tuple(a.shape)} "
            f"and {tuple(W.shape)}; a single example needs a.unsqueeze(0)"
        )
    slope(phi, a.detach()[:0])  # an unknown activation is refused here, not in backward
    bias = W.new_zeros(W.shape[0]) if b is None else b
    return _Layer.apply(a, W, bias, phi)


def manual_forward_mlp(
    model: MLP, x: Float[Tensor, "*batch d_in"]
) -> Float[Tensor, "*batch d_out"]:
    r"""Run an MLP through ``manual_layer``, so that autograd takes our formulas.

    Args:
        model: An ``MLP`` of linear maps and named activations.
        x: Inputs, ``[*, batch, d_in]``.

    Returns:
        The output of the model.

    Raises:
        TypeError: If the model has other parts.

    Example:
        >>> model, x = MLP([3, 4, 2], "tanh"), torch.ones(5, 3)
        >>> torch.allclose(manual_forward_mlp(model, x), model(x))
        True
    """
    layers, phi = _read(model, "identity")
    a = x
    for (W, b), activation in zip(layers, [*phi, nn.Identity()], strict=True):
        a = manual_layer(a, W, b, activation)
    return a
