r"""Turn a number into a vector, so that numbers and categories look alike.

.. math::

    e_j &= x_j\, w_j + b_j \qquad (1)

for every numerical field j, with or without :math:`b_j`. Without it all values
of a field lie on one line through the origin; then their *length* is all that
tells them apart, and a norm that divides by the length takes it away.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count

__all__ = ["NumericalEmbedding"]


class NumericalEmbedding(nn.Module):
    r"""Scale one vector a field by the field's number, equation (1).

    Args:
        n_fields: Number of numerical fields.
        dim: Entries d of a vector.
        bias: Whether a vector :math:`b_j` is added.

    Shape:
        ``[*, n_fields]`` to ``[*, n_fields, dim]``.

    Attributes:
        weight: The vectors :math:`w_j`, born N(0, 1).
        bias: The vectors :math:`b_j`, born N(0, 1): at zero the layer would
            start as the one without a bias. None if there are none.

    Raises:
        ValueError: If a size is out of its range.

    Example:
        >>> layer = NumericalEmbedding(3, 4)
        >>> layer(torch.zeros(5, 3)).shape
        torch.Size([5, 3, 4])

    References:
        Wang et al. (2020), arXiv 2006.12753, there without the bias.
    """

    def __init__(self, n_fields: int, dim: int, *, bias: bool = False) -> None:
        super().__init__()
        shape = (check_count("n_fields", n_fields, least=0), check_count("dim", dim))
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.randn(shape)) if bias else None

    def forward(
        self, x: Float[Tensor, "*batch fields"]
    ) -> Float[Tensor, "*batch fields dim"]:
        """Return a vector for every number.

        Args:
            x: Numbers, ``[*, n_fields]``.

        Returns:
            Embeddings, ``[*, n_fields, dim]``.

        Raises:
            ValueError: If the last axis is not that of the fields.
        """
        n = len(self.weight)
        if x.ndim == 0 or x.shape[-1] != n:
            raise ValueError(f"x: expected [*, {n}], got {tuple(x.shape)}")
        b = 0.0 if self.bias is None else self.bias
        return x.unsqueeze(-1) * self.weight + b  # (1)
