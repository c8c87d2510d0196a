r"""Build a residual multilayer perceptron whose branches can be reached.

.. math::

    a^0 &= W_{\mathrm{in}} x + b_{\mathrm{in}} \qquad (1) \\
    a^l &= a^{l-1} + s\, \bigl(W_2^l\, \phi(W_1^l a^{l-1})\bigr) \qquad (2) \\
    o   &= W_{\mathrm{out}} a^L + b_{\mathrm{out}} \qquad (3)

(the biases of the branch are not written). The skip connection gives the
gradient a way around every branch. It does not keep the scale: with He
weights and ReLU each block multiplies :math:`\mathbb{E}[a^2]` by
:math:`1 + 2s^2`, so 30 blocks with s = 1 multiply it by about 10¹⁴. A norm in the
branch, a small ``branch_scale`` or ``coursekit.init.zero_last`` repair that.
"""

from collections import OrderedDict
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count, check_number
from .mlp import new_activation

__all__ = ["ResidualBlock", "ResidualMLP"]


class ResidualBlock(nn.Module):
    r"""Add a scaled two-layer branch to the input, equation (2).

    Args:
        width: Width of the stream and of the branch.
        activation: A name known to ``coursekit.models.activation``, or a
            callable without arguments that makes the module.
        norm: Makes a norm layer for a given width; it stands between
            :math:`W_1` and the activation.
        branch_scale: The factor s.

    Shape:
        input and output ``[*, width]``.

    Example:
        >>> import torch
        >>> block = ResidualBlock(3, branch_scale=0.0)
        >>> bool((block(torch.ones(1, 3)) == 1).all())
        True
    """

    def __init__(
        self,
        width: int,
        activation: str | Callable[[], nn.Module] = "relu",
        *,
        norm: Callable[[int], nn.Module] | None = None,
        branch_scale: float = 1.0,
    ) -> None:
        super().__init__()
        check_count("width", width)
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        parts["linear1"] = nn.Linear(width, width)
        if norm is not None:
            parts["norm"] = norm(width)
        parts["act"] = new_activation(activation)
        parts["linear2"] = nn.Linear(width, width)
        self.branch = nn.Sequential(parts)
        self.branch_scale = check_number("branch_scale", branch_scale)

    def forward(
        self, a: Float[Tensor, "*batch width"]
    ) -> Float[Tensor, "*batch width"]:
        """Return the input plus the scaled branch.

        Args:
            a: The stream, ``[*, width]``.

        Returns:
            The stream after this block.
        """
        return a + self.branch_scale * self.branch(a)  # (2)


class ResidualMLP(nn.Module):
    r"""Stack residual blocks between a linear stem and a linear head.

    Args:
        d_in: Input width.
        width: Width of the stream.
        n_blocks: Number of blocks L, at least 1.
        d_out: Output width.
        activation: A name known to ``coursekit.models.activation``, or a
            callable without arguments that makes the module.
        norm: Makes a norm layer for a given width, used in every branch.
        branch_scale: The factor s of every branch.

    Shape:
        input ``[*, d_in]``, output ``[*, d_out]``.

    Attributes:
        stem: The first linear map.
        blocks: The blocks; each exposes its ``branch``.
        head: The last linear map.

    Raises:
        ValueError: If a width or the number of blocks is below 1.
        TypeError: If one of them is not an integer.

    Example:
        >>> import torch
        >>> model = ResidualMLP(64, 32, 3, 10)
        >>> model(torch.zeros(5, 64)).shape
        torch.Size([5, 10])
        >>> len(model.blocks)
        3

    References:
        He, Zhang, Ren, Sun (2016), Deep residual learning, arXiv 1512.03385.
        Zhang, Dauphin, Ma (2019), Fixup initialization, arXiv 1901.09321.
    """

    def __init__(
        self,
        d_in: int,
        width: int,
        n_blocks: int,
        d_out: int,
        activation: str | Callable[[], nn.Module] = "relu",
        *,
        norm: Callable[[int], nn.Module] | None = None,
        branch_scale: float = 1.0,
    ) -> None:
        super().__init__()
        n_blocks = check_count("n_blocks", n_blocks)
        self.stem = nn.Linear(check_count("d_in", d_in), check_count("width", width))
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(width, activation, norm=norm, branch_scale=branch_scale)
                for _ in range(n_blocks)
            )
        )
        self.head = nn.Linear(width, check_count("d_out", d_out))

    def forward(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_out"]:
        """Return the logits.

        Args:
            x: Inputs, ``[*, d_in]``.

        Returns:
            Logits, ``[*, d_out]``.
        """
        a = self.stem(x)  # (1)
        a = self.blocks(a)  # (2)
        return self.head(a)  # (3)
