"""Submissions that call the system for what lies outside of their own process."""

import os
import platform
import socket
import stat
import threading
from pathlib import Path

import pytest
from attacks import LIBC, WORKS, ask, points, those_that_work
from grading_notebooks import only_if, submission

from coursekit.labs.grading.seccomp import DENIED

pytestmark = pytest.mark.sandbox
IS_X86 = platform.machine() == "x86_64"
COLUMN = 0 if IS_X86 else 1


@pytest.fixture
def listener():
    """A server of this machine, and the connections that reached it."""
    reached = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                reached.append(server.accept())
            except TimeoutError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], reached
    stop.set()
    thread.join()
    server.close()


CONNECT = {
    "tcp": "__import__('socket').create_connection(('127.0.0.1', {port}), 2)",
    "udp": "__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', {port}))",
    "url": "__import__('urllib.request').request.urlopen('http://127.0.0.1:{port}')",
    "name": "__import__('socket').gethostbyname('localhost.localdomain') and False",
}
FAMILIES = """
import socket
found = []
for family in range(64):
    for kind in (1, 2, 3, 4, 5, 10):
        for make in (socket.socket, socket.socketpair):
            try:
                make(family, kind)
                found.append([family, kind, make.__name__])
            except OSError:
                pass
return found
"""


def test_no_socket_of_any_family_can_be_had(supply):
    assert ask(supply, FAMILIES) == []


def test_no_connection_reaches_this_machine(outcome, listener):
    port, reached = listener
    attacks = [c.format(port=port) for c in CONNECT.values()]
    condition = " or ".join(f"_works({a!r})" for a in attacks)
    result = outcome(submission({"he_std": only_if("he_std", condition)}, first=WORKS))
    assert points(result)["he_std"] == 0
    assert points(result)["glorot_std"] == 3
    assert reached == []


def test_nothing_of_this_machine_can_be_read_or_written(outcome, tmp_path):
    secret, other = tmp_path / "secret", tmp_path / "neighbour.ipynb"
    for path in (secret, other):
        path.write_text("hidden", encoding="utf-8")
    os.environ["COURSEKIT_TEST_SECRET"] = "hidden"
    package = os.path.dirname(__import__("coursekit").__file__)
    reads = [
        str(secret), str(other), "/etc/passwd", "/etc/shadow", "/proc/1/environ",
        "/proc/self/environ", "/proc/sys/kernel/core_pattern", "/proc/1/mem",
        f"{package}/labs/tasks/he_std.py", f"{package}/labs/exercise.py",
        f"{package}/labs/grading/secret.py", "/sys/kernel/mm", "/proc/self/mem",
    ]  # fmt: skip
    writes = [
        str(tmp_path / "written"), "/proc/sys/kernel/core_pattern", "/x", "/dev/x",
        f"{package}/x.py", f"{package}/labs/caller.py", "/usr/x", "/etc/x",
        os.path.join(os.path.dirname(__import__("torch").__file__), "x.py"),
        "/dev/sda", "/dev/vda", "/dev/kmsg", "/proc/sysrq-trigger", "/sys/x",
        "/dev/../tmp/../x", "/stage/x", "/proc/x", "/work/x", "/etc/ld.so.cache",
    ]  # fmt: skip
    helper = f"""
import os
def _opens():
    create = os.O_WRONLY | os.O_CREAT
    for flags, paths in ((os.O_RDONLY, {reads!r}), (create, {writes!r})):
        for path in paths:
            try:
                os.close(os.open(path, flags))
            except OSError:
                continue
            return True
    return "COURSEKIT_TEST_SECRET" in os.environ
"""
    attack = only_if("he_std", "_opens()")
    result = outcome(submission({"he_std": attack}, first=helper))
    del os.environ["COURSEKIT_TEST_SECRET"]
    assert points(result)["he_std"] == 0
    assert points(result)["glorot_std"] == 3
    assert not (tmp_path / "written").exists()


DENIED_CALLS = f"""{LIBC}
found = []
for name, number in NUMBERS:
    ctypes.set_errno(0)
    answer = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    if answer != -1 or ctypes.get_errno() != 1:
        found.append([name, answer, ctypes.get_errno()])
return found
"""


