r"""Fill the idle stages of a split model with parts of the batch.

A split model computes on one stage at a time: the next one waits for what it
sends, and S devices are as fast as one. So the batch is cut into M
micro-batches, and while stage 1 works on the second, stage 2 works on the
first. Let stages s and micro-batches m count from 0 and let every piece of
work take one tick. Forward passes start as soon as they can; backward passes
run in the reverse order, the last stage first:

.. math::

    t_{fwd}(s, m) &= s + m \qquad (1) \\
    t_{bwd}(s, m) &= (M+S-1) + (S-1-s) + (M-1-m) \qquad (2)

Filling and draining leave a *bubble*, the share of ticks in which a stage has
nothing to do:

.. math::

    \frac{S-1}{M+S-1} \qquad (3)

With M = 1 it is (S−1)/S: nothing is gained but memory. At M = 4S it is below a
fifth. The gradient is that of the whole batch for any M, as in data
parallelism, unless a layer couples the examples of a batch. The price is
memory: each stage keeps what the backward passes of M micro-batches need.
"""

from typing import NamedTuple

from .._validate import check_count

__all__ = ["Schedule", "Task", "bubble_fraction", "pipeline_schedule"]


class Task(NamedTuple):
    r"""Name a piece of work of one stage.

    Attributes:
        kind: ``"F"``, forward, or ``"B"``, backward.
        micro_batch: Which micro-batch m, from 0.
    """

    kind: str
    micro_batch: int

    def __str__(self) -> str:
        return f"{self.kind}{self.micro_batch}"


class Schedule(NamedTuple):
    r"""Say what every stage does at every tick.

    Attributes:
        ticks: ``ticks[t][s]`` is the task of stage s at tick t, None if idle.
    """

    ticks: tuple[tuple[Task | None, ...], ...]

    @property
    def bubble(self) -> float:
        """The share of idle entries, counted."""
        entries = [task for tick in self.ticks for task in tick]
        return entries.count(None) / len(entries)

    def __str__(self) -> str:
        width = max(len(str(task)) for tick in self.ticks for task in tick if task)
        rows = zip(*self.ticks, strict=True)
        return "\n".join(
            " ".join((str(task) if task else ".").ljust(width) for task in row).rstrip()
            for row in rows
        )


def bubble_fraction(stages: int, micro_batches: int) -> float:
    r"""Return the share of idle time, equation (3).

    Args:
        stages: S ≥ 1.
        micro_batches: M ≥ 1.

    Returns:
        A number in [0, 1).

    Raises:
        ValueError: If a count is below 1.

    Example:
        >>> bubble_fraction(4, 1), bubble_fraction(4, 13)
        (0.75, 0.1875)

    References:
        Huang et al. (2019), GPipe: efficient training of giant neural networks
        using pipeline parallelism, arXiv 1811.06965, section 2.3.
    """
    S, M = check_count("stages", stages), check_count("micro_batches", micro_batches)
    return (S - 1) / (M + S - 1)  # (3)


def pipeline_schedule(stages: int, micro_batches: int) -> Schedule:
    r"""Lay out GPipe's order of work by equations (1) and (2).

    Args:
        stages: S ≥ 1.
        micro_batches: M ≥ 1.

    Returns:
        The schedule; ``print`` shows a row a stage.

    Raises:
        ValueError: If a count is below 1.

    Example:
        >>> print(pipeline_schedule(stages=2, micro_batches=3))
        F0 F1 F2 .  .  B2 B1 B0
        .  F0 F1 F2 B2 B1 B0 .

    Notes:
        A backward pass takes about twice the time of a forward pass. That
        stretches the right half and leaves the bubble's share as it is.

    References:
        Huang et al. (2019), GPipe, arXiv 1811.06965, figure 2.
    """
    S, M = check_count("stages", stages), check_count("micro_batches", micro_batches)
    table: list[list[Task | None]] = [[None] * S for _ in range(2 * (M + S - 1))]
    for s in range(S):
        for m in range(M):
            forward = s + m  # (1)
            backward = (M + S - 1) + (S - 1 - s) + (M - 1 - m)  # (2)
            table[forward][s] = Task("F", m)
            table[backward][s] = Task("B", m)
    return Schedule(tuple(tuple(tick) for tick in table))
