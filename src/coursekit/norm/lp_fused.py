r"""Normalize by an Lᵖ mean in few passes, with the derivative written by hand.

With u = d for ``center_first`` and u = x for ``scale_first``, n entries a
channel, and the quantities of ``lp_batch_norm``,

.. math::

    m &= \mathrm{mean}\,|u|^p \qquad (1) \\
    s &= (m + \epsilon)^{1/p} \qquad (2) \\
    y &= \gamma\, d / s + \beta \qquad (3)

(for p = ∞: m = max |u| and s = m + ε). Let g be the gradient of the loss in y.
It reaches x through d and through the one scale that all entries share:

.. math::

    \frac{\partial L}{\partial s} &= -\gamma \sum_i g_i d_i / s^2 \qquad (4) \\
    \frac{\partial s}{\partial m} &= \tfrac1p\, s^{1-p} \qquad (5) \\
    \frac{\partial m}{\partial u_i} &= \tfrac{p}{n}\, k_i, \quad
    k_i = |u_i|^{p-1} \operatorname{sign} u_i \qquad (6) \\
    \frac{\partial L}{\partial u} &= \frac{\partial L}{\partial s}
    \frac{\partial s}{\partial m} \frac{\partial m}{\partial u} \qquad (7) \\
    \frac{\partial L}{\partial d} &= \gamma\, g / s \qquad (8)

For p = ∞ (5) is 1, and in (6) the c entries that attain the maximum have the
slope ±1/c, the others 0. What is a gradient in d loses its mean on the way to
x. Each line is one pass over the entries; large temporaries are avoided, as
fetching memory for them costs more than the arithmetic.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ._layer import add_product
from .axes import norm_axes

__all__ = ["lp_fused"]


def lp_fused(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    p: float,
    centred: bool,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return y of equation (3), μ and m.

    Args:
        x: A batch, ``[N, C, *positions]``.
        weight: γ, ``[C]``; None is 1.
        bias: β, ``[C]``; None is 0.
        p: At least 1; may be infinite.
        centred: Whether u = d.
        eps: ε ≥ 0.

    Returns:
        y in the type of x; the statistics ``[1, C, 1, …]`` in at least float32.

    Example:
        >>> x = torch.tensor([[1.0], [2.0], [6.0]])
        >>> lp_fused(x, None, None, math.inf, True, 0.0)[0].T
        tensor([[-0.6667, -0.3333,  1.0000]])
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    y, mean, m = _Lp.apply(wide, weight, bias, p, centred, eps)
    return y.to(x.dtype), mean, m


class _Lp(torch.autograd.Function):
    """Equations (1) to (3) with the derivative (4) to (8)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        p: float,
        centred: bool,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        axes = norm_axes("batch", x.shape)
        mean = x.mean(axes, keepdim=True)
        d = x - mean
        m = _moment(d if centred else x, p, axes)  # (1)
        s = _scale(m, p, eps)  # (2)
        y = d.mul_(_per_channel(weight, s) / s)
        y = y if bias is None else y.add_(_per_channel(bias, s))  # (3)
        return y, mean, m

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        x, weight, bias, ctx.p, ctx.centred, ctx.eps = inputs
        ctx.save_for_backward(x, weight, bias, *output[1:])
        ctx.save_for_forward(x, weight, bias, *output[1:])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, weight, bias, mean, m = ctx.saved_tensors
        axes, s = norm_axes("batch", x.shape), _scale(m, ctx.p, ctx.eps)
        g, g_mean, g_m = grads
        g, n = torch.zeros_like(x) if g is None else g, x.numel() / m.numel()
        d, g_beta = x - mean, g.sum(axes, keepdim=True)
        g_x = g * d
        g_gamma = g_x.sum(axes, keepdim=True) / s
        # d is not needed any more, unless for second derivatives
        over = ctx.centred and not torch.is_grad_enabled()
        k, unit = _slope(d if ctx.centred else x, m, ctx.p, axes, over=over)
        inverse = _per_channel(weight, s) / s
        g_s = -inverse * g_gamma  # (4)
        through_m = g_s * _inner(s, ctx.p) * unit
        rest = g_beta * inverse / n
        if ctx.centred:
            rest = torch.addcmul(
                rest, through_m, k.sum(axes, keepdim=True), value=1 / n
            )
        g_x = add_product(g_x.copy_(-rest), k, through_m)  # (7)
        g_x = add_product(g_x, g, inverse)  # (8)
        if g_m is not None:
            pull = k - k.mean(axes, keepdim=True) if ctx.centred else k
            g_x = g_x + g_m * unit * pull
        if g_mean is not None:
            g_x = g_x + g_mean / n
        return g_x, _like(g_gamma, weight), _like(g_beta, bias), None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        x, weight, _, mean, m = ctx.saved_tensors
        axes, s = norm_axes("batch", x.shape), _scale(m, ctx.p, ctx.eps)
        t = torch.zeros_like(x) if tangents[0] is None else tangents[0]
        t_mean, d = t.mean(axes, keepdim=True), x - mean
        u, t_u = (d, t - t_mean) if ctx.centred else (x, t)
        k, unit = _slope(u, m, ctx.p, axes)
        t_m = unit * (k * t_u).sum(axes, keepdim=True)
        t_s = _inner(s, ctx.p) * t_m
        t_y = _per_channel(weight, s) * ((t - t_mean) / s - d * t_s / s.square())
        if tangents[1] is not None:
            t_y = t_y + _per_channel(tangents[1], s) * d / s
        if tangents[2] is not None:
            t_y = t_y + _per_channel(tangents[2], s)
        return t_y, t_mean, t_m


def _per_channel(vector: Tensor | None, s: Tensor) -> Tensor:
    return torch.ones_like(s) if vector is None else vector.view(s.shape).to(s.dtype)


def _like(total: Tensor, vector: Tensor | None) -> Tensor | None:
    return None if vector is None else total.view(vector.shape).to(vector.dtype)


def _moment(u: Tensor, p: float, axes: tuple[int, ...]) -> Tensor:
    size = u.abs()
    if math.isinf(p):
        return size.amax(axes, keepdim=True)
    return (size if p == 1 else size.pow_(p)).mean(axes, keepdim=True)


def _scale(m: Tensor, p: float, eps: float) -> Tensor:
    return m + eps if math.isinf(p) or p == 1 else (m + eps).pow(1 / p)


def _inner(s: Tensor, p: float) -> Tensor:
    """Return ∂s/∂m."""
    return torch.ones_like(s) if math.isinf(p) or p == 1 else s.pow(1 - p) / p  # (5)


def _slope(
    u: Tensor, m: Tensor, p: float, axes: tuple[int, ...], *, over: bool = False
) -> tuple[Tensor, Tensor | float]:
    """Return k, written over u where that is allowed, and its factor in ∂m/∂u."""
    if math.isinf(p):
        # u/m rounds to ±1 at the maximum and nowhere else
        divide = u.div_ if over else u.div
        k = divide(m.clamp_min(torch.finfo(m.dtype).tiny)).trunc_()
        return k, 1 / k.abs().sum(axes, keepdim=True).clamp_min(1)
    size = u.abs().pow_(p - 1) if p > 1 else None
    k = u.sign_() if over else u.sign()
    k = k if size is None else size.mul_(k)
    return k, p * m.numel() / u.numel()  # (6)
