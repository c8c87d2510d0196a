r"""Read the two forms of a target, and reduce the losses of a batch."""

import torch
from torch import Tensor

from .._validate import check_in
from .one_hot import ClassRange, class_indices, one_hot

__all__ = ["distribution", "is_index", "pick", "reduced", "wide"]


def pick(values: Tensor, target: Tensor) -> Tensor:
    """Take the value of the target's class from the last axis.

    Args:
        values: One value a class.
        target: Class indices.

    Returns:
        One value an example.
    """
    with ClassRange(values.shape[-1]):
        return values.gather(-1, class_indices(target).unsqueeze(-1)).squeeze(-1)


def is_index(target: Tensor, logits: Tensor) -> bool:
    """Tell class indices from distributions, and refuse what is neither.

    Args:
        target: Class indices or distributions.
        logits: Scores of the classes.

    Returns:
        True for class indices.

    Raises:
        TypeError: If one of them is not a tensor.
        ValueError: If their shapes do not fit.
    """
    for name, value in (("logits", logits), ("target", target)):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name}: expected a tensor, got {type(value).__name__}; wrap it in "
                "torch.tensor"
            )
    if logits.ndim == 0 or logits.shape[-1] == 0 or not logits.is_floating_point():
        raise ValueError(
            "logits: expected floating-point scores with the classes on the last "
            f"axis, got shape {tuple(logits.shape)} of {logits.dtype}"
        )
    soft = target.is_floating_point()
    expected = logits.shape if soft else logits.shape[:-1]
    if target.shape != expected:
        form = "one probability a class" if soft else "one class index an example"
        raise ValueError(
            f"target: expected shape {tuple(expected)} ({form}), got "
            f"{tuple(target.shape)}; the classes stand on the last axis of the logits"
        )
    return not soft


def distribution(target: Tensor, logits: Tensor) -> Tensor:
    """Write any target as probabilities, in the type of the computation.

    Args:
        target: Class indices or distributions.
        logits: Scores of the classes.

    Returns:
        One probability a class.
    """
    if is_index(target, logits):
        return one_hot(target, logits.shape[-1], dtype=wide(logits).dtype)
    return wide(target)


def wide(x: Tensor) -> Tensor:
    """Widen to at least float32: sums of exponentials need the digits.

    Args:
        x: Any floating-point tensor.

    Returns:
        The same values.
    """
    return x.to(torch.promote_types(x.dtype, torch.float32))


def reduced(losses: Tensor, reduction: str, like: Tensor) -> Tensor:
    """Average or sum the losses of the examples.

    Args:
        losses: One an example.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        like: Gives the result its type.

    Returns:
        The loss.

    Raises:
        ValueError: If there is nothing to average.
    """
    check_in("reduction", reduction, ("mean", "sum", "none"))
    if reduction == "none":
        return losses.to(like.dtype)
    if reduction == "sum":
        return losses.sum().to(like.dtype)
    if losses.numel() == 0:
        raise ValueError(
            "logits: expected at least one example, got none; a mean over an empty "
            "batch has no value"
        )
    return losses.mean().to(like.dtype)
