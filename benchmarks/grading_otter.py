"""Grade submissions with otter-grader, in an environment of its own; see `grading`.

    python benchmarks/grading_otter.py SUBMISSIONS COUNT QUESTION=POINTS ...

It imports nothing of coursekit: otter-grader's requirements need not agree with those
of the others, but its kernel must find `coursekit` and torch. Each test is the cell
that nbgrader runs, with otter's default of one kernel a submission. It prints the
seconds that one took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path

TEST = """\
from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}
points = {points}


@test_case()
def test_check(env):
    assert env["check"]({name!r}, env[{name!r}]).passed
"""


def autograder(path: Path, questions: dict[str, float]) -> None:
    """Write otter's archive: a test a question, and what it is to run."""
    with zipfile.ZipFile(path, "w") as file:
        config = {"lang": "python", "print_summary": False}
        file.writestr("otter_config.json", json.dumps(config))
        for name, points in questions.items():
            file.writestr(f"tests/{name}.py", TEST.format(name=name, points=points))


def main() -> None:
    """Grade the first submissions of a folder one by one."""
    from otter.api import grade_submission

    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    questions = {n: float(p) for n, p in (word.split("=") for word in sys.argv[3:])}
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "autograder.zip"
        autograder(archive, questions)
        started = time.perf_counter()
        for path in sorted(folder.glob("*.ipynb"))[:count]:
            results = grade_submission(str(path), str(archive), quiet=True)
            assert results.total == sum(questions.values()), results
        print((time.perf_counter() - started) / count)


if __name__ == "__main__":
    main()
