r"""Set weights that are not independent draws: constant, orthogonal, identity.

A constant makes all units of a layer equal, and gradient descent keeps them
equal for ever: the rank of W stays 1. An orthogonal matrix keeps every
length, not only the average one, :math:`\|Wx\| = g\|x\|`; the identity is the
special case that copies.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_number, check_positive
from .fans import fans

__all__ = ["constant", "identity", "orthogonal"]


def constant(
    shape: Sequence[int],
    value: float = 0.0,
    *,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "*shape"]:
    r"""Return weights that are all equal, :math:`w_{ij} = c`.

    Args:
        shape: Any shape.
        value: The constant c.
        generator: Not used; accepted so that all schemes are called alike.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the CPU.

    Returns:
        A new tensor.

    Raises:
        TypeError: If the value is not a number.

    Example:
        >>> constant((1, 3), 0.5)
        tensor([[0.5000, 0.5000, 0.5000]])
    """
    c = check_number("value", value)
    return torch.full(tuple(shape), c, dtype=dtype or torch.get_default_dtype()).to(
        device
    )


def identity(
    shape: Sequence[int],
    gain: float = 1.0,
    *,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Return weights that copy, :math:`w_{ij} = g\,[i = j]`.

    Args:
        shape: ``[out, in, *kernel]``; with a kernel only its centre is set,
            so that a convolution with matching padding copies its channels.
        gain: The factor g.
        generator: Not used; accepted so that all schemes are called alike.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the CPU.

    Returns:
        A new tensor; rows or columns beyond the square part are zero.

    Raises:
        ValueError: If the shape has fewer than two axes.

    Example:
        >>> identity((2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    fans(shape)
    out, in_, *kernel = shape
    w = torch.zeros(tuple(shape), dtype=dtype)
    diagonal = torch.arange(min(out, in_))
    centre = tuple(size // 2 for size in kernel)
    w[diagonal, diagonal, *centre] = check_number("gain", gain)
    return w.to(device)


def orthogonal(
    shape: Sequence[int],
    gain: float = 1.0,
    *,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "out in_ *kernel"]:
    r"""Draw a matrix with orthonormal rows or columns, times g.

    .. math::

        A_{ij} &\sim N(0, 1) \qquad (1) \\
        Q R    &= A \qquad (2) \\
        W      &= g\, Q\, \mathrm{sign}(\mathrm{diag} R) \qquad (3)

    The signs of (3) make W uniform (Haar) over the orthogonal matrices; plain
    Q is not, because the QR routine fixes the signs its own way.

    Args:
        shape: ``[out, in, *kernel]``, seen as the matrix ``[out, n_in]``.
        gain: The factor g, ≥ 0.
        generator: Source of randomness.
        dtype: Type of the result; None is torch's default.
        device: Device of the result; None is the generator's.

    Returns:
        Weights with :math:`W^T W = g^2 I` (or :math:`W W^T`, whichever is
        smaller).

    Raises:
        ValueError: If the shape has fewer than two axes or the gain is
            negative.

    Example:
        >>> w = orthogonal((2, 5), generator=torch.Generator(), dtype=torch.float64)
        >>> torch.allclose(w @ w.T, torch.eye(2, dtype=torch.float64))
        True

    Notes:
        For a convolution the matrix ``[out, n_in]`` is orthogonal, as in
        ``torch.nn.init.orthogonal_``; the convolution as a linear map is not.

    References:
        Saxe, McClelland, Ganguli (2014), Exact solutions to the nonlinear
        dynamics of learning in deep linear networks, arXiv 1312.6120.
        Mezzadri (2007), How to generate random matrices from the classical
        compact groups, arXiv math-ph/0609050 (the signs).
    """
    g = check_positive("gain", gain, zero=True)
    n_in, out = fans(shape).fan_in, shape[0]
    tall = (max(out, n_in), min(out, n_in))
    # QR has no half-precision kernel, and float64 keeps W orthogonal to 1e-15.
    a = torch.randn(  # (1)
        tall, generator=generator, dtype=torch.float64, device=generator.device
    )
    q, r = torch.linalg.qr(a)  # (2)
    w = g * q * r.diagonal().sign()  # (3)
    w = w if out >= n_in else w.T
    kind = dtype or torch.get_default_dtype()
    return w.reshape(tuple(shape)).to(device or generator.device, kind)
