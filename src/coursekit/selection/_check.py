r"""Read the sizes and labels that the splits are asked for, and order the examples.

Every split deals out one order of the examples: random, or, to stratify, random
within each class and sorted by class. Whoever takes every K-th place of a sorted order
gets each class in proportion, to within one example.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy import int64
from numpy.typing import NDArray

from .._validate import check_count, check_range
from ..metrics._arrays import array_of

__all__ = ["Indices", "dealt", "order_of", "share_of"]

Indices = NDArray[int64]


def order_of(n: int, stratify: Any, shuffle: bool, seed: int) -> Indices:
    """Return the order in which the examples are dealt out.

    Args:
        n: Number of examples.
        stratify: Their classes, ``[n]``, or None.
        shuffle: Whether the order is random (within a class).
        seed: Decides a random order.

    Returns:
        A permutation of 0 … n−1.

    Raises:
        ValueError: If there is not one class for each example.
    """
    order = np.arange(check_count("n", n))
    if shuffle:
        order = np.random.default_rng(check_count("seed", seed, least=0)).permutation(n)
    if stratify is None:
        return order
    classes = array_of(stratify)
    if classes.shape != (n,):
        raise ValueError(
            f"stratify: expected one class for each of {n} examples, got shape "
            f"{classes.shape}; pass the labels"
        )
    return order[np.argsort(classes[order], kind="stable")]


def share_of(name: str, part: float, n: int) -> Fraction:
    """Read a part given as a number of examples or as a share.

    Args:
        name: The argument's name.
        part: An integer number of examples, or a share in (0, 1).
        n: Number of all examples.

    Returns:
        The share, as a fraction: 0.1 is a tenth, not the binary number next to it.

    Raises:
        ValueError: If it is out of its range.
    """
    if isinstance(part, float):
        share = check_range(name, part, 0, 1, open_low=True, open_high=True)
        return Fraction(share).limit_denominator(10**6)
    return Fraction(check_count(name, part), n)


def dealt(order: Indices, share: Fraction) -> NDArray[np.bool_]:
    r"""Mark a share of the places of an order, as evenly spread as can be.

    Args:
        order: The order of the examples, of length n.
        share: The share s that is marked, in (0, 1].

    Returns:
        True at :math:`\lceil s n \rceil` places, the first among them; for s = 1/K
        at every K-th.
    """
    step = np.arange(len(order) + 1) * share.numerator
    return np.diff(-(-step // share.denominator)) > 0
