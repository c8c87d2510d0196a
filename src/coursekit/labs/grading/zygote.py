r"""Have torch imported once, and fork a worker from it for each submission.

The zygote runs inside bubblewrap, holds no test, no secret and no submission, and never
runs a student's code.  For each byte string that comes on its control socket, with a
descriptor beside it, it forks twice: the first fork leaves the namespaces and ends, the
second is process 1 of a new pid namespace, confines itself, and serves that descriptor
as a `Worker`.  To kill it is to kill all that it started.

    coordinator ── control ── zygote ── fork ── fork: worker 1 ── its own socket
                                     └─ fork ── fork: worker 2 ── its own socket
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import traceback
from collections.abc import Sequence
from typing import Any

from coursekit.labs.grading import namespaces, worker

__all__ = ["HELLO", "main"]

HELLO = b"."  # sent by the worker; the kernel adds which process sent it
MAX_DESCRIPTORS = 4096
LIKELY = (
    *("numpy", "torch.nn.functional", "torch.optim", "coursekit.models"),
    "coursekit.experiments.open_tasks",
)


def main(descriptor: int, confined: bool, below: Sequence[str]) -> None:
    """Serve the control socket until it closes.

    Args:
        descriptor: File descriptor of the connected socket.
        confined: Whether bubblewrap stands around this process.
        below: Directories under `/tmp` that every worker is to see.
    """
    for name in LIKELY:
        __import__(name)
    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, _reap)
    gc.freeze()  # a collection in a fork would copy every page it visits
    control.send(HELLO)
    while True:
        words, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not words:
            return
        if os.fork() == 0:
            _leave(descriptors[0], int(words), confined, below)
        os.close(descriptors[0])


def _reap(number: int, frame: Any) -> None:
    """Forget children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _leave(descriptor: int, scratch: int, confined: bool, below: Sequence[str]) -> None:
    """Become a worker, or end; never return into the zygote's loop."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, MAX_DESCRIPTORS)
        if confined:
            namespaces.unshare()
        if os.fork() == 0:
            os.setsid()  # a group of its own, which ends with it
            os.write(descriptor, HELLO)
            if confined:
                namespaces.confine(scratch, below)
            worker.main(descriptor, confined)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
