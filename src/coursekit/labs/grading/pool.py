r"""The warm pool: fork a worker from a zygote that has torch imported.

A fork takes milliseconds where a start takes seconds.  What a submission gets is the
same: a process tree in namespaces of its own, confined before it sees a line of code,
used once and ended.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import time

from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.confine import KEPT, below_tmp, bubblewrap, python
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.sandbox import START_SECONDS, Sandbox, SandboxError
from coursekit.labs.grading.supply import Spawned, start

__all__ = ["Forked", "Pool"]

CREDENTIALS = struct.Struct("3i")  # the kernel's `struct ucred`: pid, uid, gid
END_SECONDS = 10.0
NOTICE_SECONDS = 2.0  # from the end of a zygote's forks to its own


class Forked:
    """The process of a worker that a zygote forked; process 1 of its namespace.

    Args:
        pid: Its number on this machine.
        zygote: Where it came from; its errors are written there.
    """

    def __init__(self, pid: int, zygote: Spawned):
        self.pid = pid
        self.zygote = zygote
        self.descriptor = os.pidfd_open(pid)  # a number may be given anew, this not

    def ended(self, seconds: float) -> bool:
        """Wait for its end; say whether it came.

        Args:
            seconds: How long to wait.

        Returns:
            Whether it has ended.
        """
        if self.descriptor < 0:
            return True
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        return bool(ready)

    def last_words(self) -> str:
        """End it, and give what the zygote's forks wrote to their standard error.

        Returns:
            Text.
        """
        self.end()
        return said(self.zygote)

    def end(self) -> None:
        """End it and all that it started, and wait for that."""
        if self.descriptor < 0:
            return
        if not self.ended(0.0):  # so its number is still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)  # all there is without namespaces
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)
        self.ended(END_SECONDS)
        os.close(self.descriptor)
        self.descriptor = -1


def said(zygote: Spawned) -> str:
    """Read what is in the zygote's standard error, without waiting for more.

    Args:
        zygote: Its process.

    Returns:
        Text.
    """
    stream = zygote.process.stderr
    if stream is None or stream.closed:
        return ""
    os.set_blocking(stream.fileno(), False)
    return (stream.read() or b"").decode("utf-8", "replace")


class Pool:
    """Keep one zygote, and have it fork a worker whenever one is asked for.

    Args:
        confined: Whether bubblewrap stands around it.
    """

    def __init__(self, confined: bool = True):
        self.confined = confined
        self.zygote: Spawned | None = None
        self.control: socket.socket | None = None
        self.restarted = False

    def __call__(self, limits: Limits) -> Sandbox:
        """Give a worker that has taken its limits.

        Args:
            limits: What it may use.

        Returns:
            A fresh worker.

        Raises:
            SandboxError: If none can be had.
        """
        try:
            return self.fork(limits).greet()
        except SandboxError:
            if self.zygote is None or not self.zygote.ended(NOTICE_SECONDS):
                raise
        self.close()  # something ended the zygote: one new try
        self.restarted = True
        return self.fork(limits).greet()

    def lost(self, seconds: float = 0.0) -> bool:
        """Say whether the zygote ended since this was last asked.

        No submission can end it, so what became of one meanwhile is not its doing.

        Args:
            seconds: How long to wait for an end that may be near.

        Returns:
            Whether it ended; the next worker comes from another one.
        """
        if self.zygote is not None and self.zygote.ended(seconds):
            self.close()
            self.restarted = True
        found, self.restarted = self.restarted, False
        return found

    def fork(self, limits: Limits) -> Sandbox:
        """Have the zygote fork a worker into a control group of its own.

        Args:
            limits: What it may use.

        Returns:
            A worker that has not taken its limits yet.

        Raises:
            SandboxError: If the zygote does not answer.
        """
        zygote, control = self._zygote(limits)
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            with theirs:
                words = [str(limits.scratch).encode()]
                socket.send_fds(control, words, [theirs.fileno()])
            life = Forked(_sender(ours), zygote)
        except (OSError, SandboxError) as error:
            ours.close()
            raise SandboxError(said(zygote).strip()[-500:] or str(error)) from None
        sandbox = Sandbox(limits, life, ours, None)
        if self.confined and (group := Sandbox.group(limits)) is not None:
            sandbox.cgroup = group
            try:
                group.add(life.pid)
            except OSError as error:
                sandbox.close()
                raise SandboxError(
                    f"a control group took no process: {error}"
                ) from None
        return sandbox

    def check(self, limits: Limits) -> None:
        """Try a worker.

        Args:
            limits: What it may use.

        Raises:
            SandboxError: If no sandbox can be had, with the reason.
        """
        if self.confined and shutil.which("bwrap") is None:
            raise SandboxError("bubblewrap (the program bwrap) is not installed.")
        Cgroup.sweep()
        self(limits).close()

    def close(self) -> None:
        """End the zygote, and with it all its workers."""
        if self.control is not None:
            self.control.close()
        if self.zygote is not None:
            self.zygote.end()
        self.zygote = self.control = None

    def _zygote(self, limits: Limits) -> tuple[Spawned, socket.socket]:
        if self.zygote is not None and self.control is not None:
            return self.zygote, self.control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            arguments = (theirs.fileno(), self.confined, below_tmp())
            command = python("zygote", *arguments)
            if self.confined:
                command = bubblewrap(limits.scratch, keep=KEPT) + command
            self.zygote, self.control = start(command, [theirs.fileno()]), ours
        ours.settimeout(START_SECONDS)
        try:
            greeting = ours.recv(1)
        except OSError as error:
            greeting, reason = b"", str(error)
        else:
            reason = "the zygote ended before it was ready"
        if not greeting:
            words = self.zygote.last_words().strip()[-500:]
            self.close()
            raise SandboxError(words or reason)
        return self.zygote, self.control


def _sender(ours: socket.socket) -> int:
    """Ask the kernel which process sent the first byte of a connection.

    Returns:
        Its number on this machine.

    Raises:
        SandboxError: If there is no first byte, or no number.
    """
    ours.settimeout(START_SECONDS)
    started = time.monotonic()
    byte, told, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(CREDENTIALS.size))
    if not byte:
        waited = time.monotonic() - started
        raise SandboxError(f"a fork of the zygote ended after {waited:.1f} s")
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return CREDENTIALS.unpack(data[: CREDENTIALS.size])[0]
    raise SandboxError("the kernel does not tell which process a worker is")
