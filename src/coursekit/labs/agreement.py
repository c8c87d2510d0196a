r"""Whether two answers are the same up to rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

__all__ = ["agree"]


def agree(a: Any, b: Any, rtol: float = 1e-6) -> bool:
    r"""Compare two read answers, container by container.

    Two tensors agree if they are equal, or if both are finite and their largest
    difference is at most ``rtol`` times the largest magnitude; two numbers likewise.

    Args:
        a: One answer.
        b: The other.
        rtol: Relative tolerance.

    Returns:
        Whether types, shapes, dtypes and values agree.

    Example:
        >>> agree([1.0, {"w": 2.0}], [1.0 + 1e-9, {"w": 2.0}])
        True
        >>> agree([1.0], [1.0, 2.0])
        False
    """
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.numel() == 0 or (a == b).all():
            return True
        x, y = a.double(), b.double()
        scale = float(max(x.abs().max(), y.abs().max()))
        if not math.isfinite(scale):  # any difference is within rtol times infinity
            return False
        return float((x - y).abs().max()) <= rtol * scale
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(agree(a[k], b[k], rtol) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        same = len(a) == len(b)
        return same and all(agree(x, y, rtol) for x, y in zip(a, b, strict=True))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=rtol, abs_tol=0.0)
    return type(a) is type(b) and a == b
