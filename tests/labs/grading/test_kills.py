"""Whatever is killed in the middle: nothing graded is lost, and nothing goes on alone.

The grader is the real command in a process of its own, started in a session of its own;
this process adopts what it leaves, so that nothing can hide.
"""

import csv
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attacks import control_groups, named, processes, wait_for
from grading_notebooks import LAB, submission

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.sandbox
ADOPT = 36  # PR_SET_CHILD_SUBREAPER
OURS = ("grading.worker", "grading.zygote", "bwrap", "coursekit")
N, PAUSE = 3, 2.0


@pytest.fixture
def course(tmp_path):
    """A class whose notebooks take a while, and what starts the grader on it."""
    ctypes.CDLL(None).prctl(ADOPT, 1)
    folder = tmp_path / "submissions"
    folder.mkdir()
    for k in range(N):
        pause = f"import time\ntime.sleep({PAUSE if k else 0})\nnumber = {k}"
        text = json.dumps(submission(first=pause))
        (folder / f"s{k}.ipynb").write_text(text, encoding="utf-8")
    return Course(tmp_path)


class Course:
    def __init__(self, root):
        self.root, self.out = root, root / "out"
        self.owners = set()

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
        """Wait until one is recorded and another is graded; list what runs."""
        wait_for(lambda: list(self.out.glob("autograded/*")) or process.poll())
        assert process.poll() is None, process.communicate()
        time.sleep(0.5)
        found = processes(process.pid)
        self.owners |= found | {process.pid}
        return found

    def nothing_goes_on(self):
        """Assert that no process of the grader survives."""
        wait_for(lambda: not named(processes(os.getpid()), *OURS))

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
    assert named(course.in_the_middle(process), "grading.zygote")
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


def leaf(numbers):
    """Choose the worker: the process without a child, below the zygote."""
    zygotes = named(numbers, "grading.zygote")
    return [n for n in zygotes if not processes(n)]


def inner(numbers):
    """Choose the zygote itself, whose parent is bubblewrap."""
    workers = leaf(numbers)
    return [
        n
        for n in named(numbers, "grading.zygote")
        if processes(n) & set(workers) and b"bwrap" not in line(n)
    ]


def line(number):
    return Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[0]


def test_a_killed_zygote_costs_no_point(course):
    process = course.start(1)
    zygotes = inner(course.in_the_middle(process))
    assert zygotes
    os.kill(zygotes[0], signal.SIGKILL)
    course.all_is_graded(process, graded=N)


def test_a_killed_worker_costs_at_most_a_cell(course):
    process = course.start(1)
    workers = leaf(course.in_the_middle(process))
    assert len(workers) == 1
    os.kill(workers[0], signal.SIGKILL)
    course.all_is_graded(process, graded=N)


def test_a_killed_grader_is_replaced(course):
    process = course.start(2)
    found = course.in_the_middle(process)
    graders = [n for n in named(found, "coursekit") if b"python" in line(n)]
    graders = [n for n in graders if n not in named(found, "grading.zygote", "bwrap")]
    assert len(graders) == 2
    os.kill(graders[0], signal.SIGKILL)
    course.all_is_graded(process, graded=N)
