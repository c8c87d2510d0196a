r"""Notice code that looks at the numbers in its tensors.

Where K models share one run of their code, an ``if`` on a tensor or an
``.item()`` decides for all of them by the numbers of one, or of all together.
Two models at a time might even agree by chance; so the looking itself is noticed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Guard"]


class _Off:
    def __enter__(self) -> None:
        Guard.depth += 1

    def __exit__(self, *error: object) -> None:
        Guard.depth -= 1


class Guard(TorchDispatchMode):
    """Refuse code that looks at numbers while K models share one run of it.

    Layers that run model by model may look, within ``Guard.off()``.

    Example:
        >>> with Guard():
        ...     bool(torch.ones(()) > 0)
        Traceback (most recent call last):
        RuntimeError: it looks at the values of its tensors
    """

    depth = 0
    looks = (
        torch.ops.aten._local_scalar_dense.default,
        torch.ops.aten.equal.default,
    )

    @staticmethod
    def off() -> _Off:
        """Let everything pass for a while.

        Returns:
            A context manager.
        """
        return _Off()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Pass an operation on, unless it looks at numbers.

        Args:
            func: The operation.
            types: Not used.
            args: Its arguments.
            kwargs: Its keywords.

        Returns:
            What it returns.

        Raises:
            RuntimeError: If it looks at numbers.
        """
        if func in self.looks and not Guard.depth:
            raise RuntimeError("it looks at the values of its tensors")
        return func(*args, **(kwargs or {}))
