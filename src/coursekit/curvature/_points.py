r"""Take points of the plane apart."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["split_xy"]


def split_xy(theta: Float[Tensor, "*batch 2"]) -> tuple[Tensor, Tensor]:
    """Take the two coordinates apart.

    Args:
        theta: Points ``[*, 2]``.

    Returns:
        Both coordinates, ``[*]`` each.

    Raises:
        TypeError: If ``theta`` is not a tensor of floating-point numbers.
        ValueError: If the last axis is not of size 2.

    Example:
        >>> split_xy(torch.tensor([3.0, 4.0]))
        (tensor(3.), tensor(4.))
    """
    if not isinstance(theta, Tensor) or not theta.is_floating_point():
        got = theta.dtype if isinstance(theta, Tensor) else type(theta).__name__
        raise TypeError(f"theta: expected a float tensor, got {got}; use .float()")
    if theta.ndim == 0 or theta.shape[-1] != 2:
        raise ValueError(
            f"theta: expected points [..., 2], got shape {tuple(theta.shape)}; "
            "put the two coordinates last"
        )
    x, y = torch.unbind(theta, -1)
    return x, y
