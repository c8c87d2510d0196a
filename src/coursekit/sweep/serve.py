r"""Train blocks in a process of their own: the other side of ``coursekit.sweep.team``.

A worker ignores Ctrl-C: it is told to stop by a flag, looks at it before each
update, and hands in what it has. It ends by itself when its parent is gone.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import traceback
from collections.abc import Iterator
from typing import Any

import torch

from .plan import Task
from .run import Job, run_block

__all__ = ["NoWorkersError", "packed", "send", "serve"]


class NoWorkersError(RuntimeError):
    """Say why no worker could be started."""


def packed(job: Job) -> bytes:
    """Pickle a job, by value what only this script or notebook has.

    Args:
        job: What all blocks share.

    Returns:
        The bytes.

    Raises:
        NoWorkersError: If it cannot be pickled.
    """
    try:
        import cloudpickle as pickler
    except ImportError:
        pickler = pickle
    try:
        return pickler.dumps(job)
    except Exception as error:  # whatever the parts of a job raise
        hint = "" if pickler is not pickle else "; pip install cloudpickle may help"
        raise NoWorkersError(f"{type(error).__name__}: {error}{hint}") from error


def serve(pipe: Any, load: Job | bytes, shared: Any, number: int, parent: int) -> None:
    """Train blocks until there are no more; what a worker does.

    Args:
        pipe: Blocks come in, records go out.
        load: The job, or its bytes.
        shared: Where the number of updates is written and the flag is read.
        number: Place of this worker.
        parent: The process that must be there.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN if each is signal.SIGINT else signal.SIG_DFL)
    torch.set_num_threads(1)
    job = pickle.loads(load) if isinstance(load, bytes) else load

    def tick(t: int) -> bool:
        shared[number] = t
        if os.getppid() != parent:
            os._exit(1)
        return not shared[-1]

    send(pipe, ("ready", None))
    for task in _tasks(pipe, parent):
        try:
            answer = ("record", run_block(job, task, tick))
        except BaseException as error:  # the user's code may raise anything
            answer = ("failed", _portable(error))
        send(pipe, answer)


def _tasks(pipe: Any, parent: int) -> Iterator[Task]:
    # brothers hold the pipe's other end, too: that it is closed is not always seen
    while True:
        while not pipe.poll(1.0):
            if os.getppid() != parent:
                return
        try:
            yield pickle.loads(pipe.recv_bytes())
        except EOFError:
            return


def send(pipe: Any, message: Any) -> None:
    """Send a message as plain bytes, unless the other side is dead.

    Args:
        pipe: To the other side; whoever listens there will see that it has ended.
        message: Anything that can be pickled. Left to itself, torch would pass
            tensors by files that outlive a killed worker.
    """
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.send_bytes(pickle.dumps(message))


def _portable(error: BaseException) -> Exception:
    # with the place where it was raised, because a traceback stays behind
    trace = "".join(traceback.format_exception(error))
    try:
        sent = pickle.loads(pickle.dumps(error))
    except Exception:  # exceptions with arguments of their own often cannot
        sent = None
    if not isinstance(sent, Exception):
        sent = RuntimeError(f"{type(error).__name__}: {error}")
    sent.add_note(f"in a worker process:\n{trace}")
    return sent
