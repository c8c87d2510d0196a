"""Several graders at once give what one gives, and losing one loses nothing."""

import csv
import json
import os
import signal
import threading

import pytest
from grading_notebooks import LAB, submission

from coursekit.labs.grading import crew
from coursekit.labs.grading.limits import Limits
from coursekit.labs.grading.run import grade

pytestmark = pytest.mark.sandbox
LIMITS = Limits(question=60, cell=60, submission=240)
WRONG = {"he_std": "def he_std(shape, mode, a):\n    return 1.0"}


@pytest.fixture
def class_of(tmp_path):
    """A function that makes a folder of submissions and gives where to grade it."""

    def make(count, pause=0.0):
        folder = tmp_path / "submissions"
        folder.mkdir(exist_ok=True)
        for k in range(count):
            first = f"import time\ntime.sleep({pause})\nnumber = {k}"
            notebook = submission(WRONG if k % 2 else {}, first=first)
            path = folder / f"s{k:03d}.ipynb"
            path.write_text(json.dumps(notebook), encoding="utf-8")
        return folder

    return make


def run(folder, out, **options):
    secret = folder.parent / "secret"
    options = {"limits": LIMITS, "progress": False} | options
    return grade(LAB, folder, out, secret=secret, **options)


def table(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_two_graders_give_what_one_gives(class_of, tmp_path):
    folder = class_of(6)
    run(folder, tmp_path / "one")
    report = run(folder, tmp_path / "two", workers=2)
    assert report.graded == 6
    assert table(tmp_path / "two") == table(tmp_path / "one")
    assert len({row[2] for row in table(tmp_path / "two")[1:]}) == 2


def test_graders_that_always_break_end_the_run(monkeypatch):
    monkeypatch.setattr(crew, "perform", _die)
    monkeypatch.setattr(crew, "LOSSES", 1)
    with pytest.raises(crew.BrokenExecutor, match="lost 2 times"):
        list(crew.outcomes([(k, k) for k in range(3)], workers=2))


def _die(task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_no_more_is_read_than_is_dealt_out(monkeypatch):
    monkeypatch.setattr(crew, "perform", lambda task: task)
    monkeypatch.setattr(crew.Outcome, "from_json", staticmethod(lambda text: text))
    monkeypatch.setattr(crew, "executor", _here)
    read = []
    tasks = ((k, read.append(k) or str(k)) for k in range(1000))
    found = crew.outcomes(tasks, workers=2)
    next(found)
    assert len(read) <= 2 * crew.AHEAD * 2
    assert len(list(found)) == 999


def _here(workers, scheduler):
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers)


def test_a_cluster_grades_the_same_and_loses_nothing(class_of, tmp_path):
    distributed = pytest.importorskip("distributed")
    folder = class_of(6, pause=0.5)
    run(folder, tmp_path / "here")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]
        lost = threading.Timer(4.0, os.kill, (pids[0], signal.SIGKILL))
        lost.start()
        report = run(folder, tmp_path / "there", scheduler=cluster.scheduler_address)
        lost.cancel()
    assert report.graded == 6
    assert table(tmp_path / "there") == table(tmp_path / "here")


def test_a_scheduler_that_does_not_answer_is_said(class_of, tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(ValueError, match="no scheduler answers at tcp"):
        run(class_of(1), tmp_path / "out", scheduler="tcp://127.0.0.1:9")
