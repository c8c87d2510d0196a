r"""Divide the features of one example by their deviation, and keep their mean.

.. math::

    \sigma^2 &= \mathrm{mean}_j (x - \mathrm{mean}_j\, x)^2 \qquad (1) \\
    y &= x / \sqrt{\sigma^2 + \epsilon} \qquad (2)

No gain, no bias, no re-centring. The deviation is taken *about the mean*; a
root mean square instead (``RMSNorm``) agrees only for inputs of mean zero. All
features of an example are divided by the same positive number, so no sign
changes: with the same weights, a ReLU behind it is zero exactly where it was
zero without it.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from ._layer import NormLayer, check_features, feature_shape
from .core import normalize

__all__ = ["VarianceOnlyLayerNorm", "variance_only_layer_norm"]


def variance_only_layer_norm(
    x: Float[Tensor, "..."], normalized_shape: int | Sequence[int], eps: float = 1e-5
) -> Float[Tensor, "..."]:
    r"""Return y of equation (2).

    Args:
        x: Entries with the features last.
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Returns:
        The divided entries, each with the sign it had.

    Raises:
        ValueError: If the last axes of x do not have that shape.

    Example:
        >>> import torch
        >>> variance_only_layer_norm(torch.tensor([4.0, 8.0]), 2, eps=0)
        tensor([2., 4.])

    References:
        Wang et al. (2020), Correct normalization matters: understanding the
        effect of normalization on deep neural network models for click-through
        rate prediction, arXiv 2006.12753.
    """
    sizes = feature_shape(normalized_shape)
    check_features(x, sizes)
    dims = range(-len(sizes), 0)
    return normalize(x, dims, eps, subtract_mean=False).output  # (1), (2)


class VarianceOnlyLayerNorm(NormLayer):
    r"""Divide the last axes by their deviation; there are no parameters.

    Args:
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> import torch
        >>> x = torch.tensor([[3.0, -1.0, 2.0]])
        >>> torch.equal(VarianceOnlyLayerNorm(3)(x) > 0, x > 0)
        True

    References:
        Wang et al. (2020), arXiv 2006.12753.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5
    ) -> None:
        self.normalized_shape = feature_shape(normalized_shape)
        super().__init__((), eps, False, False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the divided entries.

        Args:
            x: ``[*, *normalized_shape]``.

        Returns:
            Entries of the same shape.
        """
        return variance_only_layer_norm(x, self.normalized_shape, self.eps)
