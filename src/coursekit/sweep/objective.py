r"""Compute the loss of every model of a block from the outputs of all."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import cross_entropy, mse_loss

from .._validate import check_in
from .derivatives import differentiate

__all__ = ["LOSSES", "Loss", "Objective"]

Loss = str | Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
    # classes before examples: the layout in which stacked layers leave them
    logits = outputs.flatten(1, -2).mT
    return cross_entropy(logits, y.flatten(1), reduction="none").mean(1)


def _mse(outputs: Tensor, y: Tensor) -> Tensor:
    return mse_loss(outputs, y, reduction="none").flatten(1).mean(1)


LOSSES = {"cross_entropy": _cross_entropy, "mse": _mse}


def _cross_entropy_slope(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    log_p = outputs.flatten(1, -2).mT.log_softmax(1)
    rows = y.flatten(1).unsqueeze(1)
    try:
        losses = log_p.gather(1, rows).mean((1, 2)).neg_()
    except RuntimeError as error:
        if "out of bounds" not in str(error):
            raise
        raise ValueError(
            f"data: expected classes from 0 to {outputs.shape[-1] - 1}, one for each "
            f"output of the model, got {int(y.min())} to {int(y.max())} in a batch"
        ) from None
    # p less one at the class, over the number of examples
    slope = log_p.exp_().scatter_(1, rows, -1.0, reduce="add").div_(rows.shape[2])
    return losses, slope.mT.unflatten(1, outputs.shape[1:-1])


def _mse_slope(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    d = outputs - y
    return d.square().flatten(1).mean(1), d.mul_(2 / d[0].numel())


# With the derivative by formula: with small nets, noting and visiting the operations of
# a loss takes longer than computing them.
SLOPES = {"cross_entropy": _cross_entropy_slope, "mse": _mse_slope}


class Objective:
    """Compute one loss a model.

    Args:
        loss: ``"cross_entropy"`` with classes on the last axis of the outputs,
            ``"mse"``, or a function of one model's outputs and targets that
            returns one number.

    Raises:
        ValueError: If there is no loss of that name.

    Example:
        >>> outputs, y = torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.zeros(2, 2)
        >>> Objective("mse")(outputs, y)
        tensor([5., 0.])
        >>> Objective(lambda z, y: (z - y).abs().max())(outputs, y)
        tensor([3., 0.])
    """

    def __init__(self, loss: Loss) -> None:
        if isinstance(loss, str):
            check_in("loss", loss, LOSSES)
        self.loss, self._mappable = loss, True

    def __call__(self, outputs: Tensor, y: Tensor) -> Float[Tensor, " models"]:
        """Compute each model's loss.

        Args:
            outputs: ``[models, batch, ...]``.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            One number a model.
        """
        if isinstance(self.loss, str):
            return LOSSES[self.loss](outputs, y)
        if self._mappable:
            try:
                return vmap(self.loss)(outputs, y)
            except Exception:  # what cannot be mapped is called model by model
                self._mappable = False
        pairs = zip(outputs, y, strict=True)
        return torch.stack([self.loss(z, target) for z, target in pairs])

    def slope(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Compute each model's loss and its derivative.

        Args:
            outputs: ``[models, batch, ...]``, without a graph.
            y: Targets, ``[models, batch, ...]``.

        Returns:
            One number a model, and the derivatives of their sum, like ``outputs``.

        Raises:
            ValueError: If a target is no class that the model has an output for.
        """
        if isinstance(self.loss, str) and self._closed(outputs, y):
            return SLOPES[self.loss](outputs, y)
        z = outputs.requires_grad_()
        losses = self(z, y)
        return losses.detach(), differentiate(losses.sum(), [z])[0]

    def _closed(self, outputs: Tensor, y: Tensor) -> bool:
        shape = outputs.shape if self.loss == "mse" else outputs.shape[:-1]
        return y.shape == shape and y.is_floating_point() == (self.loss == "mse")
