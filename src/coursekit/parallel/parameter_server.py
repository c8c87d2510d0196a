r"""Keep the parameters in one place, which workers read and send gradients to.

A worker k pulls the parameters, computes a gradient on its examples and pushes
it. In the meantime others may have pushed. The *staleness* of a gradient is
the number of updates since its worker pulled,

.. math::

    \tau_s &= t - t_k \qquad (1)

where t counts the updates made and :math:`t_k` those at the pull.

*Synchronous.* The server waits until P − b of the P workers have pushed, and
makes one update with the mean:

.. math::

    g &= \frac{1}{P-b} \sum_{k\ \text{in time}} g_k \qquad (2) \\
    \Delta_t, s_t &= \mathrm{update}(g, s_{t-1}, \theta_{t-1}, t) \qquad (3) \\
    \theta_t &= \theta_{t-1} - \Delta_t \qquad (4)

This is SGD on a larger batch, with staleness 0: a gradient that comes after
its round is dropped. With b = 0 a round lasts as long as the slowest worker;
b *backup workers* buy the time of the stragglers for b gradients a round.

*Asynchronous.* The server updates at once, :math:`g = g_k` in (3), and nobody
waits. The gradient is of parameters that are :math:`\tau_s` updates old: with
P equal workers :math:`\tau_s = P - 1`, and the largest stable rate falls about
as 1/P (``largest_stable_lr``). Dense models are usually trained synchronously;
it is not that they cannot be trained the other way, but that the smaller rate
costs more than the waiting.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from .._validate import check_count, check_in
from ..optim.rule import Rule, State
from .shards import Gradients, sum_of

__all__ = ["ParameterServer", "Push"]

MODES = ("sync", "async")


class Push(NamedTuple):
    r"""Record one gradient that reached the server.

    Attributes:
        worker: Who sent it.
        read: The version of the parameters at which it was computed.
        staleness: :math:`\tau_s`, the updates made since then.
        used: Whether it entered an update; otherwise it was dropped.
    """

    worker: int
    read: int
    staleness: int
    used: bool


class ParameterServer:
    r"""Update parameters by any optimizer rule from what workers push.

    Args:
        params: Name → initial value; the tensors themselves are not changed.
        rule: A rule of ``coursekit.optim``, e.g. ``sgd`` or ``adam``.
        workers: P ≥ 1.
        mode: ``"sync"`` or ``"async"``.
        backup: b, workers that a synchronous round does not wait for.
        max_staleness: Older gradients are dropped; None takes all.
        **hyper: Hyperparameters of the rule, e.g. ``lr=0.1``.

    Attributes:
        params: The parameters by name; new tensors after every update.
        version: Number t of updates made.
        log: A ``Push`` a gradient, in the order of arrival.

    Raises:
        ValueError: If an argument is out of its range.
        TypeError: If the rule looks at all parameters as one vector and there
            is more than one.

    Example:
        >>> import torch
        >>> from coursekit.optim import gd
        >>> start = {"w": torch.tensor([1.0])}
        >>> server = ParameterServer(start, gd, workers=2, mode="async", lr=0.5)
        >>> first, second = server.pull(0), server.pull(1)
        >>> server.push(0, first), server.push(1, second)  # loss w²/2: g = w
        (True, True)
        >>> server.params["w"], [push.staleness for push in server.log]
        (tensor([0.]), [0, 1])

    References:
        Li et al. (2014), Scaling distributed machine learning with the
        parameter server, OSDI.
        Chen, Pan, Monga, Bengio, Jozefowicz (2016), Revisiting distributed
        synchronous SGD, arXiv 1604.00981, algorithms 1 to 4.
    """

    def __init__(
        self,
        params: Mapping[str, Tensor],
        rule: Rule,
        *,
        workers: int,
        mode: str = "sync",
        backup: int = 0,
        max_staleness: int | None = None,
        **hyper: Any,
    ) -> None:
        check_in("mode", mode, MODES)
        rule.check(**hyper)
        self.workers = check_count("workers", workers)
        self.backup = check_count("backup", backup, least=0)
        if self.backup and (mode == "async" or self.backup >= self.workers):
            raise ValueError(
                f"backup: expected 0 in mode 'async' and fewer than {workers} workers "
                f"in mode 'sync', got {backup} in mode {mode!r}"
            )
        if max_staleness is not None:
            check_count("max_staleness", max_staleness, least=0)
        if not params or (rule.scope == "group" and len(params) > 1):
            raise TypeError(
                f"params: expected {'one vector' if params else 'parameters'} for the "
                f"rule {rule.name}, got {len(params)} tensors"
            )
        self.mode, self.rule, self.hyper = mode, rule, hyper
        self.max_staleness = max_staleness
        self.params = {n: p.detach().clone() for n, p in params.items()}
        self.states: dict[str, State] = {
            n: rule.init(p) for n, p in self.params.items()
        }
        self.version, self.log = 0, list[Push]()
        self._read: dict[int, int] = {}
        self._round: dict[int, Gradients] = {}

    def pull(self, worker: int) -> dict[str, Tensor]:
        r"""Return the parameters to a worker and remember which version it has.

        Args:
            worker: Its number, 0 to P − 1.

        Returns:
            Name → value. The server never changes these tensors, so they stay
            the snapshot that they are.

        Raises:
            ValueError: If there is no such worker.
        """
        if not 0 <= check_count("worker", worker, least=0) < self.workers:
            raise ValueError(
                f"worker: expected a number from 0 to {self.workers - 1}, got {worker}"
            )
        self._read[worker] = self.version
        return dict(self.params)

    def push(self, worker: int, grads: Gradients) -> bool:
        r"""Take a gradient, and update if it is time.

        Args:
            worker: Who sends it; it must have pulled since its last push.
            grads: Gradient of each parameter, by name.

        Returns:
            Whether it is used. In mode ``"sync"`` a worker that pushed in time
            has to wait for the round to end: ``may_pull`` says when.

        Raises:
            ValueError: If the worker has not pulled, or a name or a shape is
                not that of the parameters.
        """
        if worker not in self._read:
            raise ValueError(f"worker: {worker} pushes without having pulled before")
        _check_like(grads, self.params)
        read = self._read.pop(worker)
        staleness = self.version - read  # (1)
        limit = 0 if self.mode == "sync" else self.max_staleness
        used = limit is None or staleness <= limit
        self.log.append(Push(worker, read, staleness, used))
        if used:
            self._round[worker] = grads
            if len(self._round) == self._enough:
                self._update()
        return used

    def may_pull(self, worker: int) -> bool:
        r"""Say whether a worker may go on, or has to wait for the round to end.

        Args:
            worker: Its number.

        Returns:
            False while its gradient waits for those of the others.
        """
        return worker not in self._round

    @property
    def _enough(self) -> int:
        return 1 if self.mode == "async" else self.workers - self.backup

    def _update(self) -> None:
        # by number, not by arrival: the sum must not hang on who was faster
        workers = sorted(self._round)
        for name, theta in self.params.items():
            g = sum_of(self._round[k][name] for k in workers) / len(workers)  # (2)
            t, state = self.version + 1, self.states[name]
            delta, self.states[name] = self.rule.update(
                g, state, theta, t, **self.hyper
            )  # (3)
            self.params[name] = theta - delta  # (4)
        self._round.clear()
        self.version += 1


def _check_like(grads: Gradients, params: Mapping[str, Tensor]) -> None:
    shapes = {name: tuple(p.shape) for name, p in params.items()}
    got = {name: tuple(g.shape) for name, g in grads.items()}
    if got != shapes:
        raise ValueError(f"grads: expected the shapes {shapes}, got {got}")
