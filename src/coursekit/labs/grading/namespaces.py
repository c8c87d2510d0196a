r"""What a worker gives up before a line of a submission is compiled.

The zygote keeps two capabilities in its own user namespace, which make it able to
unshare and to mount.  A fork of it leaves the namespaces it shares with others
(`unshare`), gets a `/tmp` of its own and loses all capabilities for good (`confine`).
Every worker, forked or started, gives up the system calls of `seccomp` (`refuse`) and
what lies beyond its limits (`bound`).
Nothing here needs `/proc`.

References:
    Linux manual pages namespaces(7), capabilities(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
from collections.abc import Mapping, Sequence

from coursekit.labs.grading import seccomp

__all__ = ["bound", "confine", "refuse", "unshare"]

LIBC = ctypes.CDLL(None, use_errno=True)
FLAGS = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
LIMITS = {
    "memory": resource.RLIMIT_AS,
    "cpu": resource.RLIMIT_CPU,
    "file": resource.RLIMIT_FSIZE,
    "files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
}
NOSUID_NODEV, BIND, MOVE, RECURSIVE = 2 | 4, 4096, 8192, 16384
STAGE = "/stage"  # an empty directory that bubblewrap makes
SECCOMP = {"x86_64": 317, "aarch64": 277}  # the number of the call itself
SET_FILTER, ALL_THREADS = 1, 1
DROP_BOUNDING, AMBIENT, CLEAR_ALL, NO_NEW_PRIVILEGES = 24, 47, 4, 38
LAST_CAPABILITY = 63
CAPABILITY_VERSION_3 = 0x20080522


class _Program(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def unshare() -> None:
    """Leave all namespaces but the user's; a child of this process is its own pid 1."""
    _try("unshare", LIBC.unshare(sum(FLAGS.values())))


def confine(scratch: int, below: Sequence[str]) -> None:
    """Mount a private `/tmp`, then lose every capability.

    Args:
        scratch: Bytes of `/tmp`, the only place that can be written.
        below: Directories in the old `/tmp` that are to be seen in the new one: an
            environment that was installed there.
    """
    _new_tmp(scratch, below)
    os.chdir("/tmp")  # the old one is out of reach from here
    _lose_capabilities()


def refuse() -> None:
    """Have the kernel deny, in all threads and for good, the calls of the filter."""
    _try("no_new_privs", LIBC.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    machine = platform.machine()
    code = seccomp.program(machine)
    if code is not None:
        filter_ = ctypes.byref(_Program(len(code) // 8, code))
        call = (SECCOMP[machine], SET_FILTER, ALL_THREADS, filter_)
        _try("seccomp", LIBC.syscall(*call))


def bound(limits: Mapping[str, int]) -> None:
    """Take limits that cannot be raised again, and read and write nothing by default.

    Args:
        limits: Values by the keys of `LIMITS`.
    """
    for name, value in limits.items():
        resource.setrlimit(LIMITS[name], (value, value))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a submission prints is read by nobody
        os.dup2(nowhere, stream)


def _new_tmp(scratch: int, below: Sequence[str]) -> None:
    """Fill an empty file system, then move it over `/tmp`."""
    _mount("tmpfs", STAGE, "tmpfs", NOSUID_NODEV, f"size={scratch},mode=700")
    for path in below:
        place = STAGE + path.removeprefix("/tmp")
        os.makedirs(place, exist_ok=True)
        _mount(path, place, flags=BIND | RECURSIVE)
    _mount(STAGE, "/tmp", flags=MOVE)


def _mount(source: str, place: str, kind: str = "", flags: int = 0, words: str = ""):
    arguments = [word.encode() or None for word in (source, place, kind, words)]
    _try("mount", LIBC.mount(*arguments[:3], ctypes.c_ulong(flags), arguments[3]))


def _lose_capabilities() -> None:
    """Empty the bounding, ambient, effective, permitted and inheritable sets.

    Raises:
        OSError: If one of them is not empty afterwards.
    """
    for number in range(LAST_CAPABILITY + 1):
        if LIBC.prctl(DROP_BOUNDING, number, 0, 0, 0):
            break  # beyond the last one that this kernel knows
    LIBC.prctl(AMBIENT, CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    _try("capset", LIBC.capset(header, sets))
    kept = (ctypes.c_uint32 * 6)(*[1] * 6)
    _try("capget", LIBC.capget(header, kept))
    if any(kept):
        raise OSError(f"capabilities are left: {list(kept)}")


def _try(call: str, status: int) -> None:
    """Turn the failure of a call into an exception with its name.

    Raises:
        OSError: If the status is not zero.
    """
    if status:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
