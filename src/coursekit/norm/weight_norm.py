r"""Learn the length and the direction of a unit's weights apart.

Not the activations are normalized here but the weights: for every unit,

.. math::

    w = g\, v / \|v\| \qquad (1)

with one number g a unit. The gradient in v is orthogonal to v, so plain gradient
descent can only lengthen v (momentum and weight decay can shorten it); the longer
it has become, the smaller is the angle by which a step turns it. No batch takes
part, and nothing is remembered.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["WeightNorm", "weight_norm"]


def weight_norm(
    g: Float[Tensor, "..."], v: Float[Tensor, "..."], dim: int = 0
) -> Float[Tensor, "..."]:
    r"""Return w of equation (1).

    Args:
        g: The lengths, with axes of length 1 in place of all but ``dim``.
        v: The directions, in torch's layout ``[out, in, *kernel]``.
        dim: The axis that counts the units.

    Shape:
        g ``[out, 1, ...]``, v and w ``[out, in, *kernel]``.

    Returns:
        The weights.

    Example:
        >>> weight_norm(torch.tensor([[2.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([[1.2000, 1.6000]])

    References:
        Salimans, Kingma (2016), Weight normalization, arXiv 1602.07868, eq. 2.
    """
    return g * v / _lengths(v, dim)  # (1)


class WeightNorm(nn.Module):
    r"""Parametrize a weight by lengths and directions.

    Args:
        dim: The axis that counts the units.

    Example:
        >>> from torch.nn.utils import parametrize
        >>> layer = nn.Linear(3, 2)
        >>> before = layer.weight.clone()
        >>> _ = parametrize.register_parametrization(layer, "weight", WeightNorm())
        >>> torch.allclose(layer.weight, before)
        True
        >>> layer.parametrizations.weight.original0.shape
        torch.Size([2, 1])

    Notes:
        Registered like this, state dicts are those of
        ``torch.nn.utils.parametrizations.weight_norm``: g is ``original0``, v
        is ``original1``.

    References:
        Salimans, Kingma (2016), arXiv 1602.07868, eq. 2.
    """

    def __init__(self, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        """Return the weight.

        Args:
            g: Lengths.
            v: Directions.

        Returns:
            Their product, of the shape of v.
        """
        return weight_norm(g, v, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Split a weight into lengths and directions.

        Args:
            weight: What the layer was born with.

        Returns:
            g and v, where v is the weight itself.

        Raises:
            ValueError: If a unit's weights are all zero.
        """
        g = _lengths(weight, self.dim)
        if bool((g == 0).any()):
            raise ValueError(
                f"weight: expected no unit whose weights are all 0, got "
                f"{int((g == 0).sum())} of {g.numel()}; 0 has no direction: "
                "initialize first, or set g to 0 afterwards"
            )
        return g, weight


def _lengths(v: Tensor, dim: int) -> Tensor:
    others = [axis for axis in range(v.ndim) if axis != dim % v.ndim]
    return torch.linalg.vector_norm(v, dim=others, keepdim=True)
