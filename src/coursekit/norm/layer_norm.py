r"""Normalize the features of one example, and learn gain and bias anew.

For every example (and position) on its own, over its features j,

.. math::

    \hat x &= (x - \mathrm{mean}_j\, x) / \sqrt{\mathrm{var}_j\, x + \epsilon}
    \qquad (1) \\
    y &= \gamma \odot \hat x + \beta \qquad (2)

with one gain and one bias a *feature*. No other example takes part, so batches
of one work, and training and evaluation are the same. What an example loses is
its own mean and scale: with :math:`e = x w` for a number x and no bias, the
norm of e is ±(w − mean w)/std w, and the size of x is gone.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ._layer import NormLayer, affine, check_features, feature_shape
from .core import normalize

__all__ = ["LayerNorm", "layer_norm"]


def layer_norm(
    x: Float[Tensor, "..."],
    normalized_shape: int | Sequence[int],
    weight: Float[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "..."]:
    r"""Return y of equation (2).

    Args:
        x: Entries with the features last.
        normalized_shape: Sizes of the axes of features.
        weight: The gain γ, of that shape; None is 1.
        bias: The bias β, of that shape; None is 0.
        eps: ε ≥ 0.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Returns:
        The normalized entries.

    Raises:
        ValueError: If the last axes of x do not have that shape.

    Example:
        >>> layer_norm(torch.tensor([[1.0, 2.0, 3.0]]), 3, eps=0)
        tensor([[-1.2247,  0.0000,  1.2247]])

    References:
        Ba, Kiros, Hinton (2016), Layer normalization, arXiv 1607.06450, eq. 3.
    """
    sizes = feature_shape(normalized_shape)
    check_features(x, sizes)
    x_hat = normalize(x, range(-len(sizes), 0), eps).output  # (1)
    return affine(x_hat, weight, bias)  # (2)


class LayerNorm(NormLayer):
    r"""Normalize the last axes, as a layer with γ = 1 and β = 0 at first.

    Args:
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.
        elementwise_affine: Whether there is a gain, and with ``bias`` a bias.
        bias: Whether there is a bias beside the gain.
        fused: Whether torch's kernel computes (1) and (2), for speed.
        device: Device of the parameters.
        dtype: Type of the parameters.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> LayerNorm(8)(torch.randn(2, 5, 8)).shape
        torch.Size([2, 5, 8])

    Notes:
        State dicts are those of ``torch.nn.LayerNorm``.

    References:
        Ba, Kiros, Hinton (2016), Layer normalization, arXiv 1607.06450, eq. 3.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        fused: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = feature_shape(normalized_shape)
        super().__init__(
            self.normalized_shape,
            eps,
            elementwise_affine,
            elementwise_affine and bias,
            fused=fused,
            device=device,
            dtype=dtype,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized entries.

        Args:
            x: ``[*, *normalized_shape]``.

        Returns:
            Entries of the same shape.
        """
        rule = functional.layer_norm if self.fused else layer_norm
        check_features(x, self.normalized_shape)
        return rule(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        return f"{self.normalized_shape}, {super().extra_repr()}"
