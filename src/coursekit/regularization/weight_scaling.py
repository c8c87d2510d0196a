r"""Compare the average of all thinned nets with the one net that stands for it.

With n units that are each kept or dropped, dropout trains :math:`2^n` nets that
share their weights, and every forward pass picks one. Prediction should
average them all. With the masks r, their probabilities and the softmax of the
thinned net,

.. math::

    w_r &= \textstyle\prod_j q^{r_j} (1-q)^{1-r_j} \qquad (1) \\
    \ln p_r &= \ln \mathrm{softmax}\, o(r \odot h) \qquad (2) \\
    \bar p &= \textstyle\sum_r w_r\, p_r \quad\text{(arithmetic)} \qquad (3) \\
    \tilde p &= \mathrm{softmax} \textstyle\sum_r w_r \ln p_r
    \quad\text{(geometric)} \qquad (4)

*Weight scaling* replaces the :math:`2^n` passes by one, of the whole net with
its activations shrunk by q:

.. math::

    \hat p &= \mathrm{softmax}\, o(q\, h) \qquad (5)

If the logits o are an *affine* function of the dropped h, (5) is equal to (4):
the mean of affine functions is the function of the mean, and what the softmax
divides by does not depend on the class. A nonlinearity between the dropped
units and the logits breaks the equality, and (5) is then an approximation that
is found to work.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from .._validate import check_in, check_range

__all__ = ["ensemble_average", "weight_scaling"]

MOST_UNITS = 16


def ensemble_average(
    logits: Callable[[Tensor], Tensor],
    h: Float[Tensor, "*batch n"],
    p: float = 0.5,
    *,
    mean: str = "geometric",
) -> Float[Tensor, "*batch classes"]:
    r"""Average the predictions of all thinned nets, each by its probability.

    Args:
        logits: The rest of the net: maps ``[*, n]`` to logits ``[*, classes]``.
        h: Activations of the units that may be dropped; n ≤ 16.
        p: :math:`p_{drop}` in [0, 1].
        mean: ``"geometric"`` (4) or ``"arithmetic"`` (3).

    Shape:
        ``[*batch, n]`` to ``[*batch, classes]``.

    Returns:
        :math:`\tilde p` or :math:`\bar p`.

    Raises:
        ValueError: If there are too many units, or an argument is out of its
            range.

    Example:
        >>> def logits(h):
        ...     return torch.stack([h.sum(-1), 0 * h.sum(-1)], -1)
        >>> ensemble_average(logits, torch.tensor([2.0, 2.0]))
        tensor([0.8808, 0.1192])
        >>> weight_scaling(logits, torch.tensor([2.0, 2.0]))
        tensor([0.8808, 0.1192])

    Notes:
        The masks are the standard ones, (2) of ``dropout``. With inverted
        dropout the average is the same for h / q.

    References:
        Hinton et al. (2012), Improving neural networks by preventing
        co-adaptation of feature detectors, arXiv 1207.0580, page 2.
        Goodfellow, Bengio, Courville (2016), Deep Learning, eqs. 7.52-7.66.
    """
    check_in("mean", mean, ("geometric", "arithmetic"))
    q = 1 - check_range("p", p, 0, 1)
    r = _all_masks(h)
    w = (r * q + (1 - r) * (1 - q)).prod(-1)  # (1)
    w = w.view(-1, *[1] * h.ndim)
    masks = r.view(len(r), *[1] * (h.ndim - 1), -1)
    log_p = torch.log_softmax(logits(masks * h), -1)  # (2)
    if mean == "arithmetic":
        return (w * log_p.exp()).sum(0)  # (3)
    return torch.softmax((w * log_p).sum(0), -1)  # (4)


def weight_scaling(
    logits: Callable[[Tensor], Tensor],
    h: Float[Tensor, "*batch n"],
    p: float = 0.5,
) -> Float[Tensor, "*batch classes"]:
    r"""Return the prediction of the whole net with its units scaled by q.

    Args:
        logits: The rest of the net: maps ``[*, n]`` to logits ``[*, classes]``.
        h: Activations of the units that may be dropped.
        p: :math:`p_{drop}` in [0, 1].

    Shape:
        ``[*batch, n]`` to ``[*batch, classes]``.

    Returns:
        :math:`\hat p` of equation (5).

    Raises:
        ValueError: If p is out of its range.

    Example:
        >>> weight_scaling(lambda h: h, torch.tensor([2.0, 0.0]), 0.5)
        tensor([0.7311, 0.2689])

    References:
        Hinton et al. (2012), arXiv 1207.0580, page 2 (the mean network).
    """
    q = 1 - check_range("p", p, 0, 1)
    return torch.softmax(logits(q * h), -1)  # (5)


def _all_masks(h: Tensor) -> Tensor:
    n = h.shape[-1] if h.ndim else 0
    if not 1 <= n <= MOST_UNITS:
        raise ValueError(
            f"h: expected 1 to {MOST_UNITS} units on the last axis, got shape "
            f"{tuple(h.shape)}; there are 2**n masks, so drop fewer units"
        )
    bits = torch.arange(2**n, device=h.device)[:, None]
    return (bits >> torch.arange(n, device=h.device) & 1).to(h.dtype)
