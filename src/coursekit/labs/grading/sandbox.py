r"""One confined worker, from its start to the end of all it started.

How its process came to be is its `Life`: started behind a bubblewrap of its own
(`coursekit.labs.grading.supply`), or forked from a zygote that stands behind one
(`coursekit.labs.grading.pool`).  Either way it is a process tree in namespaces of its
own, and to end the life is to end the tree.  A control group around it, where one can
be made, counts what rlimits cannot.
"""

from __future__ import annotations

import resource
import socket
import time
from pathlib import Path
from typing import Protocol

from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.limits import IDLE, Limits
from coursekit.labs.grading.values import WireError
from coursekit.labs.grading.wire import Channel, Closed, Late

__all__ = ["Life", "Sandbox", "SandboxError", "mapped"]

START_SECONDS = 120.0
UNKNOWN = 2**34  # more than an idle worker maps


class SandboxError(RuntimeError):
    """Report that no sandbox can be had on this machine, and why."""


class Life(Protocol):
    """The process of a worker, as the coordinator holds it."""

    @property
    def pid(self) -> int:
        """Number of the worker's process, as this machine counts."""
        ...

    def ended(self, seconds: float) -> bool:
        """Wait for its end; say whether it came."""
        ...

    def last_words(self) -> str:
        """End it, and give what it wrote to its standard error."""
        ...

    def end(self) -> None:
        """End it and all that it started, and wait for that."""
        ...


class Sandbox:
    """Hold one worker.

    Args:
        limits: What it may use.
        life: Its process.
        ours: The coordinator's end of its socket.
        cgroup: The control group around it, if there is one.
    """

    def __init__(
        self, limits: Limits, life: Life, ours: socket.socket, cgroup: Cgroup | None
    ):
        self.limits = limits
        self.life = life
        self.channel = Channel(ours, received=limits.sizes)
        self.cgroup = cgroup
        self.greeted = False

    @staticmethod
    def group(limits: Limits) -> Cgroup | None:
        """Make the control group that a sandbox may have.

        Args:
            limits: Those of the sandbox.

        Returns:
            The group, or ``None`` where this machine permits none.
        """
        whole = limits.memory + IDLE  # of all processes, and of the tmpfs
        return Cgroup.make(whole, limits.processes)

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
            limits = self.limits.inside(mapped(self.life.pid))
            self.channel.send({"limits": limits}, deadline)
            self.channel.receive(deadline)
        except (Closed, Late, WireError) as error:
            said = self.life.last_words()
            self.close()
            raise SandboxError(said.strip()[-500:] or str(error)) from None
        self.greeted = True
        return self

    def ended(self) -> str:
        """Say why a worker that closed its connection did so.

        Returns:
            ``"memory"``, ``"killed"``, or ``"protocol"`` if it still runs.
        """
        gone = self.life.ended(2.0)
        if self.cgroup is not None and self.cgroup.out_of_memory():
            return "memory"
        return "killed" if gone else "protocol"

    def close(self) -> None:
        """End every process of the sandbox and remove its cgroup."""
        self.channel.connection.close()
        self.life.end()
        if self.cgroup is not None:
            self.cgroup.remove()


def mapped(process: int) -> int:
    """Measure the address space of a process, or of its last descendant.

    Args:
        process: Its number.

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
