r"""Store a pruned weight tensor as two coded streams, and count their bits.

A sparse matrix of n weights has E entries: the weights that are left and the
fillers between them (``relative_index``). With b bits for a gap and a codebook
of K values, the stages take

.. math::

    S_{dense} &= 32\, n \qquad (1) \\
    S_{pruned} &= E\,(32 + b) \qquad (2) \\
    S_{shared} &= E\,(\lceil \log_2 (K + 1) \rceil + b) + 32 K \qquad (3) \\
    S_{coded} &= \textstyle\sum_{entries} (l_{index} + l_{gap})
    + 32 K + 8\,(K + 1 + 2^b) \qquad (4)

where the :math:`K + 1` counts the filler beside the values, :math:`l` are the
lengths of two Huffman codes, and 8 bits for each possible symbol say how long
its code is. Each stage sends what the next one needs to undo it; ``unpack``
does, and returns the shared weights exactly. A number counts 32 bits whatever
the type of the tensor.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count
from ._tensors import check_weights
from .huffman import HuffmanCode, huffman
from .kmeans_share import kmeans_share
from .relative_index import RelativeIndex, relative_index

__all__ = ["FLOAT_BITS", "Packed", "StageBits", "pack"]

FLOAT_BITS = 32
LENGTH_BITS = 8


class StageBits(NamedTuple):
    r"""Hold the bits after each stage.

    Attributes:
        dense: :math:`S_{dense}`.
        pruned: :math:`S_{pruned}`.
        shared: :math:`S_{shared}`.
        coded: :math:`S_{coded}`.
    """

    dense: int
    pruned: int
    shared: int
    coded: int


@dataclass(frozen=True)
class Packed:
    r"""Hold all that is stored of one weight tensor.

    Attributes:
        shape: Shape of the weights.
        codebook: The K values; the symbol K is the filler's.
        index_code: Huffman code of the symbols; None without entries.
        gap_code: Huffman code of the gaps.
        indices: The coded symbols, a string of 0 and 1.
        gaps: The coded gaps.
        bits: Bits after each stage.
    """

    shape: tuple[int, ...]
    codebook: Float[Tensor, " K"]
    index_code: HuffmanCode | None
    gap_code: HuffmanCode | None
    indices: str
    gaps: str
    bits: StageBits

    def unpack(self) -> Float[Tensor, "*shape"]:
        """Read the weights back from the two streams.

        Returns:
            The shared weights, zeros included.
        """
        w = self.codebook.new_zeros(math.prod(self.shape))
        if self.index_code is not None and self.gap_code is not None:
            gaps = torch.tensor(self.gap_code.decode(self.gaps))
            symbols = torch.tensor(self.index_code.decode(self.indices))
            kept = symbols < len(self.codebook)
            at = RelativeIndex(gaps, kept).positions.to(w.device)
            w[at] = self.codebook[symbols[kept].to(w.device)]
        return w.view(self.shape)


def pack(
    w: Float[Tensor, "*shape"], n_clusters: int = 32, index_bits: int = 5
) -> Packed:
    r"""Share, index and code the weights that are not zero.

    Args:
        w: Weights, pruned before; their zeros stay zero.
        n_clusters: K ≥ 1 shared values.
        index_bits: b, 1 to 30, bits of a gap.

    Returns:
        The streams, the tables and the bits of equations (1) to (4).

    Raises:
        ValueError: If an argument is out of its range or a weight not finite.
        TypeError: If the weights are not a floating-point tensor.

    Example:
        >>> w = torch.tensor([0.0, 0.5, 0.0, 0.0, -0.5, 0.5])
        >>> packed = pack(w, n_clusters=2, index_bits=2)
        >>> packed.unpack()
        tensor([ 0.0000,  0.5000,  0.0000,  0.0000, -0.5000,  0.5000])
        >>> packed.bits
        StageBits(dense=192, pruned=102, shared=76, coded=128)

    References:
        Han, Mao, Dally (2016), Deep compression, arXiv 1510.00149, sections 2
        to 4; eq. 1 for (3) without the positions.
    """
    K = check_count("n_clusters", n_clusters)
    w = check_weights("w", w)
    gaps, kept = relative_index(w != 0, index_bits)
    symbols = torch.full_like(gaps, K)
    codebook = w.new_zeros(K)
    if len(gaps):
        codebook, symbols[kept] = kmeans_share(w[w != 0], K)
    index_code, gap_code = (huffman(s) if len(s) else None for s in (symbols, gaps))
    indices = index_code.encode(symbols) if index_code else ""
    steps = gap_code.encode(gaps) if gap_code else ""
    b, tables = index_bits, LENGTH_BITS * (K + 1 + 2**index_bits)
    bits = StageBits(
        FLOAT_BITS * w.numel(),  # (1)
        len(gaps) * (FLOAT_BITS + b),  # (2)
        len(gaps) * (math.ceil(math.log2(K + 1)) + b) + FLOAT_BITS * K,  # (3)
        len(indices) + len(steps) + FLOAT_BITS * K + tables,  # (4)
    )
    shape = tuple(w.shape)
    return Packed(shape, codebook, index_code, gap_code, indices, steps, bits)
