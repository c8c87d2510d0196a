r"""A seccomp filter for bubblewrap: what the answer to a question never needs.

It denies new processes (threads stay), sockets, tracing, namespaces, mounts, and the
ways to hold memory that no per-process limit counts.  The program is classic BPF, a
list of eight-byte instructions, for the two architectures that courses run on; on any
other there is none, and namespaces and limits stand alone.

References:
    Linux kernel documentation, "Seccomp BPF (SECure COMPuting with filters)".
"""

from __future__ import annotations

import os
import platform
import struct

__all__ = ["descriptor", "program"]

LOAD, JUMP_EQ, JUMP_GE, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
CLONE_THREAD = 0x00010000
X32 = 0x40000000  # x86-64's second system-call table

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
# name: number on x86_64, number on aarch64 (-1 where there is none)
DENIED = {
    "socket": (41, 198),
    "fork": (57, -1),
    "vfork": (58, -1),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}


def _instruction(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, k)


def program(machine: str) -> bytes | None:
    """Assemble the filter.

    Args:
        machine: Architecture as `platform.machine` names it.

    Returns:
        The instructions, or ``None`` for an architecture without a table.

    Example:
        >>> len(program("x86_64")) % 8, program("riscv64")
        (0, None)
    """
    if machine not in AUDIT:
        return None
    column = list(AUDIT).index(machine)
    code = [
        _instruction(LOAD, ARCHITECTURE),
        _instruction(JUMP_EQ, AUDIT[machine], yes=1),
        _instruction(RETURN, KILL),
        _instruction(LOAD, NUMBER),
        _instruction(JUMP_GE, X32, no=1),
        _instruction(RETURN, ERRNO | EPERM),
        _instruction(JUMP_EQ, CLONE3, no=1),
        _instruction(RETURN, ERRNO | ENOSYS),  # libc falls back to clone
    ]
    for numbers in DENIED.values():
        if numbers[column] >= 0:
            code.append(_instruction(JUMP_EQ, numbers[column], no=1))
            code.append(_instruction(RETURN, ERRNO | EPERM))
    code += [
        _instruction(JUMP_EQ, CLONE[machine], no=3),
        _instruction(LOAD, FIRST_ARGUMENT),
        _instruction(JUMP_SET, CLONE_THREAD, yes=1),
        _instruction(RETURN, ERRNO | EPERM),
        _instruction(RETURN, ALLOW),
    ]
    return b"".join(code)


def descriptor() -> int | None:
    """Put this machine's filter where bubblewrap can read it.

    Returns:
        An open file descriptor, or ``None`` where there is no filter.
    """
    code = program(platform.machine())
    if code is None:
        return None
    read_end, write_end = os.pipe()
    os.write(write_end, code)
    os.close(write_end)
    return read_end
