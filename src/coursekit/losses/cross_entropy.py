r"""Measure how surprising the target is to the predicted probabilities.

With p the softmax of the logits o and y the target distribution, an example
costs

.. math::

    e &= -\textstyle\sum_i y_i \ln p_i \qquad (1) \\
    \frac{\partial e}{\partial o_i} &= (p_i - y_i)/\tau \qquad (2)

For a one-hot y, e is :math:`-\ln p_{class}`, so minimising the mean e is
maximising the likelihood of the training labels. The logarithm undoes the
exponential of the softmax: a prediction that is certain and wrong still has a
slope near 1 in the logit of the right class, where the squared error has none.
"""

from jaxtyping import Float, Num
from torch import Tensor

from .._validate import check_positive
from ._batch import distribution, is_index, pick, reduced, wide
from .softmax import log_softmax, softmax

__all__ = ["cross_entropy", "grad_cross_entropy"]


def cross_entropy(
    logits: Float[Tensor, "*batch classes"],
    target: Num[Tensor, "..."],
    *,
    temperature: float = 1.0,
    reduction: str = "mean",
) -> Float[Tensor, "..."]:
    r"""Return the cross-entropy of equation (1), in nats.

    Args:
        logits: Scores o, classes on the last axis.
        target: Class indices ``[*]``, or distributions ``[*, classes]`` that
            sum to 1 (soft labels).
        temperature: :math:`\tau` > 0 of the softmax.
        reduction: ``"mean"`` or ``"sum"`` over all examples, or ``"none"``.

    Shape:
        a scalar, or ``[*]`` for ``reduction="none"``.

    Returns:
        The loss, in the type of the logits.

    Raises:
        TypeError: If logits or target are not tensors, or the target is bool.
        ValueError: If shapes do not match, a class is out of range, or a mean
            is asked for without examples.

    Example:
        >>> import torch
        >>> cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor(0.6931)
        >>> cross_entropy(torch.tensor([[0.0, -1000.0]]), torch.tensor([1]))
        tensor(1000.)

    Notes:
        ``torch.nn.functional.cross_entropy`` has the classes on axis 1, not on
        the last one; for logits ``[batch, classes]`` both agree. Soft labels
        have the entropy of y as their minimum, not 0.

    References:
        Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.4.
    """
    if is_index(target, logits):
        e = -pick(_log_p(logits, temperature), target)  # (1)
    else:
        e = -(wide(target) * _log_p(logits, temperature)).sum(-1)  # (1)
    return reduced(e, reduction, like=logits)


def grad_cross_entropy(
    logits: Float[Tensor, "*batch classes"],
    target: Num[Tensor, "..."],
    *,
    temperature: float = 1.0,
) -> Float[Tensor, "*batch classes"]:
    r"""Return the gradient of every example's own loss, equation (2).

    Args:
        logits: Scores o, classes on the last axis.
        target: Class indices or distributions.
        temperature: :math:`\tau` > 0 of the softmax.

    Shape:
        as the logits.

    Returns:
        :math:`\partial e/\partial o`; divide by the number of examples for
        the gradient of the mean.

    Raises:
        ValueError: If shapes do not match.

    Example:
        >>> import torch
        >>> grad_cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor([[ 0.5000, -0.5000]])

    References:
        Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.4,
        where eq. 4.109 goes on to the weights.
    """
    tau = check_positive("temperature", temperature)
    p, y = softmax(wide(logits), temperature=tau), distribution(target, logits)
    return ((p - y) / tau).to(logits.dtype)  # (2)


def _log_p(logits: Tensor, temperature: float) -> Tensor:
    return log_softmax(wide(logits), temperature=temperature)
