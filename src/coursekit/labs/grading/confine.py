r"""The command line that confines a worker: what it sees and what it may do.

bubblewrap gives it namespaces of its own (user, pid, network, mount, ipc, uts, cgroup):
no network device, a file system of read-only binds (Python, its packages, the system's
libraries, the parts of `coursekit` that are not `labs`) and one small tmpfs, an empty
environment, no capabilities, no new privileges, an unprivileged user.  The seccomp
filter is added by the worker itself, before it reads a request.

There is no ``/proc``: as root's user a process could write to ``/proc/sys`` although it
has no capability, and ``/proc/1/mem`` is a way around the filter.  Three harmless files
of it are bound, which libraries read to count cores and memory.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coursekit
from coursekit.labs.grading.namespaces import STAGE

__all__ = ["ENVIRONMENT", "KEPT", "below_tmp", "bubblewrap", "mounted", "python"]

PACKAGE = Path(coursekit.__file__).resolve().parent
NOBODY = "65534"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "CUDA_VISIBLE_DEVICES": "",
    "USER": "student",
}
MODULES = (
    *("__init__", "cells", "decoding", "namespaces", "seccomp", "values", "wire"),
    *("worker", "zygote"),
)
INSIDE = ("labs/caller.py", *(f"labs/grading/{name}.py" for name in MODULES))
PROC = ("cpuinfo", "meminfo", "stat")
DEVICES = ("null", "zero", "full", "random", "urandom")
COMMAND = (
    "import sys; sys.path[:0] = {path!r}; "
    "from coursekit.labs.grading.{module} import main; main({arguments})"
)
KEPT = ("CAP_SYS_ADMIN", "CAP_SETPCAP")  # to unshare and mount; to give up both


def interpreter() -> Path:
    """Find the interpreter itself, behind all links of a virtual environment.

    Returns:
        Its path.
    """
    return Path(sys.executable).resolve()


def packages() -> list[Path]:
    """List the directories that hold installed packages.

    Returns:
        Those on the path of this process.
    """
    names = ("site-packages", "dist-packages")
    return [p for p in map(Path, sys.path) if p.name in names and p.is_dir()]


def mounted() -> list[Path]:
    """List what of this machine a submission can read.

    Returns:
        Directories of Python, its packages and the system's libraries.
    """
    system = [Path(p) for p in ("/usr", "/lib", "/lib64", "/lib32", "/bin")]
    found = [*system, interpreter().parent.parent, *packages(), PACKAGE]
    found = [p for p in dict.fromkeys(found) if p.exists()]
    return [p for p in found if not any(q in p.parents for q in found)]


def below_tmp() -> list[str]:
    """List what a new `/tmp` would hide.

    Returns:
        Those of the mounted directories that lie there.
    """
    return [str(p) for p in mounted() if Path("/tmp") in p.parents]


def bubblewrap(scratch: int, keep: Sequence[str] = ()) -> list[str]:
    """Write the command line that confines what follows it.

    Args:
        scratch: Bytes of the writable directory.
        keep: Capabilities, valid inside alone, that a zygote confines its forks with.

    Returns:
        Arguments, up to and including ``--``.
    """
    command = [
        shutil.which("bwrap") or "bwrap",
        "--die-with-parent",
        "--as-pid-1",
        "--new-session",
    ]
    command += ["--clearenv"]
    command += [f"--unshare-{n}" for n in ("user", "pid", "net", "ipc", "uts")]
    command += ["--unshare-cgroup-try", "--cap-drop", "ALL", "--hostname", "sandbox"]
    for name in keep:
        command += ["--cap-add", name]
    command += ["--uid", NOBODY, "--gid", NOBODY]
    command += ["--size", str(scratch), "--tmpfs", "/tmp"]  # binds may lie below it
    command += ["--dir", STAGE] if keep else []
    for path in mounted():
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        else:
            command += ["--ro-bind", str(path), str(path)]
    command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    command += _hide_labs()
    for name in DEVICES:
        command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name in PROC:
        command += ["--ro-bind", f"/proc/{name}", f"/proc/{name}"]
    command += ["--symlink", "/tmp", "/dev/shm"]
    command += ["--chdir", "/tmp"]
    command += ["--remount-ro", "/"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    return [*command, "--"]


def _hide_labs() -> list[str]:
    """Mount an empty directory over `coursekit.labs`, with the worker's files in it.

    Another copy of the package, installed beside this one, is hidden whole.

    Returns:
        Arguments of bubblewrap.
    """
    labs, command = PACKAGE / "labs", []
    for other in (path / "coursekit" for path in packages()):
        if other.is_dir() and other.resolve() != PACKAGE:
            command += ["--size", "4096", "--tmpfs", str(other)]
            command += ["--remount-ro", str(other)]
    command += ["--size", "65536", "--tmpfs", str(labs)]
    stub = labs / "grading" / "inside" / "labs_init.py"
    command += ["--ro-bind", str(stub), str(labs / "__init__.py")]
    for name in INSIDE:
        command += ["--ro-bind", str(PACKAGE / name), str(PACKAGE / name)]
    return [*command, "--remount-ro", str(labs)]


def python(module: str, *arguments: Any) -> list[str]:
    """Write the command line of a worker or a zygote.

    Args:
        module: ``"worker"`` or ``"zygote"``.
        *arguments: Those of its `main`; the first is its end of the socket.

    Returns:
        Arguments; the interpreter reads no environment and no user's packages.
    """
    path = [str(p) for p in (PACKAGE.parent, *packages())]
    code = COMMAND.format(
        path=path, module=module, arguments=", ".join(map(repr, arguments))
    )
    return [str(interpreter()), "-I", "-B", "-c", code]
