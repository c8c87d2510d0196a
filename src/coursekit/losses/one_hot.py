r"""Write a class as a vector of zeros and a one.

.. math::

    y_i = [\, i = \text{class} \,] \qquad (1)

where [·] is 1 if what stands in it is true, otherwise 0. A class has no order
and no distance to another one; as a number it would have both. As a corner of
the simplex it is a distribution like the predicted p, and a net with one output
a class can be compared with it term by term.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .._validate import check_count

__all__ = ["one_hot"]


def one_hot(
    target: Int[Tensor, "*batch"],
    num_classes: int,
    *,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, "*batch classes"]:
    r"""Return the vectors of equation (1).

    Args:
        target: Class indices, 0 to ``num_classes`` − 1.
        num_classes: Number of classes, ≥ 1.
        dtype: Type of the result; None is torch's default floating type.

    Shape:
        ``[*]`` to ``[*, num_classes]``.

    Returns:
        The vectors, on the device of the target.

    Raises:
        TypeError: If the target is not a tensor of integers.
        ValueError: If a class is out of range.

    Example:
        >>> one_hot(torch.tensor([2, 0]), 3)
        tensor([[0., 0., 1.],
                [1., 0., 0.]])

    Notes:
        ``torch.nn.functional.one_hot`` returns integers.
    """
    K = check_count("num_classes", num_classes)
    index = class_indices(target)
    dtype = torch.get_default_dtype() if dtype is None else dtype
    y = torch.zeros((*index.shape, K), dtype=dtype, device=index.device)
    with ClassRange(K):
        return y.scatter(-1, index.unsqueeze(-1), 1.0)  # (1)


class ClassRange:
    """Put torch's complaint about an index in the words of a class label."""

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        # Looking at the values beforehand would make a GPU wait, and fail in vmap.
        if isinstance(error, RuntimeError) and "out of bounds" in str(error):
            raise ValueError(
                f"target: expected classes 0 to {self.num_classes - 1}, got another: "
                f"{error}; labels that start at 1 need target - 1"
            ) from error


def class_indices(target: Tensor) -> Tensor:
    """Return the target as the 64-bit indices that torch's indexing takes.

    Args:
        target: Class indices of any integer type.

    Returns:
        The same numbers.

    Raises:
        TypeError: If it is not a tensor of integers.
    """
    if not isinstance(target, Tensor):
        raise TypeError(
            f"target: expected a tensor of class indices, got {type(target).__name__}"
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise TypeError(
            f"target: expected integer class indices, got {target.dtype}; use "
            "target.long()"
        )
    return target.long()
