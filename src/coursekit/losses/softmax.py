r"""Turn logits into probabilities without overflow.

.. math::

    z_i &= (o_i - \max_j o_j) / \tau \qquad (1) \\
    p_i &= e^{z_i} / \textstyle\sum_j e^{z_j} \qquad (2) \\
    \ln p_i &= z_i - \ln \textstyle\sum_j e^{z_j} \qquad (3)

Softmax fixes *ratios*, :math:`p_i/p_j = e^{(o_i - o_j)/\tau}`, not
differences: the logits (0, 1) become (0.27, 0.73), a smaller gap. It is blind
to a constant added to all logits, and that is why (1) may take the maximum
away: then no exponential exceeds 1 and one of them is 1. The logarithm must be
taken by (3): :math:`\ln` of (2) is :math:`-\infty` as soon as p underflows.
"""

from jaxtyping import Float
from torch import Tensor

from .._validate import check_positive
from ._batch import wide

__all__ = ["log_softmax", "softmax"]


def softmax(
    logits: Float[Tensor, "*batch classes"], *, temperature: float = 1.0
) -> Float[Tensor, "*batch classes"]:
    r"""Return the probabilities of equation (2).

    Args:
        logits: Scores o, classes on the last axis.
        temperature: :math:`\tau` > 0; small values sharpen, large ones flatten.

    Shape:
        ``[*, classes]`` to the same.

    Returns:
        Positive numbers that sum to 1 over the last axis.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> import torch
        >>> softmax(torch.tensor([1000.0, 1001.0]))
        tensor([0.2689, 0.7311])

    Notes:
        Equal to ``torch.softmax(logits / temperature, -1)``.

    References:
        Bridle (1990), Probabilistic interpretation of feedforward
        classification network outputs, Neurocomputing, NATO ASI F68, 227–236.
    """
    z = _shifted(logits, temperature)  # (1)
    e = z.exp()
    p = e / e.sum(-1, keepdim=True)  # (2)
    return p.to(logits.dtype)


def log_softmax(
    logits: Float[Tensor, "*batch classes"], *, temperature: float = 1.0
) -> Float[Tensor, "*batch classes"]:
    r"""Return the logarithms of the probabilities, equation (3).

    Args:
        logits: Scores o, classes on the last axis.
        temperature: :math:`\tau` > 0.

    Shape:
        ``[*, classes]`` to the same.

    Returns:
        Finite numbers ≤ 0 for finite logits.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> import torch
        >>> log_softmax(torch.tensor([0.0, -1000.0]))
        tensor([    0., -1000.])
    """
    z = _shifted(logits, temperature)  # (1)
    log_p = z - z.exp().sum(-1, keepdim=True).log()  # (3)
    return log_p.to(logits.dtype)


def _shifted(logits: Tensor, temperature: float) -> Tensor:
    tau = check_positive("temperature", temperature)
    o = wide(logits)
    # The shift cancels, so no gradient flows through the choice of the maximum.
    return (o - o.detach().amax(-1, keepdim=True)) / tau
