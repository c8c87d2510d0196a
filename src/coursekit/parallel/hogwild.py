r"""Race on real shared memory: Hogwild with processes and without locks.

Every worker k of P owns a share of the examples, not of the parameters. For
one example with the non-zero features J it does

.. math::

    e &= x_J^\top \theta_J - y \qquad (1) \\
    \theta_J &\leftarrow \theta_J - \eta\, e\, x_J \qquad (2)

on one array :math:`\theta` that all share. Between the reading in (1) and the
writing in (2) another worker may write to the same coordinate, and its update
is lost; if examples share few coordinates this is rare, and the loss of a few
updates is cheaper than a lock for each. Runs are not repeatable: the order of
the writes is whatever it was.

The gradient of a sparse example is a handful of numbers. A call to torch costs
more than the arithmetic, and it would hide any speed-up; so the inner loop sees
the shared tensors through NumPy.
"""

import time
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count, check_positive
from ..device import generator
from .processes import run_processes, worker_context

__all__ = ["Hogwild", "SparseRows", "hogwild"]


class SparseRows(NamedTuple):
    r"""Hold examples by their non-zero features, the same number in each.

    Attributes:
        where: Columns J of each row, none twice in a row.
        values: The features there.
        d: Number of columns.
    """

    where: Int[Tensor, "n nonzeros"]
    values: Float[Tensor, "n nonzeros"]
    d: int

    @classmethod
    def of(cls, x: Float[Tensor, "n d"]) -> "SparseRows":
        r"""Find the non-zero features of a dense matrix.

        Args:
            x: Features; rows with fewer non-zeros than others keep some zeros.

        Returns:
            The same examples.

        Raises:
            ValueError: If x is no matrix or is empty.

        Example:
            >>> SparseRows.of(torch.tensor([[0.0, 2.0], [3.0, 0.0]])).where.tolist()
            [[1], [0]]
        """
        if x.ndim != 2 or not x.numel():
            raise ValueError(f"x: expected [examples, features], got {tuple(x.shape)}")
        nonzeros = max(1, int((x != 0).sum(1).max()))
        where = (x != 0).to(torch.int8).argsort(stable=True, dim=1, descending=True)
        where = where[:, :nonzeros].sort(1).values
        return cls(where, x.gather(1, where), x.shape[1])


class Hogwild(NamedTuple):
    r"""Hold the result of a race.

    Attributes:
        theta: The parameters at the end.
        seconds: From the common start to the last worker's end; starting the
            processes is not part of it.
    """

    theta: Tensor
    seconds: float


def hogwild(
    x: SparseRows | Float[Tensor, "n d"],
    y: Float[Tensor, " n"],
    workers: int,
    *,
    lr: float = 0.5,
    gradients: int = 12_000,
    seed: int = 0,
    timeout: float = 120.0,
) -> Hogwild:
    r"""Fit a linear regression with P processes that write to one array.

    Args:
        x: Features, on the CPU.
        y: Targets.
        workers: P ≥ 1; with 1 it is plain SGD.
        lr: Learning rate η ≥ 0.
        gradients: How many all workers make together; worker k takes every
            P-th of the order.
        seed: Fixes the order of the examples.
        timeout: Seconds > 0 after which the race is given up.

    Shape:
        x ``[n, d]``, y ``[n]``, theta ``[d]``.

    Returns:
        The parameters, from zero at the start, and the time.

    Raises:
        ValueError: If an argument is out of its range or shapes do not fit.
        WorkerLost: If a worker died or took too long.

    Example:
        >>> from coursekit.parallel import sparse_regression
        >>> data = sparse_regression(200, 50, nonzeros=2)
        >>> race = hogwild(data.x, data.y, workers=2, gradients=4000)
        >>> bool((race.theta - data.theta).abs().max() < 0.5)
        True

    Notes:
        Scripts that are started as a file need the usual guard, ``if __name__
        == "__main__":``; notebooks do not.

    References:
        Niu, Recht, Ré, Wright (2011), Hogwild, arXiv 1106.5730, algorithm 1.
    """
    rows = x if isinstance(x, SparseRows) else SparseRows.of(x)
    P, eta = check_count("workers", workers), check_positive("lr", lr, zero=True)
    if y.shape != (len(rows.values),):
        raise ValueError(
            f"y: expected one target for each of {len(rows.values)} rows, got shape "
            f"{tuple(y.shape)}"
        )
    total = check_count("gradients", gradients, least=0)
    order = torch.randint(len(y), (total,), generator=generator(seed))
    theta = torch.zeros(rows.d, dtype=rows.values.dtype).share_memory_()
    fixed = [t.detach().clone().share_memory_() for t in (*rows[:2], y, order)]
    start = worker_context().Barrier(P)
    shared = [theta, *fixed, P, eta, start, timeout]
    times = run_processes(_race, P, shared, timeout=timeout)
    seconds = max(end for _, end in times) - min(begin for begin, _ in times)
    return Hogwild(theta.clone(), seconds)


def _race(rank: int, *shared: Any) -> tuple[float, float]:
    *tensors, P, eta, start, timeout = shared
    theta, where, values, y, order = (tensor.numpy() for tensor in tensors)
    start.wait(timeout)
    begin = time.monotonic()
    for r in order[rank::P].tolist():
        J, x_J = where[r], values[r]
        e = x_J @ theta[J] - y[r]  # (1)
        theta[J] -= eta * e * x_J  # (2)
    return begin, time.monotonic()
