r"""Build the data on which adaptive methods are provably no better than a guess.

One feature tells the class, two are always 1, and every training example has
features that no other example has: one if it is positive, five if negative.

.. math::

    x_{r,1} &= y_r \qquad (1) \\
    x_{r,2} &= x_{r,3} = 1 \qquad (2) \\
    x_{r,j} &= 1 \quad\text{for } j = 4 + 5(r-1), \dots,
    4 + 5(r-1) + 2(1 - y_r) \qquad (3)

and 0 elsewhere, in d = 3 + 5n dimensions. A new example has its own features in
dimensions that were never trained, so only (1) and (2) speak for it. Least
squares fits the training data exactly in many ways. Gradient descent from 0 finds
the solution of least norm, which gives feature 1 the larger weight. AdaGrad,
RMSProp and Adam give all features weights of the *same size*, with the signs of
:math:`X^T y`, which for features 2 and 3 is that of the majority; then
:math:`w_2 + w_3` outvotes :math:`w_1 y`, and every new example is called
positive. The construction is exact and far-fetched: it shows that a gap
is possible, not that it is usual.
"""

import torch
from torch import Tensor

from .._validate import check_count, check_range
from ._draw import source
from .digits import Split

__all__ = ["wilson"]


def wilson(
    n_train: int = 60,
    n_test: int = 100,
    *,
    positive: float = 0.6,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Split:
    r"""Return examples of equations (1) to (3) with targets −1 and +1.

    Args:
        n_train: Number n of training examples, at least 2.
        n_test: Number of test examples.
        positive: Share of the positive class, in (0.5, 1), in both parts; it is
            the accuracy of calling every example positive.
        seed: Decides the order of the classes.
        dtype: Floating-point type of the inputs.
        device: Where the tensors are put; None means the CPU.

    Shape:
        ``x_train [n_train, 3 + 5 n_train]``, ``y_train [n_train]`` (int64),
        the same for the test part.

    Returns:
        The split; a model is linear without bias, fitted by the squared error.

    Raises:
        ValueError: If an argument is out of its range, or a training part so
            small lacks a class.

    Example:
        >>> split = wilson(5)
        >>> split.x_train.shape, int(split.y_train.sum())
        (torch.Size([5, 28]), 1)
        >>> w = torch.linalg.pinv(split.x_train) @ split.y_train.float()
        >>> bool((split.x_test @ w * split.y_test > 0).all())
        True

    Notes:
        The paper draws classes with probability p; here their numbers are
        rounded shares, so that the majority share is exact. Features of test
        examples that belong to new dimensions are left out: a weight that
        starts at 0 and is never trained multiplies them.

    References:
        Wilson, Roelofs, Stern, Srebro, Recht (2017), The marginal value of
        adaptive gradient methods in machine learning, arXiv 1705.08292,
        section 3.3.
    """
    n, m = check_count("n_train", n_train, least=2), check_count("n_test", n_test)
    share = check_range("positive", positive, 0.5, 1, open_low=True, open_high=True)
    draw = source(None, seed, "wils")
    y, y_test = _classes(n, share, draw), _classes(m, share, draw)
    if abs(int(y.sum())) == n:
        raise ValueError(
            f"n_train: expected enough examples for both classes, got {n} with a "
            f"share of {share}; take more"
        )
    width = 3 + 5 * n
    x = torch.cat((_common(y, width), _common(y_test, width)))
    for r in range(1, n + 1):
        start = 4 + 5 * (r - 1)
        stop = start + 2 * (1 - int(y[r - 1]))
        x[r - 1, start - 1 : stop] = 1  # (3)
    x = x.to(device, dtype)
    return Split(x[:n], y.to(device), x[n:], y_test.to(device))


def _classes(n: int, share: float, draw: torch.Generator) -> Tensor:
    y = torch.where(torch.arange(n) < round(share * n), 1, -1)
    return y[torch.randperm(n, generator=draw)]


def _common(y: Tensor, width: int) -> Tensor:
    x = torch.zeros(len(y), width, dtype=torch.float64)
    x[:, 0] = y  # (1)
    x[:, 1:3] = 1  # (2)
    return x
