r"""Learn the activation itself: let every unit be the largest of k linear maps.

.. math::

    z_{jk} &= w_{jk}^\top x + b_{jk} \qquad (1) \\
    h_j    &= \max_k z_{jk} \qquad (2)

The largest of some lines is a convex, piecewise linear function, and every
convex function is approached by more pieces. ReLU is the unit whose second
piece is 0, the absolute value the one whose pieces are z and −z. No piece
saturates and the gradient always flows through one of them, so a unit cannot
die as a ReLU can. The price: the k pieces cost
:math:`k\, n_{out}(n_{in}+1)` parameters where one linear map has
:math:`n_{out}(n_{in}+1)`, and of a unit's k weight vectors one example
updates a single one.
"""

from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count

__all__ = ["Maxout", "maxout"]


def maxout(
    z: Float[Tensor, "*batch units_times_pieces"], pieces: int = 2
) -> Float[Tensor, "*batch units"]:
    r"""Return the largest of every k neighbouring entries, equation (2).

    Args:
        z: The pieces; those of one unit stand next to each other.
        pieces: Number k of pieces of a unit, at least 1.

    Shape:
        ``[*, units·k]`` to ``[*, units]``.

    Returns:
        One number a unit.

    Raises:
        ValueError: If the last axis cannot be divided into pieces.

    Example:
        >>> import torch
        >>> maxout(torch.tensor([1.0, -1.0, 2.0, 5.0]))
        tensor([1., 5.])

    References:
        Goodfellow, Warde-Farley, Mirza, Courville, Bengio (2013), Maxout
        networks, arXiv 1302.4389, section 3.
    """
    k = check_count("pieces", pieces)
    if z.ndim == 0 or z.shape[-1] % k:
        raise ValueError(
            f"z: expected a last axis that {k} pieces divide, got shape "
            f"{tuple(z.shape)}; the pieces of one unit stand next to each other"
        )
    # sizes are spelt out: -1 cannot be inferred for an empty batch
    return z.reshape(*z.shape[:-1], z.shape[-1] // k, k).amax(-1)  # (2)


class Maxout(nn.Module):
    r"""Map linearly to k pieces a unit and keep the largest.

    Args:
        n_in: Width of the input.
        n_out: Number of units.
        pieces: Number k of pieces of a unit, at least 1; 1 is a linear map.
        bias: Whether the pieces have a bias.

    Shape:
        input ``[*, n_in]``, output ``[*, n_out]``.

    Attributes:
        linear: The map (1) to all pieces; rows ``j·k`` to ``j·k + k − 1`` of
            its weight belong to unit j.

    Raises:
        ValueError: If a size is below 1.
        TypeError: If a size is not an integer.

    Example:
        >>> import torch
        >>> from coursekit.models import MLP
        >>> layer = Maxout(3, 5, pieces=4)
        >>> layer(torch.zeros(2, 3)).shape, sum(p.numel() for p in layer.parameters())
        (torch.Size([2, 5]), 80)
        >>> net = MLP([3, 5, 2], "identity", layer=Maxout)

    Notes:
        The map is one ``nn.Linear``, so ``coursekit.init.initialize`` reaches
        it. Its fan-in is right; schemes that use the fan-out count the units
        k times, although at most one piece of a unit passes a gradient back.
        Where pieces tie, as with constant weights, torch's ``amax`` shares the
        gradient among them: they stay equal for ever.

    References:
        Goodfellow, Warde-Farley, Mirza, Courville, Bengio (2013), Maxout
        networks, arXiv 1302.4389, section 3.
    """

    def __init__(
        self, n_in: int, n_out: int, pieces: int = 2, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.pieces = check_count("pieces", pieces)
        rows = check_count("n_out", n_out) * self.pieces
        self.linear = nn.Linear(check_count("n_in", n_in), rows, bias=bias)

    def forward(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        """Return the largest piece of every unit.

        Args:
            x: Inputs, ``[*, n_in]``.

        Returns:
            Activations, ``[*, n_out]``.
        """
        z = self.linear(x)  # (1)
        return maxout(z, self.pieces)  # (2)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            The number of pieces.
        """
        return f"pieces={self.pieces}"
