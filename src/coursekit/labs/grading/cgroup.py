r"""A control group around one sandbox, where this machine lets one be made.

It counts what per-process limits cannot: the memory of all processes and of the tmpfs
together; processes even of root's user, for whom RLIMIT_NPROC is not enforced; and the
time of all threads, so that many of them get no more than one processor and take none
from the submissions beside them.
Version 2 needs a delegated parent directory, version 1 the right to write to its
hierarchies; without either the sandbox stands on rlimits and seccomp alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["Cgroup"]

MOUNTS = Path("/proc/self/mountinfo")
OWN = Path("/proc/self/cgroup")
PREFIX = "coursekit-"
PERIOD = 100_000  # microseconds
OPTIONAL = ("memory.swap.max", "cpu.max")  # not everywhere; the rest counts without
REMOVE_SECONDS = 5.0
SWEEP_SECONDS = 1.0


class Cgroup:
    """Hold the directories of one control group, one a hierarchy.

    Args:
        directories: Existing directories, in which this process may write.
    """

    def __init__(self, directories: Sequence[Path]):
        self.directories = list(directories)

    @classmethod
    def make(cls, memory: int, processes: int) -> Cgroup | None:
        """Make a group with limits on memory and processes, and one processor.

        Args:
            memory: Bytes of all its processes together.
            processes: Processes and threads.

        Returns:
            The group, or ``None`` where this machine permits none.
        """
        name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
        made: dict[str, Path] = {}
        for kind, parent, files in _parents(memory, processes):
            directory = parent / name
            if kind not in made and _make(directory, files):
                made[kind] = directory
        return cls(list(made.values())) if made else None

    @staticmethod
    def sweep() -> None:
        """Remove the groups of graders that were killed, as soon as they are empty.

        What is in them ends with its grader; nothing is killed here, since a group
        whose owner is not seen may be that of another container.
        """
        left = [d for _, parent, _ in _parents(0, 0) for d in _orphans(parent)]
        give_up = time.monotonic() + SWEEP_SECONDS
        while left and time.monotonic() < give_up:
            for directory in left:
                with contextlib.suppress(OSError):
                    directory.rmdir()
            left = [directory for directory in left if directory.exists()]
            time.sleep(0.01 * bool(left))

    def entry(self) -> list[str]:
        """Give the command line that enters the group and becomes what follows it.

        Returns:
            Arguments, to stand before the command.
        """
        files = " ".join(f"'{d}/cgroup.procs'" for d in self.directories)
        script = f'for f in {files}; do echo $$ > "$f" || exit 97; done; exec "$@"'
        return ["/bin/sh", "-c", script, "sh"]

    def add(self, process: int) -> None:
        """Move a process into the group; its forks will follow it.

        Args:
            process: Its number.
        """
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(process))

    def out_of_memory(self) -> bool:
        """Say whether the kernel ended a process of the group for its memory.

        Returns:
            Whether it did.
        """
        for directory in self.directories:
            for file in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    for line in (directory / file).read_text().splitlines():
                        name, _, count = line.partition(" ")
                        if name == "oom_kill" and int(count) > 0:
                            return True
        return False

    def remove(self) -> None:
        """End what is left in the group and remove its directories."""
        for directory in self.directories:
            _remove(directory)
        self.directories.clear()


Files = dict[str, int | str]


def _parents(memory: int, processes: int) -> Iterator[tuple[str, Path, Files]]:
    """List the directories to make a group in, the best of each kind first.

    Version 2 gives limits only to the children of a group that passes the controllers
    on, which a group with processes of its own does not: so its ancestors follow.

    Yields:
        What is limited there, a directory, and file names with their values.
    """
    own = _own()
    both: Files = {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes}
    both["cpu.max"] = f"{PERIOD} {PERIOD}"
    for mount, version, options in _mounts():
        if version == "cgroup2":
            here = mount / own.get("", "/").lstrip("/")
            for parent in [here, *here.parents]:
                passed = _read(parent / "cgroup.subtree_control").split()
                if {"memory", "pids"} <= set(passed):
                    yield "both", parent, both
                if parent == mount:
                    break
        elif "pids" in options:
            parent = mount / own.get("pids", "/").lstrip("/")
            yield "pids", parent, {"pids.max": processes}
        elif "memory" in options:
            parent = mount / own.get("memory", "/").lstrip("/")
            yield "memory", parent, {"memory.limit_in_bytes": memory}
        elif "cpu" in options:
            parent = mount / own.get("cpu", "/").lstrip("/")
            yield "cpu", parent, {"cpu.cfs_quota_us": PERIOD}  # of the default period


def _orphans(parent: Path) -> Iterator[Path]:
    for directory in parent.glob(f"{PREFIX}*-*"):
        owner = directory.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not _lives(owner):
            yield directory


def _lives(process: str) -> bool:
    """Say whether a process runs; one that nobody has waited for does not.

    Returns:
        Whether it does.
    """
    state = _read(Path("/proc", process, "stat")).rpartition(")")[2].strip()
    return state != "" and state[0] not in "ZX"


def _make(directory: Path, files: Files) -> bool:
    """Make a group and write its limits.

    Returns:
        Whether that was permitted; if not, nothing stays.
    """
    try:
        directory.mkdir()
    except OSError:
        return False
    try:
        for file, value in files.items():
            if file not in OPTIONAL or (directory / file).exists():
                (directory / file).write_text(str(value))
    except OSError:
        _remove(directory)
        return False
    return True


def _mounts() -> Iterator[tuple[Path, str, list[str]]]:
    for line in _read(MOUNTS).splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            yield Path(before.split()[4]), kind, options.split(",")


def _own() -> dict[str, str]:
    """Find the group of this process in every hierarchy.

    Returns:
        Paths by controller; version 2 under the empty name.
    """
    groups = {}
    for line in _read(OWN).splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _remove(directory: Path) -> None:
    """End the processes in a group and remove its directory."""
    give_up = time.monotonic() + REMOVE_SECONDS
    while time.monotonic() < give_up:
        for number in _read(directory / "cgroup.procs").split():
            with contextlib.suppress(OSError):
                os.kill(int(number), signal.SIGKILL)
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