def test_every_call_of_the_filter_is_denied(supply):
    numbers = [(name, pair[COLUMN]) for name, pair in DENIED.items()]
    numbers = [(name, number) for name, number in numbers if number >= 0]
    body = DENIED_CALLS.replace("NUMBERS", repr(numbers))
    assert ask(supply, body) == []


CAPABLE = {
    "set the clock": "libc.syscall(227, 0, (ctypes.c_long * 2)(10**9, 0))",
    "set the host name": "libc.sethostname(b'x', 1)",
    "load a module": "libc.syscall(175, b'x', 1, b'')",
    "load a kernel": "libc.syscall(246, 0, 0, 0, 0)",
    "reboot": "libc.syscall(169, 0xFEE1DEAD, 672274793, 0)",
    "swap": "libc.swapon(b'/tmp/x', 0)",
    "account": "libc.acct(0)",
    "ports": "libc.syscall(172, 3)",
    "a device": "libc.mknod(b'/tmp/null', 0o020600, 0x103)",
    "an owner": "libc.setgroups(0, 0)",
    "another user": "libc.setuid(0)",
    "another root": "libc.syscall(161, b'/tmp')",
    "another priority": "libc.setpriority(0, 0, -5)",
    "real time": "libc.sched_setscheduler(0, 1, ctypes.byref(ctypes.c_int(1)))",
    "more files": "libc.setrlimit(7, (ctypes.c_ulong * 2)(10**6, 10**6))",
}


@pytest.mark.skipif(not IS_X86, reason="the numbers are those of x86-64")
def test_nothing_that_needs_a_capability_succeeds(supply):
    lines = [f"found.append([{n!r}, {call}])" for n, call in CAPABLE.items()]
    told = ask(supply, "\n".join([LIBC, "found = []", *lines, "return found"]))
    assert [name for name, answer in told if answer != -1] == []


SYSTEM = {
    "spawn": "__import__('subprocess').run(['/usr/bin/true']).returncode == 0",
    "system": "__import__('os').system('true') == 0",
    "posix_spawn": "__import__('os').posix_spawn('/usr/bin/true', ['true'], {})",
    "run in its place": "__import__('os').execv('/usr/bin/true', ['true'])",
    "run from memory": (
        "__import__('os').execve(__import__('os').memfd_create('x'), ['x'], {})"
    ),
    "a pool": "__import__('multiprocessing').Pool(1)",
    "clone userns": "libc.syscall(56, 0x10000011, 0) >= 0",
    "clone3": "libc.syscall(435, (ctypes.c_ulong * 11)(0, 0, 0, 0, 17), 88) >= 0",
    "i386": "libc.syscall(0x40000000 + 57) >= 0",
    "kill all": "__import__('os').kill(-1, 9) is None and False",
    "lease": "__import__('fcntl').fcntl(open('/usr/bin/env'), 1024, 0) == 0",
    "link": "__import__('os').link('/usr/bin/env', '/tmp/env') is None",
    "remount": "libc.mount(0, b'/usr', 0, 4128, 0) == 0",
    "unmount": "libc.umount2(b'/tmp', 2) == 0",
    "host name": "__import__('socket').gethostname() != 'sandbox'",
    "a parent": "__import__('os').getppid() != 0",
}


def test_the_kernel_refuses(supply):
    body = those_that_work(SYSTEM).replace("eval(expression", "eval(expression, space")
    space = "space = dict(globals(), libc=libc, ctypes=ctypes)"
    assert ask(supply, f"{LIBC}{space}\n{body}") == []
    assert ask(supply, those_that_work({"control": "1 == 1"})) == ["control"]


def test_no_other_process_is_there_to_be_signalled_or_traced(supply):
    body = f"""{LIBC}
import os
def there(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True
found = [n for n in range(2, 40000) if there(n)]
found += [n for n in (0, 1, 2) if libc.ptrace(16, n, 0, 0) == 0]
return found + os.listdir("/proc")
"""
    assert sorted(map(str, ask(supply, body))) == ["cpuinfo", "meminfo", "stat"]


