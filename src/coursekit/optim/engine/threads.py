r"""Keep short operations on one thread.

torch shares a root of more than 2,048 numbers among its threads, and a fused kernel
even less. On tensors that fit into a cache the threads wait for each other longer than
they work, and on a busy machine a thousand times longer.
"""

from collections.abc import Generator
from contextlib import contextmanager

import torch

__all__ = ["one_thread"]


@contextmanager
def one_thread(wanted: bool = True) -> Generator[None, None, None]:
    """Run what stands inside on one thread.

    Args:
        wanted: False to leave everything as it is.

    Yields:
        Nothing.

    Example:
        >>> before = torch.get_num_threads()
        >>> with one_thread():
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    threads = torch.get_num_threads()
    if not wanted or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
