r"""Give every purpose of a seed its own stream of random numbers.

A seed decides the weights, the order of examples, the noisy labels and the
dropout masks of a run. Drawn from one generator they would shift each other:
a net with one more layer would also see other batches. So each purpose has a
generator of its own, and two settings with one seed share whatever they can.

What a model draws while it trains, it draws from torch's global generator, as
``nn.Dropout`` does, or from a generator that one of its layers keeps. The first
is lent the stream ``"dropout"`` for the time of a forward pass, the others are
started from the seed when the model is born.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

__all__ = ["as_global", "kept_generators", "reseed", "stream"]

PURPOSES = ("order", "subset", "labels", "dropout", "noise", "layers")


def stream(
    seed: int, purpose: str, number: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Start the generator of one purpose.

    Args:
        seed: Seed of the setting, ≥ 0.
        purpose: One of ``order``, ``subset``, ``labels``, ``dropout``, ``noise``,
            ``layers``.
        number: Which of several streams of one purpose.
        device: Where the numbers are drawn.

    Returns:
        A new generator.

    Example:
        >>> torch.randperm(5, generator=stream(0, "order")).tolist()
        [1, 3, 0, 4, 2]
    """
    entropy = (seed, PURPOSES.index(purpose), *([number] if number else []))
    words = np.random.SeedSequence(entropy).generate_state(1)
    return torch.Generator(device).manual_seed(int(words[0]))


@contextmanager
def as_global(generator: torch.Generator) -> Generator[None, None, None]:
    """Let torch's global generator be this one for a while.

    Args:
        generator: Goes on from where the global one was left.

    Yields:
        Nothing.

    Example:
        >>> mine, twin = stream(0, "dropout"), stream(0, "dropout")
        >>> with as_global(mine):
        ...     drawn = torch.rand(2)
        >>> torch.equal(drawn, torch.rand(2, generator=twin))
        True
    """
    own = torch.default_generator
    if generator.device.type == "cuda":
        own = torch.cuda.default_generators[generator.device.index or 0]
    before = own.get_state()
    own.set_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(own.get_state())
        own.set_state(before)


def kept_generators(layers: Iterable[nn.Module]) -> list[torch.Generator]:
    """List the generators that layers keep for themselves.

    Args:
        layers: Any modules.

    Returns:
        The generators, each once.
    """
    values = (value for layer in layers for value in vars(layer).values())
    found = {id(value): value for value in values if isinstance(value, torch.Generator)}
    return list(found.values())


def reseed(module: nn.Module, seed: int) -> None:
    """Start the generators that a module's layers keep from a seed.

    Args:
        module: Any module; a ``torch.Generator`` that one of its layers has as an
            attribute gets a state of its own.
        seed: Seed of the setting, ≥ 0.
    """
    for number, generator in enumerate(kept_generators(module.modules())):
        generator.set_state(stream(seed, "layers", number).get_state())
