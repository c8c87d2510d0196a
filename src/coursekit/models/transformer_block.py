r"""Put the norm behind the addition, or inside the branch.

A block adds to a stream of tokens what attention computes, and then what a
two-layer net computes for every token on its own,

.. math::

    \mathrm{FFN}(x) &= W_2\, \phi(W_1 x + b_1) + b_2 \qquad (1)

The two places for the norm make two networks. Post-LN:

.. math::

    u &= \mathrm{LN}_1(x + \mathrm{Att}(x)) \qquad (2) \\
    y &= \mathrm{LN}_2(u + \mathrm{FFN}(u)) \qquad (3)

Pre-LN:

.. math::

    u &= x + \mathrm{Att}(\mathrm{LN}_1(x)) \qquad (4) \\
    y &= u + \mathrm{FFN}(\mathrm{LN}_2(u)) \qquad (5)

At initialization a token leaves every Post-LN block with the squared norm d,
and the gradient passes two norms a block on its way back. In Pre-LN nothing
normalizes the stream: each block adds about equally to its squared norm, which
grows linearly with the number of blocks, and the output needs a norm in front
of it (``coursekit.models.TransformerLM`` has one). Because that last norm
divides by what has grown, the gradient of the last block falls like
:math:`1/\sqrt{L}` with the number L of blocks; in Post-LN it does not depend
on L.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from .._validate import check_count, check_in, check_positive
from ..norm import LayerNorm
from .attention import MultiHeadAttention
from .mlp import MLP

__all__ = ["TransformerBlock"]

ORDER = {
    "post": ("attention", "norm1", "ffn", "norm2"),
    "pre": ("norm1", "attention", "norm2", "ffn"),
}


class TransformerBlock(nn.Module):
    r"""Add attention and a two-layer net to the stream, with norms.

    Args:
        width: Width d of a token.
        heads: Number of attention heads, a divisor of the width.
        norm: ``"post"``, equations (2) and (3), or ``"pre"``, (4) and (5).
        ffn: Width of the two-layer net, as a multiple of d.
        activation: Its φ: a name known to ``coursekit.models.activation``, or
            a callable without arguments that makes the module.
        norm_layer: Makes a norm layer for a width, e.g.
            ``coursekit.norm.RMSNorm``; ``lambda d: nn.Identity()`` for none.
        causal: Whether a token reads only itself and earlier ones.
        uniform: Whether attention gives all allowed tokens the same weight.
        bias: Whether the linear maps have a bias.

    Shape:
        ``[*, T, width]`` to the same.

    Attributes:
        attention: The first branch.
        ffn: The second branch, an ``MLP``.
        norm1: The norm of the first branch.
        norm2: The norm of the second branch.

    Raises:
        ValueError: If an argument is out of its range.
        TypeError: If a size is not an integer.

    Example:
        >>> import torch
        >>> block = TransformerBlock(8, 2, norm="pre")
        >>> block(torch.randn(3, 5, 8)).shape
        torch.Size([3, 5, 8])
        >>> theory = TransformerBlock(8, 1, uniform=True, ffn=1)

    Notes:
        Equal to ``torch.nn.TransformerEncoderLayer`` with dropout 0, where
        ``norm_first=True`` is ``"pre"``; there the width of the net is a
        number of units and 2,048 unless given. The simplifications of the
        theory are one head, uniform attention, a net of width d, and
        ``initialize(model, "xavier_normal", seed=0)``, which also sets the
        biases to zero. Its statement on the last block is about the loss of
        *one* token. A mean over all tokens of a text also adds up what attention
        has made alike in them, and depends on L otherwise.

    References:
        Vaswani et al. (2017), Attention is all you need, arXiv 1706.03762,
        sections 3.1 and 3.3, eq. 2 for (1).
        Xiong et al. (2020), On layer normalization in the Transformer
        architecture, arXiv 2002.04745, table 1, lemma 2 and theorem 1.
    """

    attention: MultiHeadAttention
    ffn: MLP
    norm1: nn.Module
    norm2: nn.Module

    def __init__(
        self,
        width: int,
        heads: int = 1,
        norm: str = "post",
        *,
        ffn: float = 2,
        activation: str | Callable[[], nn.Module] = "relu",
        norm_layer: Callable[[int], nn.Module] = LayerNorm,
        causal: bool = False,
        uniform: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_in("norm", norm, ORDER)
        self.norm = norm
        norm1, norm2 = norm_layer(check_count("width", width)), norm_layer(width)
        kind = {"causal": causal, "uniform": uniform, "bias": bias}
        attention = MultiHeadAttention(width, heads, **kind)
        hidden = round(check_positive("ffn", ffn) * width)
        ffn_net = MLP([width, hidden, width], activation, bias=bias)  # (1)
        parts = {"norm1": norm1, "attention": attention, "norm2": norm2, "ffn": ffn_net}
        for name in ORDER[norm]:  # freeze_until relies on it
            self.add_module(name, parts[name])

    def forward(
        self, x: Float[Tensor, "*batch tokens width"]
    ) -> Float[Tensor, "*batch tokens width"]:
        """Return the stream after this block.

        Args:
            x: The stream, ``[*, T, width]``.

        Returns:
            The stream, ``[*, T, width]``.
        """
        if self.norm == "post":
            return self._post(x)
        return self._pre(x)

    def _post(self, x: Tensor) -> Tensor:
        u = self.norm1(x + self.attention(x))  # (2)
        return self.norm2(u + self.ffn(u))  # (3)

    def _pre(self, x: Tensor) -> Tensor:
        u = x + self.attention(self.norm1(x))  # (4)
        return u + self.ffn(self.norm2(u))  # (5)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Where the norm is.
        """
        return f"norm={self.norm!r}"
