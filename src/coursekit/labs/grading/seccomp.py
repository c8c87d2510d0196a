r"""A seccomp filter: the system calls that the answer to a question never needs.

It denies new processes and programs (threads stay), sockets, tracing, namespaces and
mounts; what memory or queues of a user no per-process limit counts; what changes a
file's owner, mode or times; and what takes a lock that others would wait for.  A denied
call fails with ``EPERM``, as if the system did not permit it.

The program is classic BPF, a list of eight-byte instructions, for the two architectures
that courses run on; on any other there is none, and namespaces and limits stand alone.

References:
    Linux kernel documentation, "Seccomp BPF (SECure COMPuting with filters)"; the
    numbers are those of the kernel's tables ``syscall_64.tbl`` and ``unistd.h``.
"""

from __future__ import annotations

import struct

__all__ = ["DENIED", "program"]

LOAD, JUMP_EQ, JUMP_GE, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
FIRST_ARGUMENT, SECOND_ARGUMENT = 16, 24
CLONE_THREAD = 0x00010000
SET_LEASE = 1024
X32 = 0x40000000  # x86-64's second system-call table

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
FCNTL = {"x86_64": 72, "aarch64": 25}
# name: number on x86_64, number on aarch64 (-1 where there is none)
DENIED = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, -1),
    "vfork": (58, -1),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
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
    "statmount": (457, 457),
    "listmount": (458, 458),
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
    "io_setup": (206, 0),
    "inotify_init": (253, -1),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "splice": (275, 76),
    "tee": (276, 77),
    "vmsplice": (278, 75),
    "modify_ldt": (154, -1),
    "personality": (135, 92),
    "syslog": (103, 116),
    "flock": (73, 32),
    "chmod": (90, -1),  # of the devices: their files are this machine's own
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
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
        _instruction(JUMP_EQ, FCNTL[machine], no=4),
        _instruction(LOAD, SECOND_ARGUMENT),
        _instruction(JUMP_EQ, SET_LEASE, no=1),
        _instruction(RETURN, ERRNO | EPERM),
        _instruction(RETURN, ALLOW),
        _instruction(JUMP_EQ, CLONE[machine], no=3),
        _instruction(LOAD, FIRST_ARGUMENT),
        _instruction(JUMP_SET, CLONE_THREAD, yes=1),
        _instruction(RETURN, ERRNO | EPERM),
        _instruction(RETURN, ALLOW),
    ]
    return b"".join(code)
