"""Grade thousands of made submissions, stopped and killed on the way, and check all.

    python benchmarks/grading_scale.py FOLDER                # 10,000 of them
    python benchmarks/grading_scale.py FOLDER --count 200
    python benchmarks/grading_scale.py FOLDER --share 0.1    # most need no worker

The submissions of a lab are a seeded mix: right answers, each known mistake, missing
answers, loops, crashes, too much memory, other labs, broken files, odd names. What each
is to end with follows from how it is made; the points of a known mistake are those that
the checks give when they are called here, without a sandbox. The command `coursekit
grade` is interrupted after a third, killed after two thirds, and repeated; then some
students hand in anew. FOLDER keeps everything, so that this program can be stopped and
repeated too. With ``--share`` below 1, that share is the mix, and the others are files
of other labs and broken ones: all of the bookkeeping, little of the students' code.
"""

from __future__ import annotations

import argparse
import collections
import csv
import inspect
import itertools
import json
import os
import random
import signal
import statistics
import sys
from pathlib import Path

import psutil
from grading import LAB, answers
from grading_watch import Sample, done, load, watch

from coursekit.labs import lab
from coursekit.labs.grading.gradebook import Gradebook
from coursekit.labs.grading.prepared import Prepared
from coursekit.labs.local import LocalCaller

SECRET = b"5" * 64
IMPORT = "from coursekit.labs.exercise import Mutant"
MUTANT = "def Mutant(name, function, message, line=''): return function"
WRITTEN = "Because the gradient also has the factor a."
HOSTILE = {
    "timeout": "while True: pass",
    "killed": "import os; os._exit(1)",
    "out of memory": "return torch.ones(2**33).sum()",
}
MIX = {
    "right": 50,
    "mistake": 30,
    "missing answers": 8,
    "wrong lab": 4,
    "corrupt": 4,
    "killed": 2,
    "out of memory": 1.5,
    "timeout": 0.5,
}
UNREAD = ("corrupt", "wrong lab")
BROKEN = ("", "{", "[]", '{"cells": 3}', "\x00\x01", '{"cells": [{"source": 7}]}')
ODD = ("é ß 名", 'o\'brien "x"', "<b>bold", "=1+1", "a\nb", "x" * 90, "..dots")
AGAIN = 100  # one in so many hands in anew

Expected = dict[str, tuple[str, float]]  # status and points by student


class Maker:
    """Make submissions, and say what each is to end with."""

    def __init__(self) -> None:
        self.lab, self.base = lab(LAB), json.loads(answers(0))
        self.full = {e.name: e.points for e in self.lab.exercises}
        prepared = Prepared(self.lab, SECRET)
        self.mistakes = []
        for e in self.lab.exercises:
            for k, mutant in enumerate(e.mutants):
                caller = LocalCaller(mutant.function)
                earned = prepared.hidden[e.name].examine(caller, visible=False).earned
                module = sys.modules[f"coursekit.labs.mutants.{e.name}"]
                source = inspect.getsource(module).replace(IMPORT, MUTANT)
                source += f"\n{e.name} = MUTANTS[{k}]"
                self.mistakes.append((e.name, source, sum(earned.values())))

    def make(self, kind: str, k: int, rng: random.Random) -> tuple[str, str, float]:
        """Give the text of a submission, its status and its points."""
        all_ = sum(self.full.values())
        name = rng.choice(list(self.full))
        if kind == "right":
            return self.text(k, {}), "ok", all_
        if kind == "mistake":
            name, source, points = self.mistakes[k % len(self.mistakes)]
            left = all_ - self.full[name]
            return self.text(k, {name: source}), "ok", left + points
        if kind == "corrupt":
            return rng.choice(BROKEN), kind, 0.0
        if kind == "wrong lab":
            return self.text(k, {}, only=f"def other_{k}(x):\n    return x"), kind, 0.0
        body = HOSTILE.get(kind, "raise NotImplementedError")
        source = f"def {name}(*args):\n    {body}"
        return self.text(k, {name: source}), kind, all_ - self.full[name]

    def text(self, k: int, changes: dict[str, str], only: str = "") -> str:
        """Write a notebook: right answers, but for the changes."""
        notebook = json.loads(json.dumps(self.base))
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if name in changes:
                cell["source"] = changes[name]
        if only:
            code = {"cell_type": "code", "metadata": {}, "source": only, "outputs": []}
            notebook["cells"] = [code]
        notebook["cells"][-1]["source"] += f"\n# {k}"
        return json.dumps(notebook)


