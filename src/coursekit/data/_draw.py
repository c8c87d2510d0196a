r"""Give every data set its own stream of random numbers.

Equal seeds give equal numbers *whatever they are used for*: a model born from
seed 3 would be correlated with inputs drawn from seed 3. So the name of the data
set is mixed into the seed. Numbers are drawn in float64 on the CPU and rounded
last, so that every dtype and device sees the same data.
"""

import torch
from torch import Tensor

from .._validate import check_count
from ..device import generator as new_generator

__all__ = ["normal", "source", "uniform"]


def source(
    generator: torch.Generator | None, seed: int, name: str = "data"
) -> torch.Generator:
    r"""Return the generator given, or one made from the seed and a name.

    Args:
        generator: Used as it is, if there is one.
        seed: Whole number from 0 to :math:`2^{32}-1`, used otherwise.
        name: At most four ASCII letters, the data set's own.

    Returns:
        A generator; a fresh one starts at the beginning of its stream.

    Raises:
        TypeError: If the seed is not an integer.
        ValueError: If the seed is out of range.
    """
    if generator is not None:
        return generator
    number = check_count("seed", seed, least=0)
    return new_generator(number ^ int.from_bytes(name.encode("ascii"), "big"))


def uniform(draw: torch.Generator, *shape: int) -> Tensor:
    """Draw numbers in [0, 1).

    Args:
        draw: The source.
        shape: The sizes.

    Returns:
        A float64 tensor on the device of the source.
    """
    return torch.rand(shape, generator=draw, device=draw.device, dtype=torch.float64)


def normal(draw: torch.Generator, *shape: int) -> Tensor:
    """Draw standard normal numbers.

    Args:
        draw: The source.
        shape: The sizes.

    Returns:
        A float64 tensor on the device of the source.
    """
    return torch.randn(shape, generator=draw, device=draw.device, dtype=torch.float64)
