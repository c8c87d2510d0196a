r"""Give frequent symbols short codes, so that the whole takes fewer bits.

Symbols a with counts :math:`n_a` occur with probability p. The code is a binary
tree, built from its leaves: as long as there are two, the two lightest nodes
are put under a new one,

.. math::

    p_a &= n_a / \textstyle\sum_b n_b \qquad (1) \\
    p_{uv} &= p_u + p_v \quad\text{for the two lightest } u, v \qquad (2)

and the length :math:`l_a` is how often a's node was put under another. Rare
symbols are merged early and end up deep. No code is the beginning of another,
so a stream needs no marks between symbols, and no such code is shorter on
average:

.. math::

    H &= -\textstyle\sum_a p_a \log_2 p_a \qquad (3) \\
    \bar l &= \textstyle\sum_a p_a l_a, \qquad H \le \bar l < H + 1 \qquad (4)

Only the lengths have to be stored. The codes follow from them in the
*canonical* way: sorted by length, each is the previous one plus 1, with zeros
appended where the length grows.

The gain comes from unequal counts alone: symbols that are equally frequent get
codes of (nearly) one length. Since a code has at least one bit, a symbol that
fills nearly all of a stream costs far more than its entropy. A single symbol
has H = 0 and still takes one bit here. Huffman coding is *lossless*, the last
stage after pruning and sharing, and no way of sparsifying.
"""

import heapq
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from torch import Tensor

from .._validate import check_positive

__all__ = ["HuffmanCode", "huffman"]


@dataclass(frozen=True)
class HuffmanCode:
    r"""Hold a prefix code and the counts it was made for.

    Attributes:
        counts: :math:`n_a` of every symbol with a count above 0.
        codes: The code of every symbol, a string of 0 and 1.
    """

    counts: dict[Any, float]
    codes: dict[Any, str]

    @property
    def lengths(self) -> dict[Any, int]:
        """The length of every code; all that has to be stored of it."""
        return {symbol: len(code) for symbol, code in self.codes.items()}

    @property
    def entropy(self) -> float:
        """H of equation (3), in bits a symbol."""
        p = _probabilities(self.counts)
        H = -sum(p_a * math.log2(p_a) for p_a in p.values())  # (3)
        return H + 0.0  # no -0 for a single symbol

    @property
    def mean_length(self) -> float:
        """The mean length of equation (4), in bits a symbol."""
        p = _probabilities(self.counts)
        return sum(p[a] * len(code) for a, code in self.codes.items())  # (4)

    def encode(self, symbols: Iterable[Hashable] | Tensor) -> str:
        """Put the codes of the symbols one behind the other.

        Args:
            symbols: Symbols with a code, or a tensor of them.

        Returns:
            A string of 0 and 1.

        Raises:
            ValueError: If a symbol has no code.
        """
        try:
            return "".join([self.codes[symbol] for symbol in _listed(symbols)])
        except KeyError as error:
            raise ValueError(
                f"symbols: expected symbols with a code, got {error.args[0]!r}; make "
                "the code from counts that contain it"
            ) from error

    def decode(self, stream: str) -> list[Any]:
        """Read the symbols back.

        Args:
            stream: What ``encode`` returned.

        Returns:
            The symbols.

        Raises:
            ValueError: If the stream is no sequence of whole codes.
        """
        symbol_of = {code: symbol for symbol, code in self.codes.items()}
        symbols, start, longest = [], 0, max(map(len, symbol_of))
        for end in range(1, len(stream) + 1):
            if stream[start:end] in symbol_of:
                symbols.append(symbol_of[stream[start:end]])
                start = end
            elif end - start >= longest:
                break
        if start < len(stream):
            raise ValueError(
                f"stream: expected whole codes, got {stream[start : start + 20]!r} "
                f"from position {start} on"
            )
        return symbols


def huffman(
    symbols: Mapping[Any, float] | Iterable[Hashable] | Tensor,
) -> HuffmanCode:
    r"""Make the code of equation (2).

    Args:
        symbols: A mapping of symbols to counts (or any weights ≥ 0); or the
            symbols themselves, which are then counted.

    Returns:
        The code. Symbols with a count of 0 have none. Ties are broken by the
        order of the counts, so equal counts give equal codes.

    Raises:
        ValueError: If there is no symbol, or a count is negative or infinite.

    Example:
        >>> code = huffman("abracadabra")
        >>> code.codes
        {'a': '0', 'b': '100', 'r': '101', 'c': '110', 'd': '111'}
        >>> round(code.entropy, 2), round(code.mean_length, 2)
        (2.04, 2.09)
        >>> "".join(code.decode(code.encode("abracadabra")))
        'abracadabra'

    References:
        Huffman (1952), A method for the construction of minimum-redundancy
        codes, Proc. IRE 40, for (2).
        Cover, Thomas (2006), Elements of Information Theory, theorem 5.4.1 for
        (4).
        Han, Mao, Dally (2016), Deep compression, arXiv 1510.00149, section 4.
    """
    counted = symbols if isinstance(symbols, Mapping) else Counter(_listed(symbols))
    counts = {
        symbol: check_positive(f"count of {symbol!r}", n, zero=True)
        for symbol, n in counted.items()
    }
    counts = {symbol: n for symbol, n in counts.items() if n}
    if not counts:
        raise ValueError("symbols: expected at least one symbol, got none")
    return HuffmanCode(counts, _canonical(_lengths(_probabilities(counts))))


def _probabilities(counts: Mapping[Any, float]) -> dict[Any, float]:
    total = sum(counts.values())
    return {symbol: n / total for symbol, n in counts.items()}  # (1)


def _lengths(p: Mapping[Any, float]) -> dict[Any, int]:
    tie = count()
    heap = [(p_a, next(tie), [a]) for a, p_a in p.items()]
    heapq.heapify(heap)
    lengths = dict.fromkeys(p, 0 if len(p) > 1 else 1)
    while len(heap) > 1:
        (p_u, _, u), (p_v, _, v) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (p_u + p_v, next(tie), u + v))  # (2)
        for symbol in u + v:
            lengths[symbol] += 1
    return lengths


def _canonical(lengths: Mapping[Any, int]) -> dict[Any, str]:
    codes, code, before = {}, -1, 0
    for symbol, length in sorted(lengths.items(), key=lambda item: item[1]):
        code = (code + 1) << (length - before)
        codes[symbol], before = format(code, f"0{length}b"), length
    return codes


def _listed(symbols: Iterable[Hashable] | Tensor) -> list[Any]:
    return symbols.flatten().tolist() if isinstance(symbols, Tensor) else list(symbols)
