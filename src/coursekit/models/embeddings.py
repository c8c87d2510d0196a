r"""Draw the vectors of embeddings from one generator.

.. math::

    e_{ij} \sim N(0, s^2) \qquad (1)

An embedding is a look-up, not a sum: nothing is added up in it, so it has no
fan-in and its scale s does not depend on its size. What counts is the layer
behind it. Behind a norm the scale is divided out of the signal, but still sets
how fast a step of given length turns the vectors; without one, s is the
deviation of the inputs of the net.
"""

from typing import TypeVar

import torch
from torch import nn

from .._validate import check_positive
from ..device import generator as new_generator
from .numerical_embedding import NumericalEmbedding

__all__ = ["initialize_embeddings"]

Model = TypeVar("Model", bound=nn.Module)
EMBEDDINGS = (nn.Embedding, NumericalEmbedding)


@torch.no_grad()
def initialize_embeddings(
    model: Model,
    std: float = 1.0,
    *,
    seed: int | None = None,
    generator: torch.Generator | None = None,
) -> Model:
    r"""Give every embedding of a model new vectors, in place.

    It is the other half of ``coursekit.init.initialize``, which draws linear
    maps and leaves embeddings alone.

    Args:
        model: Any module with ``nn.Embedding`` or ``NumericalEmbedding`` in it.
        std: Deviation s ≥ 0 of an entry.
        seed: Starts a fresh generator on the CPU.
        generator: Instead of a seed, a generator to draw from.

    Returns:
        The same model, for chaining.

    Raises:
        ValueError: If ``std`` is negative, not exactly one of ``seed`` and
            ``generator`` is given, or the model has no embedding.

    Example:
        >>> table = initialize_embeddings(nn.Embedding(500, 20), 0.1, seed=0)
        >>> round(table.weight.std().item(), 2)
        0.1

    Notes:
        A vector at ``padding_idx`` is drawn like the others and then set to
        zero, as torch does.
    """
    s = check_positive("std", std, zero=True)
    if (seed is None) == (generator is None):
        raise ValueError(
            f"seed, generator: expected exactly one of them, got seed={seed!r} and "
            f"generator={generator!r}; randomness is explicit here"
        )
    draw = generator if generator is not None else new_generator(seed)  # type: ignore[arg-type]
    layers = [m for m in model.modules() if isinstance(m, EMBEDDINGS)]
    if not layers:
        raise ValueError(
            f"model: expected a model with embeddings, got {type(model).__name__} "
            "without any; coursekit.init.initialize draws linear maps"
        )
    for layer in layers:
        for p in layer.parameters():
            place = {"dtype": p.dtype, "device": draw.device}
            p.copy_(s * torch.randn(p.shape, generator=draw, **place))  # (1)
        if isinstance(layer, nn.Embedding) and layer.padding_idx is not None:
            layer.weight[layer.padding_idx] = 0
    return model
