r"""Normalize every channel over the batch, and remember its statistics.

In training, over the examples of the batch B (and over positions), n entries a
channel,

.. math::

    \hat x &= (x - \mu_B) / \sqrt{\sigma_B^2 + \epsilon} \qquad (1) \\
    \bar\mu &\leftarrow p\, \bar\mu + (1 - p)\, \mu_B \qquad (2) \\
    \bar\sigma^2 &\leftarrow p\, \bar\sigma^2
    + (1 - p)\, \tfrac{n}{n-1}\, \sigma_B^2 \qquad (3)

and in evaluation, when there may be no batch,

.. math::

    \hat x &= (x - \bar\mu) / \sqrt{\bar\sigma^2 + \epsilon} \qquad (4)

with a learnt gain and bias a channel in both:

.. math::

    y &= \gamma \odot \hat x + \beta \qquad (5)

p is the share of the *old* value that is kept. PyTorch's word ``momentum``
means :math:`1 - p`, so its 0.1 is p = 0.9. What is averaged is the variance,
not σ, and the average is of the unbiased one while (1) uses the biased one.

The statistics couple the examples: each output depends on the whole batch, and
gradients flow through :math:`\mu_B` and :math:`\sigma_B`. That is why one
example is no batch, why small batches evaluate badly with statistics of their
own, and where the noise comes from that regularizes.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from .._validate import check_range
from ._layer import affine, check_batch, check_channels, per_channel
from .axes import norm_axes
from .core import normalize

__all__ = ["RunningStats", "batch_norm"]


class RunningStats(NamedTuple):
    r"""Hold the averages that evaluation uses.

    Attributes:
        mean: :math:`\bar\mu`, one a channel.
        var: :math:`\bar\sigma^2`, one a channel.
    """

    mean: Tensor
    var: Tensor


def batch_norm(
    x: Float[Tensor, "N C *positions"],
    running: RunningStats | None,
    weight: Float[Tensor, " C"] | None = None,
    bias: Float[Tensor, " C"] | None = None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Float[Tensor, "N C *positions"], RunningStats | None]:
    r"""Return y of equation (5) and the new running statistics.

    Args:
        x: A batch.
        running: :math:`\bar\mu` and :math:`\bar\sigma^2`; None keeps none, and
            evaluation then uses the batch's own.
        weight: The gain γ; None is 1.
        bias: The bias β; None is 0.
        training: Whether to use and remember the statistics of the batch.
        momentum: :math:`1 - p`, PyTorch's word, in [0, 1].
        eps: ε ≥ 0.

    Shape:
        x and y ``[N, C, *positions]``; everything else ``[C]``.

    Returns:
        y, and the running statistics: new tensors in training, the same in
        evaluation.

    Raises:
        ValueError: If a batch statistic would be of a single entry, or the
            shape does not fit.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> start = RunningStats(torch.zeros(1), torch.ones(1))
        >>> y, running = batch_norm(x, start, training=True, momentum=0.5, eps=0)
        >>> y.T, running
        (tensor([[-1.,  1.]]),
         RunningStats(mean=tensor([1.]), var=tensor([1.5000])))

    References:
        Ioffe, Szegedy (2015), Batch normalization, arXiv 1502.03167,
        algorithms 1 and 2.
    """
    check_channels(x)
    if training or running is None:
        n = check_batch(x)
        x_hat, mean, var = normalize(x, norm_axes("batch", x.shape), eps)  # (1)
        mean, var = mean.detach().flatten(), var.detach().flatten()
        if running is not None:
            p = 1 - check_range("momentum", momentum, 0, 1)
            new_mean = p * running.mean + (1 - p) * mean  # (2)
            new_var = p * running.var + (1 - p) * n / (n - 1) * var  # (3)
            running = RunningStats(new_mean, new_var)
    else:
        mean, var = (per_channel(s, x.ndim) for s in running)
        x_hat = ((x - mean) * (var + eps).rsqrt()).to(x.dtype)  # (4)
    return affine(x_hat, weight, bias, channels=True), running  # (5)
