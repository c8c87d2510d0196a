r"""Turn Ctrl-C into a wish: the first ends a sweep in order, the second at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interruption", "interruptible"]


class Interruption:
    """Know whether the user wants an end.

    Attributes:
        noted: Whether an interruption came.
    """

    def __init__(self) -> None:
        self.noted = False

    def __call__(self) -> bool:
        """Tell whether the user wants an end.

        Returns:
            True after Ctrl-C. Python hands it to the main thread alone; a sweep in
            another thread ends when it has ended that one.
        """
        if not self.noted and not threading.main_thread().is_alive():
            self.noted = getattr(sys, "last_type", None) is KeyboardInterrupt
        return self.noted


@contextmanager
def interruptible() -> Generator[Interruption, None, None]:
    """Note the first interruption; the second one acts as ever.

    Yields:
        What knows of it.
    """
    wish = Interruption()
    before = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread()
    # a job in the background ignores Ctrl-C, and None was set by another library
    if not ours or before in (signal.SIG_IGN, None):
        yield wish
        return

    def note(number: int, frame: FrameType | None) -> None:
        wish.noted = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)
