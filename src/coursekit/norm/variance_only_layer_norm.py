r"""Divide the features of one example by their deviation, and keep their mean.

.. math::

    \sigma^2 &= \mathrm{mean}_j (x - \mathrm{mean}_j\, x)^2 \qquad (1) \\
    r &= 1 / \sqrt{\sigma^2 + \epsilon} \qquad (2) \\
    y &= r\, x \qquad (3)

No gain, no bias, no re-centring. The deviation is taken *about the mean*; a
root mean square instead (``RMSNorm``) agrees only for inputs of mean zero. All
features of an example are divided by the same positive number, so no sign
changes: with the same weights, a ReLU behind it is zero exactly where it was
zero without it. The gradient of the loss, g in y, is in x

.. math::

    \frac{\partial L}{\partial x} = r\, g
    - r\, \mathrm{mean}_j(g\, y)\, (y - \mathrm{mean}_j\, y) \qquad (4)
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ._layer import NormLayer, add_product, check_features, feature_shape
from .core import normalize

__all__ = ["VarianceOnlyLayerNorm", "variance_only_layer_norm"]


def variance_only_layer_norm(
    x: Float[Tensor, "..."], normalized_shape: int | Sequence[int], eps: float = 1e-5
) -> Float[Tensor, "..."]:
    r"""Return y of equation (3).

    Args:
        x: Entries with the features last.
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Returns:
        The divided entries, each with the sign it had.

    Raises:
        ValueError: If the last axes of x do not have that shape.

    Example:
        >>> import torch
        >>> variance_only_layer_norm(torch.tensor([4.0, 8.0]), 2, eps=0)
        tensor([2., 4.])

    References:
        Wang et al. (2020), Correct normalization matters: understanding the
        effect of normalization on deep neural network models for click-through
        rate prediction, arXiv 2006.12753.
    """
    sizes = feature_shape(normalized_shape)
    check_features(x, sizes)
    dims = range(-len(sizes), 0)
    return normalize(x, dims, eps, subtract_mean=False).output  # (1) to (3)


class _Divide(torch.autograd.Function):
    """The same with the derivative (4), in as few passes as possible."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, dims: tuple[int, ...], eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean(dims, keepdim=True)
        # one large tensor is made and used again: fetching memory for another
        # costs more than the arithmetic
        y = x - mean
        var = y.mul_(y).mean(dims, keepdim=True)  # (1)
        r = (var + eps).rsqrt()  # (2)
        return y.copy_(x).mul_(r), r, r * mean  # (3)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _, ctx.dims, _ = inputs
        ctx.mark_non_differentiable(output[2])
        ctx.save_for_backward(*output)
        ctx.save_for_forward(*output)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        g, g_r, _ = grads
        y, r, mean = ctx.saved_tensors
        n = y.numel() / max(r.numel(), 1)
        if torch.is_grad_enabled():  # for second derivatives, as a function of y
            mean = y.mean(ctx.dims, keepdim=True)
        if g is None:
            grad = torch.zeros_like(y)
        else:
            grad = g * y
            share = r * grad.mean(ctx.dims, keepdim=True)
            grad = add_product(grad.copy_(share * mean), g, r)
            grad = add_product(grad, y, -share)  # (4)
        if g_r is not None:
            grad = grad - g_r * r.square() * (y - mean) / n
        return grad, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        t, (y, r, _) = tangents[0], ctx.saved_tensors
        d = y - y.mean(ctx.dims, keepdim=True)
        share = r * (d * t).mean(ctx.dims, keepdim=True)
        return r * t - share * y, -r * share, None


class VarianceOnlyLayerNorm(NormLayer):
    r"""Divide the last axes by their deviation; there are no parameters.

    Args:
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.
        fused: Whether a shorter derivative, (4), is used, for speed.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> import torch
        >>> x = torch.tensor([[3.0, -1.0, 2.0]])
        >>> torch.equal(VarianceOnlyLayerNorm(3)(x) > 0, x > 0)
        True

    References:
        Wang et al. (2020), arXiv 2006.12753.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        *,
        fused: bool = True,
    ) -> None:
        self.normalized_shape = feature_shape(normalized_shape)
        super().__init__((), eps, False, False, fused=fused)

    def forward(self, x: Tensor) -> Tensor:
        """Return the divided entries.

        Args:
            x: ``[*, *normalized_shape]``.

        Returns:
            Entries of the same shape.
        """
        if not self.fused:
            return variance_only_layer_norm(x, self.normalized_shape, self.eps)
        check_features(x, self.normalized_shape)
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        dims = tuple(range(-len(self.normalized_shape), 0))
        return _Divide.apply(wide, dims, self.eps)[0].to(x.dtype)
