r"""Spoil a known share of the labels, to see what a model does with errors.

A net that fits noisy labels perfectly has learnt each of the wrong ones by
heart; the gap between training and test tells how much that cost. The *number*
of spoilt labels is fixed, :math:`m = \mathrm{round}(\rho N)`, so that runs with
different seeds have the same noise and differ in its place only.
"""

import torch
from jaxtyping import Int
from torch import Tensor

from .._validate import check_count, check_in, check_range
from ._draw import source

__all__ = ["noisy_labels"]


def noisy_labels(
    y: Int[Tensor, " n"],
    rate: float,
    *,
    n_classes: int | None = None,
    kind: str = "other",
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> Int[Tensor, " n"]:
    r"""Replace a share of the labels by random ones.

    .. math::

        m &= \mathrm{round}(\rho N) \qquad (1) \\
        y'_r &= (y_r + j_r) \bmod C \qquad (2)

    for m examples r drawn without replacement, with :math:`j_r` uniform on
    1 … C−1 (*other*) or on 0 … C−1 (*any*).

    Args:
        y: Class indices 0 to C−1.
        rate: Share ρ of labels that are replaced, in [0, 1].
        n_classes: Number of classes C ≥ 2; None takes the largest label + 1.
        kind: ``"other"``: never the true class, so that exactly m labels are
            wrong. ``"any"``: any class, so that on average m(1 − 1/C) are.
        generator: Source of randomness; None makes one from ``seed``.
        seed: Used only without a generator.

    Shape:
        ``[n]`` to the same.

    Returns:
        New labels; those given are left as they were.

    Raises:
        TypeError: If y does not hold integers.
        ValueError: If a label, the rate or the kind is out of its range.

    Example:
        >>> y = torch.arange(10).repeat(20)
        >>> (noisy_labels(y, 0.2) != y).sum().item()
        40

    References:
        Zhang, Bengio, Hardt, Recht, Vinyals (2017), Understanding deep learning
        requires rethinking generalization, arXiv 1611.03530, section 2.
    """
    C = _check_labels(y, n_classes)
    check_in("kind", kind, ("other", "any"))
    draw, n = source(generator, seed, "lbl"), len(y)
    m = round(check_range("rate", rate, 0, 1) * n)  # (1)
    chosen = torch.randperm(n, generator=draw, device=draw.device)[:m].to(y.device)
    least = 1 if kind == "other" else 0
    j = torch.randint(least, C, (m,), generator=draw, device=draw.device)
    spoilt = (y[chosen] + j.to(y.device)) % C  # (2)
    return y.index_put((chosen,), spoilt.to(y.dtype))


def _check_labels(y: Tensor, n_classes: int | None) -> int:
    if y.is_floating_point() or y.dtype == torch.bool or y.ndim != 1 or not len(y):
        raise TypeError(
            f"y: expected integer class indices of shape [n], got {y.dtype} of shape "
            f"{tuple(y.shape)}"
        )
    low, high = int(y.min()), int(y.max())
    C = check_count("n_classes", high + 1 if n_classes is None else n_classes, least=2)
    if low < 0 or high >= C:
        raise ValueError(
            f"y: expected classes 0 to {C - 1}, got {low} to {high}; number the "
            "classes from 0, or pass n_classes"
        )
    return C
