r"""Normalize the features of one example without gain and bias.

.. math::

    y = (x - \mathrm{mean}_j\, x) / \sqrt{\mathrm{var}_j\, x + \epsilon}
    \qquad (1)

Gain and bias are the same for all examples, so they cannot undo a layer norm, as
those of a batch norm can; they give each feature a scale of its own, and add
parameters that can overfit. What is left without them is the effect of the
statistics alone.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ._layer import NormLayer, check_features, feature_shape
from .core import normalize

__all__ = ["SimpleLayerNorm", "simple_layer_norm"]


def simple_layer_norm(
    x: Float[Tensor, "..."], normalized_shape: int | Sequence[int], eps: float = 1e-5
) -> Float[Tensor, "..."]:
    r"""Return y of equation (1).

    Args:
        x: Entries with the features last.
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Returns:
        The normalized entries.

    Raises:
        ValueError: If the last axes of x do not have that shape.

    Example:
        >>> import torch
        >>> simple_layer_norm(torch.tensor([4.0, 6.0]), 2, eps=0)
        tensor([-1.,  1.])

    References:
        Xu, Sun, Zhang, Zhao, Lin (2019), Understanding and improving layer
        normalization, arXiv 1911.07013 ("LayerNorm-simple").
        Wang et al. (2020), Correct normalization matters, arXiv 2006.12753.
    """
    sizes = feature_shape(normalized_shape)
    check_features(x, sizes)
    return normalize(x, range(-len(sizes), 0), eps).output  # (1)


class SimpleLayerNorm(NormLayer):
    r"""Normalize the last axes without parameters.

    Args:
        normalized_shape: Sizes of the axes of features.
        eps: ε ≥ 0.
        fused: Whether torch's kernel computes (1), for speed.

    Shape:
        ``[*, *normalized_shape]`` to the same.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> list(SimpleLayerNorm(8).parameters())
        []

    Notes:
        It is ``torch.nn.LayerNorm(..., elementwise_affine=False)``.

    References:
        Xu, Sun, Zhang, Zhao, Lin (2019), arXiv 1911.07013.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        *,
        fused: bool = True,
    ) -> None:
        self.normalized_shape = feature_shape(normalized_shape)
        super().__init__((), eps, False, False, fused=fused)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized entries.

        Args:
            x: ``[*, *normalized_shape]``.

        Returns:
            Entries of the same shape.
        """
        if not self.fused:
            return simple_layer_norm(x, self.normalized_shape, self.eps)
        check_features(x, self.normalized_shape)
        return functional.layer_norm(x, self.normalized_shape, eps=self.eps)
