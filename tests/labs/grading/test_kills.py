"""Whatever is killed in the middle: nothing graded is lost, and nothing goes on alone.

The grader is the real command in a process of its own, started in a session of its own;
this process adopts what it leaves, so that nothing can hide.
"""

import contextlib
import csv
import ctypes
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import control_groups, named, processes, wait_for
from grading_notebooks import LAB, submission

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.sandbox
ADOPT = 36  # PR_SET_CHILD_SUBREAPER
OURS = ("grading.worker", "grading.zygote", "bwrap", "coursekit")
PAUSES = (0, 4, 1)  # seconds; the second is in the middle
N = len(PAUSES)


@pytest.fixture
def course(tmp_path):
    """A class whose notebooks take a while, and what starts the grader on it."""
    ctypes.CDLL(None).prctl(ADOPT, 1)
    folder = tmp_path / "submissions"
    folder.mkdir()
    for k, seconds in enumerate(PAUSES):
        pause = f"import time\ntime.sleep({seconds})\nnumber = {k}"
        text = json.dumps(submission(first=pause))
        (folder / f"s{k}.ipynb").write_text(text, encoding="utf-8")
    return Course(tmp_path)


class Course:
    def __init__(self, root):
        self.root, self.out = root, root / "out"
        self.owners, self.before = set(), processes(os.getpid())

    def start(self, workers):
        command = [sys.executable, "-m", "coursekit", "grade", LAB]
        command += [str(self.root / "submissions"), "--out", str(self.out), "--quiet"]
        command += ["--secret", str(self.root / "secret"), "--workers", str(workers)]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def in_the_middle(self, process):
        """Wait until one is recorded and another is graded."""
        wait_for(lambda: self.recorded() or process.poll() is not None)
        wait_for(lambda: workers_in(process) or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        self.owners |= processes(process.pid) | {process.pid}

    def recorded(self):
        """Count what the gradebook has."""
        url = f"file:{self.out / 'gradebook.db'}?mode=ro"
        count = "select count(*) from coursekit_outcome"
        try:
            with contextlib.closing(sqlite3.connect(url, uri=True)) as book:
                return book.execute(count).fetchone()[0]
        except sqlite3.Error:
            return 0

    def nothing_goes_on(self):
        """Assert that no process of the grader survives."""
        wait_for(lambda: not named(processes(os.getpid()) - self.before, *OURS))

    def no_group_is_left(self):
        """Assert that no control group of a grader survives."""
        assert [group for o in self.owners for group in control_groups(o)] == []

    def all_is_graded(self, process, graded):
        """Assert that a run ends with all its points, and leaves nothing."""
        said, errors = process.communicate()
        assert process.returncode == 0, errors
        done, rest = said.split(" graded, ")
        assert int(done) + int(rest.split(" kept")[0]) == N
        assert int(done) <= graded
        with open(self.out / "grades.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["status"], row["total"]) for row in rows] == [("ok", "21")] * N
        self.nothing_goes_on()
        self.owners.add(process.pid)
        self.no_group_is_left()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_coordinator(course, workers):
    process = course.start(workers)
    course.in_the_middle(process)
    process.kill()
    process.communicate()
    assert not (course.out / "grades.csv").exists()
    course.nothing_goes_on()
    course.all_is_graded(course.start(workers), graded=N - 1)


@pytest.mark.parametrize(
    ("workers", "number"),
    [(1, signal.SIGTERM), (2, signal.SIGINT), (2, signal.SIGTERM)],
)
def test_a_stopped_coordinator_says_how_to_go_on(course, workers, number):
    process = course.start(workers)
    course.in_the_middle(process)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command to go on" in said
    assert "Traceback" not in errors
    with open(course.out / "grades.csv", encoding="utf-8", newline="") as file:
        assert 1 <= len(list(csv.DictReader(file))) < N
    course.nothing_goes_on()
    course.no_group_is_left()


def line(number):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    return [b""]


def workers_in(process):
    """List the workers: they have no child, and are forks of the zygote."""
    found = named(processes(process.pid), "grading.zygote")
    return [n for n in found if not processes(n) and b"bwrap" not in line(n)[0]]


def zygotes_in(process):
    """List the zygotes at work: below bubblewrap, above a worker."""
    found = named(processes(process.pid), "grading.zygote")
    return [n for n in found if processes(n) and b"bwrap" not in line(n)[0]]


def graders_in(process):
    """List the forks of the coordinator."""
    found = named(processes(process.pid), "coursekit")
    return [n for n in found if line(n)[1:4] == [b"-m", b"coursekit", b"grade"]]


def kill_one(those, process):
    """Kill one of some processes, as soon as there is one."""

    def killed():
        for number in those(process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
                return True
        return process.poll() is not None

    wait_for(killed)
    assert process.poll() is None


@pytest.mark.parametrize(
    ("those", "workers"), [(workers_in, 1), (zygotes_in, 1), (graders_in, 2)]
)
def test_what_is_killed_below_the_coordinator_costs_no_point(course, those, workers):
    process = course.start(workers)
    course.in_the_middle(process)
    kill_one(those, process)
    course.all_is_graded(process, graded=N)
