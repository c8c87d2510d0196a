r"""Serve pairs one at a time, each once: learning without a data set.

*On-line* learning sees a pair, updates, and never sees it again; the loss on the
next pair is an honest test, because nothing was fitted to it. *Off-line* means that
the whole data set lies there and can be visited again, not that every update uses
all of it: mini-batches of a stored data set are off-line learning too
(:func:`coursekit.data.minibatches`).
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from .._validate import check_count
from ._draw import source

__all__ = ["stream"]

Pair = tuple[Tensor, Tensor]
BLOCK = 64


def stream(
    pairs: Callable[..., Pair] | Pair,
    n: int | None = None,
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
    **options: Any,
) -> Iterator[Pair]:
    r"""Yield pairs one by one; what has passed does not come back.

    Args:
        pairs: A data set's function, such as ``moons``, called as
            ``pairs(64, generator=..., **options)`` for ever new pairs; or stored
            ``(x, y)``, which pass once, in their order.
        n: Number of pairs; None goes on without end, or to the end of those
            stored.
        generator: Source of randomness of a function; None makes one from
            ``seed``.
        seed: Used only without a generator.
        options: Passed on to a function.

    Shape:
        a pair is ``(x [1, *], y [1, *])``: a batch of one.

    Returns:
        An iterator, not a list: looping over it again yields nothing.

    Raises:
        TypeError: If ``pairs`` is neither, or options come with stored pairs.
        ValueError: If n is out of range, or stored x and y differ in length.

    Example:
        >>> from coursekit.data import moons
        >>> passing = stream(moons, 3, noise=0.05)
        >>> [tuple(x.shape) for x, y in passing], list(passing)
        ([(1, 2), (1, 2), (1, 2)], [])

    Notes:
        A function draws blocks of 64 pairs, which are put into random order:
        the toy sets alternate their classes.

    References:
        Bottou (1998), On-line learning and stochastic approximations, in: On-Line
        Learning in Neural Networks, Cambridge University Press.
    """
    limit = None if n is None else check_count("n", n, least=0)
    if callable(pairs):
        draw = source(generator, seed, "strm")
        return islice(_endless(pairs, draw, options), limit)
    if not isinstance(pairs, tuple | list) or len(pairs) != 2 or options:
        raise TypeError(
            f"pairs: expected a function (with options) or a pair (x, y) (without), "
            f"got {type(pairs).__name__} and options {sorted(options)}"
        )
    x, y = pairs
    if len(x) != len(y) or len(x) < (limit or 0):
        raise ValueError(
            f"pairs: expected x and y of one length, at least n = {limit}, got "
            f"{len(x)} and {len(y)}"
        )
    rows = range(len(x) if limit is None else limit)
    return ((x[r : r + 1], y[r : r + 1]) for r in rows)


def _endless(
    draw_pairs: Callable[..., Pair], draw: torch.Generator, options: dict[str, Any]
) -> Iterator[Pair]:
    while True:
        x, y = draw_pairs(BLOCK, generator=draw, **options)
        order = torch.randperm(BLOCK, generator=draw, device=draw.device)
        for r in order.tolist():
            yield x[r : r + 1], y[r : r + 1]