def test_the_files_of_devices_are_not_changed(supply):
    path = Path("/dev/null")
    before = path.stat()
    body = """
import os
found = []
for change in (
    lambda: os.chmod("/dev/null", 0o600),
    lambda: os.chmod(os.open("/dev/null", os.O_RDONLY), 0o600),
    lambda: os.chown("/dev/null", os.getuid(), os.getgid()),
    lambda: os.utime("/dev/null", (1, 1)),
    lambda: os.setxattr("/dev/null", "user.x", b"1"),
    lambda: os.remove("/dev/null"),
    lambda: os.rename("/tmp", "/dev/x"),
):
    try:
        change()
        found.append(1)
    except OSError:
        found.append(0)
return found
"""
    assert ask(supply, body) == [0] * 7
    after = path.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    assert stat.S_IMODE(after.st_mode) == stat.S_IMODE(before.st_mode)


LINKS = """
import os
found = []
for target in TARGETS:
    os.symlink(target, "/tmp/link")
    try:
        found.append(open("/tmp/link", "rb").read(1))
    except OSError:
        pass
    os.remove("/tmp/link")
open("/tmp/mark-of-mallory", "w").write("x")
open("/dev/shm/mark-of-mallory-too", "w").write("x")
return len(found)
"""


def test_links_lead_nowhere_and_files_of_tmp_stay_inside(supply, tmp_path):
    (tmp_path / "secret").write_text("hidden", encoding="utf-8")
    targets = [str(tmp_path / "secret"), "/etc/passwd", "/proc/1/root" + "/etc/passwd"]
    targets += [
        "/proc/self/fd/3",
        "../../../../../root/.bashrc",
        "/stage/../etc/shadow",
    ]
    assert ask(supply, LINKS.replace("TARGETS", repr(targets))) == 0
    assert not list(Path("/tmp").glob("mark-of-mallory*"))
    assert not list(Path("/dev/shm").glob("mark-of-mallory*"))
    assert (
        ask(supply, "import os\nreturn os.path.exists('/tmp/mark-of-mallory')") is False
    )


def test_only_what_python_needs_is_seen(supply):
    from coursekit.labs.grading.confine import mounted

    tops = {Path(p).parts[1] for p in mounted()} | {
        "dev",
        "etc",
        "proc",
        "stage",
        "tmp",
    }
    assert set(ask(supply, "import os\nreturn os.listdir('/')")) <= tops
    body = (
        "import os\nreturn [dict(os.environ), os.listdir('/etc'), os.listdir('/dev')]"
    )
    environment, etc, devices = ask(supply, body)
    assert "COURSEKIT" not in str(environment)
    assert set(environment) <= {
        "PATH", "HOME", "LANG", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PWD", "USER",
        "OPENBLAS_NUM_THREADS", "MPLBACKEND", "MPLCONFIGDIR", "CUDA_VISIBLE_DEVICES",
    } | {n for n in environment if n.startswith(("KMP_", "TORCH"))}  # fmt: skip
    assert etc == ["ld.so.cache"]
    assert set(devices) == {"null", "zero", "full", "random", "urandom", "shm"}


PEER = f"""{LIBC}
import os, socket, stat
def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
wire = socket.socket(fileno=os.dup(next(n for n in range(3, 64) if is_socket(n))))
try:
    peer = wire.getsockopt(socket.SOL_SOCKET, 77)  # SO_PEERPIDFD, since Linux 6.5
except OSError:
    return []
reached = [["signal", n] for n in (0, 9, 18) if libc.syscall(424, peer, n, 0, 0) == 0]
reached += [["files", n] for n in range(64) if libc.syscall(438, peer, n, 0) >= 0]
reached += [["namespace", k] for k in range(32) if libc.ioctl(peer, 0xFF00 + k, 0) >= 0]
reached += [["enter"]] * (libc.setns(peer, 0x20000000) == 0)
return reached
"""


def test_who_holds_the_other_end_of_the_connection_cannot_be_reached(supply):
    """The kernel gives a handle on the coordinator; nothing can be done with it."""
    assert ask(supply, PEER) == []
