r"""Draw small data sets that can be seen whole in one picture.

Four two-dimensional classification problems, none of them linearly
separable, and one regression problem in one dimension. Coordinates are of
order one; ``noise`` is the standard deviation of Gaussian noise added to
every coordinate (to the target, for regression). Points lie on the device of
the generator.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_positive
from ._draw import source

__all__ = ["cubic", "moons", "rings", "spirals", "xor"]


def spirals(
    n: int,
    noise: float = 0.05,
    *,
    turns: float = 1.5,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, " n"]]:
    r"""Draw two interleaved spirals, :math:`x = r(\cos\omega, \sin\omega)`.

    Args:
        n: Number of points; the classes alternate.
        noise: Standard deviation of the noise, ≥ 0.
        turns: Turns of each arm, > 0; more turns are harder.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``x [n, 2]``, ``y [n]`` (int64, 0 or 1).

    Returns:
        Inputs and labels.

    Raises:
        ValueError: If ``n`` < 1, ``noise`` < 0 or ``turns`` ≤ 0.

    Example:
        >>> x, y = spirals(100)
        >>> x.shape, y.sum().item()
        (torch.Size([100, 2]), 50)
    """
    check_positive("turns", turns)
    draw = _generator(n, noise, generator, seed)
    y = torch.arange(n, device=draw.device) % 2
    radius = _uniform(draw, n).sqrt()
    angle = 2 * math.pi * turns * radius + math.pi * y
    x = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1)
    return x + noise * _normal(draw, n, 2), y


def moons(
    n: int,
    noise: float = 0.1,
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, " n"]]:
    r"""Draw two half circles that reach into each other.

    Args:
        n: Number of points; the classes alternate.
        noise: Standard deviation of the noise, ≥ 0.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``x [n, 2]``, ``y [n]`` (int64, 0 or 1).

    Returns:
        Inputs and labels.

    Raises:
        ValueError: If ``n`` < 1 or ``noise`` < 0.

    Example:
        >>> x, y = moons(4, noise=0.0)
        >>> bool((x[y == 0][:, 1] >= -0.25).all())
        True
    """
    draw = _generator(n, noise, generator, seed)
    y = torch.arange(n, device=draw.device) % 2
    sign = 1.0 - 2 * y
    angle = math.pi * _uniform(draw, n)
    x = torch.stack((sign * (angle.cos() - 0.5), sign * (angle.sin() - 0.25)), dim=1)
    return x + noise * _normal(draw, n, 2), y


def rings(
    n: int,
    noise: float = 0.05,
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, " n"]]:
    r"""Draw a ring of radius 1 around a ring of radius ½.

    Args:
        n: Number of points; the classes alternate, the inner ring is 1.
        noise: Standard deviation of the noise, ≥ 0.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``x [n, 2]``, ``y [n]`` (int64, 0 or 1).

    Returns:
        Inputs and labels.

    Raises:
        ValueError: If ``n`` < 1 or ``noise`` < 0.

    Example:
        >>> x, y = rings(4, noise=0.0)
        >>> x.norm(dim=1)
        tensor([1.0000, 0.5000, 1.0000, 0.5000])
    """
    draw = _generator(n, noise, generator, seed)
    y = torch.arange(n, device=draw.device) % 2
    radius = 1 - 0.5 * y
    angle = 2 * math.pi * _uniform(draw, n)
    x = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1)
    return x + noise * _normal(draw, n, 2), y


def xor(
    n: int,
    noise: float = 0.0,
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, " n"]]:
    r"""Draw points in the square; the label says whether the signs differ.

    Args:
        n: Number of points, uniform in :math:`[-1, 1]^2`.
        noise: Standard deviation of noise added after labelling, ≥ 0.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``x [n, 2]``, ``y [n]`` (int64, 0 or 1).

    Returns:
        Inputs and labels.

    Raises:
        ValueError: If ``n`` < 1 or ``noise`` < 0.

    Example:
        >>> x, y = xor(50)
        >>> torch.equal(y == 1, x[:, 0] * x[:, 1] < 0)
        True
    """
    draw = _generator(n, noise, generator, seed)
    x = 2 * _uniform(draw, n, 2) - 1
    y = (x.prod(dim=1) < 0).long()
    return x + noise * _normal(draw, n, 2), y


def cubic(
    n: int,
    noise: float = 0.1,
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> tuple[Float[Tensor, "n 1"], Float[Tensor, "n 1"]]:
    r"""Draw a regression problem no line can fit, :math:`y = 4x^3 - 3x + \xi`.

    Args:
        n: Number of points, x uniform in :math:`[-1, 1]`.
        noise: Standard deviation of :math:`\xi`, ≥ 0.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``x [n, 1]``, ``y [n, 1]``.

    Returns:
        Inputs and targets.

    Raises:
        ValueError: If ``n`` < 1 or ``noise`` < 0.

    Example:
        >>> x, y = cubic(5, noise=0.0)
        >>> torch.allclose(y, 4 * x**3 - 3 * x)
        True
    """
    draw = _generator(n, noise, generator, seed)
    x = 2 * _uniform(draw, n, 1) - 1
    return x, 4 * x**3 - 3 * x + noise * _normal(draw, n, 1)


def _generator(
    n: int, noise: float, generator: torch.Generator | None, seed: int
) -> torch.Generator:
    check_count("n", n)
    check_positive("noise", noise, zero=True)
    return source(generator, seed, "toy")


def _uniform(draw: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=draw, device=draw.device)


def _normal(draw: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=draw, device=draw.device)
