r"""Compare probabilities with the target by squares, and see where that is flat.

With p the softmax of the logits o, an example costs

.. math::

    e &= \textstyle\sum_i (y_i - p_i)^2 \qquad (1) \\
    s &= \textstyle\sum_i p_i\, (p_i - y_i) \qquad (2) \\
    \frac{\partial e}{\partial o_i} &= 2\, p_i\, (p_i - y_i - s) / \tau
    \qquad (3)

Where the net is certain and wrong, all entries of p are near 0 but one. The
small ones vanish from (3) with their factor p; for the one near 1 the bracket
vanishes, since s is then near 1 as well. So the gradient is nearly zero although
the loss is at its maximum of 2. It is not exactly zero, but gradient descent does
not leave that corner in any number of updates one would wait for; Adam, which
divides by the size of the gradient, can leave it. Squares on the *raw scores*
have no such corner, and train many classifiers well.
"""

from jaxtyping import Float, Num
from torch import Tensor

from .._validate import check_positive
from ._batch import distribution, reduced, wide
from .softmax import softmax

__all__ = ["grad_mse_softmax", "mse_softmax"]


def mse_softmax(
    logits: Float[Tensor, "*batch classes"],
    target: Num[Tensor, "..."],
    *,
    temperature: float = 1.0,
    reduction: str = "mean",
) -> Float[Tensor, "..."]:
    r"""Return the squared error of the probabilities, equation (1).

    Args:
        logits: Scores o, classes on the last axis.
        target: Class indices ``[*]`` or distributions ``[*, classes]``.
        temperature: :math:`\tau` > 0 of the softmax.
        reduction: ``"mean"`` or ``"sum"`` over all examples, or ``"none"``.

    Shape:
        a scalar, or ``[*]`` for ``reduction="none"``.

    Returns:
        The loss, in the type of the logits, between 0 and 2 an example.

    Raises:
        TypeError: If logits or target are not tensors, or the target is bool.
        ValueError: If shapes do not match, a class is out of range, or a mean
            is asked for without examples.

    Example:
        >>> import torch
        >>> mse_softmax(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor(0.5000)

    Notes:
        The sum over the classes is not divided by their number, as
        ``torch.nn.functional.mse_loss`` would.

    References:
        Golik, Doetsch, Ney (2013), Cross-entropy vs. squared error training,
        Interspeech.
        Hui, Belkin (2021), arXiv 2006.07322 (squares on raw scores).
    """
    y = distribution(target, logits)
    p = softmax(wide(logits), temperature=temperature)
    e = (y - p).square().sum(-1)  # (1)
    return reduced(e, reduction, like=logits)


def grad_mse_softmax(
    logits: Float[Tensor, "*batch classes"],
    target: Num[Tensor, "..."],
    *,
    temperature: float = 1.0,
) -> Float[Tensor, "*batch classes"]:
    r"""Return the gradient of every example's own loss, equation (3).

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
        >>> corner = torch.tensor([-10.0, 10.0, -1000.0], dtype=torch.float64)
        >>> f"{grad_mse_softmax(corner, torch.tensor(0)).norm():.3g}"
        '1.17e-08'
    """
    tau = check_positive("temperature", temperature)
    y, p = distribution(target, logits), softmax(wide(logits), temperature=tau)
    s = (p * (p - y)).sum(-1, keepdim=True)  # (2)
    return (2 * p * (p - y - s) / tau).to(logits.dtype)  # (3)
