r"""Count every bit of a pruned, shared and coded network.

A net that has lost 90 % of its weights is readily called ten times smaller. But
the positions of the others have to be stored as well, and what was not pruned
(biases, norm layers) stays as it is; a matrix that has lost little even grows
in a sparse format. Here every bit is counted, tables and codebooks included
(``pack``), and the whole model is compared with the whole model. Small layers
pay dearly for their tables.

None of it makes the net faster unless the hardware can use it, and none of it
says what the accuracy is.
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import nn

from .masks import prunable
from .pack import FLOAT_BITS, StageBits, pack

__all__ = ["CompressedSize", "compressed_size"]


class CompressedSize(NamedTuple):
    r"""Hold the size of a model after each stage.

    Attributes:
        layers: Bits of each packed parameter, by name.
        other: Bits of all other parameters, which stay as they are.
        total: Bits of the whole model.
    """

    layers: dict[str, StageBits]
    other: int
    total: StageBits

    @property
    def ratio(self) -> float:
        """How many times smaller the whole model is than at first."""
        return self.total.dense / self.total.coded


def compressed_size(
    model: nn.Module,
    *,
    n_clusters: int = 32,
    index_bits: int = 5,
    names: Iterable[str] | None = None,
) -> CompressedSize:
    r"""Return the bits of a model after each stage; the model is not changed.

    Args:
        model: A model, pruned (``prune_magnitude``) and fine-tuned before.
        n_clusters: K ≥ 1 shared values for each parameter.
        index_bits: b, 1 to 30, bits of a gap.
        names: Parameters to pack; None takes the weights of all ``Linear``
            and ``Conv`` layers.

    Returns:
        Bits by parameter and in total. Biases and other parameters are counted
        with 32 bits each; buffers and names are not counted.

    Raises:
        ValueError: If an argument is out of its range or a name unknown.

    Example:
        >>> from coursekit.compression import apply_masks, prune_magnitude
        >>> layer = nn.Linear(100, 100)
        >>> apply_masks(layer, prune_magnitude(layer, 0.9))
        >>> size = compressed_size(layer)
        >>> size.total.dense, size.other
        (323200, 3200)
        >>> size.total.dense > size.total.pruned > size.total.shared
        True

    References:
        Han, Mao, Dally (2016), arXiv 1510.00149, table 1.
    """
    layers = {
        name: pack(w, n_clusters, index_bits).bits
        for name, w in prunable(model, names).items()
    }
    others = (w for name, w in model.named_parameters() if name not in layers)
    other = FLOAT_BITS * sum(w.numel() for w in others)
    stages = zip(*layers.values(), strict=True)
    total = StageBits(*(sum(stage) + other for stage in stages))
    return CompressedSize(layers, other, total)
