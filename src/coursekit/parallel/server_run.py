r"""Run simulated workers of different speeds against a parameter server.

Each worker pulls, works for

.. math::

    d &= m_k\,(1 + c\,e), \qquad e \sim \mathrm{Exp}(1) \qquad (1)

seconds, where :math:`m_k` is its own least time and c the jitter that all
share, pushes, and pulls again as soon as the server lets it. Time is simulated:
events are taken in the order of their times, ties by the worker's number, so a
seed fixes the whole run, and so does its staleness. With c > 0 a round of P
synchronous workers lasts :math:`m\,(1 + c\,H_P)` on average, where
:math:`H_P = 1 + \tfrac12 + \dots + \tfrac1P` grows like ln P: the slowest of
many is slow.
"""

import heapq
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .._validate import check_count, check_positive
from ..device import generator
from .parameter_server import ParameterServer
from .shards import Gradients

__all__ = ["ServerRun", "run_workers"]

Gradient = Callable[[dict[str, Tensor], int, int], Gradients]


class ServerRun(NamedTuple):
    r"""Hold what happened.

    Attributes:
        path: Parameters after each update, the start first.
        seconds: Simulated time of each update, 0 for the start.
        staleness: :math:`\tau_s` of each gradient that was used.
        dropped: How many were not.
    """

    path: list[dict[str, Tensor]]
    seconds: list[float]
    staleness: list[int]
    dropped: int


def run_workers(
    server: ParameterServer,
    gradient: Gradient,
    updates: int,
    *,
    speeds: Sequence[float] | None = None,
    jitter: float = 0.0,
    seed: int = 0,
) -> ServerRun:
    r"""Let the workers run until the server has made ``updates`` updates more.

    Args:
        server: A fresh parameter server; it is left in its final state.
        gradient: ``gradient(params, worker, k)`` returns the gradient by name
            that a worker computes the k-th time, k = 0, 1, …
        updates: How many, ≥ 0.
        speeds: Least seconds :math:`m_k` > 0 a gradient, one a worker; None is
            1 for all.
        jitter: c ≥ 0.
        seed: Fixes the jitter.

    Returns:
        The path, its times, and the staleness.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> from coursekit.optim import gd
        >>> start = {"w": torch.tensor([1.0])}
        >>> server = ParameterServer(start, gd, workers=3, mode="async", lr=0.1)
        >>> run = run_workers(server, lambda params, worker, k: params, updates=7)
        >>> run.staleness
        [0, 1, 2, 2, 2, 2, 2]
        >>> run.seconds[-1]
        3.0

    References:
        Chen, Pan, Monga, Bengio, Jozefowicz (2016), Revisiting distributed
        synchronous SGD, arXiv 1604.00981, sections 2 and 3.
    """
    clock = _Clock(server, speeds, jitter, seed)
    end = server.version + check_count("updates", updates, least=0)
    first, tries = len(server.log), [0] * server.workers
    run = ServerRun([dict(server.params)], [0.0], [], 0)
    clock.go_on(0.0)
    while server.version < end:
        now, k = heapq.heappop(clock.events)
        before = server.version
        server.push(k, gradient(clock.held[k], k, tries[k]))
        tries[k] += 1
        if server.version > before:
            run.path.append(dict(server.params))
            run.seconds.append(now)
        clock.idle.append(k)
        clock.go_on(now)
    pushes = server.log[first:]
    stale = [push.staleness for push in pushes if push.used]
    return run._replace(staleness=stale, dropped=len(pushes) - len(stale))


class _Clock:
    """What each worker holds, and when it will be done."""

    def __init__(
        self,
        server: ParameterServer,
        speeds: Sequence[float] | None,
        jitter: float,
        seed: int,
    ) -> None:
        P = server.workers
        m = [1.0] * P if speeds is None else list(speeds)
        if len(m) != P:
            raise ValueError(f"speeds: expected one for each of {P} workers, got {m}")
        self.m = [check_positive("speeds", m_k) for m_k in m]
        self.c, self.rng = check_positive("jitter", jitter, zero=True), generator(seed)
        self.server, self.idle = server, list(range(P))
        self.held: dict[int, dict[str, Tensor]] = {}
        self.events: list[tuple[float, int]] = []

    def go_on(self, now: float) -> None:
        """Let every worker start that need not wait for its round to end."""
        for k in sorted(filter(self.server.may_pull, self.idle)):
            self.idle.remove(k)
            self.held[k] = self.server.pull(k)
            e = torch.empty((), dtype=torch.float64)
            e = e.exponential_(generator=self.rng).item()
            d = self.m[k] * (1 + self.c * e)  # (1)
            heapq.heappush(self.events, (now + d, k))
