"""A fork of the zygote is confined like a start, fresh each time, gone after use."""

import os
import signal
from pathlib import Path

import pytest
from attacks import ask

from coursekit.labs.grading import doctor
from coursekit.labs.grading.confine import below_tmp
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.pool import Pool
from coursekit.labs.grading.sandbox import SandboxError
from coursekit.labs.grading.supply import Supply

pytestmark = pytest.mark.sandbox
LIMITS = Limits(question=20, cell=20, submission=60)


@pytest.fixture(scope="module")
def pool():
    pool = Pool()
    yield pool
    pool.close()


EXECUTE = (
    "import os\ntry:\n    os.execv('/usr/bin/true', ['true'])\n"
    "except PermissionError:\n    return 'denied'"
)
PRCTL = "import ctypes\nlibc = ctypes.CDLL(None)\n"


@pytest.mark.parametrize("make", [Pool, Supply])
def test_both_ways_confine_alike(make):
    supply = make()
    try:
        assert ask(supply, "import os\nreturn os.getpid()") == 1
        assert ask(supply, f"{PRCTL}return libc.prctl(21, 0, 0, 0, 0)") == 2  # seccomp
        assert ask(supply, f"{PRCTL}return libc.prctl(39, 0, 0, 0, 0)") == 1  # no_new
        bound = sorted({Path(p).parts[2] for p in below_tmp()})  # a clone in /tmp
        assert ask(supply, "import os\nreturn sorted(os.listdir('/tmp'))") == bound
        assert ask(supply, "import os\nreturn os.path.exists('/proc/self')") is False
        assert ask(supply, EXECUTE) == "denied"
    finally:
        supply.close()


def test_no_capability_is_left_or_can_be_had(pool):
    sets = (
        f"{PRCTL}header = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "sets = (ctypes.c_uint32 * 6)()\n"
        "libc.capget(header, sets)\n"
        "full = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)\n"
        "bounding = [libc.prctl(23, n, 0, 0, 0) for n in range(38)]\n"
        "return [list(sets), libc.capset(header, full), sum(bounding)]"
    )
    assert ask(pool, sets) == [[0] * 6, -1, 0]


def test_only_its_own_socket_is_inherited(pool):
    found = ask(
        pool,
        "import os, stat\n"
        "def is_open(n):\n"
        "    try:\n"
        "        return stat.S_ISSOCK(os.fstat(n).st_mode)\n"
        "    except OSError:\n"
        "        return False\n"
        "return sum(is_open(n) for n in range(3, 1024))",
    )
    assert found == 1


def test_nothing_stays_from_one_fork_to_the_next(pool):
    leave = (
        "import builtins, torch\n"
        "open('/tmp/mark', 'w').write('x')\n"
        "builtins.mark = torch.mark = 1\n"
        "torch.set_default_dtype(torch.float64)\n"
        "torch.set_grad_enabled(False)\n"
        "return 1"
    )
    look = (
        "import builtins, os, torch\n"
        "return [os.path.exists('/tmp/mark'), hasattr(builtins, 'mark'),\n"
        "        hasattr(torch, 'mark'), str(torch.get_default_dtype()),\n"
        "        torch.is_grad_enabled()]"
    )
    assert ask(pool, leave) == 1
    assert ask(pool, look) == [False, False, False, "torch.float32", True]


def test_two_at_once_do_not_see_each_other(pool):
    neighbour = pool(LIMITS)
    try:
        kill = "import os\ntry:\n    os.kill(-1, 9)\nexcept OSError:\n    pass\n"
        assert ask(pool, f"{kill}return os.getppid()") == 0
        assert not neighbour.life.ended(0)
    finally:
        neighbour.close()
    assert neighbour.life.ended(0)


def test_the_end_of_a_worker_takes_its_control_group(pool):
    sandbox = pool(LIMITS)
    directories = list(sandbox.cgroup.directories) if sandbox.cgroup else []
    sandbox.close()
    assert sandbox.life.ended(0)
    assert not any(d.exists() for d in directories)


def test_a_killed_zygote_is_replaced(pool):
    assert ask(pool, "return 1") == 1
    before = pool.zygote.pid
    os.kill(before, signal.SIGKILL)
    pool.zygote.process.wait(10)
    assert ask(pool, "return 2") == 2
    assert pool.zygote.pid != before


def test_a_zygote_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr(
        "coursekit.labs.grading.pool.python",
        lambda module, *rest: ["/bin/sh", "-c", "echo no such thing >&2; exit 3"],
    )
    with pytest.raises(SandboxError, match="no such thing"):
        Pool().check(LIMITS)


def test_without_the_capabilities_each_submission_gets_a_bubblewrap(monkeypatch):
    monkeypatch.setattr("coursekit.labs.grading.pool.KEPT", ())
    supply = doctor.best(LIMITS)
    try:
        assert isinstance(supply, Supply)
        assert ask(supply, "import os\nreturn os.getpid()") == 1
    finally:
        supply.close()


def test_the_doctor_tries_what_it_says():
    found = {f.name: f for f in doctor.examine_machine(LIMITS)}
    assert found["warm pool"].good
    assert found["verdict"].good
    assert "ms" in found["warm pool"].says


def test_the_doctor_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    found = {f.name: f for f in doctor.examine_machine(LIMITS)}
    assert found["bubblewrap"].good is False
    assert "apt-get install bubblewrap" in found["bubblewrap"].says
    assert found["verdict"].good is False
    assert "--unsafe" in found["verdict"].says
