r"""Normalize the channels of every position, and hand on what was removed.

For every example and position on its own, over the channels,

.. math::

    \hat x &= (x - \mathrm{mean}_C\, x) / \sqrt{\mathrm{var}_C\, x + \epsilon}
    \qquad (1) \\
    y &= \gamma \odot \hat x + \beta \qquad (2)

The removed means and deviations are pictures of the input: they show edges and
shapes. Generative nets put them back at a later layer of the same size
(*moment shortcut*): multiply by that deviation and add that mean.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count
from ._layer import NormLayer, affine, check_channels
from .axes import norm_axes
from .core import Normalized, normalize

__all__ = ["PositionalNorm", "positional_norm"]


def positional_norm(
    x: Float[Tensor, "N C *positions"], eps: float = 1e-5
) -> Normalized:
    r"""Return :math:`\hat x` of equation (1) with the mean and the variance.

    Args:
        x: Entries with the channels on axis 1.
        eps: ε ≥ 0.

    Shape:
        ``[N, C, *positions]``; the statistics ``[N, 1, *positions]``.

    Returns:
        The output, the mean and the biased variance, all differentiable; the
        deviation of the moment shortcut is ``(var + eps).sqrt()``.

    Raises:
        ValueError: If the shape does not fit.

    Example:
        >>> x = torch.tensor([[[1.0, 10.0], [3.0, 30.0]]])
        >>> output, mean, var = positional_norm(x, eps=0)
        >>> output, mean
        (tensor([[[-1., -1.],
                 [ 1.,  1.]]]), tensor([[[ 2., 20.]]]))

    Notes:
        It is a layer norm over the channels alone; ``torch.nn.LayerNorm(C)``
        does the same where the channels stand last.

    References:
        Li, Wu, Weinberger, Belongie (2019), Positional normalization, arXiv
        1907.04312, section 3.
    """
    check_channels(x)
    return normalize(x, norm_axes("positional", x.shape), eps)  # (1)


class PositionalNorm(NormLayer):
    r"""Normalize the channels of every position.

    Args:
        num_channels: C.
        eps: ε ≥ 0.
        affine: Whether there are γ and β, one a channel.
        dims: Number of axes of positions; None allows any.
        device: Device of the parameters.
        dtype: Type of the parameters.

    Shape:
        ``[N, C, *positions]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> y = PositionalNorm(3)(torch.randn(2, 3, 8, 8))
        >>> bool(y.mean(dim=1).abs().max() < 1e-4)
        True

    References:
        Li, Wu, Weinberger, Belongie (2019), arXiv 1907.04312, section 3.
    """

    def __init__(
        self,
        num_channels: int,
        eps: float = 1e-5,
        *,
        affine: bool = False,
        dims: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        C = check_count("num_channels", num_channels)
        super().__init__((C,), eps, affine, affine, device=device, dtype=dtype)
        self.num_channels, self.dims = C, dims

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized entries.

        Args:
            x: ``[N, C, *positions]``.

        Returns:
            Entries of the same shape.
        """
        check_channels(x, self.num_channels, self.dims)
        x_hat = positional_norm(x, self.eps).output
        return affine(x_hat, self.weight, self.bias, channels=True)  # (2)
