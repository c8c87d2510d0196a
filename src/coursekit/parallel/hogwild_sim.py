r"""Let workers write to shared parameters without waiting for each other.

Hogwild removes the lock: every worker reads the parameters, computes the
gradient of one example and subtracts it, whatever the others do meanwhile. The
simulation makes the effect exact and repeatable. In a round, P workers read one
snapshot; each draws an example of a linear regression; all P updates are
applied, P − 1 of them late:

.. math::

    e_k &= x_k^\top \theta_t - y_k \qquad (1) \\
    \theta_{t+1} &= \theta_t - \eta \sum_{k=1}^P e_k\, x_k \qquad (2)

On average the error is multiplied by :math:`I - \eta P\, \Sigma` with
:math:`\Sigma = \mathrm{mean}\, x x^\top`, so a round diverges when

.. math::

    \eta\, P\, \omega > 2, \qquad
    \omega = \lambda_{max}(\Sigma) \qquad (3)

ω, the *overlap*, is how much an update for one example changes the prediction
for the others. For :math:`\|x\| = 1` it lies between 1/d and 1. Sparse
examples that share few coordinates have a small one: the late updates fall on
different coordinates and are as good as fresh. Dense examples with a common
direction (features that are not negative) have ω near 1, and the P updates add
up to one step of P times the length. Dense examples in all directions alike
have ω = 1/d again: it is overlap that counts, not zeros.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_count, check_positive
from ..device import generator

__all__ = ["HogwildRun", "Regression", "hogwild_sim", "overlap", "sparse_regression"]


class Regression(NamedTuple):
    r"""Hold a linear regression without noise.

    Attributes:
        x: Features, each row of length 1.
        y: Targets :math:`x^\top \theta^*`.
        theta: The solution :math:`\theta^*`.
    """

    x: Tensor
    y: Tensor
    theta: Tensor


class HogwildRun(NamedTuple):
    r"""Hold the result of a run.

    Attributes:
        theta: The parameters at the end.
        gradients: Numbers of gradients at which the error was measured, 0
            first.
        error: Relative error :math:`\sum (x^\top\theta - y)^2 / \sum y^2` over
            all examples, at those numbers.
    """

    theta: Tensor
    gradients: list[int]
    error: list[float]


def sparse_regression(
    n: int = 2000,
    d: int = 500,
    nonzeros: int = 5,
    *,
    seed: int = 0,
    centred: bool = False,
) -> Regression:
    r"""Draw examples with few non-zero features.

    Args:
        n: Number of examples.
        d: Number of features.
        nonzeros: How many of them are not zero in an example; d is dense.
        seed: Fixes the draw.
        centred: Whether features have either sign; otherwise none is negative.

    Shape:
        x ``[n, d]``, y ``[n]``, theta ``[d]``, float64.

    Returns:
        The examples and their exact solution.

    Raises:
        ValueError: If a count is out of its range.

    Example:
        >>> data = sparse_regression(n=10, d=8, nonzeros=2)
        >>> int((data.x != 0).sum()), data.x.square().sum(1).allclose(data.y**0)
        (20, True)
    """
    n, d = check_count("n", n), check_count("d", d)
    if check_count("nonzeros", nonzeros) > d:
        raise ValueError(f"nonzeros: expected at most d = {d}, got {nonzeros}")
    rng, double = generator(seed), torch.float64
    values = torch.randn(n, nonzeros, generator=rng, dtype=double)
    values = values if centred else values.abs()
    where = torch.rand(n, d, generator=rng, dtype=double).argsort(1)[:, :nonzeros]
    x = torch.zeros(n, d, dtype=double).scatter_(1, where, values)
    x = x / x.norm(dim=1, keepdim=True)
    theta = torch.randn(d, generator=rng, dtype=double)
    return Regression(x, x @ theta, theta)


def overlap(x: Float[Tensor, "n d"]) -> float:
    r"""Return ω of equation (3).

    Args:
        x: Features.

    Shape:
        ``[n, d]``.

    Returns:
        The largest eigenvalue of the mean of :math:`x x^\top`.

    Raises:
        ValueError: If there is no example.

    Example:
        >>> overlap(torch.eye(4)), overlap(torch.ones(4, 4) / 2)
        (0.25, 1.0)

    References:
        Niu, Recht, Ré, Wright (2011), Hogwild, arXiv 1106.5730, section 2,
        measures overlap by counting: Ω, Δ and ρ of equation (2.6) there.
    """
    if x.ndim != 2 or not x.numel():
        raise ValueError(f"x: expected [examples, features], got {tuple(x.shape)}")
    gram = x.mT @ x if x.shape[0] >= x.shape[1] else x @ x.mT
    return torch.linalg.eigvalsh(gram / len(x))[-1].item()  # (3)


def hogwild_sim(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, " n"],
    workers: int,
    *,
    lr: float = 0.5,
    gradients: int = 12_000,
    seed: int = 0,
    records: int = 100,
) -> HogwildRun:
    r"""Run rounds of P workers with one stale snapshot, equations (1) and (2).

    Args:
        x: Features.
        y: Targets.
        workers: P ≥ 1; with 1 it is plain SGD with batches of one example.
        lr: Learning rate η ≥ 0.
        gradients: How many in all; ⌊gradients/P⌋ rounds are run.
        seed: Fixes the order of the examples, the same for every P.
        records: How often the error is measured, at even distances and at the
            end.

    Shape:
        x ``[n, d]``, y ``[n]``, theta ``[d]``.

    Returns:
        The last parameters, from zero at the start, and the error by time; that
        of a run that diverges ends infinite or NaN.

    Raises:
        ValueError: If an argument is out of its range or shapes do not fit.

    Example:
        >>> sparse = sparse_regression(200, 50, nonzeros=2)
        >>> dense = sparse_regression(200, 50, nonzeros=50)
        >>> round(0.5 * 8 * overlap(sparse.x), 1), round(0.5 * 8 * overlap(dense.x), 1)
        (0.2, 2.6)
        >>> for data in (sparse, dense):
        ...     run = hogwild_sim(data.x, data.y, 8, gradients=2000)
        ...     print(run.error[-1] < 0.01)
        True
        False

    Notes:
        Real workers have no rounds: ``coursekit.parallel.hogwild`` runs them.

    References:
        Niu, Recht, Ré, Wright (2011), Hogwild: a lock-free approach to
        parallelizing stochastic gradient descent, arXiv 1106.5730.
    """
    P, eta = check_count("workers", workers), check_positive("lr", lr, zero=True)
    if x.ndim != 2 or not x.numel() or y.shape != x.shape[:1]:
        raise ValueError(
            f"x, y: expected [n, d] and [n], got {tuple(x.shape)}, {tuple(y.shape)}"
        )
    rounds = check_count("gradients", gradients, least=0) // P
    every = max(1, rounds // check_count("records", records))
    drawn = torch.randint(len(x), (rounds * P,), generator=generator(seed))
    theta, size = x.new_zeros(x.shape[1]), y.square().sum()
    run = HogwildRun(theta, [0], [1.0])
    for t, k in enumerate(drawn.to(x.device).split(P), 1):
        e = x[k] @ theta - y[k]  # (1)
        theta = theta - eta * (e @ x[k])  # (2)
        if t % every == 0 or t == rounds:
            run.gradients.append(t * P)
            run.error.append(((x @ theta - y).square().sum() / size).item())
    return run._replace(theta=theta)
