r"""Replace a matrix by the product of a tall and a wide one.

The singular value decomposition writes :math:`W = \sum_i \sigma_i u_i v_i^T`
with falling :math:`\sigma_i \ge 0`. The first k terms,

.. math::

    A &= (u_1, \dots, u_k)\, \mathrm{diag}(\sqrt{\sigma_1}, \dots,
    \sqrt{\sigma_k}) \qquad (1) \\
    B &= \mathrm{diag}(\sqrt{\sigma_1}, \dots, \sqrt{\sigma_k})\,
    (v_1, \dots, v_k)^T \qquad (2)

are the best approximation of rank k there is, in both norms:

.. math::

    \|W - AB\|_2 &= \sigma_{k+1} \qquad (3) \\
    \|W - AB\|_F &= \sqrt{\textstyle\sum_{i>k} \sigma_i^2} \qquad (4)

For W of size m × n the two factors have :math:`k(m+n)` entries instead of mn,
and a product with a vector takes as many multiplications. It saves only below

.. math::

    k &< mn/(m+n) \qquad (5)

which for a square matrix is *half* its size. The product AB itself saves
nothing: the two factors have to be kept apart. What is best for W need not be
best for the net: the inputs of the layer do not fill all directions alike, so
singular values are a hint, and the loss is the measure.
"""

from typing import NamedTuple, overload

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count, check_range
from ._tensors import check_weights

__all__ = ["LowRank", "break_even_rank", "low_rank"]


class LowRank(NamedTuple):
    r"""Hold the two factors and what the rest amounts to.

    Attributes:
        A: The tall factor, ``[m, k]``.
        B: The wide factor, ``[k, n]``.
        spectral_error: :math:`\|W - AB\|_2`.
        frobenius_error: :math:`\|W - AB\|_F`.
    """

    A: Float[Tensor, "m k"]
    B: Float[Tensor, "k n"]
    spectral_error: float
    frobenius_error: float

    @property
    def parameters(self) -> int:
        r"""Entries of both factors, :math:`k(m+n)`; as many multiplications."""
        return self.A.numel() + self.B.numel()


@overload
def low_rank(w: Tensor, rank: int) -> LowRank: ...
@overload
def low_rank(w: nn.Linear, rank: int) -> nn.Sequential: ...
def low_rank(w: Tensor | nn.Linear, rank: int) -> LowRank | nn.Sequential:
    r"""Return the factors of equations (1) and (2), or the two layers of them.

    Args:
        w: A matrix W, or a ``Linear`` layer.
        rank: k, 1 to the smaller side of W.

    Shape:
        ``[m, n]`` to ``[m, k]`` and ``[k, n]``.

    Returns:
        The factors with their errors (3) and (4). For a layer, two in its
        place: B without a bias, then A with the old bias.

    Raises:
        ValueError: If the rank is out of its range, or W is no matrix of
            finite numbers.
        TypeError: If W is not a floating-point tensor.

    Example:
        >>> factors = low_rank(torch.diag(torch.tensor([4.0, 2.0, 1.0])), 2)
        >>> (factors.A @ factors.B).diagonal().round(decimals=4)
        tensor([4., 2., 0.])
        >>> factors.spectral_error, factors.parameters
        (1.0, 12)
        >>> low_rank(nn.Linear(64, 128), 8)
        Sequential(
          (0): Linear(in_features=64, out_features=8, bias=False)
          (1): Linear(in_features=8, out_features=128, bias=True)
        )

    Notes:
        The root of σ goes to both factors, so that gradients of both are of
        one size when the layers are fine-tuned.

    References:
        Eckart, Young (1936), The approximation of one matrix by another of
        lower rank, Psychometrika 1, for the Frobenius norm (4).
        Mirsky (1960), Symmetric gauge functions and unitarily invariant norms,
        Quarterly Journal of Mathematics 11, for the spectral norm (3).
        Denton et al. (2014), Exploiting linear structure within convolutional
        networks for efficient evaluation, arXiv 1404.0736, section 3.
        Denil et al. (2013), Predicting parameters in deep learning, arXiv
        1306.0543.
    """
    if isinstance(w, nn.Linear):
        return _two_layers(w, low_rank(w.weight, rank))
    W = check_weights("w", w)
    if W.ndim != 2:
        raise ValueError(f"w: expected a matrix, got shape {tuple(W.shape)}")
    k = check_count("rank", rank)
    check_range("rank", k, 1, min(W.shape), hint="the smaller side of the matrix")
    U, sigma, Vt = torch.linalg.svd(W.double(), full_matrices=False)
    root = sigma[:k].sqrt()
    A = U[:, :k] * root  # (1)
    B = root[:, None] * Vt[:k]  # (2)
    rest = torch.cat([sigma[k:], sigma.new_zeros(1)])
    spectral = rest[0].item()  # (3)
    frobenius = rest.square().sum().sqrt().item()  # (4)
    return LowRank(A.to(W.dtype), B.to(W.dtype), spectral, frobenius)


def break_even_rank(m: int, n: int) -> int:
    r"""Return the largest rank at which two factors are smaller than the matrix.

    Args:
        m: Rows of W, ≥ 1.
        n: Columns of W, ≥ 1.

    Returns:
        The largest k with (5); 0 if there is none.

    Raises:
        ValueError: If a side is below 1.

    Example:
        >>> break_even_rank(128, 128), break_even_rank(10, 128)
        (63, 9)
    """
    m, n = check_count("m", m), check_count("n", n)
    return (m * n - 1) // (m + n)  # (5)


def _two_layers(layer: nn.Linear, factors: LowRank) -> nn.Sequential:
    layers = _linear(factors.B, None), _linear(factors.A, layer.bias)
    return nn.Sequential(*layers).train(layer.training)


def _linear(w: Tensor, bias: Tensor | None) -> nn.Linear:
    # born without memory, so that nothing is drawn from torch's global generator
    layer = nn.Linear(w.shape[1], w.shape[0], bias is not None, device="meta")
    layer.weight = nn.Parameter(w)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer
