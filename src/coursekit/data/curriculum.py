r"""Order the examples by difficulty, and say how many of them are open when.

A curriculum has two parts. The *order* sorts the examples by a score: easy first,
or, as a control, hard first or at random. The *pace* opens a growing share of it:

.. math::

    c_t &= \min\Bigl(1, \bigl(c_0^p + (1 - c_0^p)\, t/T\bigr)^{1/p}\Bigr) \qquad (1) \\
    n_t &= \lceil c_t N \rceil \qquad (2)

linear for p = 1; for p = 2 the share grows like a root, so that new examples,
each of which is seen less often among many, come in ever more slowly.

A fair test compares orders of the *same multiset* of examples. An order visits
every example once an epoch, whatever its kind. A pace does not: with batches from
the open part only, easy examples are seen more often, and a gain may come from
leaving bad examples out rather than from the order. Compare then with a control
that has the same pace and another order.
"""

import math

import torch
from jaxtyping import Int, Num
from torch import Tensor

from .._validate import check_count, check_in, check_positive, check_range
from ._draw import source

__all__ = ["curriculum_order", "pacing"]


def curriculum_order(
    difficulty: Num[Tensor, " n"],
    kind: str = "easy_first",
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> Int[Tensor, " n"]:
    r"""Return the order in which examples are shown: a permutation, whatever the kind.

    Args:
        difficulty: A score for each example, larger is harder; for labels that
            are clean or noisy, 0 and 1.
        kind: ``"easy_first"``, ``"hard_first"`` (anti-curriculum) or
            ``"random"``.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``[n]`` to ``[n]`` (int64).

    Returns:
        Indices; equally hard examples stand in random order, the same for all
        kinds with one seed.

    Raises:
        ValueError: If the scores are empty, not one axis or NaN, or the kind is
            unknown.

    Example:
        >>> curriculum_order(torch.tensor([0.3, 0.1, 0.2])).tolist()
        [1, 2, 0]
        >>> curriculum_order(torch.tensor([0.3, 0.1, 0.2]), "hard_first").tolist()
        [0, 2, 1]

    References:
        Bengio, Louradour, Collobert, Weston (2009), Curriculum learning, ICML,
        section 3.
    """
    check_in("kind", kind, ("easy_first", "hard_first", "random"))
    if difficulty.ndim != 1 or not len(difficulty) or difficulty.isnan().any():
        raise ValueError(
            f"difficulty: expected one number for each example, none NaN, got shape "
            f"{tuple(difficulty.shape)} with {int(difficulty.isnan().sum())} NaN"
        )
    draw = source(generator, seed, "curr")
    order = torch.randperm(len(difficulty), generator=draw, device=draw.device)
    order = order.to(difficulty.device)
    if kind == "random":
        return order
    # Sorting is stable, so the permutation decides between equal scores.
    hard_first = kind == "hard_first"
    return order[difficulty[order].argsort(stable=True, descending=hard_first)]


def pacing(
    t: float, total: float, n: int, *, start: float = 0.2, p: float = 1.0
) -> int:
    r"""Return how many examples of the order are open at time t, equation (2).

    Args:
        t: Time ≥ 0; updates or epochs already made.
        total: Time T > 0 at which all are open, in the unit of t.
        n: Number of examples N.
        start: Share :math:`c_0` that is open at first, in (0, 1].
        p: Power p > 0; 1 is linear, 2 is the root.

    Returns:
        :math:`n_t`, from 1 to N; never falls, and stays N from T on.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> [pacing(t, 100, 50) for t in (0, 50, 100, 200)]
        [10, 30, 50, 50]
        >>> pacing(50, 100, 50, p=2)
        37

    References:
        Platanios, Stretcu, Neubig, Poczos, Mitchell (2019), Competence-based
        curriculum learning for neural machine translation, arXiv 1903.09848,
        where c is called competence.
    """
    t, T = check_positive("t", t, zero=True), check_positive("total", total)
    N, p = check_count("n", n), check_positive("p", p)
    c0 = check_range("start", start, 0, 1, open_low=True)
    c = min(1.0, (c0**p + (1 - c0**p) * t / T) ** (1 / p))  # (1)
    # Rounding may lift a share such as 0.2 · 50 above 10 by one last bit.
    return math.ceil(c * N * (1 - 1e-12))  # (2)
