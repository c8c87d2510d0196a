r"""Start a worker behind bubblewrap, and end it with all that it started.

The sandbox is one process tree; ending the outermost process ends its pid namespace.
A control group around it, where one can be made, counts what rlimits cannot.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.labs.grading import seccomp
from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.confine import ENVIRONMENT, bubblewrap, python
from coursekit.labs.grading.values import Sizes, WireError
from coursekit.labs.grading.wire import Channel, Closed, Late

__all__ = ["Limits", "Sandbox", "SandboxError", "Supply"]

START_SECONDS = 120.0
IDLE = 2**30  # more than an idle worker keeps in memory
UNKNOWN = 2**34  # more than an idle worker maps


class SandboxError(RuntimeError):
    """Report that no sandbox can be had on this machine, and why."""


@dataclass(frozen=True)
class Limits:
    """Bound what one submission may use.

    Args:
        question: Seconds for all calls of one question, visible or hidden.
        cell: Seconds for one cell of the notebook.
        submission: Seconds for all of a submission, restarts included.
        memory: Bytes that it may ask for beyond what an idle worker has mapped.
        scratch: Bytes of its only writable directory, and of one file.
        processes: Processes and threads.
        sizes: Caps of one frame that comes out.
    """

    question: float = 20.0
    cell: float = 20.0
    submission: float = 120.0
    memory: int = 2 * 2**30
    scratch: int = 64 * 2**20
    processes: int = 256
    sizes: Sizes = field(default_factory=Sizes)

    def inside(self, mapped: int) -> dict[str, int]:
        """Give the limits that the worker sets on itself before any cell runs.

        Args:
            mapped: Bytes of address space that it has now; a torch built for CUDA
                maps some gigabytes of libraries.

        Returns:
            Values by the names that the worker knows.
        """
        return {
            "memory": self.memory + mapped,
            "cpu": int(2 * self.submission) + 10,
            "file": self.scratch,
            "files": 256,
            "processes": self.processes,
        }


def _spawn(
    descriptor: int, limits: Limits, confined: bool, cgroup: Cgroup | None
) -> subprocess.Popen[bytes]:
    """Start a worker on a connected socket.

    Args:
        descriptor: The worker's end of the socket.
        limits: What it may use.
        confined: Whether bubblewrap stands around it.
        cgroup: The group to enter first.

    Returns:
        The outermost process; to kill it ends all others.
    """
    command, rules = python(descriptor), None
    if confined:
        rules = seccomp.descriptor()
        command = bubblewrap(limits.scratch, rules) + command
    if cgroup is not None:
        command = cgroup.entry() + command
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            pass_fds=[descriptor] if rules is None else [descriptor, rules],
            start_new_session=True,  # Ctrl-C is the coordinator's to handle
        )
    finally:
        if rules is not None:
            os.close(rules)


def _mapped(process: int) -> int:
    """Measure the address space of the worker behind a process.

    Args:
        process: The outermost process, of which the worker is the last descendant.

    Returns:
        Bytes; a generous guess where the kernel does not tell.
    """
    proc = Path("/proc")
    try:
        while (
            below := (proc / f"{process}/task/{process}/children").read_text().split()
        ):
            process = int(below[0])
        pages = (proc / f"{process}/statm").read_text().split()[0]
    except (OSError, ValueError):
        return UNKNOWN
    return int(pages) * resource.getpagesize()


class Sandbox:
    """Hold one worker, from its start to the end of all it started.

    Args:
        limits: What it may use.
        confined: Whether bubblewrap stands around it.
    """

    def __init__(self, limits: Limits, confined: bool = True):
        self.limits = limits
        self.greeted = False
        whole = limits.memory + IDLE  # of all processes, and of the tmpfs
        self.cgroup = Cgroup.make(whole, limits.processes) if confined else None
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours, received=limits.sizes)
        try:
            with theirs:
                self.process = _spawn(theirs.fileno(), limits, confined, self.cgroup)
        except BaseException:
            self.close()
            raise

    def greet(self) -> Sandbox:
        """Wait for the worker and have it take its limits; no cell has run yet.

        Returns:
            This sandbox.

        Raises:
            SandboxError: If the worker did not start.
        """
        if self.greeted:
            return self
        deadline = time.monotonic() + START_SECONDS
        try:
            self.channel.receive(deadline)
            limits = self.limits.inside(_mapped(self.process.pid))
            self.channel.send({"limits": limits}, deadline)
            self.channel.receive(deadline)
        except (Closed, Late, WireError) as error:
            self.process.kill()
            said = self.process.communicate(timeout=10)[1].decode("utf-8", "replace")
            self.close()
            raise SandboxError(said.strip()[-500:] or str(error)) from None
        self.greeted = True
        return self

    def ended(self) -> str:
        """Say why a worker that closed its connection did so.

        Returns:
            ``"memory"``, ``"killed"``, or ``"protocol"`` if it still runs.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        if self.cgroup is not None and self.cgroup.out_of_memory():
            return "memory"
        return "protocol" if self.process.poll() is None else "killed"

    def close(self) -> None:
        """End every process of the sandbox and remove its cgroup."""
        self.channel.connection.close()
        if hasattr(self, "process"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if self.process.stderr is not None:
                self.process.stderr.close()
        if self.cgroup is not None:
            self.cgroup.remove()


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
        sandbox = self.spare or Sandbox(limits, self.confined)
        self.spare = None
        sandbox.greet()
        self.spare = Sandbox(limits, self.confined)
        return sandbox

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
        self.spare = Sandbox(limits, self.confined).greet()

    def close(self) -> None:
        """End the worker that waits."""
        if self.spare is not None:
            self.spare.close()
            self.spare = None
