r"""Bound a gradient before it is used, by value or by norm.

By value every coordinate is bounded alone; by norm all of them are scaled
together, if and only if they are too long:

.. math::

    g'_i &= \min(\max(g_i, c_{low}), c) \qquad (1) \\
    g' &= g \cdot \min(1, c / \|g\|) \qquad (2)

The norm in (2) runs over *all* parameters: then the direction is kept, and a
step near a cliff of the loss is short. Clipping by value turns the gradient
towards the diagonal. Both help against explosion only: a gradient that
vanishes is below every threshold.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from .._validate import check_count, check_number, check_positive
from .wrapper import GradientWrapper

__all__ = ["ClipNorm", "ClipValue", "clip_norm", "clip_value"]


def clip_value(
    gradients: Sequence[Tensor], value: float, *, low: float | None = None
) -> list[Tensor]:
    r"""Return the gradients bounded by equation (1).

    Args:
        gradients: Gradients of any shapes.
        value: Upper bound c, in units of the gradient.
        low: Lower bound; -c by default.

    Returns:
        New tensors of the same shapes.

    Raises:
        ValueError: If the lower bound is not below the upper one.

    Example:
        >>> clip_value([torch.tensor([0.5, -30.0])], 1.0)
        [tensor([ 0.5000, -1.0000])]

    References:
        Mikolov (2012), Statistical language models based on neural networks,
        PhD thesis, Brno University of Technology, § 3.2.2.
    """
    value = check_number("value", value)
    low = -value if low is None else check_number("low", low)
    if not low < value:
        raise ValueError(
            f"value: expected bounds low < value, got {low} and {value}; the "
            f"threshold is a size, so take it > 0"
        )
    return [g.clamp(low, value) for g in gradients]  # (1)


def clip_norm(
    gradients: Sequence[Tensor], max_norm: float, *, batch_dims: int = 0
) -> list[Tensor]:
    r"""Return the gradients scaled jointly by equation (2).

    Args:
        gradients: Gradients of all parameters, of any shapes.
        max_norm: Threshold c > 0, in units of the gradient.
        batch_dims: Number of leading axes that count models; each model has a
            norm of its own.

    Returns:
        New tensors of the same shapes; equal to the given ones if their joint
        norm is at most c.

    Raises:
        ValueError: If the threshold is not above 0.

    Example:
        >>> clip_norm([torch.tensor([3.0]), torch.tensor([-4.0])], 1.0)
        [tensor([0.6000]), tensor([-0.8000])]

    Notes:
        ``torch.nn.utils.clip_grad_norm_`` divides by ‖g‖ + 10⁻⁶ and so scales
        a gradient of norm exactly c as well. It also overflows for entries
        above the root of the largest float, where its result is 0 or NaN; here
        the largest entry is divided out first. A gradient that is itself
        infinite or NaN stays not finite.

    References:
        Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent
        neural networks, arXiv 1211.5063, algorithm 1.
    """
    check_positive("max_norm", max_norm)
    check_count("batch_dims", batch_dims, least=0)
    scale: Tensor | float = 1.0
    if any(g.numel() for g in gradients):
        norm = _joint_norm(gradients, batch_dims)
        # A number over a tensor is not rounded as a quotient, and 1 must be 1.
        scale = (torch.full_like(norm, max_norm) / norm).clamp_max(1)
    return [g * _like(scale, g) for g in gradients]  # (2)


def _joint_norm(gradients: Sequence[Tensor], batch_dims: int) -> Tensor:
    flat = [
        g.flatten(batch_dims) if g.ndim > batch_dims else g[..., None]
        for g in gradients
    ]
    together = torch.cat([g.to(flat[0]) for g in flat], dim=-1)
    # Squares overflow long before the norm does: take the largest entry out.
    largest = together.abs().amax(-1, keepdim=True)
    safe = torch.where(largest > 0, largest, 1.0)
    norm = torch.linalg.vector_norm(together / safe, dim=-1) * safe.squeeze(-1)
    return norm


def _like(scale: Tensor | float, g: Tensor) -> Tensor | float:
    if not isinstance(scale, Tensor):
        return scale
    return scale.to(g).reshape(scale.shape + (1,) * (g.ndim - scale.ndim))


class ClipValue(GradientWrapper):
    r"""Run any optimizer on gradients that are clipped by value.

    Args:
        base: The optimizer, of this package or of torch.
        value: Upper bound c.
        low: Lower bound; -c by default.

    Raises:
        TypeError: If ``base`` is not an optimizer.
        ValueError: If the lower bound is not below the upper one.

    Example:
        >>> from coursekit.optim import SGD
        >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = ClipValue(SGD([theta], lr=0.25), 2.0)
        >>> (100 * theta).sum().backward()
        >>> optimizer.step()
        >>> theta.item()
        0.5
    """

    def __init__(
        self, base: Optimizer, value: float, *, low: float | None = None
    ) -> None:
        clip_value([], value, low=low)
        super().__init__(base)
        self.value, self.low = value, low

    def transform(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return the clipped gradients.

        Args:
            gradients: One for every parameter that has one.

        Returns:
            As many clipped ones.
        """
        return clip_value(gradients, self.value, low=self.low)


class ClipNorm(GradientWrapper):
    r"""Run any optimizer on gradients that are clipped by their joint norm.

    Args:
        base: The optimizer, of this package or of torch.
        max_norm: Threshold c > 0.

    Raises:
        TypeError: If ``base`` is not an optimizer.
        ValueError: If the threshold is not above 0.

    Example:
        >>> from coursekit.optim import SGD
        >>> theta = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> optimizer = ClipNorm(SGD([theta], lr=1.0), 1.0)
        >>> (theta.square().sum() / 2).backward()
        >>> optimizer.step()
        >>> theta.detach()
        tensor([2.4000, 3.2000])
    """

    def __init__(self, base: Optimizer, max_norm: float) -> None:
        clip_norm([], max_norm)
        super().__init__(base)
        self.max_norm = max_norm

    def transform(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return the clipped gradients.

        Args:
            gradients: One for every parameter that has one.

        Returns:
            As many clipped ones.
        """
        return clip_norm(gradients, self.max_norm)
