r"""Say which sandbox this machine gives, and take the strongest.

Every line of the report is tried, not guessed: a worker is started each way, and what
the kernel refused is quoted.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from coursekit.labs.grading import seccomp
from coursekit.labs.grading.cgroup import Cgroup
from coursekit.labs.grading.limits import IDLE, Limits
from coursekit.labs.grading.pool import Pool
from coursekit.labs.grading.sandbox import SandboxError
from coursekit.labs.grading.supply import Supply

__all__ = ["Finding", "best", "examine_machine"]

SYSCTL = Path("/proc/sys")
SETTINGS = (
    ("kernel/unprivileged_userns_clone", "0"),
    ("user/max_user_namespaces", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
)


@dataclass(frozen=True)
class Finding:
    """Hold one line of the report.

    Args:
        name: What was looked at.
        good: Whether it is as it should be; ``None`` if grading works either way.
        says: What was found, and what to do if it is not good.
    """

    name: str
    good: bool | None
    says: str


def best(limits: Limits, confined: bool = True) -> Pool | Supply:
    """Take the warm pool, or, where it cannot be had, a bubblewrap a submission.

    Args:
        limits: What a submission may use.
        confined: Whether to stand bubblewrap around the workers.

    Returns:
        A supply of workers, tried once.

    Raises:
        SandboxError: If neither can be had, with the reason.
    """
    pool = Pool(confined)
    try:
        pool.check(limits)
        return pool
    except SandboxError:
        pool.close()
    supply = Supply(confined)
    supply.check(limits)
    return supply


def examine_machine(limits: Limits | None = None) -> list[Finding]:
    """Look at everything that grading needs from this machine.

    Args:
        limits: What a submission may use.

    Returns:
        The findings; the last is the verdict.
    """
    limits = limits or Limits()
    found = [_system(), _bubblewrap(), _namespaces(), _filter(), _group(limits)]
    found += [_memory(limits), _nbgrader()]
    pool = _way("warm pool", Pool(), limits)
    found.append(pool)
    if not pool.good:
        found.append(_way("bubblewrap a submission", Supply(), limits))
    return [*found, _verdict(found)]


def _system() -> Finding:
    who = "root" if os.geteuid() == 0 else f"the ordinary user {os.geteuid()}"
    linux = platform.system() == "Linux"
    says = f"{platform.system()} {platform.release()}, {platform.machine()}, as {who}"
    return Finding("system", linux, says + ("" if linux else ": Linux is needed"))


def _bubblewrap() -> Finding:
    path = shutil.which("bwrap")
    if path is None:
        return Finding("bubblewrap", False, "not found: apt-get install bubblewrap")
    done = subprocess.run([path, "--version"], capture_output=True, text=True)
    return Finding("bubblewrap", True, f"{done.stdout.strip()} at {path}")


def _namespaces() -> Finding:
    for name, bad in SETTINGS:
        path = SYSCTL / name
        value = path.read_text().strip() if path.exists() else None
        if value == bad and os.geteuid() != 0:
            says = f"/proc/sys/{name} is {value}: ordinary users may make none"
            return Finding("user namespaces", False, says)
    return Finding("user namespaces", True, "no setting forbids them")


def _filter() -> Finding:
    machine = platform.machine()
    if seccomp.program(machine) is None:
        says = f"no table for {machine}: namespaces and limits stand alone"
        return Finding("seccomp filter", None, says)
    count = len(seccomp.DENIED)
    return Finding("seccomp filter", True, f"denies {count} system calls and forks")


def _group(limits: Limits) -> Finding:
    group = Cgroup.make(limits.memory + IDLE, limits.processes)
    if group is None:
        says = "none may be made here: rlimits and seccomp bound a bomb alone"
        return Finding("control group", None, says)
    where = ", ".join(str(path.parent) for path in group.directories)
    group.remove()
    return Finding("control group", True, f"made and removed in {where}")


def _memory(limits: Limits) -> Finding:
    name, per = "memory", (limits.memory + IDLE) / 2**30
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = int(next(w for w in lines if "MemAvailable" in w).split()[1]) / 2**20
    except (OSError, StopIteration, ValueError):
        return Finding(name, None, "the kernel does not tell how much is free")
    says = f"{free:.1f} GiB free; one submission may use {per:.1f}"
    return Finding(name, free > per, says + ("" if free > per else ": too little"))


def _nbgrader() -> Finding:
    if importlib.util.find_spec("nbgrader") is None:
        says = "not installed: pip install 'coursekit[grade]'"
        return Finding("gradebook", False, says)
    return Finding("gradebook", True, "nbgrader is installed")


def _way(name: str, supply: Pool | Supply, limits: Limits) -> Finding:
    try:
        supply.check(limits)
        started = time.perf_counter()
        supply(limits).close()
        seconds = time.perf_counter() - started
    except (SandboxError, OSError) as error:
        return Finding(name, False, str(error))
    finally:
        supply.close()
    return Finding(name, True, f"works: a worker in {1000 * seconds:.0f} ms")


def _verdict(found: list[Finding]) -> Finding:
    ways = {f.name: f.good for f in found}
    if ways.get("warm pool"):
        return Finding("verdict", True, "submissions are confined, by the warm pool")
    if ways.get("bubblewrap a submission"):
        says = "submissions are confined; without the pool each costs seconds to start"
        return Finding("verdict", True, says)
    return Finding("verdict", False, "no sandbox: grading refuses without --unsafe")
