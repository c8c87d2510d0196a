r"""Give the entries that share a mean the mean 0 and the variance 1.

Let S be a set of axes. All entries that differ only in their index along S
share

.. math::

    \mu &= \mathrm{mean}_S(x) \qquad (1) \\
    d &= x - \mu \qquad (2) \\
    \sigma^2 &= \mathrm{mean}_S(d^2) \qquad (3) \\
    r &= 1 / \sqrt{\sigma^2 + \epsilon} \qquad (4) \\
    \hat x &= r\, d \qquad (5)

The norms of this package are this one function; they differ in S
(``norm_axes``). The statistics are functions of *all* entries, so the gradient
flows through them. With g the gradient of the loss in :math:`\hat x`,

.. math::

    \frac{\partial L}{\partial x} = r\,\bigl(g - \mathrm{mean}_S(g)
    - \hat x\, \mathrm{mean}_S(g\, \hat x)\bigr) \qquad (6)

that is, g without its mean and without its share along :math:`\hat x`, times
r: a change of x in those two directions is undone by the normalization. The
first direction is lost exactly; of the second the share
:math:`\epsilon/(\sigma^2 + \epsilon)` is left, nothing for ε = 0.

Two variants leave something out. The RMS norm of many Transformers divides by
the root of the mean *square*, :math:`d = x` in (2); the variance-only norm takes
σ about the mean but divides x itself, :math:`\hat x = r\, x` in (5).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Normalized", "normalize"]


class Normalized(NamedTuple):
    r"""Hold the normalized entries and the statistics that were divided out.

    Attributes:
        output: :math:`\hat x`.
        mean: :math:`\mu`, with axes of length 1 in place of S.
        var: :math:`\sigma^2`, biased, with axes of length 1 in place of S.
    """

    output: Tensor
    mean: Tensor
    var: Tensor


def normalize(
    x: Float[Tensor, "..."],
    dims: int | Sequence[int],
    eps: float = 1e-5,
    *,
    about_mean: bool = True,
    subtract_mean: bool = True,
) -> Normalized:
    r"""Return :math:`\hat x` of equation (5) with its statistics.

    Args:
        x: Any entries.
        dims: The axes S.
        eps: :math:`\epsilon` ≥ 0, what keeps the root from zero.
        about_mean: Whether σ is taken about the mean; otherwise d = x in (2).
        subtract_mean: Whether the mean is subtracted; otherwise x stands in
            place of d in (5).

    Shape:
        any; the output has the shape of x.

    Returns:
        The output in the type of x; the statistics in at least float32.

    Example:
        >>> normalize(torch.tensor([[1.0, 3.0], [10.0, 30.0]]), -1).output
        tensor([[-1.0000,  1.0000],
                [-1.0000,  1.0000]])

    Notes:
        The variance is the centred one. :math:`\mathrm{mean}(x^2) - \mu^2`
        needs one pass less and loses all digits of entries far from zero: at
        mean 10⁴ and deviation 1 in float32 it can come out negative.
        Half-precision entries are widened for the computation, as in torch.
        Derivatives of any order, ``torch.func`` and forward mode work; what is
        kept for the backward pass is :math:`\hat x` and :math:`\sigma^2`.

    References:
        Ioffe, Szegedy (2015), Batch normalization, arXiv 1502.03167,
        algorithm 1, and section 3 for the gradient.
    """
    axes = (dims,) if isinstance(dims, int) else tuple(dims)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    output, mean, var = _Normalize.apply(wide, axes, eps, about_mean, subtract_mean)
    return Normalized(output.to(x.dtype), mean, var)


class _Normalize(torch.autograd.Function):
    """Equations (1) to (5) with the derivative (6) written by hand."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, dims: tuple[int, ...], eps: float, about: bool, subtract: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean(dims, keepdim=True)  # (1)
        d = x - mean if about else x  # (2)
        var = d.square().mean(dims, keepdim=True)  # (3)
        r = (var + eps).rsqrt()  # (4)
        x_hat = r * (d if about == subtract else x)  # (5)
        return x_hat, mean, var

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _, ctx.dims, ctx.eps, ctx.about, ctx.subtract = inputs
        x_hat, _, var = output
        ctx.save_for_backward(x_hat, var)
        ctx.save_for_forward(x_hat, var)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        g, g_mean, g_var = grads
        x_hat, d_hat, r = _reread(ctx)
        n = x_hat.numel() / r.numel()
        if g is None:
            grad = torch.zeros_like(x_hat)
        else:
            along = (g * x_hat).mean(ctx.dims, keepdim=True)
            centred = g - g.mean(ctx.dims, keepdim=True) if ctx.subtract else g
            grad = r * torch.addcmul(centred, d_hat, along, value=-1)  # (6)
        if g_mean is not None:
            grad = grad + g_mean / n
        if g_var is not None:
            grad = grad + 2 * g_var * d_hat / (n * r)
        return grad, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        x_hat, d_hat, r = _reread(ctx)
        t = tangents[0]
        t_mean = t.mean(ctx.dims, keepdim=True)
        along = (t * d_hat).mean(ctx.dims, keepdim=True)
        moved = t - t_mean if ctx.subtract else t
        return r * (moved - x_hat * along), t_mean, 2 * along / r


def _reread(ctx: Any) -> tuple[Tensor, Tensor, Tensor]:
    x_hat, var = ctx.saved_tensors
    r = (var + ctx.eps).rsqrt()
    if ctx.about and not ctx.subtract:
        return x_hat, x_hat - x_hat.mean(ctx.dims, keepdim=True), r
    return x_hat, x_hat, r
