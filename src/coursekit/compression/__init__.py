r"""Make a trained network smaller.

=====================  =====================================================
``prune_magnitude``    remove the smallest weights; ``keep_pruned`` keeps
                       them at zero while the others recover
``quantize_uniform``   round to a grid of equal steps
``kmeans_share``       round to a few values placed where the weights are
``huffman``            short codes for frequent symbols; lossless
``low_rank``           a product of two thin matrices
``compressed_size``    prune, share, code: every bit counted
=====================  =====================================================

The first, the third and the fourth are stages of one pipeline, in that order.
Each but Huffman's changes the function of the net: measure the accuracy after
it, and again after some epochs of fine-tuning.
"""

from .compressed_size import CompressedSize, compressed_size
from .huffman import HuffmanCode, huffman
from .kmeans_share import Shared, kmeans_share, shared_gradient
from .low_rank import LowRank, break_even_rank, low_rank
from .masks import Sparsity, apply_masks, keep_pruned, sparsity
from .pack import Packed, StageBits, pack
from .prune_magnitude import prune_magnitude
from .quantize_uniform import Quantized, quantize_uniform
from .relative_index import RelativeIndex, relative_index

__all__ = [
    "CompressedSize",
    "HuffmanCode",
    "LowRank",
    "Packed",
    "Quantized",
    "RelativeIndex",
    "Shared",
    "Sparsity",
    "StageBits",
    "apply_masks",
    "break_even_rank",
    "compressed_size",
    "huffman",
    "keep_pruned",
    "kmeans_share",
    "low_rank",
    "pack",
    "prune_magnitude",
    "quantize_uniform",
    "relative_index",
    "shared_gradient",
    "sparsity",
]
