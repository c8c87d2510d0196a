"""What the hostile tests share: attacks in groups, probes, and what may not be left.

Most attackers answer rightly only if their attack works, so any point is a broken wall.
"""

import contextlib
import os
import time
from pathlib import Path

import pytest
from grading_notebooks import QUESTIONS

from coursekit.labs.grading.examinee import Examinee
from coursekit.labs.grading.limits import Limits

LIMITS = Limits(question=5, cell=5, submission=60)
PATIENT = Limits(question=60, cell=60, submission=240)
WRONG = {name: f"def {name}(*args):\n    return 1.0" for name in QUESTIONS}
NOTHING = dict.fromkeys(QUESTIONS, 0)
GUEST = QUESTIONS[-1]  # answered rightly beside four attacks
FULL = 4  # its points
WORKS = """
def _works(expression):
    try:
        return eval(expression)
    except BaseException:
        return False
"""
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


def points(outcome):
    return {q.name: q.points for q in outcome.questions if not q.written}


def kinds(outcome):
    return {q.name: q.kind for q in outcome.questions if not q.written}


def groups(attacks):
    """Spread attacks over the first four questions of as many submissions as needed."""
    names = list(attacks)
    for start in range(0, len(names), len(QUESTIONS) - 1):
        yield dict(
            zip(QUESTIONS, names[start : start + len(QUESTIONS) - 1], strict=False)
        )


def together(attacks):
    """Name the groups, for the parameters of a test."""
    return pytest.mark.parametrize(
        "group", list(groups(attacks)), ids=lambda group: ", ".join(group.values())
    )


def function(name, body):
    return f"def {name}(*args):\n" + "\n".join("    " + x for x in body.splitlines())


def ask(supply, body, limits=PATIENT):
    """Run a function in a fresh worker and give what it returns."""
    cells = [{"source": function("probe", body), "grade_id": None}]
    with Examinee(cells, ["probe"], limits, supply) as examinee:
        examinee.begin()
        return examinee.ask(op="call", name="probe", args=[], kwargs={})


def those_that_work(attacks):
    """Write a function that names the expressions that are true and do not fail."""
    lines = WORKS.strip().splitlines()
    return "\n".join([
        *lines,
        f"return [n for n, e in {attacks!r}.items() if _works(e)]",
    ])


def processes(root):
    """List the processes below one, which adopts what its children leave."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found = {root}
    while more := {p for p, above in parents.items() if above in found} - found:
        found |= more
    return found - {root}


def named(numbers, *words):
    """Keep the processes whose command line has one of the words."""
    found = []
    for number in numbers:
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{number}/cmdline").read_bytes()
            if any(word.encode() in line for word in words):
                found.append(number)
    return found


def control_groups(owner):
    """List the control groups that a process made."""
    found = Path("/sys/fs/cgroup").rglob(f"coursekit-{owner}-*")
    return [path for path in found if path.is_dir()]


def wait_for(condition, seconds=300):
    """Wait until something is so; much longer than it ever takes."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found


def assert_nothing_left(supply):
    """Look for processes, control groups and files of workers that have ended."""
    zygote = supply.zygote
    if zygote is not None:
        assert not zygote.ended(0)  # bubblewrap, and the zygote inside it
        wait_for(lambda: len(processes(zygote.pid)) == 1)
    assert control_groups(os.getpid()) == []
    assert not list(Path("/tmp").glob("mark-of-mallory*"))
