r"""Refuse weights that no method of this part can compress."""

from torch import Tensor

__all__ = ["check_weights"]


def check_weights(name: str, w: Tensor) -> Tensor:
    r"""Return the tensor when it is of finite floating-point numbers.

    Args:
        name: The argument's name as the caller wrote it.
        w: The argument.

    Returns:
        The tensor without its history.

    Raises:
        TypeError: If it is not a floating-point tensor.
        ValueError: If it is empty or an entry is not finite.

    Example:
        >>> import torch
        >>> check_weights("weight", torch.ones(2))
        tensor([1., 1.])
    """
    if not (isinstance(w, Tensor) and w.is_floating_point()):
        kind = getattr(w, "dtype", type(w).__name__)
        raise TypeError(f"{name}: expected a floating-point tensor, got {kind}")
    if not w.numel():
        raise ValueError(f"{name}: expected at least one number, got {tuple(w.shape)}")
    if not bool(w.isfinite().all()):
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return w.detach()
