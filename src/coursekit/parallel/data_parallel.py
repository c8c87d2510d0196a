r"""Divide a batch among workers, and average what they find.

Every worker k of P has a copy of the model and its own :math:`n_k` of the n
examples of the batch, the shard :math:`S_k`. It computes the gradient of *its*
mean loss; the average, each weighed by its share of the examples, is the
gradient of the whole batch:

.. math::

    g_k &= \nabla \frac{1}{n_k} \sum_{r \in S_k} L_r(\theta) \qquad (1) \\
    w_k &= n_k / n \qquad (2) \\
    g &= \sum_k w_k\, g_k \qquad (3)

This is no approximation: (3) *is* SGD on the batch of n, so everything that
holds of large batches holds of it, and the learning rate is that of n. What is
gained is time. The data are no reason: examples can be read from disk by one
worker as well; what a device must hold are the parameters and the activations.

Two things break the equality. A plain mean, :math:`w_k = 1/P`, gives examples
in small shards more than their share; it is what
``DistributedDataParallel`` does, and it is right for equal shards alone. And a
layer that couples examples, batch norm, sees :math:`S_k` in place of the
batch: then the loss of an example is no longer the same :math:`L_r` in (1),
and no weights make up for that.
"""

from torch import nn
from torch.nn.functional import cross_entropy

from ..probes.quiet import Loss
from .shards import Gradients, Shards, check_shards, mean_loss_gradient, sum_of

__all__ = ["data_parallel_step"]


def data_parallel_step(
    model: nn.Module,
    shards: Shards,
    loss: Loss = cross_entropy,
    *,
    weighted: bool = True,
) -> Gradients:
    r"""Return the gradient g of equation (3), each shard on its own worker.

    The workers are simulated, one after the other, in this process;
    ``coursekit.parallel.distributed`` has real ones.

    Args:
        model: The model, the same for every worker; used in the mode it is in.
        shards: Pairs (x, y), one a worker; they may differ in size.
        loss: ``loss(model(x), y)``, a mean over the examples.
        weighted: Whether to weigh by (2); False is the plain mean, wrong for
            unequal shards.

    Returns:
        Name of each trainable parameter → its entry of g. Nothing is changed;
        ``set_grads`` and an optimizer take the step.

    Raises:
        ValueError: If there is no shard, one is empty, or no parameter is
            trainable.

    Example:
        >>> import torch
        >>> model = nn.Linear(1, 1, bias=False)
        >>> x = torch.tensor([[1.0], [2.0], [6.0]])
        >>> shards = [(x[:1], x[:1]), (x[1:], x[1:])]
        >>> output = lambda o, y: o.mean()  # its gradient is the mean input, 3
        >>> data_parallel_step(model, shards, output)
        {'weight': tensor([[3.]])}
        >>> data_parallel_step(model, shards, output, weighted=False)
        {'weight': tensor([[2.5000]])}

    Notes:
        Running statistics do not move, and dropout draws the same masks for
        every worker.

    References:
        Dean et al. (2012), Large scale distributed deep networks, NIPS.
        Goyal et al. (2017), Accurate, large minibatch SGD, arXiv 1706.02677,
        section 3, "gradient aggregation", for the weights.
    """
    sizes = check_shards(shards)
    n, P = sum(sizes), len(sizes)
    grads = [mean_loss_gradient(model, x, y, loss)[0] for x, y in shards]  # (1)
    w = [n_k / n if weighted else 1 / P for n_k in sizes]  # (2)
    return {
        name: sum_of(w_k * g_k[name] for w_k, g_k in zip(w, grads, strict=True))  # (3)
        for name in grads[0]
    }