def prepare(root: Path, count: int, seed: int, share: float) -> Expected:
    """Write the submissions, unless they are there, and what is expected of each."""
    path, folder = root / "expected.json", root / "submissions"
    if path.exists():
        return {n: (s, p) for n, (s, p) in json.loads(path.read_text("utf-8")).items()}
    for one in (folder, root / "tmp"):
        one.mkdir(parents=True, exist_ok=True)
    maker, rng, expected = Maker(), random.Random(seed), {}
    for k in range(count):
        name = f"s{k:05d}"
        if rng.random() < 0.03:
            name += rng.choice(ODD)
        kind = rng.choices(list(MIX), list(MIX.values()))[0]
        if rng.random() >= share:
            kind = rng.choice(UNREAD)
        text, status, points = maker.make(kind, k, rng)
        (folder / f"{name}.ipynb").write_text(text, "utf-8")
        expected[name] = (status, points)
    (root / "secret").write_bytes(SECRET)
    (root / "secret").chmod(0o600)
    path.write_text(json.dumps(expected), "utf-8")
    return expected


def hand_in_anew(root: Path, expected: Expected) -> int:
    """Have some students hand in right answers; say how many."""
    maker, some = Maker(), list(expected)[::AGAIN]
    for k, name in enumerate(some):
        text, status, points = maker.make("right", 10**6 + k, random.Random(k))
        (root / "submissions" / f"{name}.ipynb").write_text(text, "utf-8")
        expected[name] = (status, points)
    (root / "expected.json").write_text(json.dumps(expected), "utf-8")
    return len(some)


def run(root: Path, number: int, options: argparse.Namespace, stop: int = 0) -> int:
    """Grade until the end, or until ``stop`` are done and a signal ends it."""
    command = [sys.executable, "-m", "coursekit", "grade", LAB, root / "submissions"]
    command += ["--out", root / "out", "--secret", root / "secret", "--quiet"]
    command += ["--workers", str(options.workers), "--seconds", str(options.seconds)]
    with open(root / f"run{number}.log", "w", encoding="utf-8") as log:
        grader = psutil.Popen(
            [str(word) for word in command],
            env={**os.environ, "TMPDIR": str(root / "tmp")},
            stdout=log,
            stderr=log,
        )
        every = min(5.0, options.count / 200)
        watch(number, grader, root, lambda n: bool(stop) and n >= stop, every)
        if grader.poll() is None:
            grader.send_signal(signal.SIGKILL if number == 1 else signal.SIGINT)
        return grader.wait()


def check(root: Path, expected: Expected) -> None:
    """Compare every submission with how it was made, and the files with the count."""
    book = Gradebook(f"sqlite:///{root / 'out' / 'gradebook.db'}", lab(LAB))
    found = {o.student: (o.status, o.points) for _, o in book.graded()}
    book.close()
    wrong = {n: (e, found.get(n)) for n, e in expected.items() if found.get(n) != e}
    counts = dict(collections.Counter(status for status, _ in found.values()))
    print(f"{len(found)} in the gradebook: {counts}")
    with open(root / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        lines = sum(1 for _ in csv.DictReader(file))
    pages = sum(1 for _ in (root / "out" / "feedback").glob("*.html"))
    print(f"{lines} lines in the table, {pages} pages; {len(wrong)} not as made")
    for name, (made, came) in list(wrong.items())[:20]:
        print(f"  {name!r}: made {made}, came {came}")
    assert not wrong
    assert lines == pages == len(expected) == len(found)


def tell(samples: list[Sample]) -> None:
    """Print what was held and spent in the first and in the last tenth of the work."""
    pairs = [
        (
            b,
            b.done - a.done,
            b.cpu - a.cpu,
            b.cpu_all - a.cpu_all,
            b.seconds - a.seconds,
        )
        for a, b in itertools.pairwise(samples)
        if a.run == b.run and b.done > a.done > 0
    ]
    tenth = max(1, len(pairs) // 10)
    ends = (pairs[:tenth], pairs[-tenth:])
    print(f"{'median of':24}{'first tenth':>14}{'last tenth':>14}")
    held = ("coordinator", "graders", "processes", "files", "cgroups", "temporary")
    for name in held:
        cells = [statistics.median(getattr(p[0], name) for p in end) for end in ends]
        print(f"{name:24}{cells[0]:14.1f}{cells[1]:14.1f}")
    spent = {"ms, coordinator": 2, "ms, all processes": 3, "ms, wall": 4}
    for name, k in spent.items():
        each = [sum(p[k] for p in end) / sum(p[1] for p in end) for end in ends]
        print(f"{name + ' each':24}{1000 * each[0]:14.1f}{1000 * each[1]:14.1f}")


def main() -> None:
    """Prepare, grade with two interruptions, check; hand in anew, grade, check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    # a shell has its background jobs ignore Ctrl-C, and so would what is started here
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = options.folder.resolve()
    expected = prepare(root, options.count, options.seed, options.share)
    count = len(expected)
    for number, stop in ((0, count // 3), (1, 2 * count // 3), (2, 0)):
        if done(root / "out" / "gradebook.db") < (stop or count):
            print(f"run {number} ended with {run(root, number, options, stop)}")
    tell(load(root))
    check(root, expected)
    again = hand_in_anew(root, expected)
    print(f"{again} handed in anew; the run ended with {run(root, 3, options)}")
    print((root / "run3.log").read_text("utf-8"))
    check(root, expected)


if __name__ == "__main__":
    main()
