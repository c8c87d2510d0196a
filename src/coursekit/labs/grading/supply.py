r"""Start each worker behind a bubblewrap of its own: the way without a zygote.

It takes as long as Python needs to import torch, and is for machines on which a process
inside bubblewrap cannot make namespaces for its forks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess

from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.confine import ENVIRONMENT, bubblewrap, python
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.sandbox import Sandbox, SandboxError

__all__ = ["Spawned", "Supply", "start"]


class Spawned:
    """A process that this one started, with all its descendants.

    Args:
        process: The outermost one; to kill it ends all others.
    """

    def __init__(self, process: subprocess.Popen[bytes]):
        self.process = process

    @property
    def pid(self) -> int:
        """Number of the outermost process."""
        return self.process.pid

    def ended(self, seconds: float) -> bool:
        """Wait for its end; say whether it came.

        Args:
            seconds: How long to wait.

        Returns:
            Whether it has ended.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is not None

    def last_words(self) -> str:
        """End it, and give what it wrote to its standard error.

        Returns:
            Text.
        """
        self.process.kill()
        return self.process.communicate(timeout=10)[1].decode("utf-8", "replace")

    def end(self) -> None:
        """End it and all that it started, and wait for that."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()


def start(
    command: list[str], descriptors: list[int], cgroup: Cgroup | None = None
) -> Spawned:
    """Start a program with an empty environment and nothing to read or to write.

    Args:
        command: Its words.
        descriptors: What it inherits.
        cgroup: The group to enter first.

    Returns:
        The process.
    """
    if cgroup is not None:
        command = cgroup.entry() + command
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        pass_fds=descriptors,
        start_new_session=True,  # Ctrl-C is the coordinator's to handle
    )
    return Spawned(process)


class Supply:
    """Start workers one ahead, so that the next imports torch while one is graded.

    Each is used for one submission and then ended: none has run a cell before.

    Args:
        confined: Whether bubblewrap stands around them.
    """

    def __init__(self, confined: bool = True):
        self.confined = confined
        self.spare: Sandbox | None = None

    def __call__(self, limits: Limits) -> Sandbox:
        """Give a worker that is ready, and start the next.

        Args:
            limits: What it may use.

        Returns:
            A worker that has taken its limits.
        """
        if self.spare is not None and self.spare.limits != limits:
            self.close()
        sandbox = self.spare or self.begin(limits)
        self.spare = None
        sandbox.greet()
        self.spare = self.begin(limits)
        return sandbox

    def begin(self, limits: Limits) -> Sandbox:
        """Start a worker, without waiting until it is ready.

        Args:
            limits: What it may use.

        Returns:
            A worker that has not taken its limits yet.
        """
        group = Sandbox.group(limits) if self.confined else None
        ours, theirs = socket.socketpair()
        command = python("worker", theirs.fileno(), self.confined)
        if self.confined:
            command = bubblewrap(limits.scratch) + command
        try:
            life = start(command, [theirs.fileno()], group)
        except BaseException:
            ours.close()
            if group is not None:
                group.remove()
            raise
        finally:
            theirs.close()
        return Sandbox(limits, life, ours, group)

    def check(self, limits: Limits) -> None:
        """Try a worker and keep it for the first submission.

        Args:
            limits: What it may use.

        Raises:
            SandboxError: If no sandbox can be had, with the reason.
        """
        if self.confined and shutil.which("bwrap") is None:
            raise SandboxError("bubblewrap (the program bwrap) is not installed.")
        Cgroup.sweep()
        self.spare = self.begin(limits).greet()

    def lost(self, seconds: float = 0.0) -> bool:
        """Say whether the zygote ended; here is none.

        Args:
            seconds: How long to wait.

        Returns:
            ``False``.
        """
        return False

    def close(self) -> None:
        """End the worker that waits."""
        if self.spare is not None:
            self.spare.close()
            self.spare = None
