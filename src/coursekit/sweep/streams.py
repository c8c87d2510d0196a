r"""Give every purpose of a seed its own stream of random numbers.

A seed decides the weights, the order of examples, the noisy labels and the
dropout masks of a run. Drawn from one generator they would shift each other:
a net with one more layer would also see other batches. So each purpose has a
generator of its own, and two settings with one seed share whatever they can.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

__all__ = ["reseed", "stream"]

PURPOSES = ("order", "subset", "labels", "dropout", "noise")


def stream(seed: int, purpose: str) -> torch.Generator:
    """Start the generator of one purpose.

    Args:
        seed: Seed of the setting, ≥ 0.
        purpose: One of ``order``, ``subset``, ``labels``, ``dropout``, ``noise``.

    Returns:
        A new generator on the CPU.

    Example:
        >>> torch.randperm(5, generator=stream(0, "order")).tolist()
        [1, 3, 0, 4, 2]
    """
    words = np.random.SeedSequence((seed, PURPOSES.index(purpose))).generate_state(1)
    return torch.Generator().manual_seed(int(words[0]))


def reseed(module: nn.Module, seed: int) -> None:
    """Start the generators that a module's layers keep from a seed.

    Args:
        module: Any module; a ``torch.Generator`` that one of its layers has as an
            attribute gets a state of its own.
        seed: Seed of the setting, ≥ 0.
    """
    found: dict[int, torch.Generator] = {}
    for layer in module.modules():
        for value in vars(layer).values():
            if isinstance(value, torch.Generator):
                found[id(value)] = value
    for number, generator in enumerate(found.values()):
        words = np.random.SeedSequence((seed, len(PURPOSES), number))
        generator.manual_seed(int(words.generate_state(1)[0]))
