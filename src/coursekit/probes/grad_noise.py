r"""Measure how far the gradient of a mini-batch strays from the full one.

With the gradients :math:`g_r` of the N examples:

.. math::

    g &= \frac1N \sum_r g_r \qquad (1) \\
    \mathrm{tr}\,\Sigma &= \frac1N \sum_r \|g_r - g\|^2 \qquad (2) \\
    V &= \frac{\mathrm{tr}\,\Sigma}{B}
    \quad \text{with replacement} \qquad (3) \\
    V &= \frac{\mathrm{tr}\,\Sigma}{B}\, \frac{N-B}{N-1}
    \quad \text{without} \qquad (4) \\
    \hat V &= \frac1n \sum_{k=1}^n \|g_{B_k} - g\|^2 \qquad (5) \\
    B_{simple} &= \mathrm{tr}\,\Sigma / \|g\|^2 \qquad (6)

The expected squared distance V between the gradient of a batch of B examples
and the full one falls like 1/B, so the distance itself only like
:math:`1/\sqrt B`: four times the work for half the noise. Drawn without
replacement, as in an epoch, the batch B = N has no noise at all. At
:math:`B = B_{simple}` noise and gradient are of one size; far below it a
larger batch saves updates in proportion, far above it hardly any.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .._validate import check_count
from ..device import generator as make_generator
from .per_example import check_examples, per_example_grads
from .quiet import Loss, flat, quiet_gradients

__all__ = ["GradNoise", "grad_noise"]


class GradNoise(NamedTuple):
    r"""Hold the noise of a batch gradient, exact and as it was sampled.

    Attributes:
        exact: V of (3) or (4), in (loss/parameter)².
        sampled: :math:`\hat V` of (5), from gradients of drawn batches; NaN
            where none was drawn.
        trace: :math:`\mathrm{tr}\,\Sigma`, the V of one example.
        grad_norm: :math:`\|g\|` of the full gradient.
        noise_scale: :math:`B_{simple}`, in examples; infinite where g = 0.
    """

    exact: float
    sampled: float
    trace: float
    grad_norm: float
    noise_scale: float


def grad_noise(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    batch_size: int,
    n_draws: int = 500,
    loss: Loss = cross_entropy,
    *,
    replacement: bool = True,
    seed: int = 0,
) -> GradNoise:
    r"""Return the variance of the gradient of a batch around the full gradient.

    Args:
        model: Any module whose examples do not influence each other: with
            batch norm call ``model.eval()`` first.
        x: All N inputs, batch first.
        y: All N targets.
        batch_size: B ≥ 1; at most N without replacement.
        n_draws: Batches n ≥ 0 for :math:`\hat V`; 0 leaves it out.
        loss: ``loss(model(x), y)``, the *mean* over the batch.
        replacement: Whether an example may come twice in a batch.
        seed: Decides which batches are drawn.

    Returns:
        Exact and sampled variance (the trace of the covariance matrix), and
        the noise scale.

    Raises:
        ValueError: If a number is out of its range, the model couples its
            examples, or the loss is not the mean of the examples' losses.
        TypeError: If a number is not whole.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)  # g_r = x_r
        >>> x = torch.tensor([[1.0], [2.0], [3.0]])
        >>> noise = grad_noise(model, x, x, 2, 0, lambda o, y: o.mean())
        >>> round(noise.trace, 3), round(noise.exact, 3)
        (0.667, 0.333)
        >>> noise = grad_noise(
        ...     model, x, x, 2, 0, lambda o, y: o.mean(), replacement=False)
        >>> round(noise.exact, 3)  # the pairs have the means 1.5, 2 and 2.5
        0.167

    References:
        Bottou, Curtis, Nocedal (2018), Optimization methods for large-scale
        machine learning, SIAM Review 60(2), arXiv 1606.04838, § 4.2.
        McCandlish, Kaplan, Amodei et al. (2018), An empirical model of
        large-batch training, arXiv 1812.06162, eq. 2.9 for (6).
    """
    check_examples(x, y)
    N, B = len(x), check_count("batch_size", batch_size)
    if not replacement and B > N:
        raise ValueError(
            f"batch_size: expected at most {N} without replacement, got {B}; "
            "draw with replacement or hand in more examples"
        )
    n = check_count("n_draws", n_draws, least=0)
    g = flat(quiet_gradients(model, x, y, loss)[1])
    trace = _trace(model, x, y, loss, g)
    V = trace / B  # (3)
    if not replacement:
        V = V * (N - B) / max(N - 1, 1)  # (4)
    draw = make_generator(seed)
    squares = 0.0
    for _ in range(n):
        batch = _batch(N, B, replacement, draw).to(x.device)
        g_B = flat(quiet_gradients(model, x[batch], y[batch], loss)[1])
        squares += (g_B - g).square().sum().item()
    sampled = squares / n if n else float("nan")  # (5)
    square = g.square().sum().item()
    noise_scale = trace / square if square else float("inf")  # (6)
    return GradNoise(V, sampled, trace, square**0.5, noise_scale)


def _trace(model: nn.Module, x: Tensor, y: Tensor, loss: Loss, g: Tensor) -> float:
    total, squares, eps = torch.zeros_like(g), 0.0, 0.0
    for rows in per_example_grads(model, x, y, loss):
        eps = torch.finfo(rows.dtype).eps
        total += rows.double().sum(0)
        squares += (rows.double() - g).square().sum().item()
    mean, trace = total / len(x), squares / len(x)  # (1), (2)
    if (mean - g).norm() > eps**0.5 * (g.norm() + trace**0.5):
        raise ValueError(
            f"loss: expected the mean over examples that do not influence each other, "
            f"got a batch gradient of norm {g.norm():.3g} where the mean of theirs has "
            f"{mean.norm():.3g}; take reduction='mean'"
        )
    return trace


def _batch(N: int, B: int, replacement: bool, draw: torch.Generator) -> Tensor:
    if replacement:
        return torch.randint(N, (B,), generator=draw)
    return torch.randperm(N, generator=draw)[:B]
