"""Grade the same right submissions as nbgrader does, and print the ratios.

    python benchmarks/grading.py                 # 40 submissions here, 4 by nbgrader
    python benchmarks/grading.py --ours 200 --theirs 10 --workers 2
    python benchmarks/grading.py --otter ENVIRONMENT/bin/python

Both grade copies of the instructors' own answers to one lab. nbgrader's `autograde` is
called in one process for all of them, as its command does; it starts a kernel for each
notebook, imports torch, runs the visible checks and draws the pictures. Ours runs the
visible checks and the hidden ones, in a sandbox. otter-grader, where an environment has
it, is given the checks that nbgrader runs. Rounds alternate, so that a busy machine
slows all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = "11_initialization"
ROUNDS = 2


def answers(number: int) -> str:
    """Make one right submission: the released notebook with the source's solutions."""
    released = json.loads((ROOT / "labs" / f"{LAB}.ipynb").read_text("utf-8"))
    source = json.loads((ROOT / "labs" / "source" / f"{LAB}.ipynb").read_text("utf-8"))
    found = {}
    for cell in source["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("solution"):
            found[mark["grade_id"]] = cell["source"]
    for cell in released["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("solution"):
            cell["source"] = found[mark["grade_id"]]
    released["cells"].append({
        "cell_type": "markdown",
        "id": "own",
        "metadata": {},
        "source": f"Submission {number}.",
    })
    return json.dumps(released)


def alone(folder: Path, count: int) -> float:
    """Grade in one process, without gradebook and pages; give seconds each."""
    from coursekit.labs import lab
    from coursekit.labs.grading.folder import Found
    from coursekit.labs.grading.limits import Limits
    from coursekit.labs.grading.submission import read
    from coursekit.labs.grading.task import Task, perform, release

    def one(k: int) -> str:
        path = folder / f"s{k:05d}.ipynb"
        found = read(Found(path.stem, path), lab(LAB), folder)
        return perform(Task(found, LAB, b"s" * 64, Limits()))

    one(0)  # the zygote imports torch once a run, not once a submission
    started = time.perf_counter()
    for k in range(count):
        assert json.loads(one(k))["status"] == "ok"
    seconds = time.perf_counter() - started
    release()
    return seconds / count


def whole(folder: Path, count: int, workers: int, out: Path) -> float:
    """Grade with gradebook, table and pages; give seconds each, start included."""
    from coursekit.labs.grading.run import grade

    shutil.rmtree(out, ignore_errors=True)
    started = time.perf_counter()
    secret = out.with_name("secret")
    report = grade(LAB, folder, out, secret=secret, workers=workers, progress=False)
    assert report.statuses == {"ok": count}
    return (time.perf_counter() - started) / count


def theirs(course: Path, count: int) -> float:
    """Have nbgrader autograde, from an empty gradebook; give seconds each."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    for name in ("autograded", "gradebook.db"):
        path = course / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(True)
    config = Config()
    config.CourseDirectory.root = str(course)
    config.Execute.timeout, config.Execute.iopub_timeout = 600, 120
    api = NbGraderAPI(config=config)
    done = api.generate_assignment(LAB, force=True)
    assert done["success"], done["log"]
    started = time.perf_counter()
    for k in range(count):
        done = api.autograde(LAB, f"s{k:05d}")
        assert done["success"], done["log"]
    return (time.perf_counter() - started) / count


def otter(python: str, folder: Path, count: int) -> float:
    """Grade by otter-grader in its own environment; give seconds each."""
    from coursekit.labs import lab

    points = [f"{e.name}={e.points}" for e in lab(LAB).exercises]
    program = Path(__file__).with_name("grading_otter.py")
    command = [python, str(program), str(folder), str(count), *points]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(run.stdout.split()[-1])


def prepare(root: Path, ours: int, count: int) -> tuple[Path, Path]:
    """Write a folder of submissions, and nbgrader's course with the first of them."""
    folder, course = root / "submissions", root / "course"
    folder.mkdir()
    for k in range(ours):
        (folder / f"s{k:05d}.ipynb").write_text(answers(k), "utf-8")
    source = course / "source" / LAB
    source.mkdir(parents=True)
    shutil.copy(ROOT / "labs" / "source" / f"{LAB}.ipynb", source)
    for k in range(count):
        place = course / "submitted" / f"s{k:05d}" / LAB
        place.mkdir(parents=True)
        (place / f"{LAB}.ipynb").write_text(answers(k), "utf-8")
    return folder, course


def main() -> None:
    """Time all in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", type=int, default=40)
    parser.add_argument("--theirs", type=int, default=4)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--otter", metavar="PYTHON", help="which has otter-grader")
    options = parser.parse_args()
    bin_ = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([bin_, os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder, course = prepare(root, options.ours, options.theirs)
        n, out = options.ours, root / "out"
        ways: dict[str, Callable[[], float]] = {
            "nbgrader autograde": lambda: theirs(course, options.theirs),
            "ours, one process": lambda: alone(folder, n),
            "ours, all written": lambda: whole(folder, n, 1, out),
            f"ours, {options.workers} processes": lambda: whole(
                folder, n, options.workers, out
            ),
        }
        if options.otter:
            ways["otter-grader"] = lambda: otter(options.otter, folder, options.theirs)
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, run in ways.items():
                times[way].append(run())
    base = statistics.median(times["nbgrader autograde"])
    for way, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{way:22}{1000 * median:8.0f} ms a submission {base / median:8.1f} ×")


if __name__ == "__main__":
    main()
