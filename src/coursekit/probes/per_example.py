r"""Compute the gradient of every example of a batch.

.. math::

    g_r = \nabla_\theta\, \ell\bigl(f_\theta(x_r),\ y_r\bigr) \qquad (1)

Backpropagation adds the gradients of the examples up on the way, so that a
batch leaves only their mean. Here the gradient function of one example is
vectorized over the batch (``torch.func.vmap``): the price is memory for as
many gradients as there are examples in a chunk, so take the chunks one by one.

An example has a gradient of its own only where the others have no influence
on its loss. Batch norm in training mode couples them: the mean of such
"gradients" would not be the gradient of the batch.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from .._validate import check_count
from .quiet import Loss, quiet, scalar, trainable

__all__ = ["per_example_grads"]


def per_example_grads(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Loss = cross_entropy,
    *,
    chunk: int = 256,
) -> Iterator[Float[Tensor, "chunk p"]]:
    r"""Compute the gradients of the examples, some rows at a time.

    Args:
        model: Any module whose examples do not influence each other.
        x: Inputs, batch first.
        y: Targets, one an example.
        loss: ``loss(model(x), y)``, the *mean* over the batch.
        chunk: Examples at a time, at least 1.

    Shape:
        Each part is ``[chunk, p]`` for p trainable numbers, the last one
        shorter where the chunk does not divide N.

    Returns:
        An iterator over parts of the matrix of :math:`g_r`: one row an example,
        parameters joined in the order of ``named_parameters``.

    Raises:
        ValueError: If there is no example, no parameter is trainable, or the
            model cannot treat one example alone.

    Example:
        >>> model = nn.Linear(2, 1, bias=False)
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> rows = per_example_grads(model, x, x, lambda o, y: o.mean())
        >>> torch.cat(list(rows))
        tensor([[1., 2.],
                [3., 4.]])

    References:
        PyTorch documentation, "Per-sample gradients" (``torch.func``).
    """
    check_count("chunk", chunk)
    check_examples(x, y)
    theta = {name: p.detach() for name, p in trainable(model).items()}
    coupling = [type(part).__name__ for part in model.modules() if couples(part)]
    if coupling:
        raise ValueError(
            f"model: expected one that treats examples one by one and alike, got "
            f"{coupling[0]} in training mode; call model.eval()"
        )
    parts = zip(x.split(chunk), y.split(chunk), strict=True)
    return (_rows(model, theta, x_part, y_part, loss) for x_part, y_part in parts)


def _rows(
    model: nn.Module, theta: dict[str, Tensor], x: Tensor, y: Tensor, loss: Loss
) -> Tensor:
    with quiet(model, x) as buffers:

        def of_one(theta: dict[str, Tensor], x_r: Tensor, y_r: Tensor) -> Tensor:
            output = functional_call(model, {**buffers, **theta}, (x_r[None],))
            return scalar(loss(output, y_r[None]))

        every = vmap(grad(of_one), in_dims=(None, 0, 0), randomness="different")
        rows = every(theta, x, y)  # (1)
    return torch.cat([g.detach().flatten(1) for g in rows.values()], dim=1)


def couples(part: nn.Module) -> bool:
    r"""Tell whether an example's output depends on the others, or on chance.

    Args:
        part: One module, without its children.

    Returns:
        True for a batch norm that uses the statistics of the batch, and for
        dropout in training mode.

    Example:
        >>> couples(nn.BatchNorm1d(3)), couples(nn.BatchNorm1d(3).eval())
        (True, False)
    """
    names = " ".join(base.__name__ for base in type(part).__mro__)
    if "BatchNorm" in names:
        return part.training or getattr(part, "running_mean", None) is None
    return "Dropout" in names and part.training


def check_examples(x: Tensor, y: Tensor) -> None:
    r"""Pass when there are as many targets as inputs, and at least one.

    Args:
        x: Inputs, batch first.
        y: Targets, batch first.

    Raises:
        ValueError: If the numbers differ or are zero.
    """
    n = [len(t) if t.ndim else 0 for t in (x, y)]
    if n[0] != n[1] or not n[0]:
        raise ValueError(
            f"x, y: expected as many targets as inputs and at least one, got "
            f"{n[0]} inputs and {n[1]} targets; both have the batch first"
        )
