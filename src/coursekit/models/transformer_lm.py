r"""Predict the next token of a text with a stack of Transformer blocks.

.. math::

    x^0_t &= E[s_t] + P[t] \qquad (1) \\
    x^l   &= \mathrm{Block}^l(x^{l-1}) \qquad (2) \\
    f     &= \mathrm{LN}(x^L) \ \text{(Pre-LN)}, \quad x^L \ \text{(Post-LN)}
    \qquad (3) \\
    o_t   &= W f_t + b \qquad (4)

with E a table of a vector for every token s, P one for every position t.
The blocks are causal: :math:`o_t` depends on :math:`s_1 \dots s_t` only, so
all T next tokens of a text are learnt from one pass. Without the last norm a
Pre-LN net would hand on a stream whose size grows with its depth.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from .._validate import check_count
from ..norm import LayerNorm
from .transformer_block import TransformerBlock

__all__ = ["TransformerLM"]


class TransformerLM(nn.Module):
    r"""Embed tokens and positions, run causal blocks, return logits.

    Args:
        n_tokens: Number of different tokens.
        width: Width d of the stream.
        heads: Attention heads of every block.
        n_blocks: Number L of blocks.
        seq_len: Largest length T of a text.
        norm: ``"post"`` or ``"pre"``; with ``"pre"`` there is a last norm.
        norm_layer: Makes a norm layer for a width.
        causal: Whether a token reads only itself and earlier ones.
        positions: Whether P is added; without it a causal net still sees how
            many tokens came before, one that is not causal sees a bag.
        **block: Further arguments of ``TransformerBlock``: ``ffn``,
            ``activation``, ``uniform``, ``bias``.

    Shape:
        input integers ``[*, T]``, output ``[*, T, n_tokens]``.

    Attributes:
        tokens: The embedding E.
        positions: The embedding P, or None.
        blocks: The blocks, an ``nn.Sequential``.
        norm: The last norm; the identity in Post-LN.
        head: The linear map (4).

    Raises:
        ValueError: If a number is out of its range.
        TypeError: If a size is not an integer.

    Example:
        >>> model = TransformerLM(20, 16, 4, n_blocks=2, seq_len=32, norm="pre")
        >>> model(torch.zeros(3, 32, dtype=torch.long)).shape
        torch.Size([3, 32, 20])

    Notes:
        Both tables are born N(0, 1) from torch's global generator;
        ``initialize`` leaves them alone, ``initialize_embeddings`` draws them
        anew. Vaswani et al. have fixed sine waves for P, and E tied to the
        output; learnt positions serve as well, as their table 3 says.

    References:
        Vaswani et al. (2017), Attention is all you need, arXiv 1706.03762.
        Baevski, Auli (2019), Adaptive input representations for neural language
        modeling, arXiv 1809.10853, and Xiong et al. (2020), arXiv 2002.04745,
        table 1, for the last norm.
    """

    def __init__(
        self,
        n_tokens: int,
        width: int,
        heads: int = 1,
        n_blocks: int = 2,
        seq_len: int = 64,
        norm: str = "post",
        *,
        norm_layer: Callable[[int], nn.Module] = LayerNorm,
        causal: bool = True,
        positions: bool = True,
        **block: Any,
    ) -> None:
        super().__init__()
        check_count("n_tokens", n_tokens)
        check_count("width", width)
        self.seq_len = check_count("seq_len", seq_len)
        self.tokens = nn.Embedding(n_tokens, width)
        self.positions = nn.Embedding(seq_len, width) if positions else None
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(
                    width, heads, norm, norm_layer=norm_layer, causal=causal, **block
                )
                for _ in range(check_count("n_blocks", n_blocks))
            )
        )
        self.norm = norm_layer(width) if norm == "pre" else nn.Identity()
        self.head = nn.Linear(width, n_tokens)

    def forward(
        self, s: Int[Tensor, "*batch tokens"]
    ) -> Float[Tensor, "*batch tokens n_tokens"]:
        """Return the logits of the token that follows each token.

        Args:
            s: Indices of tokens, ``[*, T]``.

        Returns:
            Logits, ``[*, T, n_tokens]``.
        """
        x = self.embed(s)  # (1)
        x = self.blocks(x)  # (2)
        f = self.norm(x)  # (3)
        return self.head(f)  # (4)

    def embed(
        self, s: Int[Tensor, "*batch tokens"]
    ) -> Float[Tensor, "*batch tokens width"]:
        """Return the stream in front of the first block.

        Args:
            s: Indices of tokens, ``[*, T]``.

        Returns:
            The sum of both embeddings, ``[*, T, width]``.

        Raises:
            ValueError: If a text is empty or longer than ``seq_len``.
        """
        T = s.shape[-1] if s.ndim else 0
        if not 1 <= T <= self.seq_len:
            raise ValueError(
                f"s: expected [*, T] with T from 1 to seq_len={self.seq_len}, got "
                f"{tuple(s.shape)}; cut the text or build the model with a larger one"
            )
        if self.positions is None:
            return self.tokens(s)
        return self.tokens(s) + self.positions(torch.arange(T, device=s.device))
