r"""Check the two arguments that every page here shares: a function and a point."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..device import generator

__all__ = ["Function", "check_point", "draw_start", "scalar"]

Function = Callable[[Tensor], Tensor]

STREAM = 0x637276


def scalar(f: Function) -> Function:
    r"""Return ``f`` with its result checked: one number, in a tensor.

    Args:
        f: A function of one vector.

    Returns:
        The same function; it complains where the result is not a scalar.

    Raises:
        TypeError: If f cannot be called, or its result is not a tensor.
        ValueError: If the result has axes.

    Example:
        >>> scalar(lambda theta: theta.sum())(torch.ones(3))
        tensor(3.)
    """
    if not callable(f):
        raise TypeError(
            f"f: expected a function of theta, got {type(f).__name__}; "
            "flat_loss(model, x, y) makes one"
        )

    def checked(theta: Tensor) -> Tensor:
        value = f(theta)
        if not isinstance(value, Tensor):
            raise TypeError(
                f"f: expected a tensor, got {type(value).__name__}; "
                "leave out .item() and float()"
            )
        if value.ndim:
            raise ValueError(
                f"f: expected a scalar, got shape {tuple(value.shape)}; "
                "take the mean over the examples"
            )
        return value

    return checked


def check_point(theta: Tensor, *, batch: bool = False) -> Tensor:
    r"""Return θ detached when derivatives can be taken there.

    Args:
        theta: A vector ``[p]``.
        batch: Whether axes before the last one are allowed.

    Returns:
        The same numbers without a graph.

    Raises:
        TypeError: If it is not a tensor of floating-point numbers.
        ValueError: If it has the wrong axes, no entries, or infinite ones.

    Example:
        >>> check_point(torch.ones(2, 2))
        Traceback (most recent call last):
        ValueError: theta: expected a vector [p], got shape (2, 2); use .flatten()
    """
    if not isinstance(theta, Tensor) or not theta.is_floating_point():
        got = theta.dtype if isinstance(theta, Tensor) else type(theta).__name__
        raise TypeError(f"theta: expected a float tensor, got {got}; use .float()")
    if theta.ndim == 0 or (theta.ndim > 1 and not batch):
        expected = "[..., p]" if batch else "a vector [p]"
        raise ValueError(
            f"theta: expected {expected}, got shape {tuple(theta.shape)}; "
            "use .flatten()"
        )
    if theta.numel() == 0:
        raise ValueError(
            f"theta: expected parameters, got shape {tuple(theta.shape)} without any"
        )
    bad = theta.numel() - int(theta.isfinite().sum())
    if bad:
        raise ValueError(
            f"theta: expected finite parameters, got {bad} of {theta.numel()} that are "
            "not; the run has diverged before this point"
        )
    return theta.detach()


def draw_start(theta: Tensor, seed: int) -> Tensor:
    r"""Draw a random unit vector to start an iteration from.

    Args:
        theta: Whose shape, type and device it gets.
        seed: Whole number ≥ 0.

    Returns:
        A direction that is uniform on the sphere.

    Example:
        >>> round(draw_start(torch.zeros(5), 0).norm().item(), 6)
        1.0
    """
    # not the seed itself: weights drawn with it would be correlated with v
    draw = generator(seed ^ STREAM)
    v = torch.randn(theta.shape, generator=draw, dtype=torch.float64)
    return (v / v.norm()).to(theta)
