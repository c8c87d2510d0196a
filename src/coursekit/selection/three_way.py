r"""Keep a test part under lock, to be opened once.

The test loss of the *one* model that was chosen by other data is an honest estimate.
The smallest of many test losses is not: the minimum over J settings of noisy numbers
lies below the mean of the best one,

.. math::

    \mathbb E \min_j \hat R_j &\le \min_j \mathbb E \hat R_j

and a test part that has taken part in a choice has become a second validation part.
Nothing in a program can know how a number was used. But it can be made visible how
often the test part was looked at.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from .._validate import check_count
from ._check import Indices, dealt, order_of, share_of

__all__ = ["ThreeWaySplit", "three_way_split"]


class ThreeWaySplit:
    """Hold the indices of three parts; the third is behind a door that counts.

    Made by :func:`three_way_split`. Its display names the three sizes and how often
    the test part was opened, so that a notebook shows it.

    Attributes:
        train: Indices for fitting weights.
        valid: Indices for choosing among settings.
        opened: How often the test part was handed out.
    """

    def __init__(self, train: Indices, valid: Indices, test: Indices) -> None:
        self.train, self.valid, self.opened = train, valid, 0
        self._test = test

    @property
    def development(self) -> Indices:
        """Training and validation part together: for the last fit, after the choice."""
        return np.sort(np.concatenate((self.train, self.valid)))

    def open_test(self, *, again: bool = False) -> Indices:
        """Hand out the indices of the test part, once.

        Args:
            again: Whether a further time is meant: after a failure, or when a cell
                is run again with nothing changed.

        Returns:
            The indices.

        Raises:
            RuntimeError: If it was opened before and ``again`` is False.
        """
        if self.opened and not again:
            raise RuntimeError(
                f"the test part was opened {self.opened} time(s) before; whatever is "
                "changed after looking at it is fitted to it. Choose by the validation "
                "part; to repeat the same evaluation, pass again=True"
            )
        self.opened += 1
        return self._test.copy()

    def __repr__(self) -> str:
        sizes = f"train={len(self.train)}, valid={len(self.valid)}"
        return f"ThreeWaySplit({sizes}, test={len(self._test)} opened {self.opened}x)"


def three_way_split(
    n: int,
    *,
    valid: float = 0.2,
    test: float = 0.2,
    stratify: Any = None,
    shuffle: bool = True,
    seed: int = 0,
) -> ThreeWaySplit:
    r"""Split n examples into training, validation and test part.

    Args:
        n: Number of examples, at least 3.
        valid: Size of the validation part: an integer number of examples, or a
            share of n in (0, 1), rounded up.
        test: Size of the test part, likewise.
        stratify: Classes ``[n]`` that all parts have in proportion.
        shuffle: Whether the order is random.
        seed: Decides a random order.

    Returns:
        Three disjoint parts that together are all examples.

    Raises:
        ValueError: If a part would be empty, or an argument is out of its range.

    Example:
        >>> split = three_way_split(100)
        >>> split
        ThreeWaySplit(train=60, valid=20, test=20 opened 0x)
        >>> len(split.open_test()), split
        (20, ThreeWaySplit(train=60, valid=20, test=20 opened 1x))

    References:
        Ripley (1996), Pattern Recognition and Neural Networks, Cambridge
        University Press, glossary, p. 354, for the three names.
    """
    n = check_count("n", n, least=3)
    shares = share_of("valid", valid, n), share_of("test", test, n)
    n_valid, n_test = (math.ceil(share * n) for share in shares)
    if n_valid + n_test >= n:
        raise ValueError(
            f"valid, test: expected fewer than n = {n} examples together, got "
            f"{n_valid} and {n_test}; none would be left for training"
        )
    order = order_of(n, stratify, shuffle, seed)
    mark = dealt(order, shares[1])
    held, rest = order[mark], order[~mark]
    mark = dealt(rest, Fraction(n_valid, len(rest)))
    return ThreeWaySplit(*map(np.sort, (rest[~mark], rest[mark], held)))
