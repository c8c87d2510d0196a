r"""Let every token read from the others, by how well query and key agree.

With tokens as the rows of X, split into h heads of width :math:`d_h = d/h`,

.. math::

    Q &= X W_Q^\top + b_Q \qquad (1) \\
    K &= X W_K^\top + b_K \qquad (2) \\
    V &= X W_V^\top + b_V \qquad (3) \\
    S &= Q K^\top / \sqrt{d_h} \qquad (4) \\
    A &= \mathrm{softmax}_{\text{keys}}(S) \qquad (5) \\
    Y &= [A V]_{\text{heads}} W_O^\top + b_O \qquad (6)

Rows of A are weights that sum to 1, so a head's output is an average of values.
A causal head gives later tokens the score −∞, the weight 0. For entries of
unit variance the sum in (4) has variance :math:`d_h`; without the root the
softmax saturates in wide heads.

The theory of gradients at initialization takes :math:`W_Q = W_K = 0`: all
allowed tokens then get the *same* weight, ``uniform=True``.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from .._validate import check_count

__all__ = ["MultiHeadAttention", "attention"]


def attention(
    q: Float[Tensor, "*batch queries d"],
    k: Float[Tensor, "*batch keys d"],
    v: Float[Tensor, "*batch keys values"],
    allowed: Bool[Tensor, "*mask queries keys"] | None = None,
) -> tuple[
    Float[Tensor, "*batch queries values"], Float[Tensor, "*batch queries keys"]
]:
    r"""Average the values with the weights of equation (5).

    Args:
        q: Queries.
        k: Keys.
        v: Values.
        allowed: True where a query may read a key; None allows all. A query
            without any key gets NaN.

    Shape:
        leading axes are batched.

    Returns:
        The averages A V, and the weights A.

    Raises:
        ValueError: If queries and keys differ in width, or keys and values in
            number.

    Example:
        >>> q, k = torch.zeros(1, 2), torch.zeros(3, 2)
        >>> y, weights = attention(q, k, torch.tensor([[1.0], [2.0], [6.0]]))
        >>> y, weights
        (tensor([[3.]]), tensor([[0.3333, 0.3333, 0.3333]]))

    References:
        Vaswani et al. (2017), Attention is all you need, arXiv 1706.03762, eq. 1.
    """
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"q, k, v: expected [.., queries, d], [.., keys, d] and [.., keys, any], "
            f"got {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}"
        )
    S = q @ k.mT / math.sqrt(q.shape[-1])  # (4)
    if allowed is not None:
        S = S.masked_fill(~allowed, -math.inf)
    A = S.softmax(-1)  # (5)
    return A @ v, A


class Zero(nn.Module):
    """Map everything to zero: queries and keys of uniform attention."""

    forward = staticmethod(torch.zeros_like)


class MultiHeadAttention(nn.Module):
    r"""Attend from a sequence to itself with several heads.

    Args:
        width: Width d of a token.
        heads: Number h of heads, a divisor of the width.
        causal: Whether a token reads only itself and earlier ones.
        uniform: Whether all allowed tokens get the same weight; there is then
            neither a map of queries nor one of keys.
        bias: Whether the maps have a bias.

    Shape:
        ``[*, T, width]`` to the same.

    Attributes:
        query, key, value, out: The four linear maps.

    Raises:
        ValueError: If a number is below 1 or the heads do not divide the width.
        TypeError: If a number is not an integer.

    Example:
        >>> layer = MultiHeadAttention(8, 2, causal=True)
        >>> layer(torch.randn(3, 5, 8)).shape
        torch.Size([3, 5, 8])

    Notes:
        ``torch.nn.MultiheadAttention`` keeps query, key and value as *one*
        weight ``[3 d, d]``, and its Xavier draw therefore takes 3 d for the
        fan-out: a variance half as large as for three maps of ``[d, d]``.
        Here they are three, so that ``coursekit.init.initialize`` counts right;
        ``coursekit.models.to_torch_state`` joins them.

    References:
        Vaswani et al. (2017), arXiv 1706.03762, section 3.2.2.
        Xiong et al. (2020), On layer normalization in the Transformer
        architecture, arXiv 2002.04745, section 3, for the uniform weights.
    """

    def __init__(
        self,
        width: int,
        heads: int = 1,
        *,
        causal: bool = False,
        uniform: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        d, h = check_count("width", width), check_count("heads", heads)
        if d % h:
            raise ValueError(
                f"heads: expected a divisor of the width {d}, got {h}; every head "
                "gets the same share of the entries"
            )
        self.heads, self.causal, self.uniform = h, causal, uniform
        self.query = Zero() if uniform else nn.Linear(d, d, bias=bias)
        self.key = Zero() if uniform else nn.Linear(d, d, bias=bias)
        self.value = nn.Linear(d, d, bias=bias)
        self.out = nn.Linear(d, d, bias=bias)

    def forward(
        self, x: Float[Tensor, "*batch tokens width"]
    ) -> Float[Tensor, "*batch tokens width"]:
        """Return what every token has read.

        Args:
            x: Tokens X, ``[*, T, width]``.

        Returns:
            Y of equation (6).

        Raises:
            ValueError: If x has no axis of tokens or another width.
        """
        T, d = (1, *x.shape)[-2:]
        if x.ndim < 2 or d != self.out.in_features:
            raise ValueError(
                f"x: expected [*, T, {self.out.in_features}], got {tuple(x.shape)}"
            )
        q = self._split(self.query(x))  # (1)
        k = self._split(self.key(x))  # (2)
        v = self._split(self.value(x))  # (3)
        allowed = x.new_ones(T, T, dtype=torch.bool).tril() if self.causal else None
        y, _ = attention(q, k, v, allowed)
        return self.out(y.transpose(-3, -2).flatten(-2))  # (6)

    def _split(self, x: Tensor) -> Tensor:
        """Turn ``[*, T, d]`` into ``[*, h, T, d_h]``.

        Args:
            x: Entries of all heads side by side.

        Returns:
            A view with an axis of heads.
        """
        return x.unflatten(-1, (self.heads, -1)).transpose(-3, -2)

    def extra_repr(self) -> str:
        """Name the settings in ``print(model)``.

        Returns:
            Comma-separated settings.
        """
        return f"heads={self.heads}, causal={self.causal}, uniform={self.uniform}"
